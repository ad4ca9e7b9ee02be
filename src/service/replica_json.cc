#include "service/replica_json.h"

#include <nlohmann/json.hpp>

namespace packferry {
namespace {

using Json = nlohmann::ordered_json;

Json time(Clock::WallTime at) { return std::chrono::duration_cast<Milliseconds>(at.time_since_epoch()).count(); }
Json time(const std::optional<Clock::WallTime>& at) { return at ? time(*at) : Json(); }

Json json(const std::optional<LookFailure>& failure) {
  if (!failure) return {};
  return {{"kind", to_string(failure->kind)}, {"message", failure->message}, {"remedy", failure->remedy}};
}

Json json(const ReplicaView& view) {
  Json actions = Json::array();
  for (const ReplicaAction action : view.permitted_actions) actions.push_back(to_string(action));
  Json crossing;
  if (view.last_crossing)
    crossing = {{"beganDateUTC", time(view.last_crossing->began_at)},
                {"outcome", to_string(view.last_crossing->outcome)}};
  Json held;
  if (view.held_plan)
    held = {{"digest", view.held_plan->digest},
            {"plan", view.held_plan->text},
            {"expiresDateUTC", time(view.held_plan->expires_at)},
            {"approved", view.held_plan_is_approved}};
  return {{"sourceType", view.source_type},
          {"sourceId", view.source_id},
          {"destinationType", view.destination_type},
          {"destinationId", view.destination_id},
          {"awsAccountName", view.aws_account_name},
          {"lastReplicatedSourceChangeDateUTC", time(view.last_replicated_source_change)},
          {"viewDestinationLink", view.view_destination_link},
          {"status", to_string(view.status)},
          {"permittedActions", std::move(actions)},
          {"creationDate", time(view.creation_date)},
          {"name", view.name},
          {"policy", view.policy},
          {"lagSeconds", view.lag.count() / 1000},
          {"confirmedDateUTC", time(view.confirmed_at)},
          {"lastCrossing", std::move(crossing)},
          {"lastError", json(view.last_error)},
          {"failures", view.failures},
          {"nextRunDateUTC", time(view.next_run)},
          {"heldPlan", std::move(held)}};
}

Json json(const LookRecord& look) {
  return {{"reason", to_string(look.reason)},
          {"looks", look.looks},
          {"triggeredDateUTC", time(look.triggered_at)},
          {"beganDateUTC", time(look.began_at)},
          {"endedDateUTC", time(look.ended_at)},
          {"outcome", to_string(look.outcome)},
          {"refsChanged", look.refs_changed},
          {"packBytes", look.pack_bytes},
          {"planDigest", look.plan_digest},
          {"error", json(look.failure)}};
}

Json json(const AuditEntry& entry) {
  return {{"number", entry.id},         {"dateUTC", time(entry.at)},  {"who", entry.who},
          {"what", entry.what},         {"replica", entry.replica},   {"ref", entry.ref},
          {"oldObject", entry.old_oid}, {"newObject", entry.new_oid}, {"planDigest", entry.plan_digest}};
}

std::string text(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

template <typename Each>
Json list(const std::vector<Each>& all) {
  Json list = Json::array();
  for (const Each& each : all) list.push_back(json(each));
  return list;
}

// --- The way back. What is missing or of another type than it should be is an exception of the library's, which goes
// no further than read().

std::optional<Clock::WallTime> maybe_time(const Json& at) {
  if (at.is_null()) return std::nullopt;
  return Clock::WallTime(Milliseconds(at.get<std::int64_t>()));
}
Clock::WallTime time_in(const Json& at) { return Clock::WallTime(Milliseconds(at.get<std::int64_t>())); }

// That of `words` which `to_string` calls so.
template <typename Word, std::size_t Count>
Word word_in(const Json& text, const Word (&words)[Count]) {
  for (const Word word : words)
    if (to_string(word) == text.get_ref<const std::string&>()) return word;
  throw Json::other_error::create(501, "an unknown word", nullptr);
}

constexpr LookOutcome kOutcomes[] = {LookOutcome::Equal, LookOutcome::Held, LookOutcome::Diverged, LookOutcome::Failed};
constexpr LookReason kReasons[] = {LookReason::Created,  LookReason::Schedule, LookReason::Webhook,
                                   LookReason::Event,    LookReason::Sync,     LookReason::Chain,
                                   LookReason::Approved, LookReason::Resumed};
constexpr ReplicaAction kActions[] = {ReplicaAction::DeleteReplica, ReplicaAction::ViewInDestinationSystem,
                                      ReplicaAction::PauseReplica,  ReplicaAction::ResumeReplica,
                                      ReplicaAction::SyncReplica,   ReplicaAction::ApprovePlan};
constexpr ErrorKind kKinds[] = {ErrorKind::NotFound,  ErrorKind::Unsupported, ErrorKind::Denied,
                                ErrorKind::Invalid,   ErrorKind::Rejected,    ErrorKind::Conflict,
                                ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Corrupt,
                                ErrorKind::Exhausted, ErrorKind::Cancelled};

std::optional<LookFailure> failure_in(const Json& failure) {
  if (failure.is_null()) return std::nullopt;
  return LookFailure{
      .kind = word_in(failure.at("kind"), kKinds), .message = failure.at("message"), .remedy = failure.at("remedy")};
}

ReplicaView view_in(const Json& replica) {
  ReplicaView view;
  view.source_type = replica.at("sourceType");
  view.source_id = replica.at("sourceId");
  view.destination_type = replica.at("destinationType");
  view.destination_id = replica.at("destinationId");
  view.aws_account_name = replica.at("awsAccountName");
  view.last_replicated_source_change = maybe_time(replica.at("lastReplicatedSourceChangeDateUTC"));
  view.view_destination_link = replica.at("viewDestinationLink");
  view.status = word_in(replica.at("status"), kReplicaStatuses);
  for (const Json& action : replica.at("permittedActions").get_ref<const Json::array_t&>())
    view.permitted_actions.push_back(word_in(action, kActions));
  view.creation_date = time_in(replica.at("creationDate"));
  view.name = replica.at("name");
  view.policy = replica.at("policy");
  view.lag = Milliseconds(replica.at("lagSeconds").get<std::int64_t>() * 1000);
  view.confirmed_at = maybe_time(replica.at("confirmedDateUTC"));
  if (const Json& crossing = replica.at("lastCrossing"); !crossing.is_null())
    view.last_crossing = ReplicaView::LastCrossing{.began_at = time_in(crossing.at("beganDateUTC")),
                                                   .outcome = word_in(crossing.at("outcome"), kOutcomes)};
  view.last_error = failure_in(replica.at("lastError"));
  view.failures = replica.at("failures");
  view.next_run = maybe_time(replica.at("nextRunDateUTC"));
  if (const Json& held = replica.at("heldPlan"); !held.is_null()) {
    view.held_plan = HeldPlan{
        .digest = held.at("digest"), .text = held.at("plan"), .expires_at = time_in(held.at("expiresDateUTC"))};
    view.held_plan_is_approved = held.at("approved");
  }
  return view;
}

LookRecord look_in(const Json& look) {
  LookRecord record;
  record.looks = look.at("looks");
  record.reason = word_in(look.at("reason"), kReasons);
  record.triggered_at = time_in(look.at("triggeredDateUTC"));
  record.began_at = time_in(look.at("beganDateUTC"));
  record.ended_at = time_in(look.at("endedDateUTC"));
  record.outcome = word_in(look.at("outcome"), kOutcomes);
  record.refs_changed = look.at("refsChanged");
  record.pack_bytes = look.at("packBytes");
  record.plan_digest = look.at("planDigest");
  record.failure = failure_in(look.at("error"));
  return record;
}

AuditEntry entry_in(const Json& entry) {
  return {.id = entry.at("number"),
          .at = time_in(entry.at("dateUTC")),
          .who = entry.at("who"),
          .what = entry.at("what"),
          .replica = entry.at("replica"),
          .ref = entry.at("ref"),
          .old_oid = entry.at("oldObject"),
          .new_oid = entry.at("newObject"),
          .plan_digest = entry.at("planDigest")};
}

template <typename Value>
Result<Value> read(std::string_view text, Value (*read_document)(const Json& document)) {
  try {
    return read_document(Json::parse(text));
  } catch (const Json::exception&) {
    return Error(ErrorKind::Corrupt, "the answer is none of a service of Packferry that is as old as this program");
  }
}

}  // namespace

std::string replica_json(const ReplicaView& view, int indent) {
  return text({{"__type", "packferry.GetReplica/1"}, {"replica", json(view)}}, indent);
}

std::string replicas_json(const std::vector<ReplicaView>& views, int indent) {
  return text({{"__type", "packferry.ListReplicas/1"}, {"replicas", list(views)}}, indent);
}

std::string history_json(const std::string& name, const std::vector<LookRecord>& looks, int indent) {
  return text({{"__type", "packferry.GetReplicaHistory/1"}, {"name", name}, {"looks", list(looks)}}, indent);
}

std::string audit_json(const std::vector<AuditEntry>& entries, int indent) {
  return text({{"__type", "packferry.GetAudit/1"}, {"entries", list(entries)}}, indent);
}

Result<std::optional<ReplicaView>> read_replica_json(std::string_view text) {
  return read<std::optional<ReplicaView>>(text, [](const Json& document) {
    const Json& replica = document.at("replica");
    return replica.is_null() ? std::nullopt : std::optional(view_in(replica));
  });
}

Result<std::vector<ReplicaView>> read_replicas_json(std::string_view text) {
  return read<std::vector<ReplicaView>>(text, [](const Json& document) {
    std::vector<ReplicaView> views;
    for (const Json& replica : document.at("replicas").get_ref<const Json::array_t&>())
      views.push_back(view_in(replica));
    return views;
  });
}

Result<std::vector<LookRecord>> read_history_json(std::string_view text) {
  return read<std::vector<LookRecord>>(text, [](const Json& document) {
    std::vector<LookRecord> looks;
    for (const Json& look : document.at("looks").get_ref<const Json::array_t&>()) looks.push_back(look_in(look));
    return looks;
  });
}

Result<std::vector<AuditEntry>> read_audit_json(std::string_view text) {
  return read<std::vector<AuditEntry>>(text, [](const Json& document) {
    std::vector<AuditEntry> entries;
    for (const Json& entry : document.at("entries").get_ref<const Json::array_t&>()) entries.push_back(entry_in(entry));
    return entries;
  });
}

}  // namespace packferry
