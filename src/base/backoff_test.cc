#include "base/backoff.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

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

}  // namespace
}  // namespace packferry
