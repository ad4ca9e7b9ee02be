#include "cli/remote_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ascii.h"
#include "service/replica_json.h"
#include "testing/api_scene.h"

namespace packferry {
namespace {

using testing::ApiScene;
using ::testing::HasSubstr;
using testing::must;

// A service in memory, asked as if over a network. Its workers look when it has been asked so often.
class RemoteDeskTest : public ::testing::Test, protected ApiScene {
 protected:
  RemoteDesk desk(const std::string& with, bool waits = true) {
    RemoteService service = must(remote_service("https://ferry.example", Secret(with)));
    return {std::move(service),
            [this](const HttpRequest& request, std::string_view body) { return answer(request, body); }, waits, clock,
            stop.get_token()};
  }
  RemoteDesk desk() { return desk(everything()); }

  Result<HttpAnswer> answer(const HttpRequest& asked, std::string_view body) {
    if (works && ++questions % 3 == 0)
      for (const ReplicaRecord& replica : must(replicas->list("", 10'000))) look(replica.order.name);
    if (instead) return *instead;
    ReceivedRequest received;
    received.method = asked.method;
    received.path = asked.url.path();
    received.query = asked.url.query();
    received.body = body;
    received.peer = "127.0.0.1";
    for (const HttpHeader& header : asked.headers)
      received.headers.push_back({header.name == "Authorization" ? "authorization" : "content-type", header.value});
    EXPECT_EQ(asked.body_bytes, body.size());
    const HttpReply reply = api.handle(received, {});
    HttpAnswer answered{.response = {.status = reply.status, .headers = {}}, .body = reply.body};
    for (const HttpHeader& header : reply.headers)
      answered.response.headers.push_back({to_lower(header.name), header.value});
    return answered;
  }

  static ReplicaWish wish(const std::string& name) {
    return {.name = name,
            .source = must(Url::parse(kHere)),
            .destination = must(Url::parse("https://git.example/" + name))};
  }
  std::string as_here(const std::string& name) {
    return replica_json(view_of(must(operations.get(name)), clock.now()), 2);
  }

  bool works = true;
  int questions = 0;
  std::optional<HttpAnswer> instead;
  std::stop_source stop;
};

TEST_F(RemoteDeskTest, CreatesAndWaitsForTheFirstLook) {
  const ReplicaDesk::Outcome made = must(desk().create(wish("app/web")));
  EXPECT_EQ(made.status, ExitStatus::Done);
  EXPECT_EQ(made.view.status, ReplicaStatus::UpToDate);
  EXPECT_EQ(replica_json(made.view, 2), as_here("app/web"));
}

TEST_F(RemoteDeskTest, DoesNotWaitWhenToldSo) {
  const ReplicaDesk::Outcome made = must(desk(everything(), false).create(wish("web")));
  EXPECT_EQ(made.status, ExitStatus::Done);
  EXPECT_EQ(made.view.status, ReplicaStatus::Initializing);
  EXPECT_EQ(must(desk(everything(), false).sync("web")).view.name, "web");
}

TEST_F(RemoteDeskTest, SaysWhatTheCatalogueSays) {
  RemoteDesk there = desk();
  must(there.create(wish("web")));
  EXPECT_EQ(must(there.pause("web")).view.status, ReplicaStatus::Paused);
  EXPECT_EQ(replica_json(must(there.get("web")).view, 2), as_here("web"));
  must(there.resume("web"));
  clock.advance(Milliseconds(5'000));
  ends.sources[kHere].holds = testing::refs_at({{"refs/heads/main", 5}});
  EXPECT_EQ(must(there.sync("web")).status, ExitStatus::Done);
  const auto looks = must(there.history("web"));
  EXPECT_EQ(history_json("web", looks, 2), history_json("web", must(replicas->history("web", 100)), 2));
  EXPECT_EQ(audit_json(must(there.audit("web", 20)), 2), audit_json(must(replicas->newest_audit("web", {}, 20)), 2));
  must(there.remove("web"));
  EXPECT_EQ(there.get("web").error().kind(), ErrorKind::NotFound);
}

TEST_F(RemoteDeskTest, ExitsAsTheLookEnded) {
  const std::string digest = hold("web", true);
  clock.advance(Milliseconds(1'000));
  RemoteDesk there = desk();
  const ReplicaDesk::Outcome held = must(there.sync("web"));
  EXPECT_EQ(held.status, ExitStatus::Held);
  EXPECT_EQ(held.view.held_plan->digest, digest);
  clock.advance(Milliseconds(1'000));
  EXPECT_EQ(must(there.approve("web", digest.substr(0, 12))).status, ExitStatus::Done);
  clock.advance(Milliseconds(1'000));
  ends.error = Error(ErrorKind::Denied, "401");
  EXPECT_EQ(must(there.sync("web")).status, ExitStatus::Failed);
}

TEST_F(RemoteDeskTest, WaitsOnlySoLong) {
  works = false;
  order_replica("web");
  const Clock::SteadyTime began = clock.steady();
  EXPECT_FAILS(desk().sync("web"), ErrorKind::Unavailable, "still wanted there");
  EXPECT_GE(clock.steady() - began, RemoteDesk::kWaitMax);
  must(replicas->pause("web", "test", clock.now()));
  EXPECT_EQ(must(desk().sync("web")).view.status, ReplicaStatus::Paused) << "nobody will look";
}

TEST_F(RemoteDeskTest, ListsAllPages) {
  works = false;
  for (int i = 0; i < 201; ++i) order_replica(fmt::format("r{:04}", i));
  const auto all = must(desk().list(std::nullopt));
  EXPECT_EQ(all.size(), 201U);
  EXPECT_EQ(all.back().name, "r0200");
  look("r0100");
  EXPECT_EQ(must(desk().list(ReplicaStatus::UpToDate)).size(), 1U);
}

TEST_F(RemoteDeskTest, ReadsAsMuchOfTheAuditLogAsIsWanted) {
  works = false;
  for (int i = 0; i < 205; ++i) order_replica(fmt::format("r{:04}", i));
  RemoteDesk there = desk();
  for (const std::size_t count : {3U, 200U, 203U, 1'000U}) {
    const auto said = must(there.audit("", count));
    EXPECT_EQ(audit_json(said, 2), audit_json(must(replicas->newest_audit("", {}, count)), 2)) << count;
  }
  EXPECT_EQ(must(there.audit("r0100", 20)).size(), 1U);
  EXPECT_FAILS(there.audit("other", 20), ErrorKind::NotFound, "no replica 'other'");
  EXPECT_FAILS(desk(token({Scope::Read})).audit("", 20), ErrorKind::Denied, "scope admin");
  EXPECT_FAILS(desk(token({Scope::Read}, {"app/*"})).audit("r0100", 20), ErrorKind::NotFound, "no replica 'r0100'");
}

TEST_F(RemoteDeskTest, ShowsNothingOfAnAuditLogThatWouldMoveTheCursor) {
  const std::string odd = "a\x1b[2J";
  const AuditEntry entry{
      .id = 1, .who = odd, .what = odd, .replica = odd, .ref = odd, .old_oid = odd, .new_oid = odd, .plan_digest = odd};
  instead = HttpAnswer{.response = {.status = 200, .headers = {}}, .body = audit_json({entry, entry, entry}, -1)};
  const auto said = must(desk().audit("", 2));
  EXPECT_EQ(said.size(), 2U) << "more than was asked for";
  for (const std::string& text :
       {said[0].who, said[0].what, said[0].replica, said[0].ref, said[0].old_oid, said[0].new_oid, said[0].plan_digest})
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST_F(RemoteDeskTest, TellsWhatTheServiceRefuses) {
  order_replica("web");
  EXPECT_FAILS(desk("pkf_00000000_x").get("web"), ErrorKind::Denied, "--token-file");
  EXPECT_FAILS(desk(token({Scope::Read})).pause("web"), ErrorKind::Denied, "scope operate");
  EXPECT_FAILS(desk(token({Scope::Read}, {"app/*"})).get("web"), ErrorKind::NotFound, "no replica 'web'");
  EXPECT_FAILS(desk().create(wish("web")), ErrorKind::Rejected, "already");
  ReplicaWish unnamable = wish("other");
  unnamable.name = "a b";
  EXPECT_FAILS(desk().create(unnamable), ErrorKind::Invalid, "no name");
  EXPECT_FAILS(desk().approve("web", "0123456789ab"), ErrorKind::Rejected, "nothing of 'web' is held");
}

TEST_F(RemoteDeskTest, WhoMayNotReadIsToldSo) {
  order_replica("web");
  EXPECT_FAILS(desk(token({Scope::Operate})).pause("web"), ErrorKind::Denied, "scope read");
}

TEST_F(RemoteDeskTest, AnotherServerIsNoService) {
  const auto says = [this](int status, const std::string& body) {
    instead = HttpAnswer{.response = {.status = status, .headers = {}}, .body = body};
    return desk().get("web");
  };
  EXPECT_FAILS(says(200, "<html>"), ErrorKind::Corrupt, "none of a service");
  EXPECT_FAILS(says(200, "{}"), ErrorKind::Corrupt, "none of a service");
  EXPECT_FAILS(says(502, "bad\x1b gateway"), ErrorKind::Unavailable, "the service says 502: bad\\x1b gateway");
  EXPECT_FAILS(says(301, ""), ErrorKind::Unavailable, "301");
  EXPECT_FAILS(says(404, R"({"title": 7})"), ErrorKind::Unavailable, "404");
}

TEST_F(RemoteDeskTest, WhatAServiceSaysIsMadeHarmless) {
  ReplicaView view;
  view.name = "web\x1b[2J";
  view.source_id = "https://a.example\x07";
  view.held_plan = HeldPlan{.digest = "0123456789ab\x1b", .text = "rewind a\x1b\ndelete b\n", .expires_at = {}};
  view.last_error = LookFailure{.kind = ErrorKind::Denied, .message = "no", .remedy = "ask\x1b"};
  instead = HttpAnswer{.response = {.status = 200, .headers = {}}, .body = replica_json(view, -1)};
  const ReplicaView seen = must(desk().get("web")).view;
  EXPECT_EQ(seen.name, "web\\x1b[2J");
  EXPECT_EQ(seen.source_id, "https://a.example\\x07");
  EXPECT_EQ(seen.held_plan->text, "rewind a\\x1b\ndelete b\n");
  EXPECT_EQ(seen.held_plan->digest, "0123456789ab\\x1b");
  EXPECT_EQ(seen.last_error->remedy, "ask\\x1b");
}

TEST(RemoteService, TakesATokenOnlyWhereNobodyListens) {
  const auto service = [](const char* url) { return remote_service(url, Secret("t")); };
  EXPECT_TRUE(service("https://ferry.example/behind/a/proxy"));
  for (const char* url : {"http://127.0.0.1:8420", "http://localhost:8420", "http://[::1]:8420"})
    EXPECT_TRUE(service(url)) << url;
  EXPECT_TRUE(remote_service("http://ferry.example", Secret()));
  for (const char* url : {"http://ferry.example", "http://127.example", "http://10.0.0.1"})
    EXPECT_FAILS(service(url), ErrorKind::Invalid, "over https only");
  EXPECT_FAILS(service("ssh://git@host/x"), ErrorKind::Invalid, "https://…");
  EXPECT_FAILS(service("ext::sh"), ErrorKind::Invalid, "--server");
}

}  // namespace
}  // namespace packferry
