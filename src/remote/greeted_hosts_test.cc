#include "remote/greeted_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "net/credentials.h"
#include "net/http.h"
#include "remote/http_transport.h"
#include "remote/process_transport.h"
#include "remote/remote.h"
#include "testing/git_http_server.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"
#include "testing/scripted_transport.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using testing::GitHttpRequest;
using testing::GitHttpServer;
using testing::GitSandbox;
using ::testing::IsEmpty;
using testing::must;
using testing::pkt;
using testing::refusal;

Advertisement version_2() {
  Advertisement said;
  said.protocol = 2;
  return said;
}

TEST(GreetedHosts, RecallWhatAHostSaidLast) {
  GreetedHosts hosts;
  EXPECT_EQ(hosts.recall("https://a"), nullptr);
  hosts.greeted("https://a", version_2());
  EXPECT_NE(hosts.recall("https://a"), nullptr);
  EXPECT_EQ(hosts.recall("https://b"), nullptr);
  hosts.greeted("https://a", Advertisement());
  EXPECT_EQ(hosts.recall("https://a"), nullptr) << "it speaks the old protocol";
  hosts.greeted("", version_2());
  EXPECT_EQ(hosts.recall(""), nullptr);
}

TEST(GreetedHosts, OneThatBalksAgainAndAgainIsAlwaysGreeted) {
  GreetedHosts hosts;
  hosts.greeted("https://a", version_2());
  for (int i = 0; i < 3; ++i) hosts.balked("https://a");
  hosts.answered("https://a");
  for (int i = 0; i < 3; ++i) hosts.balked("https://a");
  EXPECT_NE(hosts.recall("https://a"), nullptr);
  hosts.balked("https://a");
  EXPECT_EQ(hosts.recall("https://a"), nullptr);
  hosts.answered("https://a");
  hosts.greeted("https://a", version_2());
  EXPECT_EQ(hosts.recall("https://a"), nullptr);
}

// Real git behind a server on loopback that has been greeted for the repository "known".
class GreetedHostsTest : public ::testing::Test {
 protected:
  GreetedHostsTest() {
    git.commit("known", "main", "known");
    must(list("known"));
    server.forget_requests();
  }

  std::unique_ptr<Remote> remote(std::string_view repository, int protocol = 2,
                                 CredentialSource* credentials = nullptr) {
    Url url = must(Url::parse(server.url(repository)));
    return std::make_unique<Remote>(
        make_http_transport(std::move(url), client, credentials != nullptr ? *credentials : nobody), protocol, &hosts);
  }
  Result<Listing> list(std::string_view repository) { return remote(repository)->list({}, {}); }

  // As a host that nobody knows would be asked.
  Listing list_greeted(std::string_view repository) {
    Remote stranger(make_http_transport(must(Url::parse(server.url(repository))), client, nobody));
    return must(stranger.list({}, {}));
  }

  void expect_as_greeted(const Listing& listing, std::string_view repository) {
    const Listing greeted = list_greeted(repository);
    EXPECT_EQ(listing.protocol, greeted.protocol);
    EXPECT_EQ(listing.format, greeted.format);
    EXPECT_EQ(listing.refs, greeted.refs);
    EXPECT_EQ(listing.head, greeted.head);
  }

  std::vector<std::string> methods() const {
    std::vector<std::string> all;
    for (const GitHttpRequest& request : server.requests()) all.push_back(request.method);
    return all;
  }

  // Questions before the greeting are answered so.
  void answer_questions_with(std::string answer) {
    const auto greeted = std::make_shared<std::atomic<bool>>(false);
    server.interfere([=](const GitHttpRequest& request) -> std::optional<std::string> {
      if (request.method == "GET") *greeted = true;
      return *greeted ? std::nullopt : std::optional(answer);
    });
  }

  GitSandbox git;
  GitHttpServer server{git};
  HttpClient client{HttpOptions{.user_agent = "packferry-test", .ca_file = {}, .patience = {}}};
  NoCredentials nobody;
  GreetedHosts hosts;
};

