#include "aws/aws_call.h"

#include <gmock/gmock.h>

#include "aws/aws_client.h"
#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using testing::hang_up;
using ::testing::HasSubstr;
using testing::must;
using testing::ok_and_goodbye;
using testing::request;
using testing::say;
using testing::ScriptedServer;

std::string refusal(int status, std::string_view body, std::string_view headers = "") {
  return fmt::format("HTTP/1.1 {} no\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{}", status, headers,
                     body.size(), body);
}

std::string refusal_with(std::string_view code) {
  return refusal(400, fmt::format(R"({{"__type": "{}", "message": "its words"}})", code));
}

// Numbered keys, another one when they have expired.
class NumberedKeys final : public AwsCredentialSource {
 public:
  Result<AwsCredentials> get(std::stop_token) override {
    return AwsCredentials{.access_key_id = fmt::format("AKIA{}", number),
                          .secret_access_key = Secret("s"),
                          .session_token = {},
                          .expires_at = {}};
  }
  void expired(const AwsCredentials&) override { ++number; }

  int number = 1;
};

constexpr KnownAwsCode kKnown[] = {{"ThingExistsException", ErrorKind::Conflict, "take another"}};

class AwsCallTest : public ::testing::Test {
 protected:
  // Each answer on a connection of its own.
  Result<std::string> list(const std::vector<std::string>& answers, std::stop_token stop = {}) {
    std::vector<testing::Script> scripts;
    for (const std::string& answer : answers)
      scripts.push_back(answer.empty() ? testing::Script{request(), hang_up()}
                                       : testing::Script{request(), say(answer)});
    server_ = std::make_unique<ScriptedServer>(std::move(scripts));
    const AwsClient client({.name = "codecommit",
                            .target = "CodeCommit_20150413",
                            .region = "eu-central-1",
                            .endpoint = must(Url::parse(server_->url("/"))),
                            .known = kKnown},
                           caller_, keys_);
    return client.call("ListThings", "{}", std::move(stop));
  }
  std::string received(std::size_t attempt) const { return server_->received(attempt); }
  std::size_t attempts() const { return server_->connections(); }

