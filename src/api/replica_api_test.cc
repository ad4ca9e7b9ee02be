#include "api/replica_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/rsa_key.h"
#include "io/stream.h"
#include "service/replica_json.h"
#include "testing/api_scene.h"

namespace packferry {
namespace {

using testing::ApiScene;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::must;
using ::testing::UnorderedElementsAre;
using Json = nlohmann::json;

class ReplicaApiTest : public ::testing::Test, protected ApiScene {
 protected:
  std::vector<std::string> names(const HttpReply& reply) {
    std::vector<std::string> found;
    const Json body = json(reply);
    for (const Json& replica : body.at("replicas")) found.push_back(replica.at("name"));
    return found;
  }
  std::vector<std::string> audited() {
    std::vector<std::string> lines;
    for (const AuditEntry& entry : must(replicas->audit("", 0, 1000)))
      lines.push_back(fmt::format("{}: {} {}", entry.who, entry.what, entry.replica));
    return lines;
  }
  // A list that is read two at a time.
  Json in_pairs(const std::string& with, const std::string& path, const char* member) {
    Json parts = Json::array();
    std::string query = "limit=2";
    for (int pages = 1; !query.empty(); ++pages) {
      const HttpReply page = ask(with, "GET", path, {.query = query});
      const Json body = json(page);
      EXPECT_LE(body.at(member).size(), 2U);
      for (const Json& part : body.at(member)) parts.push_back(part);
      const std::string link = header(page, "Link");
      query = link.empty() ? "" : link.substr(link.find('?') + 1, link.find('>') - link.find('?') - 1);
      EXPECT_LE(pages, 20);
      if (pages > 20) break;
    }
    return parts;
  }
  HttpReply hook(const std::string& source, const std::string& body, const std::string& secret = kHookSecret) {
    if (source != "hub") return ask(secret, "POST", "/v1/webhooks/" + source, {.body = body});
    const auto seal = hmac_sha256(as_bytes(secret), as_bytes(body));
    return ask(
        "", "POST", "/v1/webhooks/hub",
        {.body = body, .headers = {{"x-hub-signature-256", "sha256=" + to_hex(seal)}, {"x-github-event", "push"}}});
  }
  // How many triggers wait for a look.
  std::uint64_t waiting(const std::string& name) { return must(replicas->find(name)).value().waiting->triggers; }

