// When a replica is looked at though nobody asks: "every 5m", or the five fields of cron(5), in a time zone. Pure.
//
//   every 5m
//   30 2 * * 1-5 Europe/Berlin
//
// Where clocks are put forward, what falls into the hour that there is not happens at its end; where they are put back,
// what falls into the hour that there is twice happens once. Times with an hour of `*` go on as if nothing was.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace packferry {

class Schedule {
 public:
  // An interval of a second or more; or minute, hour, day of the month, month, day of the week (0 and 7 are Sunday), as
  // numbers, English names, `*`, ranges, steps and lists; then a time zone of the system's, or none for UTC. Of two
  // days that are not `*` one is enough, as in cron. Invalid otherwise, and when that time never comes ("0 0 30 2 *").
  static Result<Schedule> parse(std::string_view text);

  // The next time after `after`. Another seed gives another offset: within the interval, or the first minute after a
  // time of cron, so that what has the same schedule does not happen at once.
  Clock::WallTime next_run(Clock::WallTime after, std::uint64_t seed) const;

 private:
  // No offset; none: in no year that there will be a machine for.
  std::optional<Clock::WallTime> next_time(Clock::WallTime after) const;

  Milliseconds interval_{0};  // 0: the fields below
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;     // from 1
  std::bitset<13> months_;   // from 1
  std::bitset<7> weekdays_;  // from Sunday
  bool any_hour_ = false;    // `*`, or with steps
  bool any_day_ = false;
  bool any_weekday_ = false;
  std::string zone_;
};

}  // namespace packferry
