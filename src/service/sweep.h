// One pass over many repositories: each is worked on once, some at a time, and what is worth another try gets one. A
// host that says "slow down" is given fewer at a time and a pause; the others go on.
//
// A lane is what throttles as one: an account and region of a host. A host that throttles narrows its lane by half;
// each round of that many successes widens it by one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/result.h"

namespace packferry {

struct SweepLimits {
  unsigned jobs = 8;                     // at a time, and at a time in one lane
  std::vector<unsigned> lane_jobs = {};  // at a time in lane i, where it is less
  unsigned attempts_max = 4;             // of one item
  Backoff backoff{.first = Milliseconds(2'000), .longest = Milliseconds(60'000)};
  std::uint64_t seed = 0;
};

// It may pass; or something moved under us, and the next attempt looks again.
inline bool is_worth_another_attempt(const Error& error) {
  return may_pass(error) || error.kind() == ErrorKind::Conflict;
}

// Pure: which item is next, at this time. Not for several threads at once.
class SweepSchedule {
 public:
  // `lanes[i]` is the lane of item i. Lanes take turns, items of a lane go in their order.
  SweepSchedule(const std::vector<std::size_t>& lanes, SweepLimits limits);

  struct Next {
    std::optional<std::size_t> item;
    // Nothing now: look again then, or when something has ended.
    std::optional<Clock::SteadyTime> look_again;
  };
  // The item is at work from now on, until one of the two below.
  Next next(Clock::SteadyTime now);
  // Would next() give an item?
  bool has_next(Clock::SteadyTime now) const;
  void done(std::size_t item);
  // It failed so. True: there will be another attempt.
  bool failed(std::size_t item, const Error& error, Clock::SteadyTime now);

  bool is_over() const { return unsettled_ == 0; }
  unsigned attempts(std::size_t item) const { return items_.at(item).attempts; }
  // How many may be at work in this lane now.
  unsigned width(std::size_t lane) const { return lanes_.at(lane).width; }

 private:
  struct Item {
    std::size_t lane = 0;
    unsigned attempts = 0;
  };
  struct Lane {
    std::deque<std::size_t> fresh;
    std::multimap<Clock::SteadyTime, std::size_t> later;  // by when they are due
    unsigned width = 1;
    unsigned at_work = 0;
    unsigned successes = 0;  // since the width changed
    unsigned throttles = 0;  // since one succeeded
    Clock::SteadyTime closed_until{};

    bool has_room() const { return at_work < width && !(fresh.empty() && later.empty()); }
    bool has_due(Clock::SteadyTime now) const { return !later.empty() && later.begin()->first <= now; }
  };

  unsigned widest(std::size_t lane) const;
  void narrow(Lane& lane, std::optional<Milliseconds> hint, Clock::SteadyTime now);

  const SweepLimits limits_;
  std::vector<Item> items_;
  std::vector<Lane> lanes_;
  std::size_t turn_ = 0;
  std::size_t unsettled_ = 0;
};

// Works on item `i`, attempt 1, 2, …; nothing, or why it failed. What becomes of it in the end it keeps itself: the
// last attempt's word stands. Called from several threads, never twice at once for one item.
using SweepWork = std::function<std::optional<Error>(std::size_t item, unsigned attempt)>;

// Until everything is settled, or `stop`: then what is at work is waited for, and the rest is not begun. The number of
// attempts of each item: none for what was not begun.
std::vector<unsigned> run_sweep(const std::vector<std::size_t>& lanes, const SweepLimits& limits, const SweepWork& work,
                                const Clock& clock, std::stop_token stop);

}  // namespace packferry
