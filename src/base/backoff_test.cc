#include "base/backoff.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "testing/must.h"

namespace packferry {
namespace {

constexpr Backoff kBackoff{.first = Milliseconds(1'000), .longest = Milliseconds(60'000)};

TEST(Backoff, DoublesUpToItsLongest) {
  const struct {
    unsigned attempt;
    int ceiling_ms;
  } cases[] = {
      {1, 1'000},
      {2, 2'000},
      {3, 4'000},
      {6, 32'000},
      {7, 60'000},
      {8, 60'000},
      {std::numeric_limits<unsigned>::max(), 60'000},
  };
  for (const auto& c : cases) {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      const Milliseconds delay = kBackoff.delay(c.attempt, std::nullopt, seed);
      ASSERT_GE(delay, Milliseconds(c.ceiling_ms / 2)) << c.attempt << " " << seed;
      ASSERT_LE(delay, Milliseconds(c.ceiling_ms)) << c.attempt << " " << seed;
    }
  }
}

TEST(Backoff, DependsOnTheSeedAndNothingElse) {
  std::set<Milliseconds> delays;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    EXPECT_EQ(kBackoff.delay(7, std::nullopt, seed), kBackoff.delay(7, std::nullopt, seed));
    delays.insert(kBackoff.delay(7, std::nullopt, seed));
  }
  EXPECT_GT(delays.size(), 900u);
}

TEST(Backoff, IsNeverShorterThanTheHostAskedFor) {
  EXPECT_EQ(kBackoff.delay(1, Milliseconds(5'000), 1), Milliseconds(5'000));
  EXPECT_EQ(kBackoff.delay(1, Milliseconds(600'000), 1), Milliseconds(600'000));
  EXPECT_EQ(kBackoff.delay(7, Milliseconds(5), 1), kBackoff.delay(7, std::nullopt, 1));
}

class RetriesTest : public ::testing::Test {
 protected:
  Milliseconds waited() const {
    return std::chrono::duration_cast<Milliseconds>(clock_.steady() - Clock::SteadyTime{});
  }

  FakeClock clock_;
  Retries retries_{{.attempts_max = 3, .backoff = kBackoff, .pause_max = Milliseconds(5'000)}, clock_};
  const Error unavailable_{ErrorKind::Unavailable, "away"};
};

TEST_F(RetriesTest, WaitsBeforeAnotherAttempt) {
  EXPECT_TRUE(retries_.pause_after(1, unavailable_, {}));
  EXPECT_GE(waited(), Milliseconds(500));
  EXPECT_TRUE(retries_.pause_after(2, Error(ErrorKind::Throttled, "slow down").retry_after(Milliseconds(5'000)), {}));
  EXPECT_GE(waited(), Milliseconds(5'500));
}

TEST_F(RetriesTest, GivesTheErrorBackWhereAnotherAttemptHasNoPoint) {
  EXPECT_FAILS(retries_.pause_after(3, unavailable_, {}), ErrorKind::Unavailable, "away");
  EXPECT_FAILS(retries_.pause_after(1, Error(ErrorKind::Denied, "who?"), {}), ErrorKind::Denied, "who?");
  const Error long_wait = Error(ErrorKind::Throttled, "slow down").retry_after(Milliseconds(5'001));
  EXPECT_FAILS(retries_.pause_after(1, long_wait, {}), ErrorKind::Throttled, "slow down");
  EXPECT_EQ(waited(), Milliseconds(0));
}

TEST_F(RetriesTest, StopsWaitingWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(retries_.pause_after(1, unavailable_, stop.get_token()), ErrorKind::Cancelled, "stopped");
}

}  // namespace
}  // namespace packferry
