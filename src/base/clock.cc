#include "base/clock.h"

#include <fmt/chrono.h>

#include <algorithm>

namespace packferry {
namespace {

std::string format_utc(const char* format, Clock::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  return fmt::format(fmt::runtime(format), fmt::gmtime(seconds));
}

}  // namespace

bool SystemClock::sleep(Milliseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

Clock::WallTime FakeClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

Clock::SteadyTime FakeClock::steady() const {
  const std::lock_guard lock(mutex_);
  return steady_;
}

bool FakeClock::sleep(Milliseconds duration, std::stop_token stop) {
  if (stop.stop_requested()) return false;
  advance(duration);
  return true;
}

void FakeClock::advance(Milliseconds duration) {
  const std::lock_guard lock(mutex_);
  now_ += duration;
  steady_ += duration;
}

std::string to_iso8601(Clock::WallTime time) { return format_utc("{:%Y-%m-%dT%H:%M:%SZ}", time); }
std::string to_compact_iso8601(Clock::WallTime time) { return format_utc("{:%Y%m%dT%H%M%SZ}", time); }

std::optional<Clock::WallTime> from_iso8601(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size() || !text.ends_with('Z')) return std::nullopt;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] == '0' ? !is_digit(text[i]) : text[i] != kShape[i]) return std::nullopt;
  const std::string_view fraction = text.substr(kShape.size(), text.size() - kShape.size() - 1);
  if (!fraction.empty() &&
      (fraction.size() == 1 || fraction[0] != '.' || !std::all_of(fraction.begin() + 1, fraction.end(), is_digit)))
    return std::nullopt;

  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
    return value;
  };
  const std::chrono::year_month_day day(std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2))));
  const std::chrono::hours hour(number(11, 2));
  const std::chrono::minutes minute(number(14, 2));
  const std::chrono::seconds second(number(17, 2));
  // What fits into nanoseconds, and is no mistake.
  const bool in_range = day.year() >= std::chrono::year(1970) && day.year() <= std::chrono::year(2261);
  if (!in_range || !day.ok() || hour.count() > 23 || minute.count() > 59 || second.count() > 60) return std::nullopt;
  return std::chrono::sys_days(day) + hour + minute + second;
}

}  // namespace packferry
