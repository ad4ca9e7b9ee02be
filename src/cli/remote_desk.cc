#include "cli/remote_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/wishes.h"
#include "base/printable.h"
#include "service/replica_json.h"

namespace packferry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kAnswerBytesShown = 200;
constexpr Milliseconds kFirstPause{200};
constexpr Milliseconds kLongestPause{2'000};
constexpr unsigned kPageSize = 200;

bool is_this_machine(const std::string& host) {
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || (is_number && host.starts_with("127."));
}

std::string harmless_lines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines += printable(line) + "\n";
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return lines;
}

// A service is a peer like any other: what it says is shown to a person.
ReplicaView harmless(ReplicaView view) {
  for (std::string* text : {&view.source_type, &view.source_id, &view.destination_type, &view.destination_id,
                            &view.aws_account_name, &view.view_destination_link, &view.name})
    *text = printable(*text);
  view.policy = harmless_lines(view.policy);
  if (view.held_plan) {
    view.held_plan->digest = printable(view.held_plan->digest);
    view.held_plan->text = harmless_lines(view.held_plan->text);
  }
  if (view.last_error) {
    view.last_error->message = printable(view.last_error->message);
    view.last_error->remedy = printable(view.last_error->remedy);
  }
  return view;
}

AuditEntry harmless(AuditEntry entry) {
  for (std::string* text :
       {&entry.who, &entry.what, &entry.replica, &entry.ref, &entry.old_oid, &entry.new_oid, &entry.plan_digest})
    *text = printable(*text);
  return entry;
}

Result<ReplicaView> view_in(const HttpAnswer& answer) {
  std::optional<ReplicaView> view = TRY(read_replica_json(answer.body));
  if (!view) return Error(ErrorKind::Denied, "it was done; to see the replica, the token needs the scope read");
  return harmless(*std::move(view));
}

// A problem of the service, as the Error that it was there.
Error error_of(const HttpAnswer& answer) {
  static constexpr ErrorKind kKinds[] = {ErrorKind::NotFound,  ErrorKind::Unsupported, ErrorKind::Denied,
                                         ErrorKind::Invalid,   ErrorKind::Rejected,    ErrorKind::Conflict,
                                         ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Corrupt,
                                         ErrorKind::Exhausted, ErrorKind::Cancelled};
  const Json problem = Json::parse(answer.body, nullptr, false);
  const auto text = [&problem](const char* member) {
    const auto found = problem.is_object() ? problem.find(member) : problem.end();
    return found != problem.end() && found->is_string() ? printable(found->get<std::string>()) : std::string();
  };
  const std::string title = text("title");
  const auto* kind = std::ranges::find(kKinds, title, [](ErrorKind each) { return to_string(each); });
  if (kind != std::end(kKinds)) return Error(*kind, "{}", text("detail"));
  if (answer.response.status == 401)
    return Error(ErrorKind::Denied, "the service does not know the token; see --token-file and PACKFERRY_SERVER_TOKEN");
  return Error(ErrorKind::Unavailable, "the service says {}: {}", answer.response.status,
               title.empty() ? printable(answer.body, kAnswerBytesShown) : text("detail"));
}

std::string path_of(const std::string& name) { return "/v1/replicas/" + percent_encode(name); }

// What the service says of when it was asked to look, by its own clock.
Result<Clock::WallTime> triggered_at(const HttpAnswer& answer) {
  const Json body = Json::parse(answer.body, nullptr, false);
  const auto at = body.is_object() ? body.find("triggeredDateUTC") : body.end();
  if (at == body.end() || !at->is_number_integer()) return Error(ErrorKind::Corrupt, "the answer has no time");
  return Clock::WallTime(Milliseconds(at->get<std::int64_t>()));
}

}  // namespace

ExitStatus exit_status_of(LookOutcome outcome) {
  switch (outcome) {
    case LookOutcome::Equal:
      return ExitStatus::Done;
    case LookOutcome::Held:
      return ExitStatus::Held;
    case LookOutcome::Diverged:
      return ExitStatus::Partial;
    case LookOutcome::Failed:
      return ExitStatus::Failed;
  }
  return ExitStatus::Failed;
}

Result<RemoteService> remote_service(std::string_view text, Secret token) {
  Url url = TRY(Url::parse(text).context("--server"));
  if (!url.is_http()) return Error(ErrorKind::Invalid, "--server: a service is at https://… or http://…");
  if (url.scheme() == Scheme::Http && !token.empty() && !is_this_machine(url.host()))
    return Error(ErrorKind::Invalid, "--server: a token goes to another machine over https only");
  return RemoteService{.url = std::move(url), .token = std::move(token)};
}

Result<HttpAnswer> RemoteDesk::ask(const std::string& method, const std::string& path, const std::string& query,
                                   const std::string& body) {
  HttpRequest request{.method = method, .url = service_.url.with_path_suffix(path), .headers = {}};
  if (!query.empty()) request.url = request.url.with_query(query);
  if (!service_.token.empty())
    request.headers.push_back({.name = "Authorization", .value = "Bearer " + service_.token.reveal(), .secret = true});
  if (!body.empty()) {
    request.headers.push_back({.name = "Content-Type", .value = "application/json"});
    request.body = HttpRequest::Body::Counted;
    request.body_bytes = body.size();
  }
  HttpAnswer answer = TRY(ask_(std::move(request), body));
  if (answer.response.status < 200 || answer.response.status > 299) return error_of(answer);
  return answer;
}

