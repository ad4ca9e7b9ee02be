#include "app/wiring.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "aws/codecommit_password.h"
#include "cli/run.h"
#include "testing/git_http_server.h"
#include "testing/git_sandbox.h"
#include "testing/memory_output.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::GitHttpRequest;
using testing::GitHttpServer;
using testing::GitSandbox;
using ::testing::HasSubstr;
using testing::MemoryOutput;
using testing::must;
using ::testing::Not;
using testing::refusal;

constexpr std::string_view kCanary = "c4n4ry-s3cr3t";

class WiringTest : public ::testing::Test {
 protected:
  ExitStatus run(const std::vector<std::string>& words, std::vector<std::string> variables = {}) {
    const std::vector<std::string>& common = git.environment();
    variables.insert(variables.end(), common.begin(), common.end());
    const Environment environment(variables);
    FdLog log(-1, LogLevel::Info, clock);
    out.said.clear();
    err.said.clear();
    const Surroundings around{.out = out,
                              .err = err,
                              .log = log,
                              .clock = clock,
                              .make_ends = make_real_ends(environment, "1.2.3", clock),
                              .version = "1.2.3"};
    return run_packferry(words, around, {});
  }
  std::string at(std::string_view name) const { return git.path(name).string(); }

  void write(const std::string& name, std::string_view text, std::filesystem::perms mode) const {
    std::ofstream(git.path(name)) << text;
    std::filesystem::permissions(git.path(name), mode);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(git.path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  GitSandbox git;
  SystemClock clock;
  MemoryOutput out;
  MemoryOutput err;
};

TEST_F(WiringTest, ALocalRepositoryIsReplicatedComparedAndShown) {
  git.commit("web.git", "main", "one");
  git.commit("web.git", "topic", "two");
  EXPECT_EQ(run({"compare", at("web.git"), at("web.git")}), ExitStatus::Done);
  EXPECT_EQ(run({"replicate", at("web.git"), at("copy.git")}), ExitStatus::Done) << err.said;
  EXPECT_EQ(git.git("web.git", {"for-each-ref"}), git.git("copy.git", {"for-each-ref"}));
  git.git("copy.git", {"fsck", "--strict"});
  EXPECT_EQ(run({"compare", at("web.git"), "file://" + at("copy.git")}), ExitStatus::Done) << err.said;
  git.commit("web.git", "main", "three");
  EXPECT_EQ(run({"compare", at("web.git"), at("copy.git")}), ExitStatus::Differs);
  EXPECT_EQ(run({"replicate", at("web.git"), at("copy.git")}), ExitStatus::Done) << err.said;
  EXPECT_EQ(run({"refs", at("copy.git"), "--quiet"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("\trefs/heads/main\n"));
}

TEST_F(WiringTest, AnotherRepositoryInTheEnvironmentIsNotTakenForTheOneThatIsMeant) {
  git.commit("web.git", "main", "one");
  git.commit("other.git", "other", "two");
  EXPECT_EQ(run({"refs", at("web.git"), "--quiet"}, {"GIT_DIR=" + at("other.git")}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("refs/heads/main"));
  EXPECT_THAT(out.said, Not(HasSubstr("refs/heads/other")));
}

// A stand-in for ssh that writes down all it is given, then runs the command on this machine.
TEST_F(WiringTest, SshIsRunAsGitRunsItAndIsToldNoSecret) {
  git.commit("web.git", "main", "one");
  write("shim",
        "#!/bin/sh\n"
        "{ tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' '\\n' </proc/$$/environ; tr '\\0' ' ' </proc/$PPID/cmdline; } >>" +
            at("seen") + "\nfor last; do :; done\nexec sh -c \"$last\"\n",
        std::filesystem::perms::owner_all);
  const std::string password = "PACKFERRY_PASSWORD=" + std::string(kCanary);
  const std::string token = "PACKFERRY_TOKEN_SOURCE=" + std::string(kCanary);
  for (const std::string variable : {"GIT_SSH_COMMAND=", "GIT_SSH="}) {
    EXPECT_EQ(run({"refs", "ssh://ann@host" + at("web.git"), "--quiet"}, {variable + at("shim"), password, token}),
              ExitStatus::Done)
        << err.said;
    EXPECT_THAT(out.said, HasSubstr("refs/heads/main"));
  }
  EXPECT_THAT(read("seen"), HasSubstr("ann@host"));
  EXPECT_THAT(read("seen"), Not(HasSubstr(kCanary)));
  EXPECT_THAT(out.said + err.said, Not(HasSubstr(kCanary)));
}

TEST_F(WiringTest, NoSecretIsInWhatIsSaidWhenThingsFail) {
  const std::string canary(kCanary);
  write("secret", "token=" + canary + "\n", std::filesystem::perms::owner_read);
  // Port 9 of this machine: nobody listens.
  const std::string address = "http://ann:" + canary + "@127.0.0.1:9/web";
  for (const char* mode : {"--json", "--verbose", "--color=always"})
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"refs", address, mode},
          {"compare", address, at("a.git"), mode},
          {"replicate", address, at("a.git"), mode},
          {"replicate", at("a.git"), address, mode},
          {"refs", "http://127.0.0.1:9/web", mode, "--credentials", at("secret")}}) {
      EXPECT_NE(run(words, {"PACKFERRY_PASSWORD=" + canary, "PACKFERRY_TOKEN=" + canary}), ExitStatus::Done);
      EXPECT_THAT(out.said + err.said, Not(HasSubstr(canary)));
    }
}

TEST_F(WiringTest, OneSetOfCredentialsIsNotShownToTwoHosts) {
  const std::vector<std::string> words = {"replicate", "http://127.0.0.1:9/web", "http://127.0.0.2:9/web"};
  EXPECT_EQ(run(words, {"PACKFERRY_TOKEN=" + std::string(kCanary)}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("PACKFERRY_TOKEN would be shown to http://127.0.0.1:9 and to http://127.0.0.2:9"));
  EXPECT_THAT(err.said, Not(HasSubstr(kCanary)));
  EXPECT_EQ(run(words, {"PACKFERRY_TOKEN_SOURCE=a", "PACKFERRY_TOKEN_DESTINATION=b"}), ExitStatus::Failed);
  EXPECT_EQ(run({"compare", "http://127.0.0.1:9/web", "http://127.0.0.1:9/other"}, {"PACKFERRY_PASSWORD=a"}),
            ExitStatus::Failed);
}

TEST_F(WiringTest, ACredentialsFileThatCannotBeReadIsAConfigurationError) {
  EXPECT_EQ(run({"refs", "http://127.0.0.1:9/web", "--source-credentials", at("none")}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("--source-credentials"));
}

// Speaks as CodeCommit does: a password that was not made for this repository, with this key, now, is refused.
std::optional<std::string> refuse_unless_derived(const GitHttpRequest& request) {
  const Secret sent(std::string(request.header("authorization")));
  for (int second = -60; second <= 0; ++second) {
    const Credentials right = codecommit_password({.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                                                   .secret_access_key = Secret("s3cret"),
                                                   .session_token = {},
                                                   .expires_at = {}},
                                                  "eu-central-1", must(Url::parse("http://127.0.0.1/v1/repos/web")),
                                                  std::chrono::system_clock::now() + std::chrono::seconds(second));
    if (right.authorization().reveal() == sent.reveal()) return std::nullopt;
  }
  return refusal(403);
}

TEST_F(WiringTest, CodeCommitIsReachedWithPasswordsMadeFromAwsCredentials) {
  git.commit("v1/repos/web", "main", "one");
  GitHttpServer server(git);
  server.interfere(refuse_unless_derived);
  const std::vector<std::string> aws = {"CODE_COMMIT_ENDPOINT=" + server.origin(),
                                        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=s3cret",
                                        "AWS_EC2_METADATA_DISABLED=true"};
  EXPECT_EQ(run({"replicate", "codecommit::eu-central-1://web", at("copy.git")}, aws), ExitStatus::Done) << err.said;
  EXPECT_EQ(git.git("v1/repos/web", {"for-each-ref"}), git.git("copy.git", {"for-each-ref"}));
  git.commit("copy.git", "main", "two");
  EXPECT_EQ(run({"replicate", at("copy.git"), "codecommit::eu-central-1://web"}, aws), ExitStatus::Done) << err.said;
  EXPECT_EQ(git.git("v1/repos/web", {"for-each-ref"}), git.git("copy.git", {"for-each-ref"}));
  EXPECT_THAT(out.said, HasSubstr("codecommit::eu-central-1://web"));

  EXPECT_EQ(run({"refs", "codecommit::eu-west-1://web"}, aws), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("403"));
  EXPECT_EQ(run({"refs", "codecommit://web"}, aws), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("in which region?"));
  EXPECT_EQ(run({"refs", "codecommit::eu-central-1://web"}, {"AWS_EC2_METADATA_DISABLED=true"}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("set AWS_ACCESS_KEY_ID"));
}

TEST_F(WiringTest, AnHttpsAddressThatCodeCommitAnswersWith404IsExplained) {
  EXPECT_EQ(run({"refs", "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/web.git"}, {"PACKFERRY_TOKEN=x"}),
            ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("ends in '.git'; leave it out"));
}

}  // namespace
}  // namespace packferry
