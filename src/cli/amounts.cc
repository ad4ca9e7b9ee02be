#include "cli/amounts.h"

#include <fmt/format.h>

namespace packferry {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string counted(std::uint64_t number, std::string_view noun) {
  if (number == 1) return fmt::format("1 {}", noun);
  if (noun.ends_with('y')) return fmt::format("{} {}ies", grouped(number), noun.substr(0, noun.size() - 1));
  return fmt::format("{} {}s", grouped(number), noun);
}

std::string in_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  static constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  // 1023.95 would print as "1024.0".
  while (amount >= 1023.95 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string in_seconds(Milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms < 10'000) return fmt::format("{:.2f} s", static_cast<double>(ms) / 1000);
  if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const std::int64_t seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds % 3600 / 60);
}

std::string bytes_a_second(std::uint64_t bytes, Milliseconds duration) {
  if (duration.count() <= 0) return {};
  const double rate = static_cast<double>(bytes) * 1000 / static_cast<double>(duration.count());
  return in_bytes(static_cast<std::uint64_t>(rate)) + "/s";
}

}  // namespace packferry
