#include "aws/aws_chain.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "aws/aws_metadata.h"
#include "testing/must.h"
#include "testing/scripted_server.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::ok;
using testing::ok_and_goodbye;
using testing::request;
using testing::say;
using testing::ScriptedServer;
using testing::TempDir;

constexpr std::string_view kSoon = "2023-11-14T23:13:20Z";  // an hour after the start of a FakeClock

std::string answer(std::string_view id, std::string_view expiration = kSoon) {
  return ok(fmt::format(R"({{"AccessKeyId": "{}", "SecretAccessKey": "s", "Token": "t", "Expiration": "{}"}})", id,
                        expiration));
}

class AwsChainTest : public ::testing::Test {
 protected:
  EnvironmentLookup lookup() const {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
  }
  Result<std::unique_ptr<AwsCredentialSource>> find(const AwsIdentity& identity = {}) {
    const EnvironmentLookup environment = lookup();
    const AwsProfile profile = TRY(AwsProfile::load(identity.profile, environment));
    return find_aws_credentials(profile, identity, "eu-west-1",
                                {environment, {"PATH=/usr/bin:/bin"}, metadata_, caller_, clock_});
  }
  Result<AwsCredentials> get() { return get(AwsIdentity()); }
  Result<AwsCredentials> get(const AwsIdentity& identity) {
    const std::unique_ptr<AwsCredentialSource> source = TRY(find(identity));
    return source->get({});
  }
  void write_config(std::string_view text) { std::ofstream(directory_ / "config") << text; }
  void write_credentials(std::string_view text) { std::ofstream(directory_ / "credentials") << text; }

  TempDir directory_;
  std::map<std::string, std::string, std::less<>> environment_ = {
      {"AWS_CONFIG_FILE", (directory_ / "config").string()},
      {"AWS_SHARED_CREDENTIALS_FILE", (directory_ / "credentials").string()},
      {"AWS_EC2_METADATA_DISABLED", "true"}};
  FakeClock clock_;
  HttpClient metadata_{metadata_http_options({.user_agent = "packferry/test", .ca_file = {}, .patience = {}})};
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  AwsCaller caller_{http_, clock_};
};

