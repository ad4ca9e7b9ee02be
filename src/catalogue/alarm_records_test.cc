#include "catalogue/alarm_records.h"

#include <gtest/gtest.h>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;

Clock::WallTime at(std::int64_t seconds) { return Clock::WallTime(std::chrono::seconds(seconds)); }

AlarmRecord lag_of(const std::string& subject) {
  return {.subject = subject,
          .kind = "lag",
          .severity = "warning",
          .summary = "40 minutes behind",
          .remedy = "look",
          .since = at(1'700'000'000),
          .raised_at = at(1'700'000'060),
          .said_at = at(1'700'000'060)};
}

NoticeRecord notice(const std::string& channel, std::int64_t number, const std::string& subject) {
  NoticeRecord notice{.channel = channel, .number = number, .state = "raised", .alarm = lag_of(subject)};
  notice.alarm.said_at.reset();
  return notice;
}

class AlarmRecordsTest : public ::testing::Test {
 protected:
  std::unique_ptr<AlarmRecords> open() { return must(AlarmRecords::open(dir / "catalogue.db")); }

  const testing::TempDir dir;
};

TEST_F(AlarmRecordsTest, WhatWasWrittenIsThereAfterARestart) {
  AlarmRecord going = lag_of("replica web");
  going.well_since = at(1'700'000'120);
  must(open()->record(
      {.open = {going, lag_of("replica api")}, .to_say = {notice("mail", 2, "b"), notice("mail", 1, "a")}}));
  const std::unique_ptr<AlarmRecords> again = open();
  EXPECT_EQ(must(again->alarms()), (std::vector{lag_of("replica api"), going}));
  EXPECT_EQ(must(again->notices()), (std::vector{notice("mail", 1, "a"), notice("mail", 2, "b")}));
}

TEST_F(AlarmRecordsTest, WhatIsOverAndWhatWasSaidGoes) {
  const std::unique_ptr<AlarmRecords> records = open();
  must(records->record({.open = {lag_of("replica web")}, .to_say = {notice("mail", 1, "a"), notice("hook", 1, "a")}}));
  must(records->record({.over = {{"replica web", "lag"}}, .said = {{"mail", 1}}}));
  EXPECT_TRUE(must(records->alarms()).empty());
  EXPECT_EQ(must(records->notices()), std::vector{notice("hook", 1, "a")});
  must(records->record({.over = {{"replica web", "lag"}}, .said = {{"mail", 1}}}));
}

TEST_F(AlarmRecordsTest, AnAlarmThatChangedIsStillOne) {
  const std::unique_ptr<AlarmRecords> records = open();
  AlarmRecord worse = lag_of("replica web");
  must(records->record({.open = {worse}}));
  worse.severity = "critical";
  must(records->record({.open = {worse}}));
  EXPECT_EQ(must(records->alarms()), std::vector{worse});
}

TEST_F(AlarmRecordsTest, ADirectoryThatIsNotThereIsInvalid) {
  EXPECT_FAILS(AlarmRecords::open(dir / "there/is/none"), ErrorKind::Invalid, "there/is");
}

}  // namespace
}  // namespace packferry
