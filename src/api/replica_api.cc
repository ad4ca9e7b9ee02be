#include "api/replica_api.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/problem.h"
#include "api/token_json.h"
#include "api/wishes.h"
#include "base/ascii.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/printable.h"
#include "io/stream.h"
#include "service/name_template.h"
#include "service/replica_json.h"

namespace packferry {
namespace {

using Json = nlohmann::ordered_json;

// So many rows are read at once where only some are wanted.
constexpr std::size_t kRowsAtOnce = 256;

HttpReply reply_of(int status, std::string_view type, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", std::string(type)}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}
HttpReply json_reply(int status, std::string body) { return reply_of(status, "application/json", std::move(body)); }
HttpReply json_reply(int status, const Json& body) {
  return json_reply(status, body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

HttpReply unknown_caller() {
  HttpReply reply = problem(401, "unauthenticated", "show a token that is good here: Authorization: Bearer …");
  reply.headers.push_back({"WWW-Authenticate", "Bearer"});
  return reply;
}

HttpReply too_often(Milliseconds wait) {
  return problem(Error(ErrorKind::Throttled, "too many requests; come again later").retry_after(wait));
}

HttpReply lacks_scope(Action action) {
  return problem(403, "denied", fmt::format("this takes a token with the scope {}", to_string(scope_for(action))));
}

// Of a replica that is not there, and of one that is none of the caller's business.
Error no_such_replica(const std::string& name) {
  return Error(ErrorKind::NotFound, "there is no replica '{}'", printable(name));
}

std::int64_t milliseconds(Clock::WallTime at) {
  return std::chrono::duration_cast<Milliseconds>(at.time_since_epoch()).count();
}

// RFC 8288: the page after this one.
HttpHeader next_page(std::string_view path, const PageWanted& page, std::string_view filter, std::string_view after) {
  std::string query = fmt::format("limit={}&after={}", page.limit, percent_encode(after));
  if (page.filter) query += fmt::format("&{}={}", filter, percent_encode(*page.filter));
  return {"Link", fmt::format("<{}?{}>; rel=\"next\"", path, query)};
}

// In lists whose entries have numbers, and the highest first.
Result<std::optional<std::int64_t>> last_of_page_before(const PageWanted& page) {
  if (page.after.empty()) return std::optional<std::int64_t>();
  std::int64_t number = 0;
  const char* const end = page.after.data() + page.after.size();
  const auto [stop, error] = std::from_chars(page.after.data(), end, number);
  if (error != std::errc() || stop != end)
    return Error(ErrorKind::Invalid, "'after' is not what the page before has said");
  return std::optional(number);
}

Result<> check_shape(const Route& route, const ReceivedRequest& request) {
  if (!route.is_paged && !request.query.empty())
    return Error(ErrorKind::Invalid, "there are no parameters behind the path here");
  if (!route.takes_json && !request.body.empty()) return Error(ErrorKind::Invalid, "there is no body here");
  return {};
}

bool is_json(const ReceivedRequest& request) {
  const std::string type = to_lower(request.header("content-type").value_or(""));
  return type.substr(0, type.find_first_of("; ")) == "application/json";
}

// "Bearer eyJ…": what no token of ours looks like.
std::optional<std::string_view> job_token_of(const ReceivedRequest& request) {
  constexpr std::string_view kScheme = "bearer ";
  const auto header = request.header("authorization");
  if (!header || to_lower(header->substr(0, kScheme.size())) != kScheme) return std::nullopt;
  return header->substr(kScheme.size());
}

std::string digest_of_request(const ReceivedRequest& request) {
  const std::string text = fmt::format("{} {}?{}\n{}\n", request.method, request.path, request.query, request.body);
  return to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(text)));
}

KeptAnswer to_kept(const HttpReply& reply) {
  KeptAnswer kept{.status = reply.status, .body = reply.body};
  for (const HttpHeader& header : reply.headers) {
    if (header.name == "Content-Type") kept.type = header.value;
    if (header.name == "Location") kept.location = header.value;
  }
  return kept;
}

HttpReply to_reply(const KeptAnswer& kept) {
  HttpReply reply{.status = kept.status, .headers = {{"Cache-Control", "no-store"}}, .body = kept.body};
  if (!kept.type.empty()) reply.headers.push_back({"Content-Type", kept.type});
  if (!kept.location.empty()) reply.headers.push_back({"Location", kept.location});
  return reply;
}

Action right_to(ReplicaAction action, const ReplicaView& view) {
  switch (action) {
    case ReplicaAction::DeleteReplica:
      return Action::DeleteReplica;
    case ReplicaAction::ViewInDestinationSystem:
      return Action::SeeReplica;
    case ReplicaAction::PauseReplica:
      return Action::Pause;
    case ReplicaAction::ResumeReplica:
      return Action::Resume;
    case ReplicaAction::SyncReplica:
      return Action::LookNow;
    case ReplicaAction::ApprovePlan:
      return approval_of(view.held_plan ? view.held_plan->text : std::string());
  }
  CHECK(!"a ReplicaAction is one of these");
  return Action::ApproveLosses;
}

// One of a few places, until it is destroyed.
class Place {
 public:
  Place(std::atomic<int>& taken, int places) : taken_(taken), is_free_(++taken <= places) {}
  ~Place() { --taken_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool is_free() const { return is_free_; }

 private:
  std::atomic<int>& taken_;
  const bool is_free_;
};

}  // namespace

ReplicaApi::ReplicaApi(Replicas& replicas, Tokens& tokens, ReplicaOperations& operations, ReplicaApiOptions options,
                       ReplicaApiSurroundings around, const ReplicaApiLimits& limits, const Clock& clock, Log& log)
    : replicas_(replicas),
      tokens_(tokens),
      operations_(operations),
      around_(std::move(around)),
      clock_(clock),
      log_(log),
      requests_(limits.requests, clock),
      failures_(limits.failures, clock),
      replays_(limits.replay_window, limits.replays_max, clock),
      places_(replicas),
      creating_max_(static_cast<int>(limits.creating_max)),
      options_(std::make_shared<const ReplicaApiOptions>(std::move(options))) {}

void ReplicaApi::change(ReplicaApiOptions options) {
  auto changed = std::make_shared<const ReplicaApiOptions>(std::move(options));
  const std::lock_guard lock(mutex_);
  options_ = std::move(changed);
}

std::shared_ptr<const ReplicaApiOptions> ReplicaApi::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

// --- The way of a request.

HttpReply ReplicaApi::handle(const ReceivedRequest& request, std::stop_token stop) {
  const std::variant<RoutedRequest, HttpReply> routed = route_of(request);
  if (const auto* reply = std::get_if<HttpReply>(&routed)) return *reply;
  return answer(std::get<RoutedRequest>(routed), request, std::move(stop));
}

HttpReply ReplicaApi::answer(const RoutedRequest& routed, const ReceivedRequest& request, std::stop_token stop) {
  const Route& route = *routed.route;
  const std::shared_ptr<const ReplicaApiOptions> options = this->options();
  if (!route.action) return answer_open(routed, request, *options);

  const Result<Caller> caller = caller_of(routed, request, *options, stop);
  if (!caller && caller.error().kind() == ErrorKind::Denied) return refuse(unknown_caller(), caller.error(), request);
  if (!caller) return failed(caller.error(), request);
  const Grant& grant = caller->grant;
  if (const auto wait = requests_.take(grant.id)) return too_often(*wait);

  Asked asked{.routed = routed, .request = request, .caller = *caller, .options = *options, .page = {}, .stop = stop};
  const bool has_scope = grant.scopes.contains(scope_for(*route.action)) ||
                         (*route.action == Action::ApproveAdditions && grant.scopes.contains(Scope::Destroy));
  if (!has_scope) return lacks_scope(*route.action);
  if (!is_about_one_replica(*route.action) && !asked.may(*route.action, ""))
    return problem(403, "denied", "this is for tokens that are for all replicas");
  const auto name = routed.parameters.find("name");
  if (name != routed.parameters.end() && !is_for(grant, name->second)) return problem(no_such_replica(name->second));

  const Result<> shape = check_shape(route, request);
  if (!shape) return problem(shape.error());
  if (route.takes_json && !is_json(request))
    return problem(415, "unsupported-media-type", "the body is JSON: Content-Type: application/json");
  if (route.is_paged) {
    const Result<PageWanted> page = page_of(request, route.filter);
    if (!page) return problem(page.error());
    asked.page = *page;
  }
  return once(asked);
}

HttpReply ReplicaApi::answer_open(const RoutedRequest& routed, const ReceivedRequest& request,
                                  const ReplicaApiOptions& options) {
  const std::string_view operation = routed.route->operation;
  if (operation == "receiveWebhook") return receive_webhook(routed, request, options);
  const Result<> shape = check_shape(*routed.route, request);
  if (!shape) return problem(shape.error());
  if (operation == "getOpenApi") return json_reply(200, std::string(openapi_document()));
  if (operation == "getReadiness") return readiness();
  CHECK(operation == "getHealth");
  return reply_of(200, "text/plain; charset=utf-8", "ok\n");
}

Result<ReplicaApi::Caller> ReplicaApi::caller_of(const RoutedRequest& routed, const ReceivedRequest& request,
                                                 const ReplicaApiOptions& options, std::stop_token stop) {
  if (const auto id = token_id_of(request)) {
    std::vector<Grant> grants;
    if (const std::optional<TokenRecord> record = TRY(tokens_.find(*id))) grants.push_back(to_grant(*record));
    const Grant* grant = TRY(grant_of(request, grants, clock_.now()));
    return Caller{.grant = *grant, .name = fmt::format("{} (token {})", grant->bearer, grant->id)};
  }
  const auto token = job_token_of(request);
  if (!token || *routed.route->action != Action::LookNow) return Error(ErrorKind::Denied, "no token");
  return job_of(*token, options.job_issuers, std::move(stop));
}

Result<ReplicaApi::Caller> ReplicaApi::job_of(std::string_view token, const std::vector<JobIssuer>& issuers,
                                              std::stop_token stop) {
  Error why(ErrorKind::Denied, "no issuer of job tokens is configured");
  for (const JobIssuer& issuer : issuers) {
    const Result<TokenClaims> claims = issuer.verifier->verify(token, stop);
    if (claims) return rights_of(*claims, issuer.rights);
    // One that cannot be asked now may have been the right one.
    if (why.kind() == ErrorKind::Denied) why = claims.error();
  }
  return why;
}

Result<ReplicaApi::Caller> ReplicaApi::rights_of(const TokenClaims& claims, const std::vector<JobRights>& rights) {
  const std::string bearer = fmt::format("job of {}, {}", printable(claims.project_path), printable(claims.ref));
  Caller caller{.grant = {.id = fmt::format("job:{} {}", claims.issuer, claims.project_path),
                          .digest = {},
                          .bearer = bearer,
                          .scopes = {Scope::Operate}},
                .name = bearer};
  for (const JobRights& each : rights) {
    const bool fits = matches_any({each.project}, claims.project_path);
    if (!fits || (each.protected_refs_only && !claims.ref_protected)) continue;
    caller.grant.replicas.insert(caller.grant.replicas.end(), each.replicas.begin(), each.replicas.end());
  }
  // A grant without patterns would be for all of them.
  if (caller.grant.replicas.empty()) return Error(ErrorKind::Denied, "{}: it has no rights here", bearer);
  return caller;
}

HttpReply ReplicaApi::once(const Asked& asked) {
  if (asked.routed.route->method == "GET") return act(asked);
  const Result<std::optional<std::string>> key = idempotency_key_of(asked.request);
  if (!key) return problem(key.error());
  if (!*key) return act(asked);

  const NamedRequest named{.asker = asked.caller.grant.id, .key = **key, .digest = digest_of_request(asked.request)};
  const Result<std::optional<KeptAnswer>> kept = tokens_.begin(named, clock_.now());
  if (!kept) return failed(kept.error(), asked.request);
  if (*kept) return to_reply(**kept);

  HttpReply reply = act(asked);
  // What may pass is tried again under the same key. A token's text is shown once, and kept nowhere.
  const bool may_pass = reply.status >= 500 || reply.status == 429;
  const bool is_secret = reply.status == 201 && asked.routed.route->operation == "createToken";
  const HttpReply again =
      is_secret ? problem(409, "conflict", "the token was made, and is shown only once: revoke it and make another")
                : reply;
  const Result<> said = may_pass ? tokens_.drop(named) : tokens_.answer(named, to_kept(again));
  if (!said) log_.error("api.answer_not_kept", {{"error", said.error().message()}});
  return reply;
}

HttpReply ReplicaApi::act(const Asked& asked) {
  const Result<HttpReply> reply = (this->*verb_of(asked.routed.route->operation))(asked);
  return reply ? *reply : failed(reply.error(), asked.request);
}

ReplicaApi::Verb ReplicaApi::verb_of(std::string_view operation) {
  static constexpr std::pair<std::string_view, Verb> kVerbs[] = {
      {"listReplicas", &ReplicaApi::list_replicas}, {"createReplica", &ReplicaApi::create_replica},
      {"getReplica", &ReplicaApi::get_replica},     {"deleteReplica", &ReplicaApi::delete_replica},
      {"pauseReplica", &ReplicaApi::pause_replica}, {"resumeReplica", &ReplicaApi::resume_replica},
      {"syncReplica", &ReplicaApi::sync_replica},   {"getHistory", &ReplicaApi::get_history},
      {"getReplicaAudit", &ReplicaApi::get_audit},  {"getAudit", &ReplicaApi::get_audit},
      {"getHeldPlan", &ReplicaApi::get_held_plan},  {"approvePlan", &ReplicaApi::approve_plan},
      {"listTokens", &ReplicaApi::list_tokens},     {"createToken", &ReplicaApi::create_token},
      {"revokeToken", &ReplicaApi::revoke_token},   {"getMetrics", &ReplicaApi::get_metrics},
  };
  const auto* found = std::ranges::find(kVerbs, operation, &std::pair<std::string_view, Verb>::first);
  CHECK(found != std::end(kVerbs));
  return found->second;
}

// What is wrong with us is for our log: it may name files, and nobody outside can do anything about it.
HttpReply ReplicaApi::failed(const Error& error, const ReceivedRequest& request) {
  HttpReply reply = problem(error);
  if (reply.status < 500) return reply;
  log_.error("api.failed", {{"method", request.method}, {"path", request.path}, {"error", error.message()}});
  if (error.kind() == ErrorKind::Corrupt || error.kind() == ErrorKind::Exhausted)
    return problem(Error(error.kind(), "the service cannot do that now; its log says why"));
  return reply;
}

HttpReply ReplicaApi::refuse(HttpReply reply, const Error& why, const ReceivedRequest& request) {
  if (const auto wait = failures_.take(request.peer)) return too_often(*wait);
  log_.warning("api.refused", {{"peer", request.peer}, {"path", request.path}, {"why", why.message()}});
  return reply;
}

// --- Replicas.

Result<HttpReply> ReplicaApi::list_replicas(const Asked& asked) {
  std::optional<ReplicaStatus> status;
  if (asked.page.filter) {
    status = parse_replica_status(*asked.page.filter);
    if (!status)
      return Error(ErrorKind::Invalid, "'{}' is no status; UpToDate, Behind, Held, Failing, …", *asked.page.filter);
  }
  std::vector<ReplicaRecord> found = TRY(visible(asked, status));
  const bool is_last = found.size() <= asked.page.limit;
  if (!is_last) found.pop_back();
  std::vector<ReplicaView> views;
  for (const ReplicaRecord& replica : found) views.push_back(view_for(asked, replica));
  HttpReply reply = json_reply(200, replicas_json(views, -1));
  if (!is_last)
    reply.headers.push_back(next_page(asked.request.path, asked.page, asked.routed.route->filter, views.back().name));
  return reply;
}

// One more than the page has, if there is one.
Result<std::vector<ReplicaRecord>> ReplicaApi::visible(const Asked& asked, std::optional<ReplicaStatus> status) {
  const std::size_t wanted = asked.page.limit + 1;
  const bool wants_all = !status && asked.caller.grant.replicas.empty();
  std::vector<ReplicaRecord> found;
  std::string after = asked.page.after;
  while (true) {
    const std::size_t rows = wants_all ? wanted : kRowsAtOnce;
    std::vector<ReplicaRecord> some = TRY(replicas_.list(after, rows));
    const bool is_last = some.size() < rows;
    if (!some.empty()) after = some.back().order.name;
    for (ReplicaRecord& replica : some) {
      if (!asked.may(Action::SeeReplica, replica.order.name)) continue;
      if (status && status_of(replica, clock_.now()) != *status) continue;
      found.push_back(std::move(replica));
      if (found.size() == wanted) return found;
    }
    if (is_last) return found;
  }
}

Result<HttpReply> ReplicaApi::create_replica(const Asked& asked) {
  ReplicaWish wish = TRY(read_replica_wish(asked.request.body));
  if (wish.name.empty()) wish.name = replica_name_of(wish.source);
  if (!asked.may(Action::CreateReplica, wish.name))
    return Error(ErrorKind::Denied, "this token is not for replicas with the name '{}'", printable(wish.name));
  if (!asked.options.admit) return Error(ErrorKind::Denied, "no replicas are created over the API here");
  TRY(asked.options.admit(wish));
  const Place place(creating_, creating_max_);
  if (!place.is_free()) return Error(ErrorKind::Unavailable, "others are being created; come again in a moment");
  if (asked.options.complete) wish = TRY(asked.options.complete(std::move(wish), asked.stop));
  wish.may_hear_of = [&asked](const std::string& other) { return asked.may(Action::CreateReplica, other); };
  const ReplicaRecord made = TRY(operations_.create(wish, asked.caller.name, asked.stop));
  around_.nudge();
  HttpReply reply = TRY(reply_with(asked, 201, made.order.name));
  reply.headers.push_back({"Location", "/v1/replicas/" + percent_encode(made.order.name)});
  return reply;
}

Result<HttpReply> ReplicaApi::get_replica(const Asked& asked) {
  return reply_with(asked, 200, asked.parameter("name"));
}

Result<HttpReply> ReplicaApi::delete_replica(const Asked& asked) {
  const std::string& name = asked.parameter("name");
  TRY(replicas_.remove(name, asked.caller.name, clock_.now()));
  if (TRY(replicas_.find(name))) return reply_with(asked, 202, name);
  return HttpReply{.status = 204};
}

Result<HttpReply> ReplicaApi::pause_replica(const Asked& asked) {
  const std::string& name = asked.parameter("name");
  TRY(replicas_.pause(name, asked.caller.name, clock_.now()));
  return reply_with(asked, 200, name);
}

Result<HttpReply> ReplicaApi::resume_replica(const Asked& asked) {
  const std::string& name = asked.parameter("name");
  TRY(replicas_.resume(name, asked.caller.name, clock_.now()));
  around_.nudge();
  return reply_with(asked, 200, name);
}

Result<HttpReply> ReplicaApi::sync_replica(const Asked& asked) {
  const std::string& name = asked.parameter("name");
  const Clock::WallTime now = clock_.now();
  TRY(replicas_.trigger(name, LookReason::Sync, now));
  TRY(tokens_.note({.at = now, .who = asked.caller.name, .what = "sync", .replica = name}));
  around_.nudge();
  return reply_triggered(asked, now);
}

Result<HttpReply> ReplicaApi::get_history(const Asked& asked) {
  const std::string& name = asked.parameter("name");
  std::vector<LookRecord> looks = TRY(replicas_.history(name, Replicas::kLooksKept));
  if (const auto last = TRY(last_of_page_before(asked.page)))
    std::erase_if(looks, [&last](const LookRecord& look) { return look.id >= *last; });
  const bool is_last = looks.size() <= asked.page.limit;
  if (!is_last) looks.resize(asked.page.limit);
  HttpReply reply = json_reply(200, history_json(name, looks, -1));
  if (!is_last) reply.headers.push_back(next_page(asked.request.path, asked.page, "", std::to_string(looks.back().id)));
  return reply;
}

Result<HttpReply> ReplicaApi::get_audit(const Asked& asked) {
  const bool is_of_one = asked.routed.parameters.contains("name");
  const std::string name = is_of_one ? asked.parameter("name") : std::string();
  const auto before = TRY(last_of_page_before(asked.page));
  std::vector<AuditEntry> entries = TRY(replicas_.newest_audit(name, before, asked.page.limit + 1));
  const bool is_last = entries.size() <= asked.page.limit;
  if (!is_last) entries.pop_back();
  HttpReply reply = json_reply(200, audit_json(entries, -1));
  if (!is_last)
    reply.headers.push_back(next_page(asked.request.path, asked.page, "", std::to_string(entries.back().id)));
  return reply;
}

Result<HttpReply> ReplicaApi::get_held_plan(const Asked& asked) {
  const ReplicaRecord replica = TRY(find(asked.parameter("name")));
  const ReplicaView view = view_for(asked, replica);
  if (!view.held_plan) return Error(ErrorKind::NotFound, "nothing of '{}' is held", printable(view.name));
  return json_reply(200, {{"__type", "packferry.GetHeldPlan/1"},
                          {"name", view.name},
                          {"heldPlan",
                           {{"digest", view.held_plan->digest},
                            {"plan", view.held_plan->text},
                            {"expiresDateUTC", milliseconds(view.held_plan->expires_at)},
                            {"approved", view.held_plan_is_approved}}},
                          {"approvalTakes", to_string(scope_for(approval_of(view.held_plan->text)))}});
}

Result<HttpReply> ReplicaApi::approve_plan(const Asked& asked) {
  const std::string& name = asked.parameter("name");
  const ReplicaRecord replica = TRY(find(name));
  const std::optional<HeldPlan>& held = replica.memory.held;
  // What it takes follows from the plan that is held; another digest is refused below, and approves nothing.
  const Action needed = held ? approval_of(held->text) : Action::ApproveAdditions;
  if (!asked.may(needed, name)) return lacks_scope(needed);
  const Clock::WallTime now = clock_.now();
  TRY(operations_.approve(name, asked.parameter("digest"), asked.caller.name));
  around_.nudge();
  return reply_triggered(asked, now);
}

Result<ReplicaRecord> ReplicaApi::find(const std::string& name) {
  std::optional<ReplicaRecord> found = TRY(replicas_.find(name));
  if (!found) return no_such_replica(name);
  return *std::move(found);
}

ReplicaView ReplicaApi::view_for(const Asked& asked, const ReplicaRecord& replica) const {
  ReplicaView view = view_of(replica, clock_.now());
  std::erase_if(view.permitted_actions,
                [&](ReplicaAction action) { return !asked.may(right_to(action, view), view.name); });
  return view;
}

// Who may not see it hears only that it was done.
Result<HttpReply> ReplicaApi::reply_with(const Asked& asked, int status, const std::string& name) {
  if (!asked.may(Action::SeeReplica, name))
    return json_reply(status, {{"__type", "packferry.GetReplica/1"}, {"replica", nullptr}});
  const ReplicaRecord replica = TRY(find(name));
  return json_reply(status, replica_json(view_for(asked, replica), -1));
}

Result<HttpReply> ReplicaApi::reply_triggered(const Asked& asked, Clock::WallTime at) {
  const HttpReply seen = TRY(reply_with(asked, 202, asked.parameter("name")));
  Json body = Json::parse(seen.body);
  return json_reply(202, {{"__type", "packferry.TriggerLook/1"},
                          {"triggeredDateUTC", milliseconds(at)},
                          {"replica", std::move(body["replica"])}});
}

// --- Webhooks.

HttpReply ReplicaApi::receive_webhook(const RoutedRequest& routed, const ReceivedRequest& request,
                                      const ReplicaApiOptions& options) {
  const std::string& name = routed.parameters.find("source")->second;
  const auto source = options.webhooks.find(name);
  const auto read = [&]() -> Result<Webhook> {
    if (source == options.webhooks.end()) return Error(ErrorKind::Denied, "no such source is configured");
    return read_webhook(source->second.kind, request, source->second.secrets, clock_.now());
  };
  const Result<Webhook> webhook = read();
  if (!webhook && webhook.error().kind() == ErrorKind::Denied)
    return refuse(problem(403, "denied", "not accepted"), webhook.error(), request);
  if (!webhook) {
    log_.warning("webhook.not_understood", {{"source", name}, {"why", webhook.error().message()}});
    return problem(400, "invalid", "not understood");
  }
  HttpReply thanks = json_reply(202, {{"__type", "packferry.ReceiveWebhook/1"}});
  if (!webhook->wants_a_look) return thanks;
  // Anybody's own messages may all be the same; without an id two of them are two pushes.
  const bool has_twins = source->second.kind == WebhookKind::Generic && webhook->message_id.empty();
  if (!has_twins && !replays_.take(webhook->fingerprint)) return thanks;
  const Result<std::size_t> triggered = trigger(*webhook);
  if (!triggered) {
    replays_.give_back(webhook->fingerprint);
    return failed(triggered.error(), request);
  }
  log_.info("webhook.received",
            {{"source", name}, {"event", webhook->event}, {"replicas", fmt::format("{}", *triggered)}});
  if (*triggered > 0) around_.nudge();
  return thanks;
}

Result<std::size_t> ReplicaApi::trigger(const Webhook& webhook) {
  std::size_t count = 0;
  for (const std::string& source : TRY(places_.sources_at(webhook.places)))
    count += TRY(replicas_.trigger_readers(source, LookReason::Webhook, clock_.now()));
  return count;
}

// --- Tokens.

Result<HttpReply> ReplicaApi::list_tokens(const Asked& asked) {
  std::vector<TokenRecord> tokens = TRY(tokens_.list(asked.page.after, asked.page.limit + 1));
  const bool is_last = tokens.size() <= asked.page.limit;
  if (!is_last) tokens.pop_back();
  HttpReply reply = json_reply(200, tokens_json(tokens, -1));
  if (!is_last) reply.headers.push_back(next_page(asked.request.path, asked.page, "", tokens.back().id));
  return reply;
}

Result<HttpReply> ReplicaApi::create_token(const Asked& asked) {
  TokenWish wish = TRY(read_token_wish(asked.request.body));
  const Clock::WallTime now = clock_.now();
  const std::optional<Clock::WallTime> expires_at = wish.lasts ? std::optional(now + *wish.lasts) : std::nullopt;
  const NewToken made =
      TRY(make_token(std::move(wish.bearer), std::move(wish.scopes), std::move(wish.replicas), expires_at));
  const TokenRecord record = to_record(made.grant, now);
  TRY(tokens_.create(record, asked.caller.name));
  HttpReply reply = json_reply(201, new_token_json(made.token, record, -1));
  reply.headers.push_back({"Location", "/v1/tokens/" + record.id});
  return reply;
}

Result<HttpReply> ReplicaApi::revoke_token(const Asked& asked) {
  TRY(tokens_.revoke(asked.parameter("id"), asked.caller.name, clock_.now()));
  return HttpReply{.status = 204};
}

// --- What is said of the service itself.

Result<HttpReply> ReplicaApi::get_metrics(const Asked&) {
  return reply_of(200, "text/plain; version=0.0.4; charset=utf-8", TRY(around_.metrics()));
}

HttpReply ReplicaApi::readiness() const {
  const ServiceReadiness now = around_.readiness();
  return reply_of(now.is_ready ? 200 : 503, "text/plain; charset=utf-8",
                  now.is_ready ? std::string("ready\n") : printable(now.why) + "\n");
}

}  // namespace packferry
