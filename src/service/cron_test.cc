#include "service/cron.h"

#include <gtest/gtest.h>

#include <set>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr Milliseconds kMinute{60'000}, kHour{3'600'000};

Clock::WallTime at(const char* text) { return from_iso8601(text).value(); }

// With the offset taken away that a seed gives.
std::string next(const char* schedule, const char* after) {
  const Schedule parsed = must(Schedule::parse(schedule));
  const Clock::WallTime time = parsed.next_run(at(after), 0);
  const Milliseconds offset(time.time_since_epoch().count() / 1'000'000 % 60'000);
  return to_iso8601(time - offset);
}

TEST(ScheduleTest, TellsTheNextTimeOfCron) {
  const struct {
    const char *schedule, *after, *next;
  } cases[] = {
      {"* * * * *", "2026-11-22T13:45:30Z", "2026-11-22T13:46:00Z"},
      {"30 2 * * *", "2026-11-22T02:29:59Z", "2026-11-22T02:30:00Z"},
      {"30 2 * * *", "2026-11-22T02:32:00Z", "2026-11-23T02:30:00Z"},
      {"*/15 * * * *", "2026-11-22T13:46:00Z", "2026-11-22T14:00:00Z"},
      {"5/20 * * * *", "2026-11-22T13:26:30Z", "2026-11-22T13:45:00Z"},
      {"0 9-17/4 * * *", "2026-11-22T09:30:00Z", "2026-11-22T13:00:00Z"},
      {"0 0 1,15 * *", "2026-11-02T00:00:00Z", "2026-11-15T00:00:00Z"},
      {"0 0 * jan *", "2026-11-22T00:00:00Z", "2027-01-01T00:00:00Z"},
      {"0 0 * * Mon-Fri", "2026-11-21T12:00:00Z", "2026-11-23T00:00:00Z"},
      {"0 0 * * 7", "2026-11-21T12:00:00Z", "2026-11-22T00:00:00Z"},
      {"0 0 13 * 5", "2026-11-21T12:00:00Z", "2026-11-27T00:00:00Z"},  // the 13th or a Friday
      {"0 0 29 2 *", "2096-02-29T00:02:00Z", "2104-02-29T00:00:00Z"},  // 2100 has no leap day
      {"0 12 * * * Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T10:00:00Z"},
      {"0 12 * * * America/New_York", "2026-01-01T00:00:00Z", "2026-01-01T17:00:00Z"},
  };
  for (const auto& c : cases) EXPECT_EQ(next(c.schedule, c.after), c.next) << c.schedule << " after " << c.after;
}

// 2026-03-29, 02:00 became 03:00.
TEST(ScheduleTest, WhatFallsIntoTheHourThatThereIsNotHappensAtItsEnd) {
  EXPECT_EQ(next("30 2 * * * Europe/Berlin", "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
  EXPECT_EQ(next("30 2 * * * Europe/Berlin", "2026-03-29T01:02:00Z"), "2026-03-30T00:30:00Z");
  EXPECT_EQ(next("*/30 * * * * Europe/Berlin", "2026-03-29T00:32:00Z"), "2026-03-29T01:00:00Z");
  EXPECT_EQ(next("*/30 * * * * Europe/Berlin", "2026-03-29T01:02:00Z"), "2026-03-29T01:30:00Z");
}

// 2026-10-25, 03:00 became 02:00.
TEST(ScheduleTest, WhatFallsIntoTheHourThatThereIsTwiceHappensOnce) {
  EXPECT_EQ(next("30 2 * * * Europe/Berlin", "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
  EXPECT_EQ(next("30 2 * * * Europe/Berlin", "2026-10-25T00:32:00Z"), "2026-10-26T01:30:00Z");
}

TEST(ScheduleTest, WhatHappensEveryHourHappensInBoth) {
  std::string times;
  Clock::WallTime time = at("2026-10-24T23:50:00Z");
  const Schedule schedule = must(Schedule::parse("*/30 * * * * Europe/Berlin"));
  for (int i = 0; i < 6; ++i) {
    const Clock::WallTime following = schedule.next_run(time, 0);
    EXPECT_LE(following - time, i == 0 ? kMinute * 11 : kMinute * 30);
    time = following;
    times += to_iso8601(time).substr(11, 5) + " ";
  }
  EXPECT_EQ(times, "00:00 00:30 01:00 01:30 02:00 02:30 ");
}

TEST(ScheduleTest, AnIntervalIsKept) {
  for (const char* text : {"every 5m", "every 1s", "every 12h"}) {
    const Schedule schedule = must(Schedule::parse(text));
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const Clock::WallTime first = schedule.next_run(at("2026-11-22T13:45:00Z"), seed);
      const Clock::WallTime second = schedule.next_run(first, seed);
      EXPECT_GT(first, at("2026-11-22T13:45:00Z")) << text;
      EXPECT_LE(first - at("2026-11-22T13:45:00Z"), second - first) << text;
      EXPECT_EQ(schedule.next_run(second - Milliseconds(1), seed), second) << text;
      EXPECT_EQ(schedule.next_run(second, seed) - second, second - first) << text;
    }
  }
}

TEST(ScheduleTest, AnotherSeedGivesAnotherMomentAndTheSameOneTheSame) {
  for (const char* text : {"every 1h", "0 3 * * *"}) {
    const Schedule schedule = must(Schedule::parse(text));
    std::set<Clock::WallTime> moments;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
      const Clock::WallTime moment = schedule.next_run(at("2026-11-22T02:00:00Z"), seed);
      EXPECT_EQ(schedule.next_run(at("2026-11-22T02:00:00Z"), seed), moment);
      EXPECT_LE(moment - at("2026-11-22T02:00:00Z"), kHour + kMinute);
      moments.insert(moment);
    }
    EXPECT_GT(moments.size(), 400u) << text;
  }
}

TEST(ScheduleTest, IsFollowedFromTimeToTimeWithoutMissingOne) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Schedule schedule = must(Schedule::parse("0 * * * * Europe/Berlin"));
    Clock::WallTime time = schedule.next_run(at("2026-01-01T00:00:00Z"), seed);
    for (int hour = 1; hour < 500; ++hour) {
      const Clock::WallTime following = schedule.next_run(time, seed);
      ASSERT_EQ(following - time, kHour);
      time = following;
    }
  }
}

TEST(ScheduleTest, RefusesWhatIsNoSchedule) {
  for (const char* text : {"",
                           "every",
                           "every 0s",
                           "every five",
                           "often",
                           "* * * *",
                           "* * * * * UTC more",
                           "60 * * * *",
                           "* 24 * * *",
                           "* * 0 * *",
                           "* * 32 * *",
                           "* * * 13 *",
                           "* * * * 8",
                           "5-1 * * * *",
                           "*/0 * * * *",
                           "1,,2 * * * *",
                           "1-2-3 * * * *",
                           "*/2/2 * * * *",
                           "a * * * *",
                           "* * * mon *"})
    EXPECT_FALSE(Schedule::parse(text).has_value()) << text;
  EXPECT_FAILS(Schedule::parse("0 0 * * * Europe/Bärlin"), ErrorKind::Invalid, "no time zone of this system");
  EXPECT_FAILS(Schedule::parse("0 0 30 2 *"), ErrorKind::Invalid, "never comes");
}

}  // namespace
}  // namespace packferry
