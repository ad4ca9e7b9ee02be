#include "app/wiring.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "app/fleet_ends.h"
#include "aws/codecommit_password.h"
#include "base/digest.h"
#include "cli/run.h"
#include "testing/git_http_server.h"
#include "testing/git_sandbox.h"
#include "testing/memory_output.h"
#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using testing::GitHttpRequest;
using testing::GitHttpServer;
using testing::GitSandbox;
using ::testing::HasSubstr;
using testing::MemoryOutput;
using testing::must;
using ::testing::Not;
using testing::refusal;
using testing::ScriptedServer;

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
                              .make_fleet_ends = make_real_fleet_ends(environment, "1.2.3", clock),
                              .version = "1.2.3",
                              .read_input = [this] { return Result<std::string>(input); }};
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
  std::string input;
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

// An answer of AWS's, which is a refusal when it says so.
std::string refusal_or_ok(const std::string& body) {
  return body.find("__type") == std::string::npos ? testing::ok_and_goodbye(body)
                                                  : refusal(400, {"Content-Type: application/x-amz-json-1.1"}, body);
}

// What AWS's own services answer, in this order, on connections of one request each.
std::vector<testing::Script> answers(const std::vector<std::string>& bodies) {
  std::vector<testing::Script> scripts;
  for (const std::string& body : bodies)
    scripts.push_back({testing::request(), testing::say(refusal_or_ok(body)), testing::hang_up()});
  return scripts;
}

std::string role(std::string_view key) {
  return fmt::format(
      "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>s3cret"
      "</SecretAccessKey><SessionToken>t0ken</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
      "</AssumeRoleResult></AssumeRoleResponse>",
      key);
}

class AwsWiringTest : public WiringTest {
 protected:
  AwsWiringTest() {
    server.interfere([this](const GitHttpRequest& request) -> std::optional<std::string> {
      const std::lock_guard lock(mutex);
      authorizations.emplace(request.header("authorization"));
      return std::nullopt;
    });
  }
  // "ASIA1%t0ken", as the user names of all that was asked of Git.
  std::set<std::string> users() const {
    std::set<std::string> names;
    for (const std::string& sent : authorizations)
      for (const char* id : {"AKIABASE", "ASIA1", "ASIA2"})
        if (sent.starts_with(to_base64_of(id))) names.insert(id);
    return names;
  }
  static std::string to_base64_of(std::string_view id) {
    // The first bytes of "ID…:" that base64 does not mix with what follows.
    const std::string encoded = to_base64(as_bytes(id.substr(0, id.size() / 3 * 3)));
    return "Basic " + encoded;
  }
  std::vector<std::string> variables(const ScriptedServer& services) const {
    return {"CODE_COMMIT_ENDPOINT=" + server.origin(),
            "AWS_ENDPOINT_URL=" + services.url("/"),
            "AWS_ACCESS_KEY_ID=AKIABASE",
            "AWS_SECRET_ACCESS_KEY=s3cret",
            "AWS_REGION=eu-central-1",
            "AWS_EC2_METADATA_DISABLED=true"};
  }

  GitHttpServer server{git};
  std::mutex mutex;
  std::set<std::string> authorizations;
};

TEST_F(AwsWiringTest, EachSideAssumesItsRoleOnce) {
  git.commit("v1/repos/web", "main", "one");
  git.init("v1/repos/copy");
  const ScriptedServer sts(answers({role("ASIA1"), role("ASIA2")}));
  EXPECT_EQ(run({"replicate", "codecommit://web", "codecommit::eu-west-1://copy", "--source-role",
                 "arn:aws:iam::111122223333:role/reader", "--destination-role", "arn:aws:iam::444455556666:role/writer",
                 "--destination-external-id", "x-1"},
                variables(sts)),
            ExitStatus::Done)
      << err.said;
  EXPECT_EQ(git.git("v1/repos/web", {"for-each-ref"}), git.git("v1/repos/copy", {"for-each-ref"}));
  EXPECT_EQ(users(), (std::set<std::string>{"ASIA1", "ASIA2"}));
  EXPECT_EQ(sts.connections(), 2u);
  EXPECT_THAT(sts.received(0) + sts.received(1),
              AllOf(HasSubstr("role%2Freader"), HasSubstr("role%2Fwriter"), HasSubstr("ExternalId=x-1")));
  EXPECT_THAT(out.said + err.said, Not(HasSubstr("t0ken")));
}

