#include "base/clock.h"

#include <fmt/chrono.h>

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

}  // namespace packferry
