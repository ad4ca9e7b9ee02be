#include "aws/aws_credentials.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "testing/must.h"
#include "testing/scripted_server.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::must;
using testing::ok;
using testing::request;
using testing::say;
using testing::ScriptedServer;
using testing::TempDir;

constexpr std::string_view kSoon = "2023-11-14T23:13:20Z";  // an hour after the start of a FakeClock

std::string answer(std::string_view id, std::string_view expiration = kSoon) {
  return ok(fmt::format(R"({{"AccessKeyId": "{}", "SecretAccessKey": "s", "Token": "t", "Expiration": "{}"}})", id,
                        expiration));
}

class AwsCredentialsTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<AwsCredentialSource>> find(std::string_view named = "") {
    const EnvironmentLookup environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
    const AwsProfile profile = TRY(AwsProfile::load(named, environment));
    return find_aws_credentials(profile, environment, client_, clock_);
  }
  Result<AwsCredentials> get() {
    return TRY(find())
    ->get({});
  }
  void write_credentials(std::string_view text) { std::ofstream(directory_ / "credentials") << text; }

  TempDir directory_;
  std::map<std::string, std::string, std::less<>> environment_ = {
      {"AWS_CONFIG_FILE", (directory_ / "config").string()},
      {"AWS_SHARED_CREDENTIALS_FILE", (directory_ / "credentials").string()},
      {"AWS_EC2_METADATA_DISABLED", "true"}};
  FakeClock clock_;
  HttpClient client_{metadata_http_options({.user_agent = "packferry/test", .ca_file = {}, .patience = {}})};
};

TEST_F(AwsCredentialsTest, ComeFromTheEnvironment) {
  environment_["AWS_ACCESS_KEY_ID"] = "AKIA";
  environment_["AWS_SECRET_ACCESS_KEY"] = "secret";
  EXPECT_EQ(must(get()).access_key_id, "AKIA");
  EXPECT_EQ(must(get()).secret_access_key.reveal(), "secret");
  EXPECT_TRUE(must(get()).session_token.empty());
  environment_["AWS_SECURITY_TOKEN"] = "old name";
  EXPECT_EQ(must(get()).session_token.reveal(), "old name");
  environment_["AWS_SESSION_TOKEN"] = "token";
  EXPECT_EQ(must(get()).session_token.reveal(), "token");
}

TEST_F(AwsCredentialsTest, ComeFromTheProfileAndANamedOneWins) {
  write_credentials(
      "[default]\naws_access_key_id=one\naws_secret_access_key=s\n"
      "[west]\naws_access_key_id=two\naws_secret_access_key=s\naws_session_token=t\n");
  EXPECT_EQ(must(get()).access_key_id, "one");
  environment_["AWS_ACCESS_KEY_ID"] = "AKIA";
  environment_["AWS_SECRET_ACCESS_KEY"] = "secret";
  environment_["AWS_PROFILE"] = "west";  // does not win over keys
  EXPECT_EQ(must(get()).access_key_id, "AKIA");
  EXPECT_EQ(must(must(find("west"))->get({})).access_key_id, "two");
}

TEST_F(AwsCredentialsTest, HalfAPairIsInvalid) {
  environment_["AWS_ACCESS_KEY_ID"] = "AKIA";
  EXPECT_FAILS(find(), ErrorKind::Invalid, "the environment has only one of");
  environment_.erase("AWS_ACCESS_KEY_ID");
  write_credentials("[default]\naws_secret_access_key=s\n");
  EXPECT_FAILS(find(), ErrorKind::Invalid, "AWS profile 'default' has only one of");
}

TEST_F(AwsCredentialsTest, NoneAtAllSaysWhatToSet) { EXPECT_FAILS(find(), ErrorKind::Denied, "set AWS_ACCESS_KEY_ID"); }

TEST_F(AwsCredentialsTest, WhatIsNotDoneHereSaysWhatToDoInstead) {
  for (const char* setting : {"role_arn = arn:aws:iam::1:role/x", "sso_session = x", "credential_process = x"}) {
    write_credentials("[default]\n" + std::string(setting) + "\n");
    EXPECT_FAILS(find(), ErrorKind::Unsupported, "aws configure export-credentials");
  }
  write_credentials("");
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  EXPECT_FAILS(find(), ErrorKind::Unsupported, "wants a role assumed");
}

TEST_F(AwsCredentialsTest, ComeFromTheContainer) {
  ScriptedServer server({{request(), say(answer("one"))}, {request(), say(answer("two"))}});
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url("/creds?id=1");
  environment_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (directory_ / "token").string();
  std::ofstream(directory_ / "token") << "Bearer x\n";
  const auto source = must(find());
  EXPECT_EQ(must(source->get({})).access_key_id, "one");
  EXPECT_EQ(must(source->get({})).expires_at, from_iso8601(kSoon));  // not asked again
  EXPECT_THAT(server.received(0), AllOf(HasSubstr("GET /creds?id=1 "), HasSubstr("Authorization: Bearer x\r\n")));
  clock_.advance(std::chrono::minutes(46));
  EXPECT_EQ(must(source->get({})).access_key_id, "two");
}

