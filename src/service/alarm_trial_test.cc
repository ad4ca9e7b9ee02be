#include "service/alarm_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "service/alarm_message.h"
#include "testing/fake_service_ends.h"
#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::ok;
using testing::ScriptedServer;

SecretReference named(std::string name) {
  return {.kind = SecretReference::Kind::Environment, .name = std::move(name)};
}

AlarmSettings command(std::vector<std::string> argv) {
  return {.kind = AlarmSettings::Kind::Command, .command = std::move(argv)};
}

class AlarmTrials : public ::testing::Test {
 protected:
  std::vector<AlarmTrial> tried(const ServeSettings& settings, std::stop_token stop = {}) {
    return try_alarms(settings, {.ends = ends, .http = http, .clock = clock}, "ada@host", std::move(stop));
  }
  testing::FakeServiceEnds ends;
  HttpClient http{ends.http()};
  const FakeClock clock;
};

TEST_F(AlarmTrials, PeopleAndMachinesKnowATrial) {
  const Notice notice = trial_notice("ada@host", Clock::WallTime());
  EXPECT_EQ(alarm_text(notice),
            "WARNING service: this is a trial of the alarms; nothing is wrong (trial)\nsince 1970-01-01T00:00:00Z\n"
            "nothing is to be done; it was tried by ada@host\n");
  const nlohmann::json message = nlohmann::json::parse(alarm_json(notice));
  EXPECT_EQ(message.at("kind"), "trial");
  EXPECT_EQ(message.at("subject"), "service");
  EXPECT_EQ(message.at("state"), "raised");
  EXPECT_EQ(message.at("severity"), "warning");
  EXPECT_EQ(message.at("remedy"), "nothing is to be done; it was tried by ada@host");
  EXPECT_EQ(trial_notice("", Clock::WallTime()).alarm.trouble.remedy, "nothing is to be done");
}

TEST_F(AlarmTrials, EverybodyIsToldOnceAndTheHeartbeatIsBeatenOnce) {
  const ScriptedServer hook({{testing::request(), testing::say(ok("fine"))}});
  const ScriptedServer watch({{testing::request(), testing::say(ok("fine"))}});
  ends.secrets = {{"HOOK", hook.url("/T0KEN")}, {"WATCH", watch.url("/beat/T0KEN")}};
  const std::vector<AlarmTrial> trials =
      tried({.alarms = {{.kind = AlarmSettings::Kind::Slack, .secret_url = named("HOOK")}, command({"/bin/true"})},
             .heartbeat = named("WATCH")});
  ASSERT_EQ(trials.size(), 3u);
  for (const AlarmTrial& trial : trials) EXPECT_TRUE(trial.heard) << trial.heard.error().message();
  EXPECT_EQ(trials[0].listener, "webhook " + hook.url(""));
  EXPECT_EQ(trials[1].listener, "command /bin/true");
  EXPECT_EQ(trials[2].listener, "heartbeat " + watch.url(""));
  EXPECT_THAT(hook.received(0), HasSubstr("this is a trial of the alarms"));
  EXPECT_THAT(watch.received(0), HasSubstr("GET /beat/T0KEN "));
}

TEST_F(AlarmTrials, WhoDoesNotHearKeepsNobodyElseFromIt) {
  const ScriptedServer hook({{testing::request(), testing::say("HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n")}});
  ends.secrets = {{"HOOK", hook.url("/T0KEN")}, {"NONSENSE", "T0KEN"}, {"PLACE", "git.example.com:T0KEN"}};
  const std::vector<AlarmTrial> trials =
      tried({.alarms = {{.kind = AlarmSettings::Kind::Slack, .secret_url = named("MISSING")},
                        {.kind = AlarmSettings::Kind::Slack, .secret_url = named("NONSENSE")},
                        {.kind = AlarmSettings::Kind::Webhook, .secret_url = named("PLACE")},
                        {.kind = AlarmSettings::Kind::Webhook, .secret_url = named("HOOK")},
                        command({"/bin/sh", "-c", "exit 3"}),
                        {.kind = AlarmSettings::Kind::Mail, .server = MailServer{}, .password = named("MISSING")},
                        command({"/bin/true"})},
             .heartbeat = named("MISSING")});
  const std::pair<const char*, const char*> unheard[] = {
      {"slack", "the environment has no MISSING"}, {"slack", "no address of http or https"},
      {"webhook", "no address of http or https"},  {"webhook", "answered 404"},
      {"command", "/bin/sh: exit status 3"},       {"mail", "the environment has no MISSING"},
  };
  ASSERT_EQ(trials.size(), std::size(unheard) + 2);
  for (std::size_t i = 0; i < std::size(unheard); ++i) {
    EXPECT_EQ(trials[i].listener, unheard[i].first);
    ASSERT_FALSE(trials[i].heard) << trials[i].listener;
    EXPECT_THAT(trials[i].heard.error().message(), HasSubstr(unheard[i].second));
    EXPECT_THAT(trials[i].heard.error().message(), Not(HasSubstr("T0KEN")));
  }
  EXPECT_TRUE(trials[6].heard);
  EXPECT_EQ(trials[7].listener, "heartbeat");
  EXPECT_FALSE(trials[7].heard);
}

TEST_F(AlarmTrials, NobodyIsToldAfterAStop) {
  std::stop_source stop;
  stop.request_stop();
  const std::vector<AlarmTrial> trials = tried({.alarms = {command({"/bin/true"})}}, stop.get_token());
  EXPECT_EQ(trials.at(0).heard.error().kind(), ErrorKind::Cancelled);
}

}  // namespace
}  // namespace packferry
