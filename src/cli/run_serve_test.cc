#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "testing/run_fixture.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunServeTest : public testing::RunTest {
 protected:
  ExitStatus try_alarms(std::string_view serve) {
    std::ofstream(file) << "catalogue = \"packferry.db\"\n[serve]\n" << serve;
    return run({"serve", file, "--try-alarms"});
  }
  const std::string file = sandbox.path("packferry.toml");
};

constexpr const char* kHears = "[[serve.alarms]]\nkind = \"command\"\ncommand = [\"/bin/true\"]\n";
constexpr const char* kFails = "[[serve.alarms]]\nkind = \"command\"\ncommand = [\"/bin/false\"]\n";

TEST_F(RunServeTest, ATrialSaysWhoHasHeardIt) {
  EXPECT_EQ(try_alarms(kHears), ExitStatus::Done);
  EXPECT_EQ(out.said, "heard      command /bin/true\n");
  EXPECT_EQ(try_alarms(std::string(kHears) + kFails), ExitStatus::Partial);
  EXPECT_EQ(out.said, "heard      command /bin/true\nnot heard  command: /bin/false: exit status 1: \n");
  EXPECT_EQ(try_alarms(kFails), ExitStatus::Failed);
  EXPECT_EQ(try_alarms(std::string("heartbeat = { env = \"WATCH\" }\n") + kHears), ExitStatus::Partial);
  EXPECT_THAT(out.said, HasSubstr("not heard  heartbeat: the environment has no WATCH\n"));
}

TEST_F(RunServeTest, ATrialStartsNothingElse) {
  EXPECT_EQ(try_alarms(kHears), ExitStatus::Done);
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("packferry.db")));
}

TEST_F(RunServeTest, ATrialWithNobodyToTellIsAMistake) {
  EXPECT_EQ(try_alarms(""), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("tells nobody of alarms; write [[serve.alarms]]"));
  EXPECT_EQ(try_alarms("heartbeat = { env = \"WATCH\" }\n"), ExitStatus::Usage);
  EXPECT_EQ(out.said, "");
}

TEST_F(RunServeTest, ATrialThatIsStoppedSaysSo) {
  stop.request_stop();
  EXPECT_EQ(try_alarms(kHears), ExitStatus::Interrupted);
}

TEST_F(RunServeTest, AHangupBeforeItIsReadyHasTheConfigurationReadAgainOnceItIs) {
  std::vector<std::string> events;
  bool is_heard = false;
  const auto configure = [this](std::string_view level) {
    std::ofstream(file) << "catalogue = \"packferry.db\"\n[serve]\nlisten = \"127.0.0.1:0\"\nlog = \"" << level
                        << "\"\n";
  };
  configure("debug");
  on_hangup = [&](const std::function<void()>& action) {
    is_heard = action != nullptr;
    if (action) action();
  };
  log.on_event = [&](std::string_view event) {
    events.emplace_back(event);
    if (event == "service.ready") configure("error");
    if (event == "configuration.read") stop.request_stop();
  };
  EXPECT_EQ(run({"serve", file, "--no-workers", "--no-lookout"}), ExitStatus::Done) << err.said;
  EXPECT_THAT(events, ElementsAre("service.ready", "configuration.read", "service.stopping", "service.stopped"));
  EXPECT_THAT(log_levels, ElementsAre(LogLevel::Debug, LogLevel::Error));
  EXPECT_FALSE(is_heard) << "whoever comes after the service has SIGHUP as it was";
}

TEST_F(RunServeTest, AHangupEndsATrial) {
  bool was_asked = false;
  on_hangup = [&](const std::function<void()>&) { was_asked = true; };
  EXPECT_EQ(try_alarms(kHears), ExitStatus::Done);
  EXPECT_FALSE(was_asked);
}

TEST_F(RunServeTest, ATrialIsNoServiceWithoutAPart) {
  for (const char* option : {"--no-workers", "--no-lookout"}) {
    EXPECT_EQ(run({"serve", file, "--try-alarms", option}), ExitStatus::Usage);
    EXPECT_THAT(err.said, HasSubstr("--try-alarms starts neither workers nor a lookout"));
  }
}

}  // namespace
}  // namespace packferry
