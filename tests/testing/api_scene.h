// The API over a catalogue and ends in memory: requests in, replies out.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/replica_api.h"
#include "testing/api_contract.h"
#include "testing/fake_replica_ends.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry::testing {

// What was logged, a line an event.
class KeptLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields) line += fmt::format(" {}={}", field.key, field.value);
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;
};

// What a request has besides its line and its token.
struct ApiExtra {
  std::string body = {};
  std::string query = {};
  std::vector<HttpHeader> headers = {};
};

class ApiScene {
 public:
  using Json = nlohmann::json;
  static constexpr const char* kHere = "https://gitlab.example/team/web.git";
  static constexpr const char* kHookSecret = "a secret of some length";

  explicit ApiScene(const ReplicaApiLimits& limits = {.requests = {.per_second = 1e6, .burst = 1e6},
                                                      .failures = {.per_second = 1e6, .burst = 1e6}})
      : api(*replicas, *tokens, operations, options(), surroundings(), limits, clock, log) {
    FakeSource& web = ends.sources[kHere];
    for (unsigned i = 2; i <= 20; ++i) web.parents.emplace(commit(i), commit(i - 1));
    web.holds = refs_at({{"refs/heads/main", 3}, {"refs/heads/next", 4}});
  }

  ReplicaApiOptions options() {
    ReplicaApiOptions options;
    options.webhooks["git"] = {.kind = WebhookKind::Generic, .secrets = {Secret(kHookSecret)}};
    options.webhooks["hub"] = {.kind = WebhookKind::GitHub, .secrets = {Secret(kHookSecret)}};
    options.admit = [](const ReplicaWish& wish) -> Result<> {
      if (wish.destination.is_http()) return {};
      return Error(ErrorKind::Denied, "only https may be used here");
    };
    return options;
  }
  ReplicaApiSurroundings surroundings() {
    return {.nudge = [this] { ++nudges; },
            .metrics = []() -> Result<std::string> { return std::string("packferry_up 1\n"); },
            .readiness = [this] { return readiness; }};
  }

  // The text of a new token.
  std::string token(std::set<Scope> scopes, std::vector<std::string> globs = {},
                    std::optional<Clock::WallTime> expires_at = std::nullopt) {
    const NewToken made = must(make_token("ci", std::move(scopes), std::move(globs), expires_at));
    must(tokens->create(to_record(made.grant, clock.now()), "test"));
    return made.token.reveal();
  }
  std::string everything() { return token({Scope::Read, Scope::Operate, Scope::Destroy, Scope::Admin}); }

  using Extra = ApiExtra;
  // With `token` empty there is none.
  ReceivedRequest request(const std::string& token, const std::string& method, const std::string& path,
                          const Extra& extra = {}) const {
    ReceivedRequest asked;
    asked.method = method;
    asked.path = path;
    asked.query = extra.query;
    asked.headers = extra.headers;
    asked.body = extra.body;
    asked.peer = "127.0.0.1";
    if (!token.empty()) asked.headers.push_back({"authorization", "Bearer " + token});
    if (!extra.body.empty() && !asked.header("content-type"))
      asked.headers.push_back({"content-type", "application/json"});
    return asked;
  }
  HttpReply ask(const std::string& token, const std::string& method, const std::string& path, const Extra& extra = {}) {
    HttpReply reply = api.handle(request(token, method, path, extra), {});
    EXPECT_EQ(broken_promise(method, path, reply), "");
    return reply;
  }
  HttpReply create(const std::string& token, const std::string& name, const std::string& more = {}) {
    return ask(token, "POST", "/v1/replicas", {.body = order(name, more)});
  }
  static std::string order(const std::string& name, const std::string& more = {}) {
    return fmt::format(R"({{"name": "{}", "source": "{}", "destination": "https://git.example/{}.git"{}}})", name,
                       kHere, name, more);
  }
  // Without the API.
  void order_replica(const std::string& name, const ReplicaPolicy& policy = {}) {
    must(operations.create({.name = name,
                            .source = must(Url::parse(kHere)),
                            .destination = must(Url::parse("https://git.example/" + name)),
                            .policy = policy},
                           "test", {}));
  }
  std::optional<Looked> look(const std::string& name) { return must(worker.work(name, nullptr, {})); }
  // Its next look holds a plan: one that adds, or one that loses something.
  std::string hold(const std::string& name, bool loses) {
    order_replica(name, {.follow = loses ? FollowMode::Mirror : FollowMode::Additive});
    FakeDestination& there = ends.destinations.at("https://git.example/" + name);
    if (loses) {
      look(name);
      std::map<std::string, unsigned> tips = {{"refs/heads/main", 3}, {"refs/heads/next", 4}};
      for (unsigned i = 0; i < 20; ++i) tips[fmt::format("refs/heads/b{}", i)] = 2;
      there.holds = refs_at(tips);
      must(replicas->trigger(name, LookReason::Sync, clock.now()));
    } else {
      there.holds = refs_at({{"refs/heads/other", 900}});
    }
    return look(name)->look.held.value().digest;
  }

  static Json json(const HttpReply& reply) { return Json::parse(reply.body); }
  static std::string header(const HttpReply& reply, std::string_view name) {
    for (const HttpHeader& each : reply.headers)
      if (each.name == name) return each.value;
    return {};
  }

  TempDir dir;
  FakeClock clock;
  KeptLog log;
  FakeReplicaEnds ends;
  std::unique_ptr<Replicas> replicas = must(Replicas::open(dir / "catalogue.db"));
  std::unique_ptr<Tokens> tokens = must(Tokens::open(dir / "catalogue.db"));
  ReplicaOperations operations{*replicas, ends, clock};
  ReplicaWorker worker{*replicas, ends, {.owner = "worker"}, clock};
  ServiceReadiness readiness{.is_ready = true, .why = {}};
  int nudges = 0;
  ReplicaApi api;
};

}  // namespace packferry::testing
