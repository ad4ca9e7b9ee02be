#include "base/quantity.h"

#include <charconv>

#include "base/printable.h"

namespace packferry {

Result<std::uint64_t> parse_size(std::string_view text) {
  const Error wrong(ErrorKind::Invalid, "'{}' is no size; 500M and 2G are", printable(text, 100));
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || number == 0 || last - end > 1) return wrong;
  constexpr std::string_view kUnits = "KMG";
  const std::size_t unit = end == last ? 0 : kUnits.find(*end) + 1;  // what is not found becomes 0
  if (end != last && unit == 0) return wrong;
  if (number > (std::uint64_t{1} << (63 - 10 * unit))) return wrong;
  return number << (10 * unit);
}

Result<Milliseconds> parse_duration(std::string_view text) {
  constexpr std::size_t kDigitsMax = 5;
  int count = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, count);
  const bool is_count = error == std::errc() && count >= 0 && text.front() != '-' &&
                        end - text.data() <= static_cast<std::ptrdiff_t>(kDigitsMax);
  if (is_count && last - end == 1) {
    switch (*end) {
      case 's':
        return Milliseconds(std::chrono::seconds(count));
      case 'm':
        return Milliseconds(std::chrono::minutes(count));
      case 'h':
        return Milliseconds(std::chrono::hours(count));
      case 'd':
        return Milliseconds(std::chrono::days(count));
      case 'w':
        return Milliseconds(std::chrono::weeks(count));
      default:
        break;
    }
  }
  return Error(ErrorKind::Invalid, "'{}' is no length of time; 90s, 30m, 12h, 30d and 8w are", printable(text, 100));
}

}  // namespace packferry
