#include "base/clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace packferry {
namespace {

TEST(Clock, WritesTheCalendarInUtc) {
  const Clock::WallTime time(std::chrono::seconds(1'795'354'200));
  EXPECT_EQ(to_iso8601(time), "2026-11-22T13:30:00Z");
  EXPECT_EQ(to_compact_iso8601(time), "20261122T133000Z");
  EXPECT_EQ(to_iso8601(Clock::WallTime{}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_iso8601(time + std::chrono::milliseconds(999)), "2026-11-22T13:30:00Z");
}

TEST(FakeClock, MovesOnlyWhenItIsTold) {
  FakeClock clock;
  const auto now = clock.now();
  const auto steady = clock.steady();
  EXPECT_EQ(clock.now(), now);
  clock.advance(Milliseconds(5));
  EXPECT_EQ(clock.now() - now, Milliseconds(5));
  EXPECT_EQ(clock.steady() - steady, Milliseconds(5));
}

TEST(Clock, ReadsBackTheTimesThatItWrites) {
  for (const std::int64_t seconds : {0LL, 951'827'696LL, 1'700'000'000LL, 1'795'355'100LL, 9'214'646'399LL}) {
    const Clock::WallTime time{std::chrono::seconds(seconds)};
    EXPECT_EQ(from_iso8601(to_iso8601(time)), time);
    EXPECT_EQ(from_compact_iso8601(to_compact_iso8601(time)), time);
  }
}

TEST(Clock, ReadsTimesInOneSpellingOnly) {
  EXPECT_TRUE(from_iso8601("2024-02-29T23:59:59Z"));
  for (const char* text : {"", "2026-11-22", "2026-11-22T13:45:00", "2026-11-22T13:45:00+00:00", "2026-11-22 13:45:00Z",
                           "20261122T134500Z", "2026-11-22T13:45:00z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
                           "2026-04-31T00:00:00Z", "2025-02-29T00:00:00Z", "2026-11-22T24:00:00Z",
                           "2026-11-22T13:60:00Z", "2026-11-22T13:45:60Z", "1969-12-31T23:59:59Z",
                           "2262-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-1122T13:45:00Z"})
    EXPECT_FALSE(from_iso8601(text)) << text;
  EXPECT_FALSE(from_compact_iso8601("2026-11-22T13:45:00Z"));
  EXPECT_FALSE(from_compact_iso8601("202611221T34500Z"));
}

TEST(FakeClock, SleepsWithoutWaiting) {
  FakeClock clock;
  const auto steady = clock.steady();
  std::stop_source source;
  EXPECT_TRUE(clock.sleep(std::chrono::hours(1), source.get_token()));
  EXPECT_EQ(clock.steady() - steady, std::chrono::hours(1));
  source.request_stop();
  EXPECT_FALSE(clock.sleep(std::chrono::hours(1), source.get_token()));
  EXPECT_EQ(clock.steady() - steady, std::chrono::hours(1));
}

TEST(SystemClock, SleepsItsTimeOrUntilAStop) {
  SystemClock clock;
  const auto before = clock.steady();
  EXPECT_TRUE(clock.sleep(Milliseconds(1), {}));
  EXPECT_GE(clock.steady() - before, Milliseconds(1));
  std::stop_source source;
  const std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FALSE(clock.sleep(std::chrono::hours(1), source.get_token()));
  EXPECT_GT(clock.now(), Clock::WallTime{});
}

}  // namespace
}  // namespace packferry