TEST_F(GreetedHostsTest, AnotherRepositoryIsListedInOneRequest) {
  git.commit("r", "main", "one");
  git.commit("r", "side", "two");
  git.git("r", {"tag", "-a", "-m", "a tag", "v1", "main"});
  const auto r = remote("r");
  const Listing listing = must(r->list({}, {}));
  EXPECT_THAT(methods(), ElementsAre("POST"));
  expect_as_greeted(listing, "r");

  server.forget_requests();
  git.commit("r", "third", "three");
  EXPECT_EQ(must(r->list({}, {})).refs.size(), 4u) << "every list is a new look";
  EXPECT_EQ(must(r->list({"refs/tags/"}, {})).refs.size(), 1u);
  EXPECT_THAT(methods(), ElementsAre("POST", "POST"));
}

TEST_F(GreetedHostsTest, AFetchGreetsFirst) {
  const Oid tip = must(Oid::parse(git.commit("r", "main", "one")));
  const auto r = remote("r");
  must(r->list({}, {}));
  EXPECT_EQ(must(r->fetch({.wants = {tip}}, nullptr, {}))->object_count(), 3u);
  EXPECT_EQ(must(r->list({}, {})).refs.size(), 1u);
  EXPECT_THAT(methods(), ElementsAre("POST", "GET", "POST", "POST"));
}

TEST_F(GreetedHostsTest, TheOtherObjectFormatIsSeen) {
  for (const char* name : {"a", "b"}) {
    git.init(name, "sha256");
    git.commit(name, "main", name);
  }
  expect_as_greeted(must(list("a")), "a");
  EXPECT_EQ(must(list("a")).format, ObjectFormat::Sha256);

  server.forget_requests();
  expect_as_greeted(must(list("b")), "b");
  EXPECT_EQ(server.requests().size(), 3u) << "one, and the stranger's two";
  expect_as_greeted(must(list("known")), "known");
}

TEST_F(GreetedHostsTest, AnEmptyRepositoryIsGreeted) {
  git.init("empty", "sha1", "trunk");
  git.init("other", "sha256", "trunk");
  for (const char* name : {"empty", "other", "empty"}) expect_as_greeted(must(list(name)), name);
}

TEST_F(GreetedHostsTest, AHostThatHasBecomeAnOldOneIsSpokenToInTheOldProtocol) {
  server.drop_git_protocol();
  git.commit("r", "main", "one");
  expect_as_greeted(must(list("r")), "r");
  EXPECT_EQ(must(list("r")).protocol, 0);
  server.forget_requests();
  must(list("known"));
  EXPECT_THAT(methods(), ElementsAre("GET")) << "what it said first is forgotten";
}

TEST_F(GreetedHostsTest, WhoInsistsOnTheOldProtocolGreets) {
  EXPECT_EQ(must(remote("known", 0)->list({}, {})).protocol, 0);
  EXPECT_THAT(methods(), ElementsAre("GET"));
}

TEST_F(GreetedHostsTest, AnyOtherAnswerThanTheRightOneIsAReasonToGreet) {
  git.commit("r", "main", "one");
  const std::vector<std::string> good = {"Content-Type: application/x-git-upload-pack-result"};
  const std::string line = pkt(std::string(40, 'a') + " refs/heads/main\n");
  const std::string answers[] = {
      refusal(301, {"Location: " + server.url("known/git-upload-pack")}),
      refusal(307, {"Location: http://127.0.0.1:1/known/git-upload-pack"}),
      refusal(400),
      refusal(404),
      refusal(405),
      refusal(410),
      refusal(411),
      refusal(413),
      refusal(415),
      refusal(500),
      refusal(501),
      refusal(502),
      refusal(204, good),
      refusal(200, {"Content-Type: text/html"}, "<html>sign in</html>"),
      refusal(200, {"Content-Type: application/x-git-upload-pack-advertisement"}, line + "0000"),
      refusal(200, good),
      refusal(200, good, "0000"),
      refusal(200, good, line),
      refusal(200, good, "no pkt-line"),
      refusal(200, good, pkt("ERR access denied") + "0000"),
      refusal(200, good, pkt("version 2\n") + "0000"),
      refusal(200, good, pkt(std::string(64, 'a') + " refs/heads/main\n") + "0000"),
      refusal(200, good, pkt(std::string(40, 'a') + " refs/heads/main") + "0001"),
      refusal(200, good, line + line + "0000"),
  };
  for (const std::string& answer : answers) {
    SCOPED_TRACE(answer);
    answer_questions_with(answer);
    server.forget_requests();
    const Listing listing = must(list("r"));
    EXPECT_THAT(methods(), ElementsAre("POST", "GET", "POST"));
    for (const GitHttpRequest& request : server.requests()) EXPECT_TRUE(request.path.starts_with("/r/"));
    server.interfere(nullptr);
    expect_as_greeted(listing, "r");
    must(list("known"));
  }
}

