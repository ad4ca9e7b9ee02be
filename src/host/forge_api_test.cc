#include "host/forge_api.h"

#include <gmock/gmock.h>

#include "testing/must.h"
#include "testing/scripted_server.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::must;
using testing::ok;
using testing::request;
using testing::say;
using testing::ScriptedServer;

std::string refusal(int status, std::string_view body = "", std::string_view headers = "") {
  return fmt::format("HTTP/1.1 {} no\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(), body);
}

// "token-1", and another one each time the last is refused.
class NumberedTokens final : public TokenSource {
 public:
  Result<std::optional<Credentials>> get(std::stop_token) override {
    return std::optional(
        Credentials{.username = {}, .password = Secret(fmt::format("token-{}", number)), .bearer = true});
  }
  bool refused(const Credentials&) override { return ++number, true; }

  int number = 1;
};

class ForgeApiTest : public ::testing::Test {
 protected:
  // What the API answers, in this order, on one connection.
  ForgeApi& api(const std::vector<std::string>& answers, TokenSource* tokens = nullptr) {
    testing::Script script;
    for (const std::string& answer : answers) script.insert(script.end(), {request(), say(answer)});
    server_ = std::make_unique<ScriptedServer>(std::vector<testing::Script>{script});
    api_ = std::make_unique<ForgeApi>(ForgeApiOptions{.name = "forge x",
                                                      .base = must(Url::parse(server_->url("/api"))),
                                                      .headers = {{"Accept", "application/json"}},
                                                      .pages_max = 5},
                                      tokens == nullptr ? fixed_ : *tokens, http_, clock_);
    return *api_;
  }
  Result<HttpAnswer> get(const std::vector<std::string>& answers, TokenSource* tokens = nullptr) {
    return api(answers, tokens)
        .ask({.doing = "read it", .path = "/it", .query = "a=b", .needs = "the right to read"}, {});
  }
  Result<HttpAnswer> post(const std::vector<std::string>& answers) {
    return api(answers).ask(
        {.doing = "make it", .method = "POST", .path = "/it", .body = R"({"name":"x"})", .needs = "the right to write"},
        {});
  }
  // A body is what the page leads to.
  Result<std::vector<HostedRepository>> list(const std::vector<std::string>& answers, TokenSource* tokens = nullptr) {
    int number = 0;
    const auto read = [&](const HttpAnswer& page) -> Result<ListedPage> {
      const std::string name = fmt::format("r{}", ++number);
      return ListedPage{.repositories = {{.name = name, .url = *Url::parse("https://x/" + name), .id = name}},
                        .next = page.body.empty() ? next_link(page.response) : page.body};
    };
    return api(answers, tokens)
        .list({.doing = "list them", .path = "/all", .query = "page=1", .needs = "the right to list"}, read, {});
  }
  std::string received() const { return server_->received(0); }
  Milliseconds waited() const {
    return std::chrono::duration_cast<Milliseconds>(clock_.steady() - Clock::SteadyTime{});
  }

  FakeClock clock_;
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  FixedToken fixed_{Credentials{.username = {}, .password = Secret("s3cret-token"), .bearer = true}};
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<ForgeApi> api_;
};

TEST_F(ForgeApiTest, AsksWithItsTokenAndHeaders) {
  EXPECT_EQ(must(get({ok("{}")})).body, "{}");
  EXPECT_THAT(received(), AllOf(HasSubstr("GET /api/it?a=b HTTP/1.1\r\n"), HasSubstr("Accept: application/json\r\n"),
                                HasSubstr("Authorization: Bearer s3cret-token\r\n")));
  must(post({"HTTP/1.1 201 made\r\nContent-Length: 2\r\n\r\n{}"}));
  EXPECT_THAT(received(), AllOf(HasSubstr("POST /api/it HTTP/1.1\r\n"), HasSubstr("Content-Type: application/json\r\n"),
                                HasSubstr(R"({"name":"x"})")));
  FixedToken none{std::nullopt};
  must(get({ok("{}")}, &none));
  EXPECT_THAT(received(), Not(HasSubstr("Authorization")));
}

TEST_F(ForgeApiTest, RefusalsHaveTheirKindAndSayWhatToDo) {
  EXPECT_FAILS(
      get({refusal(401, R"({"message": "Bad credentials"})")}), ErrorKind::Denied,
      "forge x: read it: HTTP 401: Bad credentials; the token is unknown, revoked or has expired: it needs the "
      "right to read");
  EXPECT_FAILS(get({refusal(403, R"({"error": "insufficient_scope"})")}), ErrorKind::Denied,
               "HTTP 403: insufficient_scope; the token may not: it needs the right to read");
  FixedToken none{std::nullopt};
  EXPECT_FAILS(get({refusal(401)}, &none), ErrorKind::Denied, "HTTP 401; give a token with the right to read");
  EXPECT_FAILS(get({refusal(404, "<html>")}), ErrorKind::NotFound, "HTTP 404");
  EXPECT_FAILS(get({refusal(418, "{}")}), ErrorKind::Rejected, "HTTP 418");
  EXPECT_FAILS(post({refusal(409)}), ErrorKind::Conflict, "make it: HTTP 409");
  EXPECT_FAILS(post({refusal(400, R"({"message": {"path": ["has already been taken"]}})")}), ErrorKind::Conflict,
               "path: has already been taken");
  EXPECT_FAILS(post({refusal(422, R"({"message": "Validation failed", "errors": [{"field": "name"}]})")}),
               ErrorKind::Invalid, "Validation failed");
  EXPECT_EQ(waited(), Milliseconds(0));
}

TEST_F(ForgeApiTest, NoMessageHoldsTheToken) {
  const auto failed = get({refusal(403, R"({"message": "s3cret-token may not; Bearer s3cret-token"})")});
  EXPECT_FAILS(failed, ErrorKind::Denied, "*** may not; Bearer ***");
  EXPECT_THAT(failed.error().message(), Not(HasSubstr("s3cret")));
  // Nor a part of it, where long words are cut.
  const std::string long_words = std::string(495, 'x') + "s3cret-token";
  EXPECT_THAT(get({refusal(404, fmt::format(R"({{"message": "{}"}})", long_words))}).error().message(),
              AllOf(HasSubstr("xxx***"), Not(HasSubstr("s3cret"))));
}

TEST_F(ForgeApiTest, WhatMayPassIsAskedAgain) {
  must(get({refusal(500), refusal(502), refusal(503), ok("{}")}));
  EXPECT_GE(waited(), Milliseconds(500 + 1'000 + 2'000));
  EXPECT_FAILS(get({refusal(500), refusal(500), refusal(500), refusal(500)}), ErrorKind::Unavailable, "HTTP 500");
}

TEST_F(ForgeApiTest, APostIsNotRepeatedInDoubt) {
  EXPECT_FAILS(post({refusal(502), ok("{}")}), ErrorKind::Unavailable, "HTTP 502");
  must(post({refusal(429, "", "Retry-After: 3\r\n"), ok("{}")}));
}

TEST_F(ForgeApiTest, WaitsAsLongAsTheHostWants) {
  const struct {
    int status;
    const char* headers;
    const char* body;
    int wait_ms;
  } cases[] = {
      {429, "Retry-After: 7\r\n", "", 7'000},
      {403, "Retry-After: 8\r\n", "", 8'000},
      {429, "RateLimit-Reset: 1700000009\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n", "", 9'000},
      {403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000011\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n", "",
       11'000},
      {429, "RateLimit-Reset: 12\r\n", "", 12'000},
      {403, "", R"({"message": "You have exceeded a secondary rate limit"})", 60'000},
  };
  for (const auto& c : cases) {
    const Milliseconds before = waited();
    must(get({refusal(c.status, c.body, c.headers), ok("{}")}));
    EXPECT_EQ(waited() - before, Milliseconds(c.wait_ms)) << c.headers << c.body;
  }
}

TEST_F(ForgeApiTest, ALongWaitIsTheCallersToMake) {
  const auto failed = get({refusal(429, "", "Retry-After: 3600\r\n")});
  EXPECT_FAILS(failed, ErrorKind::Throttled, "HTTP 429");
  EXPECT_EQ(failed.error().retry_after(), Milliseconds(3'600'000));
  EXPECT_EQ(waited(), Milliseconds(0));
}

TEST_F(ForgeApiTest, ARefusedTokenIsRenewedOnce) {
  NumberedTokens tokens;
  must(get({refusal(401), ok("{}")}, &tokens));
  EXPECT_THAT(received(), AllOf(HasSubstr("Bearer token-1\r\n"), HasSubstr("Bearer token-2\r\n")));
  EXPECT_FAILS(get({refusal(401), refusal(401)}, &tokens), ErrorKind::Denied, "HTTP 401");
}

TEST_F(ForgeApiTest, RedirectsAreNotFollowed) {
  EXPECT_FAILS(get({refusal(301, "", "Location: /api/it/2\r\n")}), ErrorKind::NotFound, "moved to another name");
  EXPECT_FAILS(get({refusal(301, "", "Location: https://elsewhere.example/\r\n")}), ErrorKind::Invalid,
               "a redirect to https://elsewhere.example, which is not followed");
  EXPECT_FAILS(get({refusal(302)}), ErrorKind::Invalid, "a redirect, which is not followed");
}

TEST_F(ForgeApiTest, StopsWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(api({}).ask({.doing = "read it", .path = "/it", .needs = "x"}, stop.get_token()), ErrorKind::Cancelled,
               "forge x: read it");
}

TEST_F(ForgeApiTest, ListsPageAfterPage) {
  NumberedTokens tokens;
  const std::vector<HostedRepository> all = must(
      list({ok("?page=2"), refusal(500), ok("/api/all?page=3"), refusal(401),
            "HTTP/1.1 200 OK\r\nLink: </api/all?page=1>; rel=\"first\", </api/more>; rel=\"next\"\r\nContent-Length: "
            "0\r\n\r\n",
            ok("")},
           &tokens));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[3].name, "r4");
  EXPECT_THAT(received(), HasSubstr("GET /api/more HTTP/1.1\r\n"));
}

TEST_F(ForgeApiTest, APageElsewhereIsNotAskedFor) {
  for (const char* next :
       {"http://elsewhere.example/api/all?page=2", "//elsewhere.example/all", "https://127.0.0.1/api"})
    EXPECT_FAILS(list({ok(next)}), ErrorKind::Corrupt, "no token of http://127.0.0.1:");
  EXPECT_FAILS(list({ok("file:///etc/passwd")}), ErrorKind::Corrupt, "forge x: list them: the next page of the list");
  EXPECT_FAILS(list({ok("http://user:word@127.0.0.1/")}), ErrorKind::Corrupt, "the next page of the list");
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(ForgeApiTest, AListHasAnEnd) {
  EXPECT_FAILS(list({ok("?page=1")}), ErrorKind::Corrupt, "leads back to itself");
  EXPECT_FAILS(list({ok("?page=2"), ok("?page=3"), ok("?page=2")}), ErrorKind::Corrupt, "leads back to itself");
  EXPECT_FAILS(list({ok("?page=2"), ok("?page=3"), ok("?page=4"), ok("?page=5"), ok("?page=6")}), ErrorKind::Corrupt,
               "has no end");
}

TEST(NextLink, IsFoundAmongOthers) {
  const struct {
    const char *link, *next;
  } cases[] = {
      {"", ""},
      {"<a>; rel=\"next\"", "a"},
      {"<a>; rel=next", "a"},
      {"<a>;title=\"x\" ; REL = \"prev Next\"", "a"},
      {"<a?x=1,2>; rel=\"prev\", <b?x=1,2>; rel=\"next\", <c>; rel=\"last\"", "b?x=1,2"},
      {"<a>; rel=\"last\"", ""},
      {"<a>; rel=\"nextish\"", ""},
      {"<a", ""},
      {"a>; rel=next", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(next_link({.status = 200, .headers = {{"link", c.link}}}), c.next) << c.link;
}

TEST(RefusalWords, AreFoundInAllTheForgesWays) {
  const struct {
    const char *body, *words;
  } cases[] = {
      {R"({"message": "Not Found", "documentation_url": "https://…"})", "Not Found"},
      {R"({"message": "Failed.", "errors": [{"code": "custom", "message": "name already exists"}]})",
       "Failed., code: custom, message: name already exists"},
      {R"({"message": {"name": ["has already been taken"], "path": ["is bad", "is long"]}})",
       "name: has already been taken, path: is bad, is long"},
      {R"({"error": "insufficient_scope", "error_description": "needs more"})", "insufficient_scope, needs more"},
      {R"({"type": "error", "error": {"message": "Repository x not found", "detail": "x"}})", "Repository x not found"},
      {R"({"errors": [{"context": null, "message": "No.", "exceptionName": "E"}]})", "exceptionName: E, message: No."},
      {R"({"message": "a\u001b[31mb"})", "a\\x1b[31mb"},
      {"[]", ""},
      {"<html>", ""},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(refusal_words(c.body), c.words) << c.body;
}

}  // namespace
}  // namespace packferry
