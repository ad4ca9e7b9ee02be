#include "api/rate_limit.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

TEST(RateLimit, IsABurstAndThenARate) {
  FakeClock clock;
  RateLimit limit({.per_second = 10, .burst = 3}, clock);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take("a"), std::nullopt);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limit.take("a"), Milliseconds(100));  // being refused costs nothing
  clock.advance(Milliseconds(60));
  EXPECT_EQ(limit.take("a"), Milliseconds(40));
  clock.advance(Milliseconds(40));
  EXPECT_EQ(limit.take("a"), std::nullopt);
  EXPECT_EQ(limit.take("a"), Milliseconds(100));
}

TEST(RateLimit, HoldsNoMoreThanABurst) {
  FakeClock clock;
  RateLimit limit({.per_second = 10, .burst = 3}, clock);
  EXPECT_EQ(limit.take("a"), std::nullopt);
  clock.advance(std::chrono::hours(24 * 365));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take("a"), std::nullopt);
  EXPECT_NE(limit.take("a"), std::nullopt);
}

TEST(RateLimit, IsEverybodysOwn) {
  FakeClock clock;
  RateLimit limit({.per_second = 1, .burst = 1}, clock);
  EXPECT_EQ(limit.take("a"), std::nullopt);
  EXPECT_EQ(limit.take("b"), std::nullopt);
  EXPECT_EQ(limit.take("a"), Milliseconds(1000));
}

TEST(RateLimit, NoWindowOfASecondSeesMoreThanBurstAndRate) {
  FakeClock clock;
  RateLimit limit({.per_second = 20, .burst = 5}, clock);
  int taken = 0;
  for (int millisecond = 0; millisecond < 10'000; ++millisecond) {
    taken += limit.take("a") ? 0 : 1;
    clock.advance(Milliseconds(1));
  }
  EXPECT_GE(taken, 5 + 10 * 20 - 2);
  EXPECT_LE(taken, 5 + 10 * 20);
}

TEST(RateLimit, RemembersOnlySoManyAskers) {
  FakeClock clock;
  RateLimit limit({.per_second = 1, .burst = 2, .askers_max = 3}, clock);
  EXPECT_EQ(limit.take("full again soon"), std::nullopt);
  clock.advance(std::chrono::seconds(1));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limit.take("busy"), std::nullopt);
  EXPECT_EQ(limit.take("other"), std::nullopt);
  EXPECT_EQ(limit.askers(), 3U);
  EXPECT_EQ(limit.take("new"), std::nullopt);
  EXPECT_EQ(limit.askers(), 3U);
  EXPECT_NE(limit.take("busy"), std::nullopt);  // was not forgotten
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limit.take(std::to_string(i)), std::nullopt);
  EXPECT_LE(limit.askers(), 3U);
}

}  // namespace
}  // namespace packferry
