#include "service/sweep.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>

namespace packferry {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr Clock::SteadyTime kStart{};
constexpr Milliseconds kSecond{1'000};

Error throttled() { return {ErrorKind::Throttled, "slow down"}; }

TEST(SweepSchedule, LanesTakeTurns) {
  SweepSchedule schedule({0, 0, 1, 1}, {.jobs = 4});
  std::vector<std::size_t> order;
  for (int i = 0; i < 4; ++i) order.push_back(schedule.next(kStart).item.value());
  EXPECT_THAT(order, ElementsAre(0u, 2u, 1u, 3u));
  EXPECT_FALSE(schedule.next(kStart).item);
  EXPECT_FALSE(schedule.next(kStart).look_again) << "nothing waits for a time";
  for (const std::size_t item : order) schedule.done(item);
  EXPECT_TRUE(schedule.is_over());
}

TEST(SweepSchedule, KnowsWhetherSomethingCanBegin) {
  SweepSchedule schedule({0, 0}, {.jobs = 1});
  EXPECT_TRUE(schedule.has_next(kStart));
  ASSERT_EQ(schedule.next(kStart).item, 0u);
  EXPECT_FALSE(schedule.has_next(kStart)) << "one at a time";
  schedule.failed(0, throttled(), kStart);
  EXPECT_FALSE(schedule.has_next(kStart)) << "the lane is closed for a while";
  const Clock::SteadyTime open = schedule.next(kStart).look_again.value();
  EXPECT_TRUE(schedule.has_next(open));
  for (int i = 0; i < 2; ++i) schedule.done(schedule.next(open + 60 * kSecond).item.value());
  EXPECT_FALSE(schedule.has_next(open + 60 * kSecond)) << "that was all";
}

TEST(SweepSchedule, AHostThatThrottlesGetsFewerAndAPauseAndTheOtherGoesOn) {
  SweepSchedule schedule({0, 0, 0, 0, 0, 0, 1}, {.jobs = 4});
  EXPECT_EQ(schedule.next(kStart).item, 0u);
  EXPECT_EQ(schedule.next(kStart).item, 6u);
  EXPECT_TRUE(schedule.failed(0, Error(ErrorKind::Throttled, "slow").retry_after(5 * kSecond), kStart));
  EXPECT_EQ(schedule.width(0), 2u);
  EXPECT_EQ(schedule.width(1), 4u);

  const SweepSchedule::Next closed = schedule.next(kStart + 4 * kSecond);
  EXPECT_FALSE(closed.item);
  ASSERT_TRUE(closed.look_again);
  EXPECT_GE(*closed.look_again, kStart + 5 * kSecond);
  const Clock::SteadyTime open = *closed.look_again;
  EXPECT_TRUE(schedule.next(open).item);
  EXPECT_TRUE(schedule.next(open).item);
  EXPECT_FALSE(schedule.next(open).item) << "two at a time";
}

TEST(SweepSchedule, WhatWasUnderWayWhenTheHostThrottledNarrowsItOnce) {
  SweepSchedule schedule({0, 0, 0, 0}, {.jobs = 8});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(schedule.next(kStart).item);
  for (std::size_t item = 0; item < 4; ++item) schedule.failed(item, throttled(), kStart);
  EXPECT_EQ(schedule.width(0), 4u);
}

TEST(SweepSchedule, SuccessesWidenItAgain) {
  SweepSchedule schedule(std::vector<std::size_t>(20, 0), {.jobs = 4, .attempts_max = 1});
  const std::size_t first = schedule.next(kStart).item.value();
  schedule.failed(first, throttled(), kStart);
  ASSERT_EQ(schedule.width(0), 2u);
  const Clock::SteadyTime later = kStart + 60 * kSecond;
  for (int i = 0; i < 2; ++i) schedule.done(schedule.next(later).item.value());
  EXPECT_EQ(schedule.width(0), 3u);
  for (int i = 0; i < 3; ++i) schedule.done(schedule.next(later).item.value());
  for (int i = 0; i < 9; ++i) schedule.done(schedule.next(later).item.value());
  EXPECT_EQ(schedule.width(0), 4u) << "and not above what it began with";
}

TEST(SweepSchedule, OnlyWhatMayPassIsTriedAgainAndNotForEver) {
  SweepSchedule schedule({0, 0}, {.jobs = 2, .attempts_max = 2});
  ASSERT_EQ(schedule.next(kStart).item, 0u);
  ASSERT_EQ(schedule.next(kStart).item, 1u);
  EXPECT_FALSE(schedule.failed(0, Error(ErrorKind::Denied, "no"), kStart));
  EXPECT_TRUE(schedule.failed(1, Error(ErrorKind::Unavailable, "cut"), kStart));
  EXPECT_FALSE(schedule.is_over());
  const SweepSchedule::Next waiting = schedule.next(kStart);
  EXPECT_FALSE(waiting.item);
  EXPECT_EQ(schedule.next(waiting.look_again.value()).item, 1u);
  EXPECT_EQ(schedule.attempts(1), 2u);
  EXPECT_FALSE(schedule.failed(1, Error(ErrorKind::Unavailable, "cut"), kStart));
  EXPECT_TRUE(schedule.is_over());
}

TEST(SweepSchedule, WhatMovedUnderUsIsLookedAtAgain) {
  SweepSchedule schedule({0}, {.jobs = 1, .attempts_max = 2});
  ASSERT_EQ(schedule.next(kStart).item, 0u);
  EXPECT_TRUE(schedule.failed(0, Error(ErrorKind::Conflict, "another hand"), kStart));
}

TEST(SweepSchedule, WhatIsTriedAgainIsNotStarvedByWhatIsFresh) {
  SweepSchedule schedule({0, 0, 0}, {.jobs = 1});
  ASSERT_EQ(schedule.next(kStart).item, 0u);
  schedule.failed(0, Error(ErrorKind::Unavailable, "cut"), kStart);
  ASSERT_EQ(schedule.next(kStart).item, 1u);
  schedule.done(1);
  EXPECT_EQ(schedule.next(kStart + 60 * kSecond).item, 0u);
}

TEST(RunSweep, WorksOnEachOnceAndNeverOnMoreThanItMayAtATime) {
  constexpr std::size_t kItems = 200;
  std::vector<std::atomic<unsigned>> seen(kItems);
  std::atomic<int> at_work = 0;
  std::atomic<int> most = 0;
  const SystemClock clock;
  const std::vector<unsigned> attempts =
      run_sweep(std::vector<std::size_t>(kItems, 0), {.jobs = 3},
                [&](std::size_t item, unsigned) -> std::optional<Error> {
                  int now = ++at_work;
                  for (int known = most; now > known && !most.compare_exchange_weak(known, now);) {
                  }
                  ++seen[item];
                  std::this_thread::yield();
                  --at_work;
                  return std::nullopt;
                },
                clock, {});
  EXPECT_THAT(attempts, Each(1u));
  for (const std::atomic<unsigned>& times : seen) EXPECT_EQ(times, 1u);
  EXPECT_LE(most, 3);
}

TEST(RunSweep, TriesAgainAndGivesUp) {
  std::mutex mutex;
  std::vector<std::pair<std::size_t, unsigned>> calls;
  const SystemClock clock;
  const SweepLimits limits{
      .jobs = 2, .attempts_max = 3, .backoff = {.first = Milliseconds(1), .longest = Milliseconds(1)}};
  const std::vector<unsigned> attempts = run_sweep({0, 1, 1}, limits,
                                                   [&](std::size_t item, unsigned attempt) -> std::optional<Error> {
                                                     const std::lock_guard lock(mutex);
                                                     calls.emplace_back(item, attempt);
                                                     if (item == 0) return throttled();
                                                     if (item == 1 && attempt == 1)
                                                       return Error(ErrorKind::Unavailable, "cut");
                                                     return std::nullopt;
                                                   },
                                                   clock, {});
  EXPECT_THAT(attempts, ElementsAre(3u, 2u, 1u));
  EXPECT_EQ(calls.size(), 6u);
}

TEST(RunSweep, AStopBeginsNothingNew) {
  std::stop_source stop;
  const SystemClock clock;
  const std::vector<unsigned> attempts = run_sweep(
      std::vector<std::size_t>(50, 0), {.jobs = 1},
      [&](std::size_t item, unsigned) -> std::optional<Error> {
        if (item == 2) stop.request_stop();
        return std::nullopt;
      },
      clock, stop.get_token());
  EXPECT_EQ(std::count(attempts.begin(), attempts.end(), 1u), 3);
}

}  // namespace
}  // namespace packferry