TEST_F(AwsWiringTest, ADestinationThatIsNotThereIsMade) {
  git.commit("web.git", "trunk", "one");
  git.git("web.git", {"symbolic-ref", "HEAD", "refs/heads/trunk"});
  const std::string none = R"({"__type": "RepositoryDoesNotExistException"})";
  const std::string made = R"({"repositoryMetadata": {"repositoryName": "web", "accountId": "111122223333"}})";
  const std::vector<std::string> words = {"replicate", at("web.git"), "codecommit://web", "--create"};
  {
    const ScriptedServer api(answers({none}));
    EXPECT_EQ(run({"replicate", at("web.git"), "codecommit://web", "--create", "--dry-run"}, variables(api)),
              ExitStatus::Done)
        << err.said;
    EXPECT_FALSE(std::filesystem::exists(git.path("v1/repos/web")));
  }
  // The repository appears when the API has made it.
  const ScriptedServer api({{testing::request(), testing::say(refusal_or_ok(none)), testing::hang_up()},
                            {testing::request(), [this](testing::Line&) { return git.init("v1/repos/web"), true; },
                             testing::say(refusal_or_ok(made)), testing::hang_up()},
                            {testing::request(), testing::say(refusal_or_ok("")), testing::hang_up()}});
  EXPECT_EQ(run(words, variables(api)), ExitStatus::Done) << err.said;
  EXPECT_EQ(git.git("v1/repos/web", {"for-each-ref"}), git.git("web.git", {"for-each-ref"}));
  EXPECT_THAT(api.received(1), HasSubstr("CodeCommit_20150413.CreateRepository"));
  EXPECT_THAT(api.received(2), AllOf(HasSubstr("CodeCommit_20150413.UpdateDefaultBranch"), HasSubstr("\"trunk\"")));

  const ScriptedServer nobody({});
  EXPECT_EQ(run({"replicate", at("web.git"), "codecommit://new", "--create", "--allowed-regions", "eu-west-1"},
                variables(nobody)),
            ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("no repository may be made in eu-central-1; allowed: eu-west-1"));
  EXPECT_EQ(run({"replicate", at("web.git"), "http://127.0.0.1:9/x", "--create"}, variables(nobody)),
            ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("--create: "));
  EXPECT_EQ(run({"replicate", at("web.git"), at("local.git"), "--create"}, variables(nobody)), ExitStatus::Done);
}

TEST_F(AwsWiringTest, ARepositoryIsMadeInTheRegionOfItsAddress) {
  const ScriptedServer api(
      answers({R"({"repositoryMetadata": {"repositoryName": "web", "accountId": "111122223333"}})"}));
  EXPECT_EQ(run({"create-repository", "codecommit::eu-west-1://web", "--tag", "a=b"}, variables(api)), ExitStatus::Done)
      << err.said;
  EXPECT_EQ(out.said, "created codecommit::eu-west-1://web in account 111122223333\n");
  EXPECT_THAT(api.received(0), HasSubstr("/eu-west-1/codecommit/aws4_request"));
  EXPECT_EQ(run({"create-repository", "git@github.com:a/b"}, variables(api)), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("at CodeCommit from here, and nowhere else"));
}

TEST_F(AwsWiringTest, IsACredentialHelperForGit) {
  const ScriptedServer nobody({});
  const auto ask = [&](const std::string& question) {
    input = question;
    return run({"credential", "get"}, variables(nobody));
  };
  EXPECT_EQ(ask("protocol=https\nhost=git-codecommit.eu-west-1.amazonaws.com\npath=v1/repos/web\n\n"), ExitStatus::Done)
      << err.said;
  EXPECT_THAT(out.said, AllOf(HasSubstr("username=AKIABASE\npassword=20"), HasSubstr("\npassword_expiry_utc=")));
  EXPECT_EQ(ask(fmt::format("protocol=http\nhost=127.0.0.1:{}\npath=v1/repos/web\n\n", server.port())),
            ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("username=AKIABASE\n"));
  EXPECT_EQ(ask("protocol=https\nhost=git-codecommit.eu-west-1.amazonaws.com\n\n"), ExitStatus::Failed);
  EXPECT_EQ(out.said, "");
  EXPECT_THAT(err.said, HasSubstr("credential.https://git-codecommit.eu-west-1.amazonaws.com.useHttpPath true"));
  EXPECT_EQ(ask("protocol=https\nhost=git-codecommit.eu-west-1.amazonaws.com.example\npath=v1/repos/web\n\n"),
            ExitStatus::Done);
  EXPECT_EQ(out.said, "");
}

}  // namespace
}  // namespace packferry
