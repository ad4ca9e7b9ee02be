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

TEST(Clock, ReadsTheTimesThatItWrites) {
  const Clock::WallTime instant(std::chrono::seconds(1'795'700'003));
  EXPECT_EQ(from_iso8601(to_iso8601(instant)), instant);
  EXPECT_EQ(from_iso8601("1970-01-01T00:00:01Z"), Clock::WallTime(std::chrono::seconds(1)));
  EXPECT_EQ(from_iso8601("1970-01-01T00:00:01.987Z"), Clock::WallTime(std::chrono::seconds(1)));
  for (const std::string_view none : {"", "Z", "2026-11-22T13:45:00", "2026-11-22 13:45:00Z", "2026-13-22T13:45:00Z",
                                      "2026-02-30T13:45:00Z", "2026-11-22T24:45:00Z", "2026-11-22T13:45:00.Z",
                                      "2026-11-22T13:45:00.1xZ", "9999-11-22T13:45:00Z", "2026-11-22T13:45:00+00:00"})
    EXPECT_EQ(from_iso8601(none), std::nullopt) << none;
}

}  // namespace
}  // namespace packferry
