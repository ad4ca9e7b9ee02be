#include "service/sweep.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/check.h"

namespace packferry {

SweepSchedule::SweepSchedule(const std::vector<std::size_t>& lanes, SweepLimits limits)
    : limits_(std::move(limits)), unsettled_(lanes.size()) {
  for (std::size_t item = 0; item < lanes.size(); ++item) {
    items_.push_back({.lane = lanes[item]});
    if (lanes_.size() <= lanes[item]) lanes_.resize(lanes[item] + 1);
    lanes_[lanes[item]].fresh.push_back(item);
  }
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) lanes_[lane].width = widest(lane);
}

unsigned SweepSchedule::widest(std::size_t lane) const {
  const unsigned own = lane < limits_.lane_jobs.size() ? limits_.lane_jobs[lane] : limits_.jobs;
  return std::max(1u, std::min(own, limits_.jobs));
}

SweepSchedule::Next SweepSchedule::next(Clock::SteadyTime now) {
  Next next;
  const auto look_again = [&](Clock::SteadyTime at) {
    next.look_again = next.look_again ? std::min(*next.look_again, at) : at;
  };
  for (std::size_t i = 0; i < lanes_.size() && !next.item; ++i) {
    Lane& lane = lanes_[(turn_ + i) % lanes_.size()];
    if (!lane.has_room()) continue;
    if (lane.closed_until > now) {
      look_again(lane.closed_until);
    } else if (lane.has_due(now)) {
      next.item = lane.later.begin()->second;
      lane.later.erase(lane.later.begin());
    } else if (!lane.fresh.empty()) {
      next.item = lane.fresh.front();
      lane.fresh.pop_front();
    } else {
      look_again(lane.later.begin()->first);
    }
  }
  if (!next.item) return next;
  Item& item = items_[*next.item];
  ++item.attempts;
  ++lanes_[item.lane].at_work;
  turn_ = item.lane + 1;
  return next;
}

bool SweepSchedule::has_next(Clock::SteadyTime now) const {
  return std::ranges::any_of(lanes_, [now](const Lane& lane) {
    return lane.has_room() && lane.closed_until <= now && (!lane.fresh.empty() || lane.has_due(now));
  });
}

void SweepSchedule::done(std::size_t item) {
  Lane& lane = lanes_[items_[item].lane];
  --lane.at_work;
  --unsettled_;
  lane.throttles = 0;
  if (lane.width >= widest(items_[item].lane) || ++lane.successes < lane.width) return;
  ++lane.width;
  lane.successes = 0;
}

void SweepSchedule::narrow(Lane& lane, std::optional<Milliseconds> hint, Clock::SteadyTime now) {
  const Milliseconds pause = limits_.backoff.delay(++lane.throttles, hint, limits_.seed);
  // What was under way when the host said it first says it again: one answer, one step.
  if (lane.closed_until <= now) lane.width = std::max(1u, lane.width / 2);
  lane.closed_until = std::max(lane.closed_until, now + pause);
  lane.successes = 0;
}

bool SweepSchedule::failed(std::size_t item, const Error& error, Clock::SteadyTime now) {
  Lane& lane = lanes_[items_[item].lane];
  const unsigned attempts = items_[item].attempts;
  --lane.at_work;
  if (error.kind() == ErrorKind::Throttled) narrow(lane, error.retry_after(), now);
  if (!is_worth_another_attempt(error) || attempts >= limits_.attempts_max) {
    --unsettled_;
    return false;
  }
  lane.later.emplace(now + limits_.backoff.delay(attempts, error.retry_after(), limits_.seed + item), item);
  return true;
}

namespace {

class Sweep {
 public:
  Sweep(const std::vector<std::size_t>& lanes, const SweepLimits& limits, const SweepWork& work, const Clock& clock,
        std::stop_token stop)
      : schedule_(lanes, limits), work_(work), clock_(clock), stop_(std::move(stop)) {}

  void run(std::size_t threads) {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) workers.emplace_back([this] { work_until_over(); });
  }
  unsigned attempts(std::size_t item) const { return schedule_.attempts(item); }

 private:
  void work_until_over() {
    std::unique_lock lock(mutex_);
    while (!schedule_.is_over() && !stop_.stop_requested()) {
      const SweepSchedule::Next next = schedule_.next(clock_.steady());
      if (!next.item) {
        wait(lock, next.look_again);
        continue;
      }
      const unsigned attempt = schedule_.attempts(*next.item);
      wake_another();
      lock.unlock();
      const std::optional<Error> error = work_(*next.item, attempt);
      lock.lock();
      if (error) {
        schedule_.failed(*next.item, *error, clock_.steady());
      } else {
        schedule_.done(*next.item);
      }
    }
    changed_.notify_all();
  }

  // Who has ended an item goes on with the next one itself; others are only called when there is more to do than that.
  void wake_another() {
    if (waiting_ > 0 && schedule_.has_next(clock_.steady())) changed_.notify_one();
  }

  void wait(std::unique_lock<std::mutex>& lock, std::optional<Clock::SteadyTime> until) {
    constexpr Milliseconds kLookAgain{200};  // at the latest: time may jump while the machine sleeps
    Milliseconds pause = kLookAgain;
    if (until)
      pause = std::clamp(std::chrono::ceil<Milliseconds>(*until - clock_.steady()), Milliseconds(1), kLookAgain);
    ++waiting_;
    changed_.wait_for(lock, stop_, pause,
                      [this] { return schedule_.is_over() || schedule_.has_next(clock_.steady()); });
    --waiting_;
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  unsigned waiting_ = 0;
  SweepSchedule schedule_;
  const SweepWork& work_;
  const Clock& clock_;
  const std::stop_token stop_;
};

}  // namespace

std::vector<unsigned> run_sweep(const std::vector<std::size_t>& lanes, const SweepLimits& limits, const SweepWork& work,
                                const Clock& clock, std::stop_token stop) {
  Sweep sweep(lanes, limits, work, clock, std::move(stop));
  sweep.run(std::min<std::size_t>(std::max(1u, limits.jobs), lanes.size()));
  std::vector<unsigned> attempts;
  for (std::size_t item = 0; item < lanes.size(); ++item) attempts.push_back(sweep.attempts(item));
  return attempts;
}

}  // namespace packferry
