#include "aws/aws_credentials.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

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

// One repository's 403 must not cost the others a session that is good.
TEST(RefreshedAwsCredentials, ServeOnWhenTheyAreDoubtedAndThereAreNoOthers) {
  FakeClock clock;
  int asked = 0;
  bool fails = false;
  RefreshedAwsCredentials source(std::make_unique<Counting>(clock, asked, fails), clock);
  const AwsCredentials first = must(source.get({}));
  fails = true;
  source.expired(first);
  EXPECT_EQ(must(source.get({})).access_key_id, "1");
  EXPECT_EQ(must(source.get({})).access_key_id, "1");
  EXPECT_EQ(asked, 2) << "asked once for each doubt";
  clock.advance(std::chrono::minutes(60));
  EXPECT_FAILS(source.get({}), ErrorKind::Unavailable, "gone");
}

TEST(AwsCredentials, OfMetadataServicesAndProcesses) {
  const AwsCredentials metadata = must(parse_metadata_credentials(
      R"({"AccessKeyId": "A", "SecretAccessKey": "s", "Token": "t", "Expiration": "2026-01-02T03:04:05Z"})"));
  EXPECT_EQ(metadata.access_key_id, "A");
  EXPECT_EQ(metadata.session_token.reveal(), "t");
  EXPECT_EQ(metadata.expires_at, from_iso8601("2026-01-02T03:04:05Z"));
  const AwsCredentials process = must(
      parse_process_credentials(R"({"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t"})"));
  EXPECT_EQ(process.secret_access_key.reveal(), "s");
  EXPECT_EQ(process.session_token.reveal(), "t");
  EXPECT_EQ(process.expires_at, std::nullopt);
}

TEST(AwsCredentials, ExpireAtATimeInAnyOfItsSpellings) {
  for (const char* time : {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.123Z",
                           "2026-01-02T03:04:05.123456+00:00"})
    EXPECT_EQ(must(parse_process_credentials(fmt::format(
                       R"({{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": "{}"}})", time)))
                  .expires_at,
              from_iso8601("2026-01-02T03:04:05Z"));
  EXPECT_FAILS(
      parse_process_credentials(R"({"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": "soon"})"),
      ErrorKind::Corrupt, "expire at 'soon'");
}

TEST(AwsCredentials, ThatAreNoneSaySo) {
  EXPECT_FAILS(parse_metadata_credentials("<html>"), ErrorKind::Corrupt, "something else");
  EXPECT_FAILS(parse_metadata_credentials(R"({"Code": "Failed", "Message": "no role"})"), ErrorKind::Denied,
               "Failed: no role");
  EXPECT_FAILS(parse_metadata_credentials(R"({"AccessKeyId": "A\nB", "SecretAccessKey": "s"})"), ErrorKind::Corrupt,
               "control");
  EXPECT_FAILS(parse_process_credentials("secret"), ErrorKind::Corrupt, "something else");
  EXPECT_FAILS(parse_process_credentials(R"({"AccessKeyId": "A", "SecretAccessKey": "s"})"), ErrorKind::Unsupported,
               "Version");
  EXPECT_FAILS(parse_process_credentials(R"({"Version": 1, "AccessKeyId": "A"})"), ErrorKind::Corrupt,
               "no SecretAccessKey");
}

}  // namespace
}  // namespace packferry
