#include "aws/sqs.h"

#include <gmock/gmock.h>

#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::must;
using testing::ok;
using testing::request;
using testing::say;
using testing::ScriptedServer;

class SqsTest : public ::testing::Test {
 protected:
  SqsQueue& queue(const std::vector<std::string>& answers) {
    testing::Script script;
    for (const std::string& answer : answers) script.insert(script.end(), {request(), say(answer)});
    server_ = std::make_unique<ScriptedServer>(std::vector<testing::Script>{script});
    queue_ = std::make_unique<SqsQueue>(
        must(Url::parse("https://sqs.eu-central-1.amazonaws.com/111122223333/packferry")),
        must(Url::parse(server_->url("/"))), "eu-central-1", std::chrono::seconds(60), caller_, keys_);
    return *queue_;
  }
  std::string received() const { return server_->received(0); }

  FakeClock clock_;
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  AwsCaller caller_{http_, clock_};
  FixedAwsCredentials keys_{
      {.access_key_id = "AKIA", .secret_access_key = Secret("s"), .session_token = {}, .expires_at = {}}};
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<SqsQueue> queue_;
};

TEST_F(SqsTest, TakesMessagesAndRemovesThem) {
  SqsQueue& it = queue({ok(R"({"Messages": [{"MessageId": "1", "ReceiptHandle": "r1", "Body": "{}"},
                                            {"MessageId": "2", "ReceiptHandle": "r2", "Body": "x"}]})"),
                        ok(R"({"Successful": [{"Id": "0"}, {"Id": "1"}]})")});
  const std::vector<QueueMessage> messages = must(it.receive({}));
  EXPECT_EQ(messages, (std::vector<QueueMessage>{{"r1", "{}"}, {"r2", "x"}}));
  must(it.remove(messages, {}));
  EXPECT_THAT(received(), HasSubstr("X-Amz-Target: AmazonSQS.ReceiveMessage\r\n"));
  EXPECT_THAT(received(), HasSubstr("Content-Type: application/x-amz-json-1.0\r\n"));
  EXPECT_THAT(received(), HasSubstr("/eu-central-1/sqs/aws4_request"));
  EXPECT_THAT(received(), HasSubstr(R"("QueueUrl":"https://sqs.eu-central-1.amazonaws.com/111122223333/packferry")"));
  EXPECT_THAT(received(), HasSubstr(R"("WaitTimeSeconds":20)")) << "no more is allowed";
  EXPECT_THAT(received(), HasSubstr(R"({"Id":"1","ReceiptHandle":"r2"})"));
}

TEST_F(SqsTest, AnEmptyQueueIsNoError) {
  EXPECT_TRUE(must(queue({ok("{}")}).receive({})).empty());
  must(queue({}).remove({}, {}));
}

TEST_F(SqsTest, WhatIsNotRemovedIsSaid) {
  EXPECT_FAILS(
      queue({ok(R"({"Successful": [], "Failed": [{"Id": "0", "Code": "InternalError"}]})")}).remove({{"r1", "{}"}}, {}),
      ErrorKind::Unavailable, "1 of 1 messages were not removed: InternalError");
}

TEST_F(SqsTest, NoQueueAndNonsenseAreErrors) {
  const std::string none = R"({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "its words"})";
  EXPECT_FAILS(queue({fmt::format("HTTP/1.1 400 no\r\nContent-Length: {}\r\n\r\n{}", none.size(), none)}).receive({}),
               ErrorKind::NotFound, "see that the queue is there");
  for (const char* nonsense : {"[]", "x", R"({"Messages": 1})", R"({"Messages": [{}]})"})
    EXPECT_EQ(queue({ok(nonsense)}).receive({}).error().kind(), ErrorKind::Corrupt) << nonsense;
}

}  // namespace
}  // namespace packferry
