#include "aws/codecommit_password.h"

#include <gtest/gtest.h>

#include "aws/sigv4.h"
#include "base/digest.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

const char* const kKey = "AKIAIOSFODNN7EXAMPLE";
const char* const kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

AwsCredentials key(std::string id = kKey, std::string secret = kSecret, std::string token = {}) {
  return {.access_key_id = std::move(id),
          .secret_access_key = Secret(std::move(secret)),
          .session_token = Secret(std::move(token)),
          .expires_at = {}};
}

Url at_host(std::string_view host, std::string_view repository) {
  return must(Url::parse(fmt::format("https://{}/v1/repos/{}", host, repository)));
}

Clock::WallTime at(std::string_view time) { return *from_iso8601(time); }

// Each agreed between git-remote-codecommit, AWS's own credential helper, and a computation by hand.
TEST(CodeCommitPassword, IsWhatAwssToolsMake) {
  const struct {
    AwsCredentials credentials;
    const char *time, *region, *host, *repository, *password;
  } cases[] = {
      {key("access", "secret"), "2017-12-24T11:53:20Z", "us-west-2", "git-codecommit.us-west-2.amazonaws.com",
       "test_repo", "20171224T115320Zb6df2d758a8023b2f000a546417007b65494f3ce8ad0300fd45fcfa173f1959a"},
      {key(), "2026-01-02T03:04:05Z", "us-east-1", "git-codecommit.us-east-1.amazonaws.com", "MyDemoRepo",
       "20260102T030405Za65e1c7316c46466c73a462eb9fd7d4d94742a4d4f77bb5d51ac08f2531191a5"},
      {key(), "2026-12-31T23:59:59Z", "cn-north-1", "git-codecommit.cn-north-1.amazonaws.com.cn", "team.tools_repo-1",
       "20261231T235959Z032ad8416eac55dd1c967294ae4c2c8e1bdde094effca0361eacf6d1ad1b2f11"},
      {key(), "2026-01-02T03:04:05Z", "us-gov-west-1", "git-codecommit-fips.us-gov-west-1.amazonaws.com", "MyDemoRepo",
       "20260102T030405Zcada06f46aa9dfde295437b6eee8aad394adfc83aadd9a96a0496fc86e786f90"},
      {key(), "2026-01-02T03:04:05Z", "eu-central-1",
       "vpce-0123456789abcdef0-abcdefgh.git-codecommit.eu-central-1.vpce.amazonaws.com", "MyDemoRepo",
       "20260102T030405Ze45bf8d953d5f88573835f0da123a410068532ba6a9d68d66d789cd8fd02ea77"}};
  for (const auto& c : cases) {
    const Credentials made = codecommit_password(c.credentials, c.region, at_host(c.host, c.repository), at(c.time));
    EXPECT_EQ(made.password.reveal(), c.password) << c.host;
    EXPECT_EQ(made.username, c.credentials.access_key_id);
    EXPECT_FALSE(made.bearer);
  }
}

TEST(CodeCommitPassword, CarriesASessionTokenUnsignedInTheUserName) {
  const std::string token = "FwoGZXIvYXdzEXAMPLE/token+with=chars%/";
  const Url git = at_host("git-codecommit.us-east-1.amazonaws.com", "MyDemoRepo");
  const Credentials made =
      codecommit_password(key("ASIAIOSFODNN7EXAMPLE", kSecret, token), "us-east-1", git, at("2026-01-02T03:04:05Z"));
  EXPECT_EQ(made.password.reveal(), "20260102T030405Za65e1c7316c46466c73a462eb9fd7d4d94742a4d4f77bb5d51ac08f2531191a5");
  EXPECT_EQ(made.username, "ASIAIOSFODNN7EXAMPLE%" + token);
  EXPECT_EQ(percent_encode(made.username), "ASIAIOSFODNN7EXAMPLE%25FwoGZXIvYXdzEXAMPLE%2Ftoken%2Bwith%3Dchars%25%2F");
}

TEST(CodeCommitPassword, IsMadeInTheseSteps) {
  const CanonicalRequest request = canonical_request("GIT", "/v1/repos/MyDemoRepo", "",
                                                     {{"Host", "git-codecommit.us-east-1.amazonaws.com"}}, "", false);
  EXPECT_EQ(request.text, "GIT\n/v1/repos/MyDemoRepo\n\nhost:git-codecommit.us-east-1.amazonaws.com\n\nhost\n");
  EXPECT_EQ(to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(request.text))),
            "956504f984c57eae87a4d346014b4f0ecfc62a9cc354b2434e0408ec253be706");
  EXPECT_EQ(to_hex(sigv4_signing_key(Secret(kSecret), {"us-east-1", "codecommit"}, "20260102")),
            "88c62f6f5e0652c665d0972626769bcd122012a08225e583a46edffb4c43006a");
}

TEST(CodeCommitPassword, SignsTheHostWithoutItsPort) {
  const auto made = [](std::string_view host) {
    return codecommit_password(key(), "us-east-1", at_host(host, "web"), at("2026-01-02T03:04:05Z")).password.reveal();
  };
  EXPECT_EQ(made("proxy.example:8443"), made("proxy.example"));
  EXPECT_NE(made("proxy.example"), made("other.example"));
}

TEST(CodeCommitPassword, IsUsedForFourteenMinutesAtMost) {
  EXPECT_EQ(codecommit_password_expiry(at("2026-01-02T03:04:05Z")), at("2026-01-02T03:18:05Z"));
}

}  // namespace
}  // namespace packferry
