#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "testing/run_fixture.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::RunTest;

TEST_F(RunTest, ARepositoryIsMadeAtItsHost) {
  EXPECT_EQ(run({"create-repository", "codecommit::eu-west-1://web", "--description", "ours", "--tag", "team=web"}),
            ExitStatus::Done)
      << err.said;
  ASSERT_EQ(created.size(), 1u);
  EXPECT_EQ(created[0].name, "web");
  EXPECT_EQ(created[0].description, "ours");
  EXPECT_EQ(created[0].tags.at("team"), "web");
  EXPECT_EQ(out.said, "created /web in account 111122223333\n");

  EXPECT_EQ(run({"create-repository", "codecommit::eu-west-1://web"}), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("has a repository 'web' already"));
  EXPECT_EQ(run({"create-repository", "https://host/web"}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("https://host/web: no way to ask"));
}

TEST_F(RunTest, WhatWasMadeIsReportedForPrograms) {
  EXPECT_EQ(run({"create-repository", "codecommit::eu-west-1://web", "--json"}), ExitStatus::Done);
  const auto report = nlohmann::json::parse(out.said);
  EXPECT_EQ(report.at("command"), "create-repository");
  EXPECT_EQ(report.at("exit_status"), 0);
  EXPECT_EQ(report.at("repository"), "/web");
  EXPECT_EQ(report.at("account"), "111122223333");
  EXPECT_EQ(report.at("region"), "eu-west-1");
  EXPECT_EQ(run({"create-repository", "codecommit::eu-west-1://web", "--json"}), ExitStatus::Failed);
  EXPECT_EQ(nlohmann::json::parse(out.said).at("error").at("kind"), "conflict");
}

TEST_F(RunTest, GitIsToldThePasswordOfAHostThatIsKnown) {
  input = "protocol=https\nhost=git-codecommit.eu-west-1.amazonaws.com\npath=v1/repos/web\n\n";
  EXPECT_EQ(run({"credential", "get"}), ExitStatus::Done);
  EXPECT_EQ(out.said, "username=AKIA\npassword=for /v1/repos/web\npassword_expiry_utc=1700000000\n");
  EXPECT_EQ(err.said, "");
}

TEST_F(RunTest, GitIsToldNothingOfOthers) {
  for (const char* question : {"protocol=https\nhost=github.com\npath=a/b\n", "protocol=ssh\nhost=x\n", "",
                               "protocol=https\nhost=git-codecommit.eu-west-1.amazonaws.com\nusername=ann-at-1\n"}) {
    input = question;
    EXPECT_EQ(run({"credential", "get"}), ExitStatus::Done);
    EXPECT_EQ(out.said, "") << question;
  }
  input = "protocol=https\nhost=git-codecommit.eu-west-1.amazonaws.com\npath=v1/repos/web\n\n";
  for (const char* action : {"store", "erase", "capability"}) {
    EXPECT_EQ(run({"credential", action}), ExitStatus::Done);
    EXPECT_EQ(out.said + err.said, "");
  }
}

}  // namespace
}  // namespace packferry