  const std::string reader = token({Scope::Read});
  const std::string operator_ = token({Scope::Read, Scope::Operate});
  const std::string all = everything();
};

// --- One verb after the other.

TEST_F(ReplicaApiTest, CreatesAReplicaThatWaitsForItsFirstLook) {
  const HttpReply reply = create(all, "app/web", R"(, "freshness": "30m", "schedule": "every 10m")");
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(header(reply, "Location"), "/v1/replicas/app%2Fweb");
  EXPECT_EQ(header(reply, "Content-Type"), "application/json");
  EXPECT_EQ(json(reply).at("replica").at("status"), "Initializing");
  EXPECT_EQ(nudges, 1);
  const ReplicaRecord made = must(replicas->find("app/web")).value();
  EXPECT_EQ(made.order.freshness, std::chrono::minutes(30));
  EXPECT_EQ(made.order.schedule, "every 10m");
  EXPECT_EQ(look("app/web")->look.outcome, LookOutcome::Equal);
  const HttpReply seen = ask(reader, "GET", "/v1/replicas/app%2Fweb");
  EXPECT_EQ(json(seen).at("replica").at("status"), "UpToDate");
}

TEST_F(ReplicaApiTest, NamesAReplicaAfterItsSource) {
  const HttpReply reply =
      ask(all, "POST", "/v1/replicas",
          {.body = fmt::format(R"({{"source": "{}", "destination": "https://git.example/x"}})", kHere)});
  EXPECT_EQ(json(reply).at("replica").at("name"), "web");
}

TEST_F(ReplicaApiTest, WhatIsReplacedOverTheApiIsHeldUntilItIsApproved) {
  ends.destinations.try_emplace("https://git.example/web.git", "x").first->second.holds =
      testing::refs_at({{"refs/heads/main", 900}});
  EXPECT_EQ(create(all, "web").status, 422);
  EXPECT_EQ(create(all, "web", R"(, "replaceBranches": ["main", "next"])").status, 201);
  EXPECT_EQ(look("web")->look.outcome, LookOutcome::Held);
  const Json plan = json(ask(reader, "GET", "/v1/replicas/web/plan"));
  EXPECT_EQ(plan.at("approvalTakes"), "destroy");
  const std::string path =
      fmt::format("/v1/replicas/web/plans/{}/approve", plan.at("heldPlan").at("digest").get<std::string>());
  EXPECT_EQ(ask(operator_, "POST", path).status, 403);
  EXPECT_EQ(ask(all, "POST", path).status, 202);
  EXPECT_EQ(look("web")->look.outcome, LookOutcome::Equal);
}

TEST_F(ReplicaApiTest, CreatesOnlyWhatIsAdmitted) {
  const HttpReply reply =
      ask(all, "POST", "/v1/replicas", {.body = fmt::format(R"({{"source": "{}", "destination": "/etc"}})", kHere)});
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(json(reply).at("detail"), "only https may be used here");
  api.change({});
  EXPECT_EQ(create(all, "web").status, 403) << "nobody has said what may be used";
  EXPECT_EQ(must(replicas->find("web")).has_value(), false);
}

TEST_F(ReplicaApiTest, AsksTheHostsWhatOnlyTheyKnow) {
  ReplicaApiOptions asking = options();
  asking.complete = [](ReplicaWish wish, std::stop_token) -> Result<ReplicaWish> {
    wish.account_name = "123456789012";
    return wish;
  };
  api.change(asking);
  EXPECT_EQ(json(create(all, "web")).at("replica").at("awsAccountName"), "123456789012");
  asking.complete = [](const ReplicaWish&, std::stop_token) -> Result<ReplicaWish> {
    return Error(ErrorKind::Unavailable, "codecommit: connection refused");
  };
  api.change(asking);
  const HttpReply reply = create(all, "other");
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(header(reply, "Retry-After"), "");
}

TEST_F(ReplicaApiTest, PausesResumesAndDeletes) {
  order_replica("web");
  EXPECT_EQ(json(ask(operator_, "POST", "/v1/replicas/web/pause")).at("replica").at("status"), "Paused");
  EXPECT_EQ(ask(operator_, "POST", "/v1/replicas/web/pause").status, 200) << "twice is once";
  EXPECT_EQ(nudges, 0);
  EXPECT_EQ(json(ask(operator_, "POST", "/v1/replicas/web/resume")).at("replica").at("status"), "Initializing");
  EXPECT_EQ(nudges, 1);
  EXPECT_EQ(ask(operator_, "DELETE", "/v1/replicas/web").status, 403);
  const HttpReply gone = ask(all, "DELETE", "/v1/replicas/web");
  EXPECT_EQ(gone.status, 204);
  EXPECT_THAT(gone.body, IsEmpty());
  EXPECT_EQ(ask(all, "DELETE", "/v1/replicas/web").status, 404);
}

TEST_F(ReplicaApiTest, WhatIsAtWorkGoesWhenItHasEnded) {
  order_replica("web");
  const Lease lease = must(replicas->take("web", "worker", std::chrono::minutes(1), clock)).value();
  const HttpReply going = ask(all, "DELETE", "/v1/replicas/web");
  EXPECT_EQ(going.status, 202);
  EXPECT_EQ(json(going).at("replica").at("status"), "Deleting");
  EXPECT_EQ(ask(all, "POST", "/v1/replicas/web/pause").status, 409);
  must(replicas->give_back(lease, clock.now()));
  EXPECT_EQ(ask(all, "GET", "/v1/replicas/web").status, 404);
}

TEST_F(ReplicaApiTest, SyncIsALookThatBeginsAfterIt) {
  order_replica("web");
  look("web");
  clock.advance(Milliseconds(5'000));
  const HttpReply reply = ask(operator_, "POST", "/v1/replicas/web/sync");
  ASSERT_EQ(reply.status, 202);
  EXPECT_EQ(nudges, 1);
  const std::int64_t at = json(reply).at("triggeredDateUTC");
  EXPECT_EQ(json(reply).at("replica").at("status"), "Behind");
  EXPECT_LT(json(reply).at("replica").at("lastCrossing").at("beganDateUTC"), at);
  look("web");
  EXPECT_EQ(json(ask(reader, "GET", "/v1/replicas/web")).at("replica").at("lastCrossing").at("beganDateUTC"), at);
  EXPECT_THAT(audited().back(), HasSubstr("sync web"));
}

TEST_F(ReplicaApiTest, TellsTheHistoryInPages) {
  order_replica("web");
  for (unsigned i = 0; i < 5; ++i) {
    ends.sources[kHere].holds = testing::refs_at({{"refs/heads/main", 5 + i}});
    must(replicas->trigger("web", LookReason::Sync, clock.now()));
    look("web");
    clock.advance(Milliseconds(1000));
  }
  const Json whole = json(ask(reader, "GET", "/v1/replicas/web/history"));
  ASSERT_EQ(whole.at("looks").size(), 5U);
  EXPECT_EQ(in_pairs(reader, "/v1/replicas/web/history", "looks"), whole.at("looks"));
  EXPECT_EQ(ask(reader, "GET", "/v1/replicas/web/history", {.query = "after=x"}).status, 400);
}

TEST_F(ReplicaApiTest, ListsInPagesAndByStatus) {
  for (const char* name : {"a", "b", "c", "d/e"}) order_replica(name);
  look("b");
  EXPECT_THAT(names(ask(reader, "GET", "/v1/replicas")), ElementsAre("a", "b", "c", "d/e"));
  const HttpReply first = ask(reader, "GET", "/v1/replicas", {.query = "limit=3"});
  EXPECT_THAT(names(first), ElementsAre("a", "b", "c"));
  EXPECT_EQ(header(first, "Link"), "</v1/replicas?limit=3&after=c>; rel=\"next\"");
  const HttpReply last = ask(reader, "GET", "/v1/replicas", {.query = "limit=3&after=c"});
  EXPECT_THAT(names(last), ElementsAre("d/e"));
  EXPECT_EQ(header(last, "Link"), "");
  EXPECT_EQ(header(ask(reader, "GET", "/v1/replicas", {.query = "limit=4"}), "Link"), "") << "just as many";
  const HttpReply some = ask(reader, "GET", "/v1/replicas", {.query = "limit=2&status=Initializing"});
  EXPECT_THAT(names(some), ElementsAre("a", "c"));
  EXPECT_EQ(header(some, "Link"), "</v1/replicas?limit=2&after=c&status=Initializing>; rel=\"next\"");
  EXPECT_EQ(ask(reader, "GET", "/v1/replicas", {.query = "status=Fine"}).status, 400);
}

TEST_F(ReplicaApiTest, PlansAreApprovedByWhoMayLoseWhatTheyLose) {
  const std::string adding = hold("adding", false);
  const std::string losing = hold("losing", true);
  const auto approve = [&](const std::string& with, const std::string& name, const std::string& digest) {
    return ask(with, "POST", fmt::format("/v1/replicas/{}/plans/{}/approve", name, digest)).status;
  };
  const std::string destroyer = token({Scope::Destroy});
  EXPECT_EQ(json(ask(reader, "GET", "/v1/replicas/adding/plan")).at("approvalTakes"), "operate");
  EXPECT_EQ(approve(reader, "adding", adding), 403);
  EXPECT_EQ(approve(destroyer, "adding", adding), 403);
  EXPECT_EQ(approve(operator_, "adding", losing), 422) << "another plan";
  EXPECT_EQ(approve(operator_, "adding", adding.substr(0, 12)), 202);
  EXPECT_EQ(json(ask(reader, "GET", "/v1/replicas/losing/plan")).at("approvalTakes"), "destroy");
  EXPECT_EQ(approve(operator_, "losing", losing), 403);
  EXPECT_EQ(approve(destroyer, "losing", losing), 202);
  EXPECT_EQ(look("losing")->look.outcome, LookOutcome::Equal);
  EXPECT_EQ(ask(reader, "GET", "/v1/replicas/losing/plan").status, 404);
}

TEST_F(ReplicaApiTest, APlanThatHasExpiredIsNotApproved) {
  const std::string digest = hold("losing", true);
  clock.advance(std::chrono::hours(48));
  EXPECT_EQ(ask(all, "POST", fmt::format("/v1/replicas/losing/plans/{}/approve", digest)).status, 409);
}

TEST_F(ReplicaApiTest, MakesTokensThatAreGoodUntilTheyAreRevoked) {
  const HttpReply made =
      ask(all, "POST", "/v1/tokens",
          {.body = R"({"bearer": "dashboard", "scopes": ["read"], "replicas": ["app/*"], "expires": "1h"})"});
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string secret = json(made).at("secret");
  const std::string id = json(made).at("token").at("id");
  EXPECT_EQ(header(made, "Location"), "/v1/tokens/" + id);
  EXPECT_EQ(ask(secret, "GET", "/v1/replicas").status, 200);
  EXPECT_THAT(ask(all, "GET", "/v1/tokens").body, ::testing::Not(HasSubstr(secret)));
  EXPECT_EQ(ask(reader, "DELETE", "/v1/tokens/" + id).status, 403);
  EXPECT_EQ(ask(all, "DELETE", "/v1/tokens/" + id).status, 204);
  EXPECT_EQ(ask(all, "DELETE", "/v1/tokens/" + id).status, 404);
  EXPECT_EQ(ask(secret, "GET", "/v1/replicas").status, 401);
  EXPECT_THAT(audited(), ::testing::Contains(HasSubstr("create-token " + id + " (read) for dashboard")));
}

TEST_F(ReplicaApiTest, TokensEnd) {
  const std::string brief = token({Scope::Read}, {}, clock.now() + std::chrono::seconds(1));
  EXPECT_EQ(ask(brief, "GET", "/v1/replicas").status, 200);
  clock.advance(Milliseconds(1000));
  EXPECT_EQ(ask(brief, "GET", "/v1/replicas").status, 401);
}

TEST_F(ReplicaApiTest, ListsTokensInPages) {
  const HttpReply first = ask(all, "GET", "/v1/tokens", {.query = "limit=2"});
  EXPECT_EQ(json(first).at("tokens").size(), 2U);
  const std::string last = json(first).at("tokens").at(1).at("id");
  EXPECT_EQ(header(first, "Link"), fmt::format("</v1/tokens?limit=2&after={}>; rel=\"next\"", last));
  const HttpReply second = ask(all, "GET", "/v1/tokens", {.query = "limit=2&after=" + last});
  EXPECT_EQ(json(second).at("tokens").size(), 1U);
}

TEST_F(ReplicaApiTest, SaysHowTheServiceIs) {
  EXPECT_EQ(ask("", "GET", "/healthz").body, "ok\n");
  EXPECT_EQ(ask("", "GET", "/readyz").status, 200);
  readiness = {.is_ready = false, .why = "the catalogue is locked\n\x1b[31m"};
  const HttpReply unready = ask("", "GET", "/readyz");
  EXPECT_EQ(unready.status, 503);
  EXPECT_THAT(unready.body, HasSubstr("the catalogue is locked"));
  EXPECT_THAT(unready.body, ::testing::Not(HasSubstr("\x1b")));
  EXPECT_EQ(ask(reader, "GET", "/metrics").body, "packferry_up 1\n");
  EXPECT_EQ(ask("", "GET", "/metrics").status, 401);
  EXPECT_EQ(ask(token({Scope::Read}, {"app/*"}), "GET", "/metrics").status, 403);
}

// --- Who may do what.

TEST_F(ReplicaApiTest, EachActionTakesItsScopeAndAReplicaOfTheTokens) {
  const struct {
    const char* method;
    const char* path;  // "%" is the replica
    Scope scope;
    int status;
    bool of_one = true;
  } table[] = {
      {"GET", "/v1/replicas", Scope::Read, 200},
      {"GET", "/v1/replicas/%", Scope::Read, 200},
      {"GET", "/v1/replicas/%/history", Scope::Read, 200},
      {"GET", "/v1/replicas/%/audit", Scope::Read, 200},
      {"GET", "/v1/replicas/%/plan", Scope::Read, 404},
      {"GET", "/metrics", Scope::Read, 200, false},
      {"POST", "/v1/replicas/%/pause", Scope::Operate, 200},
      {"POST", "/v1/replicas/%/resume", Scope::Operate, 200},
      {"POST", "/v1/replicas/%/sync", Scope::Operate, 202},
      {"POST", "/v1/replicas/%/plans/0123456789ab/approve", Scope::Operate, 422},
      {"POST", "/v1/replicas", Scope::Operate, 201},
      {"DELETE", "/v1/replicas/%", Scope::Destroy, 204},
      {"GET", "/v1/audit", Scope::Admin, 200, false},
      {"GET", "/v1/tokens", Scope::Admin, 200, false},
      {"POST", "/v1/tokens", Scope::Admin, 201, false},
      {"DELETE", "/v1/tokens/00000000", Scope::Admin, 404, false},
  };
  int number = 0;
  for (const auto& row : table) {
    const auto ask_with = [&](const std::string& with) {
      const std::string name = fmt::format("mine{}", ++number);
      std::string path = row.path;
      if (const auto at = path.find('%'); at != std::string::npos) path.replace(at, 1, name);
      const bool creates = row.method == std::string("POST") && path == "/v1/replicas";
      if (!creates) order_replica(name);
      Extra extra;
      if (creates) extra.body = order(name);
      if (path == "/v1/tokens" && row.method == std::string("POST"))
        extra.body = R"({"bearer": "x", "scopes": ["read"]})";
      return ask(with, row.method, path, extra).status;
    };
    const std::string where = fmt::format("{} {}", row.method, row.path);
    EXPECT_EQ(ask_with(""), 401) << where;
    EXPECT_EQ(ask_with("pkf_00000000_x"), 401) << where;
    for (const Scope scope : {Scope::Read, Scope::Operate, Scope::Destroy, Scope::Admin}) {
      // Whoever may approve what loses something is told what the plan takes, not that approving is nothing for them.
      const int refused = 403;
      EXPECT_EQ(ask_with(token({scope})), scope == row.scope ? row.status : refused) << where << to_string(scope);
      const int here = row.of_one ? row.status : 403;
      EXPECT_EQ(ask_with(token({scope}, {"mine*"})), scope == row.scope ? here : refused) << where << to_string(scope);
      const bool names_one = std::string_view(row.path).find('%') != std::string_view::npos;
      const bool sees_scope =
          scope == row.scope || (std::string_view(row.path).ends_with("approve") && scope == Scope::Destroy);
      const int elsewhere = !sees_scope                                      ? 403
                            : names_one                                      ? 404
                            : row.method == std::string("GET") && row.of_one ? 200
                                                                             : 403;
      EXPECT_EQ(ask_with(token({scope}, {"other*"})), elsewhere) << where << to_string(scope);
    }
  }
}

TEST_F(ReplicaApiTest, WhatIsNotATokensOwnIsAsIfItWasNotThere) {
  for (const char* name : {"app/a", "app/b", "infra/a", "infra/b", "zoo"}) order_replica(name);
  const std::string app = token({Scope::Read, Scope::Operate, Scope::Destroy}, {"app/*", "zoo"});
  const HttpReply foreign = ask(app, "GET", "/v1/replicas/infra%2Fa");
  const HttpReply missing = ask(app, "GET", "/v1/replicas/infra%2Fx");
  EXPECT_EQ(foreign.status, 404);
  std::string expected = missing.body;
  expected.replace(expected.find("infra/x"), 7, "infra/a");
  EXPECT_EQ(foreign.body, expected);
  for (const char* verb : {"pause", "resume", "sync", "plans/0123456789ab/approve"})
    EXPECT_EQ(ask(app, "POST", fmt::format("/v1/replicas/infra%2Fa/{}", verb)).status, 404);
  EXPECT_EQ(ask(app, "DELETE", "/v1/replicas/infra%2Fa").status, 404);
  EXPECT_EQ(ask(app, "GET", "/v1/replicas/infra%2Fa/audit").status, 404);
  EXPECT_EQ(ask(app, "GET", "/v1/replicas/app%2Fa/audit").status, 200);
  EXPECT_FALSE(must(replicas->find("infra/a"))->paused);

  EXPECT_THAT(names(ask(app, "GET", "/v1/replicas")), ElementsAre("app/a", "app/b", "zoo"));
  const HttpReply page = ask(app, "GET", "/v1/replicas", {.query = "limit=2"});
  EXPECT_THAT(names(page), ElementsAre("app/a", "app/b"));
  EXPECT_EQ(header(page, "Link"), "</v1/replicas?limit=2&after=app%2Fb>; rel=\"next\"");
  EXPECT_THAT(names(ask(app, "GET", "/v1/replicas", {.query = "limit=2&after=app/b"})), ElementsAre("zoo"));
  const HttpReply none = ask(token({Scope::Read}, {"none*"}), "GET", "/v1/replicas", {.query = "limit=1"});
  EXPECT_THAT(names(none), IsEmpty());
  EXPECT_EQ(header(none, "Link"), "");
}

TEST_F(ReplicaApiTest, CreatingDoesNotTellOfOthers) {
  order_replica("infra/a");
  const std::string app = token({Scope::Operate}, {"app/*"});
  EXPECT_EQ(create(app, "infra/a").status, 403);
  EXPECT_EQ(create(app, "infra/x").status, 403);
  const HttpReply taken = ask(
      app, "POST", "/v1/replicas",
      {.body =
           R"({"name": "app/a", "source": "https://gitlab.example/o", "destination": "https://git.example/infra/a"})"});
  EXPECT_EQ(taken.status, 422);
  EXPECT_THAT(taken.body, ::testing::Not(HasSubstr("'infra/a'")));
}

TEST_F(ReplicaApiTest, SaysOfAReplicaWhatItsReaderMayDo) {
  hold("web", true);
  const auto actions = [&](const std::string& with) {
    return json(ask(with, "GET", "/v1/replicas/web"))
        .at("replica")
        .at("permittedActions")
        .get<std::vector<std::string>>();
  };
  EXPECT_THAT(actions(reader), ElementsAre("viewInDestinationSystem"));
  EXPECT_THAT(actions(operator_), UnorderedElementsAre("viewInDestinationSystem", "pauseReplica", "syncReplica"));
  EXPECT_THAT(actions(all), UnorderedElementsAre("deleteReplica", "viewInDestinationSystem", "pauseReplica",
                                                 "syncReplica", "approvePlan"));
}

TEST_F(ReplicaApiTest, WhoMayNotReadHearsOnlyThatItWasDone) {
  order_replica("web");
  const std::string blind = token({Scope::Operate, Scope::Destroy});
  for (const char* verb : {"pause", "resume", "sync"}) {
    const HttpReply reply = ask(blind, "POST", fmt::format("/v1/replicas/web/{}", verb));
    EXPECT_LT(reply.status, 300);
    EXPECT_TRUE(json(reply).at("replica").is_null());
  }
}

TEST_F(ReplicaApiTest, WhoDidWhatIsInTheAuditLog) {
  create(all, "web");
  ask(operator_, "POST", "/v1/replicas/web/pause");
  ask(operator_, "POST", "/v1/replicas/web/resume");
  ask(operator_, "POST", "/v1/replicas/web/sync");
  ask(all, "DELETE", "/v1/replicas/web");
  std::vector<std::string> verbs;
  for (const std::string& line : audited()) {
    if (line.starts_with("test: ")) continue;
    EXPECT_THAT(line, ::testing::StartsWith("ci (token "));
    verbs.push_back(line.substr(line.rfind(':') + 2));
  }
  EXPECT_THAT(verbs, ElementsAre("create web", "pause web", "resume web", "sync web", "delete web"));
}

TEST_F(ReplicaApiTest, TellsWhoDidWhatInPages) {
  order_replica("web");
  look("web");
  order_replica("app");
  ask(operator_, "POST", "/v1/replicas/web/sync");
  ask(all, "POST", "/v1/tokens", {.body = R"({"bearer": "dashboard", "scopes": ["read"]})"});
  ask(all, "DELETE", "/v1/replicas/web");

  const std::string whole = ask(all, "GET", "/v1/audit", {.query = "limit=1000"}).body;
  EXPECT_EQ(whole, audit_json(must(replicas->newest_audit("", {}, 1000)), -1));
  EXPECT_THAT(whole, ::testing::AllOf(HasSubstr("for dashboard"), HasSubstr("\"carry\""), HasSubstr("\"app\"")));
  EXPECT_EQ(in_pairs(all, "/v1/audit", "entries"), Json::parse(whole).at("entries"));

  const std::string of_one = ask(reader, "GET", "/v1/replicas/web/audit").body;
  EXPECT_EQ(of_one, audit_json(must(replicas->newest_audit("web", {}, 1000)), -1)) << "it outlives its replica";
  EXPECT_THAT(of_one, ::testing::Not(HasSubstr("for dashboard")));
  EXPECT_EQ(in_pairs(reader, "/v1/replicas/web/audit", "entries"), Json::parse(of_one).at("entries"));
  EXPECT_EQ(ask(reader, "GET", "/v1/replicas/other/audit").status, 404);
  for (const char* path : {"/v1/audit", "/v1/replicas/web/audit"})
    EXPECT_EQ(ask(all, "GET", path, {.query = "after=x"}).status, 400);
}

// --- Requests that are made again.

TEST_F(ReplicaApiTest, ARequestWithAKeyIsDoneOnce) {
  const Extra wish{.body = order("web"), .headers = {{"idempotency-key", "k1"}}};
  const HttpReply first = ask(all, "POST", "/v1/replicas", wish);
  ASSERT_EQ(first.status, 201);
  const HttpReply again = ask(all, "POST", "/v1/replicas", wish);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "Location"), header(first, "Location"));
  EXPECT_EQ(header(again, "Content-Type"), header(first, "Content-Type"));
  EXPECT_EQ(nudges, 1);
  EXPECT_EQ(ask(all, "POST", "/v1/replicas", {.body = order("other"), .headers = wish.headers}).status, 422);
  EXPECT_EQ(ask(operator_, "POST", "/v1/replicas", wish).status, 422)
      << "another token, another key: it is there already";
  clock.advance(std::chrono::hours(25));
  EXPECT_EQ(ask(all, "POST", "/v1/replicas", wish).status, 422) << "forgotten, and done anew";
}

TEST_F(ReplicaApiTest, ASecretIsNotKeptForARequestThatIsMadeAgain) {
  const Extra wish{.body = R"({"bearer": "x", "scopes": ["read"]})", .headers = {{"idempotency-key", "k1"}}};
  EXPECT_EQ(ask(all, "POST", "/v1/tokens", wish).status, 201);
  const HttpReply again = ask(all, "POST", "/v1/tokens", wish);
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.body, HasSubstr("shown only once"));
  EXPECT_EQ(json(ask(all, "GET", "/v1/tokens")).at("tokens").size(), 4U);
}

TEST_F(ReplicaApiTest, WhatMayPassIsTriedAgainUnderItsKey) {
  const Extra wish{.body = order("web"), .headers = {{"idempotency-key", "k1"}}};
  ends.error = Error(ErrorKind::Unavailable, "git.example: connection refused");
  EXPECT_EQ(ask(all, "POST", "/v1/replicas", wish).status, 503);
  ends.error = std::nullopt;
  EXPECT_EQ(ask(all, "POST", "/v1/replicas", wish).status, 201);
}

TEST_F(ReplicaApiTest, ARequestThatIsBeingWorkedOnIsNotBegunTwice) {
  ReplicaApiOptions reentering = options();
  const Extra wish{.body = order("web"), .headers = {{"idempotency-key", "k1"}}};
  int inner = 0;
  reentering.complete = [&](ReplicaWish asked, std::stop_token) -> Result<ReplicaWish> {
    inner = ask(all, "POST", "/v1/replicas", wish).status;
    return asked;
  };
  api.change(reentering);
  EXPECT_EQ(ask(all, "POST", "/v1/replicas", wish).status, 201);
  EXPECT_EQ(inner, 409);
}

TEST_F(ReplicaApiTest, KeysAreLookedAt) {
  order_replica("web");
  EXPECT_EQ(ask(all, "POST", "/v1/replicas/web/pause", {.headers = {{"idempotency-key", "a b"}}}).status, 400);
  EXPECT_FALSE(must(replicas->find("web"))->paused);
}

// --- What is too much.

TEST_F(ReplicaApiTest, CreatingTakesAFewThreadsOnly) {
  ReplicaApiOptions reentering = options();
  int depth = 0;
  int refused = 0;
  reentering.complete = [&](ReplicaWish asked, std::stop_token) -> Result<ReplicaWish> {
    const std::string name = fmt::format("inner{}", ++depth);
    if (ask(all, "POST", "/v1/replicas", {.body = order(name)}).status == 503) ++refused;
    return asked;
  };
  api.change(reentering);
  EXPECT_EQ(create(all, "web").status, 201);
  EXPECT_EQ(depth, 2);
  EXPECT_EQ(refused, 1);
}

TEST(ReplicaApi, AsksForPatienceOfATokenThatAsksTooOften) {
  ApiScene scene({.requests = {.per_second = 1, .burst = 2}});
  const std::string one = scene.token({Scope::Read});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(scene.ask(one, "GET", "/v1/replicas").status, 200);
  const HttpReply refused = scene.ask(one, "GET", "/v1/replicas");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(ApiScene::header(refused, "Retry-After"), "1");
  EXPECT_EQ(scene.ask(scene.token({Scope::Read}), "GET", "/v1/replicas").status, 200);
  scene.clock.advance(Milliseconds(1000));
  EXPECT_EQ(scene.ask(one, "GET", "/v1/replicas").status, 200);
}

TEST(ReplicaApi, AsksForPatienceOfAnAddressThatGuesses) {
  ApiScene scene({.failures = {.per_second = 1, .burst = 2}});
  EXPECT_EQ(scene.ask("pkf_00000000_x", "GET", "/v1/replicas").status, 401);
  EXPECT_EQ(scene.ask("wrong", "POST", "/v1/webhooks/git", {.body = "{}"}).status, 403);
  EXPECT_EQ(scene.ask("", "GET", "/v1/replicas").status, 429);
  EXPECT_EQ(scene.ask("wrong", "POST", "/v1/webhooks/git", {.body = "{}"}).status, 429);
  EXPECT_EQ(scene.ask(scene.token({Scope::Read}), "GET", "/v1/replicas").status, 200) << "others live there, too";
  ReceivedRequest elsewhere = scene.request("", "GET", "/v1/replicas");
  elsewhere.peer = "127.0.0.2";
  EXPECT_EQ(scene.api.handle(elsewhere, {}).status, 401);
  EXPECT_EQ(scene.log.lines.size(), 3U) << "what is refused for its number is not logged";
}

// --- Mistakes.

TEST_F(ReplicaApiTest, SaysWhatIsWrongOfARequest) {
  order_replica("web");
  const struct {
    const char* method;
    const char* path;
    Extra extra;
    int status;
  } cases[] = {
      {"GET", "/v1/nothing", {}, 404},
      {"PUT", "/v1/replicas", {}, 405},
      {"GET", "/v1/replicas", {.query = "limit=0"}, 400},
      {"GET", "/v1/replicas", {.query = "page=2"}, 400},
      {"GET", "/v1/replicas", {.body = "{}"}, 400},
      {"GET", "/v1/replicas/web", {.query = "verbose=1"}, 400},
      {"POST", "/v1/replicas/web/pause", {.body = "{}"}, 400},
      {"POST", "/v1/replicas", {.body = ""}, 415},
      {"POST", "/v1/replicas", {.body = "{}", .headers = {{"content-type", "text/plain"}}}, 415},
      {"POST", "/v1/replicas", {.body = "{}"}, 400},
      {"POST", "/v1/replicas", {.body = order("web")}, 422},
      {"POST", "/v1/replicas", {.body = order("a b")}, 400},
      {"POST", "/v1/tokens", {.body = R"({"bearer": "x", "scopes": []})"}, 400},
      {"GET", "/healthz", {.query = "x"}, 400},
  };
  for (const auto& each : cases) {
    const HttpReply reply = ask(all, each.method, each.path, each.extra);
    EXPECT_EQ(reply.status, each.status) << each.method << " " << each.path << " " << reply.body;
    EXPECT_EQ(header(reply, "Content-Type"), "application/problem+json");
    const Json body = json(reply);
    EXPECT_EQ(body.at("status"), each.status);
    EXPECT_NE(body.at("title"), "");
    EXPECT_NE(body.at("detail"), "");
  }
  EXPECT_EQ(header(ask("", "GET", "/v1/replicas"), "WWW-Authenticate"), "Bearer");
}

TEST_F(ReplicaApiTest, WhatIsWrongWithUsIsForOurLog) {
  ends.error = Error(ErrorKind::Exhausted, "/var/lib/packferry: no space left");
  const HttpReply reply = create(all, "web");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, ::testing::Not(HasSubstr("/var/lib")));
  EXPECT_THAT(log.lines, ::testing::Contains(HasSubstr("no space left")));
}

// --- Webhooks.

TEST_F(ReplicaApiTest, AWebhookIsALookOfAllThatReadFromThere) {
  order_replica("a");
  order_replica("b");
  const std::string push = R"({"repository": "team/web"})";
  EXPECT_EQ(hook("git", push).status, 202);
  EXPECT_EQ(waiting("a"), 2U);
  EXPECT_EQ(waiting("b"), 2U);
  EXPECT_EQ(must(replicas->find("a"))->waiting->announced_at, clock.now());
  EXPECT_EQ(nudges, 1);
  EXPECT_EQ(hook("git", R"({"repository": "team/other"})").status, 202);
  EXPECT_EQ(nudges, 1) << "of others nobody is woken";
  order_replica("c");
  EXPECT_EQ(hook("git", push).status, 202);
  EXPECT_EQ(waiting("c"), 2U) << "replicas that are new are found, too";
}

TEST_F(ReplicaApiTest, AForgedWebhookIsRefusedWithoutAWord) {
  order_replica("web");
  const std::string push = R"({"repository": {"full_name": "team/web"}})";
  const HttpReply forged = hook("hub", push, "another secret of some length");
  EXPECT_EQ(forged.status, 403);
  EXPECT_EQ(json(forged).at("detail"), "not accepted");
  EXPECT_EQ(hook("unknown", push).body, forged.body) << "which there are is nobody's business";
  EXPECT_EQ(hook("git", push, "another").body, forged.body);
  EXPECT_EQ(waiting("web"), 1U);
  EXPECT_EQ(hook("hub", "no json").status, 400);
  EXPECT_EQ(hook("hub", push).status, 202);
  EXPECT_EQ(waiting("web"), 2U);
}

TEST_F(ReplicaApiTest, AWebhookThatIsPlayedAgainIsNoWork) {
  order_replica("web");
  const std::string push = R"({"repository": {"full_name": "team/web"}})";
  EXPECT_EQ(hook("hub", push).status, 202);
  EXPECT_EQ(hook("hub", push).status, 202);
  EXPECT_EQ(waiting("web"), 2U);
  EXPECT_EQ(nudges, 1);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(hook("hub", push).status, 202);
  EXPECT_EQ(waiting("web"), 3U) << "the same again may be true again";
}

TEST_F(ReplicaApiTest, TwoMessagesOfAnybodysOwnMayBeAlike) {
  order_replica("web");
  const std::string push = R"({"repository": "team/web"})";
  hook("git", push);
  hook("git", push);
  EXPECT_EQ(waiting("web"), 3U);
}

TEST_F(ReplicaApiTest, WebhookSourcesAreChangedWhileItRuns) {
  order_replica("web");
  ReplicaApiOptions changed = options();
  changed.webhooks["git"].secrets = {Secret("a new secret of some length")};
  api.change(changed);
  EXPECT_EQ(hook("git", R"({"repository": "team/web"})").status, 403);
  EXPECT_EQ(hook("git", R"({"repository": "team/web"})", "a new secret of some length").status, 202);
}

// --- Jobs.

// An issuer of tokens; OpenSSL's own program makes its key.
class JobsTest : public ReplicaApiTest {
 protected:
  class Keys final : public JsonWebKeySource {
   public:
    Result<std::string> get(std::stop_token) override { return text; }
    std::string text;
  };

  JobsTest() {
    run("openssl genrsa -out rsa.pem 2048");
    run("openssl rsa -in rsa.pem -noout -modulus -out modulus");
    std::string modulus = read("modulus").substr(std::string_view("Modulus=").size());
    modulus.pop_back();
    const Json key = {{"kty", "RSA"}, {"kid", "k"}, {"e", "AQAB"}, {"n", to_base64url(from_hex(modulus).value())}};
    keys.text = Json{{"keys", {key}}}.dump();
    ReplicaApiOptions with_jobs = options();
    with_jobs.job_issuers.push_back({.verifier = verifier("https://other.example"), .rights = {}});
    with_jobs.job_issuers.push_back(
        {.verifier = verifier("https://gitlab.example"),
         .rights = {{.project = "team/web", .replicas = {"web*"}},
                    {.project = "team/any*", .replicas = {"web"}, .protected_refs_only = false},
                    {.project = "team/anybody", .replicas = {"other"}},
                    {.project = "team/none", .replicas = {}}}});
    api.change(with_jobs);
    order_replica("web");
    order_replica("other");
  }

  std::string job(const std::string& project, bool is_protected = true, const std::string& audience = "packferry") {
    const auto part = [](const Json& each) { return to_base64url(as_bytes(each.dump())); };
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch()).count();
    const std::string text = part({{"alg", "RS256"}, {"kid", "k"}}) + "." +
                             part({{"iss", "https://gitlab.example"},
                                   {"aud", audience},
                                   {"exp", now + 300},
                                   {"nbf", now},
                                   {"project_path", project},
                                   {"ref", "main"},
                                   {"ref_protected", is_protected ? "true" : "false"}});
    const RsaKey key = must(RsaKey::parse(read("rsa.pem")));
    return text + "." + to_base64url(must(key.sign_sha256(as_bytes(text))));
  }
  std::shared_ptr<TokenVerifier> verifier(const std::string& issuer) {
    return std::make_shared<TokenVerifier>(TokenRules{.issuer = issuer, .audience = "packferry"}, keys, clock);
  }
  int sync(const std::string& token, const std::string& name = "web") {
    return ask(token, "POST", "/v1/replicas/" + name + "/sync").status;
  }

  Keys keys;

 private:
  void run(const std::string& command) const {
    EXPECT_EQ(std::system(("cd '" + dir.path().string() + "' && " + command + " 2>/dev/null").c_str()), 0);
  }
  std::string read(const char* name) const {
    std::ifstream file(dir / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(JobsTest, SyncWhatTheirProjectMay) {
  EXPECT_EQ(sync(job("team/web")), 202);
  EXPECT_THAT(audited().back(), HasSubstr("job of team/web, main: sync web"));
  EXPECT_EQ(sync(job("team/web"), "other"), 404);
  EXPECT_EQ(sync(job("team/web", false)), 401) << "not protected";
  EXPECT_EQ(sync(job("team/any", false)), 202);
  EXPECT_EQ(sync(job("team/anybody", false)), 202);
  EXPECT_EQ(sync(job("team/anybody", false), "other"), 404);
  EXPECT_EQ(sync(job("team/anybody"), "other"), 202);
  EXPECT_EQ(sync(job("team/none")), 401);
  EXPECT_EQ(sync(job("team/unknown")), 401);
  EXPECT_EQ(sync(job("team/web", true, "another service")), 401);
  EXPECT_EQ(sync(job("team/web") + "x"), 401);
}

TEST_F(JobsTest, DoNothingElse) {
  const std::string token = job("team/web");
  EXPECT_EQ(ask(token, "GET", "/v1/replicas/web").status, 401);
  EXPECT_EQ(ask(token, "GET", "/v1/replicas").status, 401);
  EXPECT_EQ(ask(token, "POST", "/v1/replicas/web/pause").status, 401);
  EXPECT_EQ(ask(token, "DELETE", "/v1/replicas/web").status, 401);
  EXPECT_TRUE(json(ask(token, "POST", "/v1/replicas/web/sync")).at("replica").is_null());
}

TEST_F(JobsTest, HaveNoRightsWhereNobodyIssuesTokens) {
  api.change(options());
  EXPECT_EQ(sync(job("team/web")), 401);
}

// --- How much it takes. Printed, since machines differ.

TEST(ReplicaApi, HoldsManyReplicas) {
  constexpr int kMany = 1'000;
  FakeClock clock;
  NullLog log;
  testing::FakeReplicaEnds ends;
  const std::unique_ptr<Replicas> replicas = must(Replicas::open_in_memory());
  const std::unique_ptr<Tokens> tokens = must(Tokens::open_in_memory());
  ReplicaOperations operations(*replicas, ends, clock);
  ReplicaApiOptions options;
  options.webhooks["git"] = {.kind = WebhookKind::Generic, .secrets = {Secret(ApiScene::kHookSecret)}};
  ReplicaApi api(*replicas, *tokens, operations, options, {.nudge = [] {}, .metrics = {}, .readiness = {}},
                 {.requests = {.per_second = 1e9, .burst = 1e9}}, clock, log);
  const auto welcome = [](const Replicas::WriterOf&) { return Result<>(); };
  for (int i = 0; i < kMany; ++i)
    must(replicas->create({.name = fmt::format("team{}/web{:05}", i % 7, i),
                           .source = {.url = fmt::format("https://gitlab.example/team/web{}.git", i), .host = "a"},
                           .destination = {.url = fmt::format("https://git.example/web{}.git", i), .host = "b"},
                           .created_at = clock.now()},
                          "test", welcome));
  const auto token_for = [&](std::vector<std::string> globs) {
    const NewToken made = must(make_token("x", {Scope::Read, Scope::Operate}, std::move(globs), std::nullopt));
    must(tokens->create(to_record(made.grant, clock.now()), "test"));
    return made.token.reveal();
  };
  const std::string all = token_for({});
  const std::string some = token_for({"team3/*"});
  const auto measure = [&](const char* what, int times, const auto& request_for) {
    std::vector<double> took;
    for (int i = 0; i < times; ++i) {
      const ReceivedRequest request = request_for(i);
      const auto began = std::chrono::steady_clock::now();
      const int status = api.handle(request, {}).status;
      took.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
      ASSERT_LT(status, 300) << what;
    }
    std::sort(took.begin(), took.end());
    std::printf("%d replicas: %s: median %.2f ms, p99 %.2f ms\n", kMany, what, took[took.size() / 2],
                took[took.size() * 99 / 100]);
  };
  const auto request = [](const std::string& token, const char* method, std::string path, std::string query = {}) {
    return ReceivedRequest{.method = method,
                           .path = std::move(path),
                           .query = std::move(query),
                           .headers = {{"authorization", "Bearer " + token}},
                           .body = {},
                           .peer = "127.0.0.1"};
  };
  const auto path = [](int i) { return fmt::format("/v1/replicas/team{}%2Fweb{:05}", i % 7, i); };
  measure("get", 500, [&](int i) { return request(all, "GET", path(i)); });
  measure("sync", 500, [&](int i) { return request(all, "POST", path(i) + "/sync"); });
  measure("a page of 100", 50, [&](int) { return request(all, "GET", "/v1/replicas", "after=team3/web00"); });
  measure("a page of 100, by status", 5, [&](int) { return request(all, "GET", "/v1/replicas", "status=Held"); });
  measure("a page of 100, of a seventh", 5,
          [&](int) { return request(some, "GET", "/v1/replicas", "after=team3/web00"); });
  measure("a webhook", 500, [&](int i) {
    ReceivedRequest hook = request(ApiScene::kHookSecret, "POST", "/v1/webhooks/git");
    hook.body = fmt::format(R"({{"repository": "team/web{}"}})", i);
    return hook;
  });
}

}  // namespace
}  // namespace packferry
