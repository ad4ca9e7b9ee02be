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

std::string text(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

template <typename Each>
Json list(const std::vector<Each>& all) {
  Json list = Json::array();
  for (const Each& each : all) list.push_back(json(each));
  return list;
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

}  // namespace packferry
