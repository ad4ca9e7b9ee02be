#include "aws/sts.h"

#include <gmock/gmock.h>

#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::must;
using testing::ok_and_goodbye;
using testing::request;
using testing::say;
using testing::ScriptedServer;

constexpr std::string_view kIdentity =
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
    "<Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>AIDA</UserId><Account>111122223333</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>";

std::string refusal(int status, std::string_view code) {
  const std::string body = fmt::format(
      "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>its words</Message></Error></ErrorResponse>",
      code);
  return fmt::format("HTTP/1.1 {} no\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}

class StsTest : public ::testing::Test {
 protected:
  Result<CallerIdentity> who(std::vector<std::string> answers) {
    std::vector<testing::Script> scripts;
    for (const std::string& answer : answers) scripts.push_back({request(), say(answer)});
    server_ = std::make_unique<ScriptedServer>(std::move(scripts));
    return must(Sts::at("eu-central-1", server_->url("/"), caller_)).caller_identity(keys_, {});
  }

  FakeClock clock_;
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  AwsCaller caller_{http_, clock_};
  FixedAwsCredentials keys_{
      {.access_key_id = "AKIA", .secret_access_key = Secret("s"), .session_token = {}, .expires_at = {}}};
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(StsTest, TellsWhoWeAre) {
  const CallerIdentity us = must(who({ok_and_goodbye(kIdentity)}));
  EXPECT_EQ(us.account, "111122223333");
  EXPECT_EQ(us.arn, "arn:aws:iam::111122223333:user/ann");
  EXPECT_THAT(server_->received(0), AllOf(HasSubstr("Action=GetCallerIdentity&Version=2011-06-15"),
                                          HasSubstr("/eu-central-1/sts/aws4_request")));
}

TEST_F(StsTest, RefusalsHaveTheirKinds) {
  EXPECT_FAILS(who({refusal(403, "AccessDenied")}), ErrorKind::Denied,
               "AccessDenied: its words; the role's trust policy");
  EXPECT_FAILS(who({refusal(403, "RegionDisabledException")}), ErrorKind::Invalid, "activate STS");
  EXPECT_FAILS(who({refusal(403, "IDPRejectedClaim")}), ErrorKind::Denied, "renew it");
  EXPECT_FAILS(who({refusal(400, "Odd")}), ErrorKind::Rejected, "ask STS who we are: Odd: its words");
  EXPECT_EQ(must(who({refusal(400, "IDPCommunicationError"), ok_and_goodbye(kIdentity)})).account, "111122223333");
}

TEST_F(StsTest, AnswersThatAreNoneAreCorrupt) {
  EXPECT_FAILS(who({ok_and_goodbye("<html/>")}), ErrorKind::Corrupt, "something else than an identity");
  EXPECT_FAILS(parse_caller_identity("<GetCallerIdentityResponse><GetCallerIdentityResult><Account>12</Account>"
                                     "</GetCallerIdentityResult></GetCallerIdentityResponse>"),
               ErrorKind::Corrupt, "twelve digits");
  const auto credentials = [](std::string_view inside) {
    return parse_sts_credentials(
        fmt::format("<AssumeRoleResponse><AssumeRoleResult><Credentials>{}</Credentials>"
                    "</AssumeRoleResult></AssumeRoleResponse>",
                    inside));
  };
  EXPECT_FAILS(parse_sts_credentials("AKIA"), ErrorKind::Corrupt, "something else than credentials");
  EXPECT_FAILS(credentials("<AccessKeyId>A</AccessKeyId>"), ErrorKind::Corrupt, "not complete");
  const std::string rest =
      "<SecretAccessKey>s</SecretAccessKey><Expiration>2026-01-02T03:04:05.678Z</Expiration><SessionToken>t";
  EXPECT_EQ(must(credentials("<AccessKeyId>A</AccessKeyId>" + rest + "</SessionToken>")).expires_at,
            from_iso8601("2026-01-02T03:04:05Z"));
  EXPECT_FAILS(credentials("<AccessKeyId>A</AccessKeyId>" + rest + "&#10;x</SessionToken>"), ErrorKind::Corrupt,
               "control characters");
  EXPECT_EQ(parse_sts_failure("<html>"), std::nullopt);
  EXPECT_EQ(parse_sts_failure("<ErrorResponse/>"), std::nullopt);
}

TEST(Sts, SignsForItsRegion) {
  FakeClock clock;
  HttpClient http({.user_agent = "packferry/test", .ca_file = {}, .patience = {}});
  AwsCaller caller(http, clock);
  must(Sts::at("", "", caller));
  EXPECT_FAILS(Sts::at("nowhere", "", caller), ErrorKind::Invalid, "'nowhere' is no region");
}

}  // namespace
}  // namespace packferry
