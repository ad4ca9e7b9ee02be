#include "net/http_question.h"

#include <gmock/gmock.h>

#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::hear_until;
using testing::must;
using testing::ok;
using testing::request;
using testing::say;
using testing::ScriptedServer;

class HttpQuestionTest : public ::testing::Test {
 protected:
  Result<HttpAnswer> ask(testing::Script script, std::string method, std::string_view body) {
    server_ = std::make_unique<ScriptedServer>(std::vector<testing::Script>{std::move(script)});
    HttpRequest request{.method = std::move(method), .url = must(Url::parse(server_->url("/x"))), .headers = {}};
    return ask_http(client_, std::move(request), body, 100, {});
  }

  HttpClient client_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(HttpQuestionTest, HasABodyOrNone) {
  EXPECT_EQ(must(ask({request(), say(ok("yes"))}, "GET", "")).body, "yes");
  EXPECT_THAT(server_->received(0), Not(HasSubstr("Content-Length")));
  EXPECT_EQ(must(ask({request(), say(ok("yes"))}, "PATCH", "{}")).body, "yes");
  EXPECT_THAT(server_->received(0), AllOf(HasSubstr("Content-Length: 2\r\n"), EndsWith("\r\n\r\n{}")));
  EXPECT_EQ(must(ask({request(), say(ok("yes"))}, "PUT", "")).response.status, 200);
}

TEST_F(HttpQuestionTest, WhatTheHostSaysBeforeItHasReadAllCounts) {
  const std::string refusal = "HTTP/1.1 413 no\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig";
  const HttpAnswer answer = must(ask({hear_until("\r\n\r\n"), say(refusal)}, "POST", std::string(16 << 20, 'x')));
  EXPECT_EQ(answer.response.status, 413);
  EXPECT_EQ(answer.body, "big");
}

TEST_F(HttpQuestionTest, AnswersAreBounded) {
  EXPECT_EQ(must(ask({request(), say(ok(std::string(100, 'x')))}, "GET", "")).body.size(), 100u);
  EXPECT_FAILS(ask({request(), say(ok(std::string(101, 'x')))}, "GET", ""), ErrorKind::Exhausted, "100");
}

}  // namespace
}  // namespace packferry