TEST_F(GreetedHostsTest, WhatAGreetingWouldHearTooIsNotAskedTwice) {
  const struct {
    std::string answer;
    ErrorKind kind;
    std::optional<Milliseconds> retry_after;
  } cases[] = {
      {refusal(401), ErrorKind::Denied, std::nullopt},
      {refusal(403), ErrorKind::Denied, std::nullopt},
      {refusal(429, {"Retry-After: 7"}), ErrorKind::Throttled, Milliseconds(7000)},
      {refusal(503, {"Retry-After: 9"}), ErrorKind::Unavailable, Milliseconds(9000)},
      {"", ErrorKind::Unavailable, std::nullopt},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.answer);
    answer_questions_with(c.answer);
    server.forget_requests();
    const Result<Listing> listing = list("known");
    EXPECT_FAILS(listing, c.kind, "list " + server.url("known"));
    EXPECT_EQ(listing.error().retry_after(), c.retry_after);
    EXPECT_THAT(methods(), ElementsAre("POST"));
  }
}

TEST_F(GreetedHostsTest, WhatIsNotThereIsSaidByItsGreeting) {
  EXPECT_FAILS(list("nowhere"), ErrorKind::NotFound, server.url("nowhere"));
  EXPECT_THAT(methods(), ElementsAre("POST", "GET"));
}

TEST_F(GreetedHostsTest, ARepositoryThatHasMovedIsFound) {
  git.commit("new", "main", "one");
  server.interfere([](const GitHttpRequest& request) -> std::optional<std::string> {
    if (!request.path.starts_with("/old/")) return std::nullopt;
    return request.method == "GET" ? refusal(301, {"Location: /new/info/refs?" + request.query}) : refusal(404);
  });
  const auto old = remote("old");
  expect_as_greeted(must(old->list({}, {})), "new");
  server.forget_requests();
  must(old->list({}, {}));
  EXPECT_EQ(server.count("POST", "/new/git-upload-pack"), 1u);
}

TEST_F(GreetedHostsTest, CredentialsGoWithTheQuestion) {
  git.commit("r", "main", "one");
  server.ask_for_credentials("ada", "right");
  FixedCredentials known(must(Url::parse(server.origin())), {.username = "ada", .password = Secret("right")});
  EXPECT_EQ(must(remote("r", 2, &known)->list({}, {})).refs.size(), 1u);
  EXPECT_THAT(methods(), ElementsAre("POST"));

  server.forget_requests();
  FixedCredentials wrong(must(Url::parse(server.origin())), {.username = "ada", .password = Secret("wrong")});
  EXPECT_FAILS(remote("r", 2, &wrong)->list({}, {}), ErrorKind::Denied, "refuses these credentials");
  EXPECT_THAT(methods(), ElementsAre("POST"));
}

TEST_F(GreetedHostsTest, AHostThatBalksIsSoonAlwaysGreeted) {
  for (int i = 0; i < 4; ++i) {
    answer_questions_with(refusal(400));
    must(list("known"));
  }
  server.interfere(nullptr);
  server.forget_requests();
  must(list("known"));
  EXPECT_THAT(methods(), ElementsAre("GET", "POST"));
}

TEST_F(GreetedHostsTest, AnotherHostIsGreeted) {
  GitHttpServer other(git);
  Remote there(make_http_transport(must(Url::parse(other.url("known"))), client, nobody), 2, &hosts);
  must(there.list({}, {}));
  EXPECT_EQ(other.count("GET", "/info/refs"), 1u);
}

TEST_F(GreetedHostsTest, AGitOnAPipeIsAlwaysHeard) {
  for (int i = 0; i < 2; ++i) {
    Url url = must(Url::parse(git.path("known").string()));
    Remote local(make_local_transport(std::move(url), git.environment(), Patience{}), 2, &hosts);
    EXPECT_EQ(must(local.list({}, {})).refs.size(), 1u);
  }
  EXPECT_THAT(methods(), IsEmpty());
}

TEST_F(GreetedHostsTest, AStoppedQuestionIsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(remote("known")->list({}, stop.get_token()), ErrorKind::Cancelled, "stopped");
  EXPECT_THAT(methods(), IsEmpty());
}

}  // namespace
}  // namespace packferry
