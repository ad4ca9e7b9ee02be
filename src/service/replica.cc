#include "service/replica.h"

#include <algorithm>

namespace packferry {
namespace {

bool is_approved(const ReplicaMemory& memory, Clock::WallTime now) {
  return memory.held && memory.approval && memory.approval->digest == memory.held->digest &&
         now < memory.approval->expires_at;
}

bool is_held(const ReplicaMemory& memory, Clock::WallTime now) {
  return (memory.held || memory.outcome == LookOutcome::Held) && !is_approved(memory, now);
}

// A time that is still to come was written by a calendar that was wrong: nobody knows how long ago it was.
bool is_fresh(const ReplicaRecord& replica, Clock::WallTime now) {
  const std::optional<Clock::WallTime>& confirmed_at = replica.memory.confirmed_at;
  return confirmed_at && *confirmed_at <= now && now - *confirmed_at <= replica.order.freshness;
}

// Since when something is known, or was announced, that the destination is not known to have.
std::optional<Clock::WallTime> behind_since(const ReplicaRecord& replica) {
  std::optional<Clock::WallTime> since = replica.memory.behind_since;
  const auto count_from = [&since](const std::optional<Clock::WallTime>& at) {
    if (at && (!since || *at < *since)) since = at;
  };
  if (replica.waiting) count_from(replica.waiting->announced_at);
  if (replica.at_work) count_from(replica.at_work->trigger.announced_at);
  return since;
}

std::optional<Clock::WallTime> next_run(const ReplicaRecord& replica, Clock::WallTime now) {
  if (replica.paused) return std::nullopt;
  if (replica.waiting) return std::max(replica.waiting->due_at, now);
  return replica.memory.next_look_at;
}

}  // namespace

std::string_view to_string(ReplicaStatus status) {
  switch (status) {
    case ReplicaStatus::Deleting:
      return "Deleting";
    case ReplicaStatus::Paused:
      return "Paused";
    case ReplicaStatus::Held:
      return "Held";
    case ReplicaStatus::Failing:
      return "Failing";
    case ReplicaStatus::Diverged:
      return "Diverged";
    case ReplicaStatus::Initializing:
      return "Initializing";
    case ReplicaStatus::Replicating:
      return "Replicating";
    case ReplicaStatus::Behind:
      return "Behind";
    case ReplicaStatus::UpToDate:
      return "UpToDate";
  }
  CHECK(!"a ReplicaStatus has a name");
  return {};
}

std::optional<ReplicaStatus> parse_replica_status(std::string_view text) {
  for (const ReplicaStatus status : kReplicaStatuses)
    if (text == to_string(status)) return status;
  return std::nullopt;
}

ReplicaStatus status_of(const ReplicaRecord& replica, Clock::WallTime now) {
  const ReplicaMemory& memory = replica.memory;
  if (replica.deleting) return ReplicaStatus::Deleting;
  if (replica.paused) return ReplicaStatus::Paused;
  if (is_held(memory, now)) return ReplicaStatus::Held;
  if (memory.outcome == LookOutcome::Failed) return ReplicaStatus::Failing;
  if (memory.outcome == LookOutcome::Diverged) return ReplicaStatus::Diverged;
  if (!memory.confirmed_at) return ReplicaStatus::Initializing;
  if (!behind_since(replica) && is_fresh(replica, now)) return ReplicaStatus::UpToDate;
  return replica.at_work ? ReplicaStatus::Replicating : ReplicaStatus::Behind;
}

std::string_view to_string(ReplicaAction action) {
  switch (action) {
    case ReplicaAction::DeleteReplica:
      return "deleteReplica";
    case ReplicaAction::ViewInDestinationSystem:
      return "viewInDestinationSystem";
    case ReplicaAction::PauseReplica:
      return "pauseReplica";
    case ReplicaAction::ResumeReplica:
      return "resumeReplica";
    case ReplicaAction::SyncReplica:
      return "syncReplica";
    case ReplicaAction::ApprovePlan:
      return "approvePlan";
  }
  CHECK(!"a ReplicaAction has a name");
  return {};
}

std::vector<ReplicaAction> permitted_actions(const ReplicaRecord& replica, Clock::WallTime now) {
  std::vector<ReplicaAction> actions;
  if (!replica.deleting) actions.push_back(ReplicaAction::DeleteReplica);
  if (!replica.order.link.empty()) actions.push_back(ReplicaAction::ViewInDestinationSystem);
  if (replica.deleting) return actions;

  actions.push_back(replica.paused ? ReplicaAction::ResumeReplica : ReplicaAction::PauseReplica);
  if (!replica.paused) actions.push_back(ReplicaAction::SyncReplica);
  const std::optional<HeldPlan>& held = replica.memory.held;
  if (held && now < held->expires_at && !is_approved(replica.memory, now))
    actions.push_back(ReplicaAction::ApprovePlan);
  return actions;
}

Milliseconds lag_of(const ReplicaRecord& replica, Clock::WallTime now) {
  const Clock::WallTime since = behind_since(replica).value_or(now);
  return std::max(std::chrono::duration_cast<Milliseconds>(now - since), Milliseconds(0));
}

ReplicaView view_of(const ReplicaRecord& replica, Clock::WallTime now) {
  const ReplicaOrder& order = replica.order;
  const ReplicaMemory& memory = replica.memory;
  const auto id_of = [](const ReplicaSide& side) { return side.id.empty() ? side.url : side.id; };
  ReplicaView view;
  view.source_type = order.source.type;
  view.source_id = id_of(order.source);
  view.destination_type = order.destination.type;
  view.destination_id = id_of(order.destination);
  view.aws_account_name = order.account_name;
  view.last_replicated_source_change = memory.changed_at;
  view.view_destination_link = order.link;
  view.status = status_of(replica, now);
  view.permitted_actions = permitted_actions(replica, now);
  view.creation_date = order.created_at;
  view.name = order.name;
  view.policy = order.policy;
  view.lag = lag_of(replica, now);
  view.confirmed_at = memory.confirmed_at;
  if (memory.outcome)
    view.last_crossing = ReplicaView::LastCrossing{.began_at = *memory.looked_at, .outcome = *memory.outcome};
  view.last_error = memory.failure;
  view.failures = memory.failures;
  view.next_run = next_run(replica, now);
  view.held_plan = memory.held;
  view.held_plan_is_approved = is_approved(memory, now);
  return view;
}

}  // namespace packferry
