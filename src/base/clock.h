// Time comes in through the constructor, like everything else that decides; tests run on a FakeClock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace packferry {

using Milliseconds = std::chrono::milliseconds;

class Clock {
 public:
  using WallTime = std::chrono::system_clock::time_point;
  using SteadyTime = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  virtual WallTime now() const = 0;       // the calendar: may jump
  virtual SteadyTime steady() const = 0;  // durations: never jumps
  // Waits; false when `stop` ended the wait.
  virtual bool sleep(Milliseconds duration, std::stop_token stop) = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime now() const override { return std::chrono::system_clock::now(); }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  bool sleep(Milliseconds duration, std::stop_token stop) override;
};

// Stands still until told otherwise; sleep() moves it and returns at once.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime start = WallTime(std::chrono::seconds(1'700'000'000))) : now_(start) {}
  WallTime now() const override;
  SteadyTime steady() const override;
  bool sleep(Milliseconds duration, std::stop_token stop) override;
  void advance(Milliseconds duration);

 private:
  mutable std::mutex mutex_;
  WallTime now_;
  SteadyTime steady_{};
};

// "2026-11-22T13:45:00Z"
std::string to_iso8601(Clock::WallTime time);
// "20261122T134500Z": the same instant where ':' and '-' are not welcome, as in a ref or an object key
std::string to_compact_iso8601(Clock::WallTime time);
// The way back, from 1970 to 2261; nothing for any other spelling.
std::optional<Clock::WallTime> from_iso8601(std::string_view text);
std::optional<Clock::WallTime> from_compact_iso8601(std::string_view text);

}  // namespace packferry
