#include "aws/codecommit_credentials.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

// Numbered sessions, a new one when the last has expired.
class NumberedSessions final : public AwsCredentialSource {
 public:
  Result<AwsCredentials> get(std::stop_token) override {
    if (fails) return Error(ErrorKind::Unavailable, "STS does not answer");
    return session();
  }
  void expired(const AwsCredentials& credentials) override {
    if (credentials.access_key_id == session().access_key_id) ++number;
  }

  int number = 1;
  bool fails = false;

 private:
  AwsCredentials session() const {
    return {.access_key_id = fmt::format("ASIA{}", number),
            .secret_access_key = Secret("secret"),
            .session_token = Secret("token"),
            .expires_at = {}};
  }
};

class CodeCommitCredentialsTest : public ::testing::Test {
 protected:
  Credentials sent() { return must(credentials.for_request(git, std::nullopt, {})).value(); }

  const CodeCommitAddress address = must(codecommit_address(must(Url::parse("codecommit::us-east-1://web")), "", {}));
  const Url git = address.git;
  const Url elsewhere = must(Url::parse("https://git-codecommit.us-west-2.amazonaws.com/v1/repos/web"));
  NumberedSessions aws;
  FakeClock clock;
  CodeCommitCredentials credentials{address, aws, clock};
};

TEST_F(CodeCommitCredentialsTest, AreMadeForEachRequest) {
  EXPECT_FALSE(credentials.up_front(git));
  const Credentials first = sent();
  EXPECT_EQ(first.username, "ASIA1%token");
  EXPECT_EQ(first.password.reveal().substr(0, 16), "20231114T221320Z");
  clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(sent().password.reveal().substr(0, 16), "20231114T221820Z");
  EXPECT_EQ(must(credentials.ask(git, {})).password.reveal(), sent().password.reveal());
}

TEST_F(CodeCommitCredentialsTest, ARefusalRenewsTheSessionBehindThem) {
  const Credentials first = sent();
  EXPECT_TRUE(credentials.may_have_run_out(git, first));
  EXPECT_EQ(sent().username, "ASIA2%token");
}

TEST_F(CodeCommitCredentialsTest, GoToTheirHostOnly) {
  EXPECT_FALSE(must(credentials.for_request(elsewhere, std::nullopt, {})));
  EXPECT_FAILS(credentials.ask(elsewhere, {}), ErrorKind::NotFound, "us-west-2");
  EXPECT_FALSE(credentials.may_have_run_out(elsewhere, sent()));
  EXPECT_EQ(aws.number, 1);
}

TEST_F(CodeCommitCredentialsTest, SayWhyThereAreNone) {
  aws.fails = true;
  EXPECT_FAILS(credentials.for_request(git, std::nullopt, {}), ErrorKind::Unavailable,
               "password for https://git-codecommit.us-east-1.amazonaws.com/v1/repos/web: STS does not answer");
  EXPECT_TRUE(credentials.may_have_run_out(git, {}));
}

}  // namespace
}  // namespace packferry