TEST_F(AwsCredentialsTest, AContainersTokenDoesNotGoElsewhere) {
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.org/creds";
  EXPECT_FAILS(find(), ErrorKind::Invalid, "neither https nor on this machine");
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/creds";
  must(find());
  // The relative one wins, and is always on the host of the container.
  environment_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "@example.org/creds";
  EXPECT_FAILS(find(), ErrorKind::Invalid, "");
}

TEST_F(AwsCredentialsTest, AContainerThatFailsIsTheAnswer) {
  ScriptedServer refuses({{request(), say("HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")}});
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = refuses.url("/");
  EXPECT_FAILS(get(), ErrorKind::Denied, "HTTP 403");
  ScriptedServer mad({{request(), say(ok("<html>"))}});
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = mad.url("/");
  EXPECT_FAILS(get(), ErrorKind::Corrupt, "something else than credentials");
  ScriptedServer empty({{request(), say(ok(R"({"Code": "Failed", "Message": "no role"})"))}});
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = empty.url("/");
  EXPECT_FAILS(get(), ErrorKind::Denied, "Failed: no role");
}

TEST_F(AwsCredentialsTest, IsAskedAgainWhenItIsBusy) {
  const std::string busy = "HTTP/1.1 503 busy\r\nContent-Length: 0\r\n\r\n";
  ScriptedServer server({{request(), say(busy)}, {request(), say(busy)}, {request(), say(answer("one"))}});
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url("/");
  EXPECT_EQ(must(get()).access_key_id, "one");
}

TEST_F(AwsCredentialsTest, ComeFromTheInstance) {
  ScriptedServer server({{request(), say(ok("tok")), request(), say(ok("my-role")), request(), say(answer("one"))}});
  environment_["AWS_EC2_METADATA_DISABLED"] = "false";
  environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url("/");
  EXPECT_EQ(must(get()).access_key_id, "one");
  EXPECT_THAT(server.received(0), AllOf(HasSubstr("PUT /latest/api/token HTTP/1.1\r\n"),
                                        HasSubstr("x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"),
                                        HasSubstr("GET /latest/meta-data/iam/security-credentials/my-role HTTP"),
                                        HasSubstr("x-aws-ec2-metadata-token: tok\r\n")));
}

TEST_F(AwsCredentialsTest, AnInstanceWithoutASoundRoleIsRefused) {
  environment_["AWS_EC2_METADATA_DISABLED"] = "false";
  for (const char* role : {"../../x", "a b", "", ".."}) {
    ScriptedServer server({{request(), say(ok("tok")), request(), say(ok(role))}});
    environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url("/");
    EXPECT_FAILS(get(), ErrorKind::Corrupt, "no sound name");
  }
}

// Gives "1", "2", … valid for an hour each, until told to fail.
class Counting final : public AwsCredentialSource {
 public:
  Counting(Clock& clock, int& asked, bool& fails) : clock_(clock), asked_(asked), fails_(fails) {}
  Result<AwsCredentials> get(std::stop_token) override {
    ++asked_;
    if (fails_) return Error(ErrorKind::Unavailable, "gone");
    return AwsCredentials{.access_key_id = std::to_string(asked_),
                          .secret_access_key = {},
                          .session_token = {},
                          .expires_at = clock_.now() + std::chrono::hours(1)};
  }

 private:
  Clock& clock_;
  int& asked_;
  bool& fails_;
};

TEST(RefreshedAwsCredentials, AreRenewedBeforeTheyExpire) {
  FakeClock clock;
  int asked = 0;
  bool fails = false;
  RefreshedAwsCredentials source(std::make_unique<Counting>(clock, asked, fails), clock);
  EXPECT_EQ(must(source.get({})).access_key_id, "1");
  clock.advance(std::chrono::minutes(44));
  EXPECT_EQ(must(source.get({})).access_key_id, "1");

  fails = true;
  clock.advance(std::chrono::minutes(2));
  EXPECT_EQ(must(source.get({})).access_key_id, "1");
  EXPECT_EQ(must(source.get({})).access_key_id, "1");
  EXPECT_EQ(asked, 2);  // not with every request
  clock.advance(std::chrono::minutes(12));
  EXPECT_EQ(must(source.get({})).access_key_id, "1");
  EXPECT_EQ(asked, 3);
  clock.advance(std::chrono::minutes(2));
  EXPECT_FAILS(source.get({}), ErrorKind::Unavailable, "gone");

  fails = false;
  EXPECT_EQ(must(source.get({})).access_key_id, "5");
  source.expired(must(source.get({})));
  EXPECT_EQ(must(source.get({})).access_key_id, "6");
  source.expired({.access_key_id = "another", .secret_access_key = {}, .session_token = {}, .expires_at = {}});
  EXPECT_EQ(must(source.get({})).access_key_id, "6");
}

}  // namespace
}  // namespace packferry
