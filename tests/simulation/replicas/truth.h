// What really happened to one replica, in the order in which it did, and what is wrong by that. Kept beside the
// catalogue, which it never asks.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "catalogue/replica_records.h"

namespace packferry::simulation {

inline constexpr Milliseconds kSecond{1'000}, kMinute{60'000}, kHour{3'600'000};
inline constexpr Milliseconds kLease = kMinute;
inline constexpr Milliseconds kFreshness = kHour * 6;
// Of the lookout.
inline constexpr Milliseconds kLagMax = kMinute * 15;
inline constexpr Milliseconds kFailingMax = kMinute * 15;
inline constexpr Milliseconds kQueueMax = kMinute * 10;

// When something happened.
struct Moment {
  std::uint64_t step = 0;
  Milliseconds age{0};         // of the world: never jumps
  Milliseconds set_back{0};    // the calendar, in all
  Clock::WallTime calendar{};  // what it said
};

struct Truth {
  explicit Truth(Moment now) : created(now), last_trigger(now) {}

  Moment created;
  Moment last_trigger;
  std::uint64_t last_announcement = 0;  // number of the step
  std::int64_t newest_epoch = 0;
  std::map<std::int64_t, Moment> begun;  // by epoch
  std::set<std::int64_t> recorded;       // epochs
  std::uint64_t last_look = 0;           // the step in which the latest look that was recorded began
  std::optional<Moment> confirmed = {};  // when the latest began that was recorded as Equal
  bool is_paused = false;
  bool is_deleting = false;

  std::vector<Moment> unanswered = {};       // announcements, by no look that ended Equal
  std::optional<LookOutcome> outcome = {};   // of the latest look that was recorded
  std::optional<Moment> failing_since = {};  // the first look began whose failure was recorded, of those in a row
  bool is_held = false;                      // since the last that ended Equal
  bool is_approved = false;

  void triggered(bool is_announced, Moment now);
  void look_recorded(std::int64_t epoch, const Look& look);

  bool is_watched() const { return !is_paused && !is_deleting; }
  bool is_stale(Clock::WallTime now) const;
  bool is_failing(Clock::WallTime now) const;
  bool is_lagging(Clock::WallTime now) const;
  // For longer than is allowed a look has been due that nobody can begin: all who could are dead, since `dead_since`.
  bool is_left_alone(Moment dead_since, Moment now) const;
};

}  // namespace packferry::simulation