TEST_F(AwsChainTest, ComeFromTheEnvironment) {
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

TEST_F(AwsChainTest, ComeFromTheProfileAndANamedOneWins) {
  write_credentials(
      "[default]\naws_access_key_id=one\naws_secret_access_key=s\n"
      "[west]\naws_access_key_id=two\naws_secret_access_key=s\naws_session_token=t\n");
  EXPECT_EQ(must(get()).access_key_id, "one");
  environment_["AWS_ACCESS_KEY_ID"] = "AKIA";
  environment_["AWS_SECRET_ACCESS_KEY"] = "secret";
  environment_["AWS_PROFILE"] = "west";  // does not win over keys
  EXPECT_EQ(must(get()).access_key_id, "AKIA");
  EXPECT_EQ(must(must(find({.profile = "west"}))->get({})).access_key_id, "two");
}

TEST_F(AwsChainTest, HalfAPairIsInvalid) {
  environment_["AWS_ACCESS_KEY_ID"] = "AKIA";
  EXPECT_FAILS(find(), ErrorKind::Invalid, "the environment has only one of");
  environment_.erase("AWS_ACCESS_KEY_ID");
  write_credentials("[default]\naws_secret_access_key=s\n");
  EXPECT_FAILS(find(), ErrorKind::Invalid, "AWS profile 'default' has only one of");
}

TEST_F(AwsChainTest, NoneAtAllSaysWhatToSet) { EXPECT_FAILS(find(), ErrorKind::Denied, "set AWS_ACCESS_KEY_ID"); }

TEST_F(AwsChainTest, WhatIsNotDoneHereSaysWhatToDoInstead) {
  write_config("[default]\nsso_session = x\n");
  EXPECT_FAILS(find(), ErrorKind::Unsupported, "aws configure export-credentials");
  write_config("[default]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = x\nmfa_serial = y\n");
  EXPECT_FAILS(find(), ErrorKind::Unsupported, "second factor");
}

TEST_F(AwsChainTest, ComeFromTheContainer) {
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

TEST_F(AwsChainTest, AContainersTokenDoesNotGoElsewhere) {
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.org/creds";
  EXPECT_FAILS(find(), ErrorKind::Invalid, "neither https nor on this machine");
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/creds";
  must(find());
  // The relative one wins, and is always on the host of the container.
  environment_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "@example.org/creds";
  EXPECT_FAILS(find(), ErrorKind::Invalid, "");
}

TEST_F(AwsChainTest, AContainerThatFailsIsTheAnswer) {
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

TEST_F(AwsChainTest, IsAskedAgainWhenItIsBusy) {
  const std::string busy = "HTTP/1.1 503 busy\r\nContent-Length: 0\r\n\r\n";
  ScriptedServer server({{request(), say(busy)}, {request(), say(busy)}, {request(), say(answer("one"))}});
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url("/");
  EXPECT_EQ(must(get()).access_key_id, "one");
}

TEST_F(AwsChainTest, ComeFromTheInstance) {
  ScriptedServer server({{request(), say(ok("tok")), request(), say(ok("my-role")), request(), say(answer("one"))}});
  environment_["AWS_EC2_METADATA_DISABLED"] = "false";
  environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url("/");
  EXPECT_EQ(must(get()).access_key_id, "one");
  EXPECT_THAT(server.received(0), AllOf(HasSubstr("PUT /latest/api/token HTTP/1.1\r\n"),
                                        HasSubstr("x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"),
                                        HasSubstr("GET /latest/meta-data/iam/security-credentials/my-role HTTP"),
                                        HasSubstr("x-aws-ec2-metadata-token: tok\r\n")));
}

TEST_F(AwsChainTest, AnInstanceWithoutASoundRoleIsRefused) {
  environment_["AWS_EC2_METADATA_DISABLED"] = "false";
  for (const char* role : {"../../x", "a b", "", ".."}) {
    ScriptedServer server({{request(), say(ok("tok")), request(), say(ok(role))}});
    environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url("/");
    EXPECT_FAILS(get(), ErrorKind::Corrupt, "no sound name");
  }
}

// One answer of STS, with a key that tells which.
std::string role_answer(std::string_view id, std::string_view action = "AssumeRole",
                        std::string_view expiration = kSoon) {
  return ok_and_goodbye(
      fmt::format("<{0}Response><{0}Result><Credentials><AccessKeyId>{1}</AccessKeyId><SecretAccessKey>s"
                  "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{2}</Expiration></Credentials>"
                  "</{0}Result></{0}Response>",
                  action, id, expiration));
}

constexpr std::string_view kKeys = "aws_access_key_id = AKIABASE\naws_secret_access_key = s\n";

std::string role_named(std::string_view name) { return fmt::format("arn:aws:iam::111122223333:role/{}", name); }

TEST_F(AwsChainTest, ARoleIsAssumedWithItsSourceProfile) {
  ScriptedServer sts({{request(), say(role_answer("ASIA1"))},
                      {request(), say(role_answer("ASIA2"))},
                      {request(), say(role_answer("ASIA3"))}});
  environment_["AWS_ENDPOINT_URL_STS"] = sts.url("/");
  write_config("[profile west]\nregion = us-west-2\nrole_arn = " + role_named("reader") +
               "\nsource_profile = base\nexternal_id = x-1\nrole_session_name = nightly\nduration_seconds = "
               "3600\n[profile base]\n" +
               std::string(kKeys));
  const auto source = must(find({.profile = "west"}));
  EXPECT_EQ(must(source->get({})).access_key_id, "ASIA1");
  EXPECT_EQ(must(source->get({})).access_key_id, "ASIA1");
  EXPECT_THAT(sts.received(0),
              AllOf(HasSubstr("Credential=AKIABASE/20231114/us-west-2/sts/aws4_request"),
                    HasSubstr("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2F"
                              "reader&RoleSessionName=nightly&DurationSeconds=3600&ExternalId=x-1")));
  // Renewed before it runs out, and when somebody else says that it has.
  clock_.advance(std::chrono::minutes(46));
  const AwsCredentials second = must(source->get({}));
  EXPECT_EQ(second.access_key_id, "ASIA2");
  source->expired(second);
  EXPECT_EQ(must(source->get({})).access_key_id, "ASIA3");
}

TEST_F(AwsChainTest, RolesFormChains) {
  ScriptedServer sts({{request(), say(role_answer("ASIA1"))}, {request(), say(role_answer("ASIA2"))}});
  environment_["AWS_ENDPOINT_URL_STS"] = sts.url("/");
  environment_["AWS_PROFILE"] = "outer";
  write_config("[profile outer]\nrole_arn = " + role_named("outer") + "\nsource_profile = inner\n" +
               "[profile inner]\nrole_arn = " + role_named("inner") + "\nsource_profile = base\n[profile base]\n" +
               std::string(kKeys));
  EXPECT_EQ(must(get()).access_key_id, "ASIA2");
  EXPECT_THAT(sts.received(0), AllOf(HasSubstr("Credential=AKIABASE/"), HasSubstr("role%2Finner")));
  EXPECT_THAT(sts.received(1), AllOf(HasSubstr("Credential=ASIA1/"), HasSubstr("role%2Fouter")));
}

TEST_F(AwsChainTest, CirclesAndMissingSourcesAreTold) {
  const std::string role = "role_arn = " + role_named("x") + "\n";
  const struct {
    std::string config;
    const char* words;
  } cases[] = {
      {"[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role + "source_profile = a\n",
       "leads back to 'a'"},
      {"[profile a]\n" + role + "source_profile = a\n", "leads back to 'a'"},
      {"[profile a]\n" + role, "neither source_profile nor"},
      {"[profile a]\n" + role + "source_profile = b\ncredential_source = Environment\n", "both source_profile and"},
      {"[profile a]\n" + role + "source_profile = b\n", "'b' is neither in"},
      {"[profile a]\n" + role + "source_profile = b\n[profile b]\nregion = x\n", "'b' has no credentials"},
      {"[profile a]\n" + role + "credential_source = Elsewhere\n", "credential_source is"},
      {"[profile a]\nrole_arn = reader\nsource_profile = b\n", "'reader' is no role"},
      {"[profile a]\n" + role + "source_profile = b\nduration_seconds = 1h\n", "is no number"},
      {"[profile a]\n" + role + "source_profile = b\nduration_seconds = 60\n", "900 to 43200"},
      {"[profile a]\n" + role + "source_profile = b\nrole_session_name = a b\n", "session name"},
      {"[profile a]\n" + role + "source_profile = b\nexternal_id = x\n", "external id"},
      {"[profile a]\nweb_identity_token_file = /x\n", "no role_arn"},
      {"[profile a]\ncredential_process = 'x\n", "a quote without its other"},
  };
  for (const auto& c : cases) {
    write_config(c.config);
    EXPECT_FAILS(find({.profile = "a"}), ErrorKind::Invalid, c.words);
  }
  // A profile may be its own source, with keys.
  write_config("[profile a]\n" + role + "source_profile = a\n" + std::string(kKeys));
  must(find({.profile = "a"}));
}

TEST_F(AwsChainTest, ARoleIsAssumedWithACredentialSource) {
  ScriptedServer sts({{request(), say(role_answer("ASIA1"))}});
  environment_["AWS_ENDPOINT_URL_STS"] = sts.url("/");
  write_config("[profile a]\nrole_arn = " + role_named("x") +
               "\ncredential_source = Environment\n[profile b]\nrole_arn = " + role_named("x") +
               "\ncredential_source = EcsContainer\n[profile c]\nrole_arn = " + role_named("x") +
               "\ncredential_source = Ec2InstanceMetadata\n");
  EXPECT_FAILS(find({.profile = "a"}), ErrorKind::Denied, "source Environment");
  EXPECT_FAILS(find({.profile = "b"}), ErrorKind::Denied, "no container");
  EXPECT_FAILS(find({.profile = "c"}), ErrorKind::Denied, "source Ec2InstanceMetadata");
  environment_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  environment_["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(must(get({.profile = "a"})).access_key_id, "ASIA1");
  EXPECT_THAT(sts.received(0), HasSubstr("Credential=AKIAENV/20231114/eu-west-1/sts/"));
}

TEST_F(AwsChainTest, AWebIdentityIsSentUnsignedAndReadAgain) {
  const std::string action = "AssumeRoleWithWebIdentity";
  ScriptedServer sts({{request(), say(role_answer("ASIA1", action))}, {request(), say(role_answer("ASIA2", action))}});
  environment_["AWS_ENDPOINT_URL_STS"] = sts.url("/");
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = (directory_ / "token").string();
  EXPECT_FAILS(find(), ErrorKind::Invalid, "AWS_ROLE_ARN is not");
  environment_["AWS_ROLE_ARN"] = role_named("ci");
  environment_["AWS_ROLE_SESSION_NAME"] = "job-7";
  const auto source = must(find());
  EXPECT_FAILS(source->get({}), ErrorKind::NotFound, "web identity token");
  std::ofstream(directory_ / "token") << "\n";
  EXPECT_FAILS(source->get({}), ErrorKind::Denied, "is empty");
  std::ofstream(directory_ / "token") << "eyJ.a+b\n";
  EXPECT_EQ(must(source->get({})).access_key_id, "ASIA1");
  EXPECT_THAT(sts.received(0),
              AllOf(HasSubstr("Action=AssumeRoleWithWebIdentity&"), HasSubstr("WebIdentityToken=eyJ.a%2Bb"),
                    HasSubstr("RoleSessionName=job-7"), Not(HasSubstr("Authorization"))));
  std::ofstream(directory_ / "token") << "eyJ.c";
  clock_.advance(std::chrono::minutes(46));
  EXPECT_EQ(must(source->get({})).access_key_id, "ASIA2");
  EXPECT_THAT(sts.received(1), HasSubstr("WebIdentityToken=eyJ.c"));
}

TEST_F(AwsChainTest, AWebIdentityMayStandInTheProfile) {
  ScriptedServer sts({{request(), say(role_answer("ASIA1", "AssumeRoleWithWebIdentity"))}});
  environment_["AWS_ENDPOINT_URL_STS"] = sts.url("/");
  environment_["AWS_PROFILE"] = "ci";
  std::ofstream(directory_ / "token") << "eyJ";
  write_config("[profile ci]\nrole_arn = " + role_named("ci") +
               "\nweb_identity_token_file = " + (directory_ / "token").string() + "\n");
  EXPECT_EQ(must(get()).access_key_id, "ASIA1");
  EXPECT_THAT(sts.received(0), HasSubstr("RoleSessionName=packferry"));
}

TEST_F(AwsChainTest, ARoleOnTopIsAssumedWithWhatIsFound) {
  ScriptedServer sts({{request(), say(role_answer("ASIA1"))}});
  environment_["AWS_ENDPOINT_URL_STS"] = sts.url("/");
  environment_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  environment_["AWS_SECRET_ACCESS_KEY"] = "s";
  const AwsIdentity identity{.role_arn = role_named("backup"), .external_id = "x-1", .session_name = "me"};
  EXPECT_EQ(must(get(identity)).access_key_id, "ASIA1");
  EXPECT_THAT(sts.received(0), AllOf(HasSubstr("Credential=AKIAENV/"), HasSubstr("role%2Fbackup"),
                                     HasSubstr("SessionName=me"), HasSubstr("ExternalId=x-1")));
  EXPECT_FAILS(find({.role_arn = "backup"}), ErrorKind::Invalid, "'backup' is no role");
}

TEST_F(AwsChainTest, ARoleOnTopOfABareTokenIsAssumedWithTheToken) {
  const std::string action = "AssumeRoleWithWebIdentity";
  ScriptedServer sts({{request(), say(role_answer("ASIA1", action))},
                      {request(), say(role_answer("ASIA2", action))},
                      {request(), say(role_answer("ASIA3"))}});
  environment_["AWS_ENDPOINT_URL_STS"] = sts.url("/");
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = (directory_ / "token").string();
  std::ofstream(directory_ / "token") << "eyJ";
  EXPECT_EQ(must(get({.role_arn = role_named("source")})).access_key_id, "ASIA1");
  EXPECT_THAT(sts.received(0), AllOf(HasSubstr("role%2Fsource"), HasSubstr("WebIdentityToken=eyJ")));
  // A token that has a role of its own, as on Kubernetes, becomes that one first.
  environment_["AWS_ROLE_ARN"] = role_named("pod");
  EXPECT_EQ(must(get({.role_arn = role_named("source")})).access_key_id, "ASIA3");
  EXPECT_THAT(sts.received(1), HasSubstr("role%2Fpod"));
  EXPECT_THAT(sts.received(2), AllOf(HasSubstr("Credential=ASIA2/"), HasSubstr("role%2Fsource")));
}

TEST_F(AwsChainTest, AProcessPrintsThem) {
  write_config("[default]\ncredential_process = " + (directory_ / "give it").string() + " \"a b\" 'c d' e\\ f\n");
  EXPECT_FAILS(get(), ErrorKind::NotFound, "credential_process");
  std::ofstream(directory_ / "give")
      << "#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"'$#-\"$1\"'\", \"SecretAccessKey\": \"s\"}'\n";
  std::filesystem::permissions(directory_ / "give", std::filesystem::perms::owner_all);
  write_config("[default]\ncredential_process = " + (directory_ / "give").string() + " \"a b\" 'c d' e\\ f\n");
  EXPECT_EQ(must(get()).access_key_id, "3-a b");
  std::ofstream(directory_ / "give") << "#!/bin/sh\necho no way >&2; exit 3\n";
  EXPECT_FAILS(get(), ErrorKind::Denied, "exit status 3: no way");
  write_config("[default]\ncredential_process = /nonexistent/program\n");
  EXPECT_FAILS(get(), ErrorKind::NotFound, "credential_process '/nonexistent/program'");
}

TEST_F(AwsChainTest, KeysOfTheCredentialsFileGoBeforeAProcessAndThatBeforeTheConfigFile) {
  write_config("[default]\ncredential_process = /bin/echo {\"Version\":1}\n" + std::string(kKeys));
  EXPECT_FAILS(get(), ErrorKind::Corrupt, "credential_process");
  write_credentials("[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n");
  EXPECT_EQ(must(get()).access_key_id, "AKIAFILE");
}

TEST_F(AwsChainTest, KnowsWhetherAnythingIsSetUp) {
  const auto is_set_up = [this] {
    const EnvironmentLookup environment = lookup();
    return has_aws_credentials(must(AwsProfile::load("", environment)), environment);
  };
  EXPECT_FALSE(is_set_up());
  write_config("[default]\nregion = eu-west-1\n");
  EXPECT_FALSE(is_set_up());
  for (const char* setting : {"role_arn = x", "sso_session = x", "credential_process = x", "aws_access_key_id = x"}) {
    write_config("[default]\n" + std::string(setting) + "\n");
    EXPECT_TRUE(is_set_up()) << setting;
  }
  write_config("");
  for (const char* variable :
       {"AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}) {
    environment_[variable] = "x";
    EXPECT_TRUE(is_set_up()) << variable;
    environment_.erase(variable);
  }
}

}  // namespace
}  // namespace packferry
