#include "service/alarm_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace packferry {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

Notice notice(Notice::Kind kind) {
  return {.kind = kind,
          .alarm = {.trouble = {.subject = "replica web",
                                .kind = "held",
                                .severity = Severity::Critical,
                                .summary = "3 branches would be deleted at <git.example> & co",
                                .remedy = "packferry replica approve web"},
                    .since = Clock::WallTime(std::chrono::seconds(1'700'000'000)),
                    .raised_at = Clock::WallTime(std::chrono::seconds(1'700'000'060))}};
}

TEST(AlarmMessage, SaysWhatSinceWhenAndWhatToDo) {
  EXPECT_EQ(alarm_text(notice(Notice::Kind::Raised)),
            "CRITICAL replica web: 3 branches would be deleted at <git.example> & co (held)\n"
            "since 2023-11-14T22:13:20Z\n"
            "packferry replica approve web\n");
  EXPECT_THAT(alarm_text(notice(Notice::Kind::Over)), HasSubstr("OVER replica web"));
  EXPECT_THAT(alarm_text(notice(Notice::Kind::Over)), Not(HasSubstr("approve")));
}

TEST(AlarmMessage, IsOneObjectForAWebhook) {
  const nlohmann::json message = nlohmann::json::parse(alarm_json(notice(Notice::Kind::Worse)));
  EXPECT_EQ(message["__type"], "packferry.alarm/1");
  EXPECT_EQ(message["state"], "worse");
  EXPECT_EQ(message["severity"], "critical");
  EXPECT_EQ(message["since"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(message["raised_at"], "2023-11-14T22:14:20Z");
}

TEST(AlarmMessage, CannotMakeALinkOrCallEverybodyInSlack) {
  Notice said = notice(Notice::Kind::Raised);
  said.alarm.trouble.summary = "<!channel> <https://evil.example|here>";
  const nlohmann::json message = nlohmann::json::parse(alarm_slack(said));
  EXPECT_THAT(message["text"].get<std::string>(), HasSubstr("&lt;!channel&gt;"));
  EXPECT_THAT(message["text"].get<std::string>(), Not(HasSubstr("<")));
}

TEST(AlarmMessage, IsAnEnvironmentForACommand) {
  Notice said = notice(Notice::Kind::Raised);
  said.alarm.trouble.summary = std::string("two\nlines\0", 10);
  const std::vector<std::string> environment = alarm_environment(said);
  EXPECT_THAT(environment, Contains("PACKFERRY_ALARM_STATE=raised"));
  EXPECT_THAT(environment, Contains(R"(PACKFERRY_ALARM_SUMMARY=two\x0alines\x00)"));
}

TEST(AlarmMessage, StraySignsFromAPeerMakeNoBrokenJson) {
  Notice said = notice(Notice::Kind::Raised);
  said.alarm.trouble.summary = "\xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(alarm_json(said)));
  EXPECT_TRUE(nlohmann::json::accept(alarm_slack(said)));
}

}  // namespace
}  // namespace packferry
