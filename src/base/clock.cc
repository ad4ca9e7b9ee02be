#include "base/clock.h"

#include <fmt/chrono.h>

#include <algorithm>

namespace packferry {
namespace {

std::string format_utc(const char* format, Clock::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  return fmt::format(fmt::runtime(format), fmt::gmtime(seconds));
}

int number(std::string_view digits) {
  int value = 0;
  for (const char digit : digits) value = 10 * value + (digit - '0');
  return value;
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

std::optional<Clock::WallTime> from_compact_iso8601(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 16 || std::count_if(text.begin(), text.end(), is_digit) != 14) return std::nullopt;
  const int year = number(text.substr(0, 4));
  if (year < 1970 || year > 2261) return std::nullopt;  // nanoseconds in 64 bits go to April 2262

  const std::chrono::year_month_day day(std::chrono::year{year},
                                        std::chrono::month{static_cast<unsigned>(number(text.substr(4, 2)))},
                                        std::chrono::day{static_cast<unsigned>(number(text.substr(6, 2)))});
  if (!day.ok()) return std::nullopt;
  const Clock::WallTime time = std::chrono::sys_days(day) + std::chrono::hours(number(text.substr(9, 2))) +
                               std::chrono::minutes(number(text.substr(11, 2))) +
                               std::chrono::seconds(number(text.substr(13, 2)));
  // A 25th hour, a 'T' elsewhere: they would be written otherwise.
  return to_compact_iso8601(time) == text ? std::optional(time) : std::nullopt;
}

std::optional<Clock::WallTime> from_iso8601(std::string_view text) {
  std::string compact;
  std::copy_if(text.begin(), text.end(), std::back_inserter(compact), [](char c) { return c != '-' && c != ':'; });
  const std::optional<Clock::WallTime> time = from_compact_iso8601(compact);
  return time && to_iso8601(*time) == text ? time : std::nullopt;
}

}  // namespace packferry