Result<ReplicaDesk::Outcome> RemoteDesk::told(const std::string& method, const std::string& path) {
  const HttpAnswer answer = TRY(ask(method, path, {}, {}));
  return Outcome { .status = ExitStatus::Done, .view = TRY(view_in(answer)) };
}

Result<ReplicaDesk::Outcome> RemoteDesk::create(const ReplicaWish& wish) {
  const HttpAnswer answer = TRY(ask("POST", "/v1/replicas", {}, replica_wish_json(wish)));
  ReplicaView made = TRY(view_in(answer));
  if (!waits_for_looks_) return Outcome{.status = ExitStatus::Done, .view = std::move(made)};
  return wait(made.name, made.creation_date);
}

Result<ReplicaDesk::Outcome> RemoteDesk::get(const std::string& name) { return told("GET", path_of(name)); }
Result<ReplicaDesk::Outcome> RemoteDesk::pause(const std::string& name) {
  return told("POST", path_of(name) + "/pause");
}
Result<ReplicaDesk::Outcome> RemoteDesk::resume(const std::string& name) {
  return told("POST", path_of(name) + "/resume");
}
Result<ReplicaDesk::Outcome> RemoteDesk::sync(const std::string& name) {
  return trigger(name, path_of(name) + "/sync");
}
Result<ReplicaDesk::Outcome> RemoteDesk::approve(const std::string& name, const std::string& plan) {
  return trigger(name, fmt::format("{}/plans/{}/approve", path_of(name), percent_encode(plan)));
}

Result<ReplicaDesk::Outcome> RemoteDesk::trigger(const std::string& name, const std::string& path) {
  const HttpAnswer answer = TRY(ask("POST", path, {}, {}));
  if (waits_for_looks_) return wait(name, TRY(triggered_at(answer)));
  return Outcome { .status = ExitStatus::Done, .view = TRY(view_in(answer)) };
}

Result<ReplicaDesk::Outcome> RemoteDesk::wait(const std::string& name, Clock::WallTime since) {
  const Clock::SteadyTime until = clock_.steady() + kWaitMax;
  for (Milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    Outcome now = TRY(get(name));
    if (now.view.last_crossing && now.view.last_crossing->began_at >= since) {
      now.status = exit_status_of(now.view.last_crossing->outcome);
      return now;
    }
    // Nobody looks before it is resumed.
    if (now.view.status == ReplicaStatus::Paused || now.view.status == ReplicaStatus::Deleting) return now;
    if (clock_.steady() >= until)
      return Error(ErrorKind::Unavailable, "no look at '{}' has ended within {} minutes; it is still wanted there",
                   printable(name), std::chrono::duration_cast<std::chrono::minutes>(kWaitMax).count());
    if (!clock_.sleep(pause, stop_))
      return Error(ErrorKind::Cancelled, "stopped waiting; the look is still wanted there");
  }
}

Result<> RemoteDesk::remove(const std::string& name) {
  TRY(ask("DELETE", path_of(name), {}, {}));
  return {};
}

Result<std::vector<ReplicaView>> RemoteDesk::list(std::optional<ReplicaStatus> status) {
  std::vector<ReplicaView> all;
  while (true) {
    std::string query = fmt::format("limit={}", kPageSize);
    if (!all.empty()) query += "&after=" + percent_encode(all.back().name);
    if (status) query += fmt::format("&status={}", to_string(*status));
    const HttpAnswer answer = TRY(ask("GET", "/v1/replicas", query, {}));
    std::vector<ReplicaView> page = TRY(read_replicas_json(answer.body));
    const bool is_last = page.empty() || !answer.response.header("link");
    for (ReplicaView& view : page) all.push_back(harmless(std::move(view)));
    if (is_last) return all;
  }
}

Result<std::vector<LookRecord>> RemoteDesk::history(const std::string& name) {
  const HttpAnswer answer = TRY(ask("GET", path_of(name) + "/history", fmt::format("limit={}", kPageSize), {}));
  return read_history_json(answer.body);
}

Result<std::vector<AuditEntry>> RemoteDesk::audit(const std::string& name, std::size_t count_max) {
  const std::string path = name.empty() ? "/v1/audit" : path_of(name) + "/audit";
  std::vector<AuditEntry> all;
  while (true) {
    std::string query = fmt::format("limit={}", std::min<std::size_t>(kPageSize, count_max - all.size()));
    if (!all.empty()) query += fmt::format("&after={}", all.back().id);
    const HttpAnswer answer = TRY(ask("GET", path, query, {}));
    std::vector<AuditEntry> page = TRY(read_audit_json(answer.body));
    const bool is_last = page.empty() || !answer.response.header("link");
    for (AuditEntry& entry : page)
      if (all.size() < count_max) all.push_back(harmless(std::move(entry)));
    if (is_last || all.size() == count_max) return all;
  }
}

}  // namespace packferry