  FakeClock clock_;
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  AwsCaller caller_{http_, clock_};
  NumberedKeys keys_;
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(AwsCallTest, IsASignedPostOfJson) {
  EXPECT_EQ(must(list({ok_and_goodbye(R"({"things": []})")})), R"({"things": []})");
  EXPECT_THAT(received(0),
              AllOf(HasSubstr("POST / HTTP/1.1\r\n"), HasSubstr("Content-Type: application/x-amz-json-1.1\r\n"),
                    HasSubstr("X-Amz-Target: CodeCommit_20150413.ListThings\r\n"),
                    HasSubstr("Credential=AKIA1/20231114/eu-central-1/codecommit/aws4_request, "
                              "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "),
                    HasSubstr("\r\n\r\n{}")));
}

TEST_F(AwsCallTest, IsMadeAgainWhileThatMayHelp) {
  const auto began = clock_.now();
  EXPECT_EQ(must(list({refusal_with("ThrottlingException"), "", ok_and_goodbye("{}")})), "{}");
  EXPECT_EQ(attempts(), 3u);
  EXPECT_GE(clock_.now() - began, Milliseconds(1'000));
  EXPECT_EQ(must(list({refusal(503, "<html>"), refusal(500, ""), ok_and_goodbye("{}")})), "{}");
}

TEST_F(AwsCallTest, ThreeAttemptsAreAllThereAre) {
  EXPECT_FAILS(list({refusal(429, "{}"), refusal(502, ""), refusal_with("com.amazonaws#Throttling:http://x")}),
               ErrorKind::Throttled, "ListThings of codecommit eu-central-1: Throttling: its words");
  EXPECT_EQ(attempts(), 3u);
  EXPECT_FAILS(list({"", "", ""}), ErrorKind::Unavailable, "ListThings of codecommit eu-central-1: ");
}

TEST_F(AwsCallTest, WaitsAsLongAsItIsAskedTo) {
  const auto began = clock_.now();
  must(list({refusal(429, "{}", "Retry-After: 77\r\n"), ok_and_goodbye("{}")}));
  EXPECT_GE(clock_.now() - began, std::chrono::seconds(77));
}

TEST_F(AwsCallTest, AStopEndsTheWait) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(list({refusal(429, "{}"), ok_and_goodbye("{}")}, stop.get_token()), ErrorKind::Cancelled, "");
}

TEST_F(AwsCallTest, RefusalsSayWhatToDoNext) {
  const struct {
    std::string answer;
    ErrorKind kind;
    const char* words;
  } cases[] = {
      {refusal_with("AccessDeniedException"), ErrorKind::Denied, "AccessDeniedException: its words"},
      {refusal_with("UnrecognizedClientException"), ErrorKind::Denied, "its words; check the access key"},
      {refusal_with("ThingExistsException"), ErrorKind::Conflict, "its words; take another"},
      {refusal_with("NoIdeaException"), ErrorKind::Rejected, "NoIdeaException: its words"},
      {refusal(400, R"({"Message": "capital"})", "x-amzn-ErrorType: OddException:http://x\r\n"), ErrorKind::Rejected,
       "OddException: capital"},
      {refusal(403, "<html>"), ErrorKind::Denied, "HTTP 403"},
      {refusal(404, "no"), ErrorKind::NotFound, "HTTP 404"},
      {refusal(307, "", "Location: http://127.0.0.1:9/\r\n"), ErrorKind::Invalid, "HTTP 307, a redirect"},
      {refusal(400, R"({"__type": "X\u001b[31m", "message": "\u001b]0;x"})"), ErrorKind::Rejected, "X\\x1b[31m"},
  };
  for (const auto& c : cases) {
    EXPECT_FAILS(list({c.answer}), c.kind, c.words);
    EXPECT_EQ(attempts(), 1u);
  }
}

TEST_F(AwsCallTest, ExpiredCredentialsAreRenewedOnce) {
  must(list({refusal_with("ExpiredTokenException"), ok_and_goodbye("{}")}));
  EXPECT_THAT(received(0), HasSubstr("Credential=AKIA1/"));
  EXPECT_THAT(received(1), HasSubstr("Credential=AKIA2/"));
  EXPECT_FAILS(list({refusal_with("ExpiredToken"), refusal_with("ExpiredToken")}), ErrorKind::Denied,
               "renew the session");
}

TEST_F(AwsCallTest, AClockThatIsWrongIsCorrectedByTheirs) {
  const std::string late = refusal(400, R"({"__type": "InvalidSignatureException", "message": "too late"})",
                                   "Date: Tue, 14 Nov 2023 23:13:20 GMT\r\n");
  must(list({late, ok_and_goodbye("{}")}));
  EXPECT_THAT(received(0), HasSubstr("X-Amz-Date: 20231114T221320Z"));
  EXPECT_THAT(received(1), HasSubstr("X-Amz-Date: 20231114T231320Z"));
  must(list({ok_and_goodbye("{}")}));
  EXPECT_THAT(received(0), HasSubstr("X-Amz-Date: 20231114T231320Z")) << "and stays so";
  EXPECT_FAILS(list({late}), ErrorKind::Denied, "check the secret access key, and the clock");
}

TEST(AwsFailures, AreReadFromWhatServicesSay) {
  EXPECT_EQ(parse_json_failure("", "[]"), std::nullopt);
  EXPECT_EQ(parse_json_failure("", "{\"__type\": 7}"), std::nullopt);
  EXPECT_EQ(parse_json_failure("", "{\"__type\": \"a#B:c#d\"}")->code, "B");
  EXPECT_EQ(parse_json_failure("Code:x", "not JSON")->code, "Code");
}

}  // namespace
}  // namespace packferry
