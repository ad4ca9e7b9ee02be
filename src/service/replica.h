// What a replica is, seen from outside: its status, what may be done with it, and the values that `replica get` and the
// API answer with. Pure: from what is remembered, the queue and the time. docs/replicas.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/replica_records.h"

namespace packferry {

// Each has one meaning; where several would be true, the first of this list is said.
enum class ReplicaStatus {
  Deleting,      // it goes as soon as its look has ended
  Paused,        // nobody looks until it is resumed
  Held,          // the guard stopped something, and a person has not approved it
  Failing,       // the last look failed; it is tried again by itself
  Diverged,      // the destination has something of its own, which the policy leaves alone
  Initializing,  // both sides have never been seen to be equal
  Replicating,   // as Behind, and a look is at work
  // The source has something, by a listing or by announcement, that the destination is not known to have; or both sides
  // have not been listed for longer than the freshness that was ordered.
  Behind,
  // Both sides were listed within that time and were equal, and nothing has been announced since.
  UpToDate,
};
inline constexpr ReplicaStatus kReplicaStatuses[] = {
    ReplicaStatus::Deleting,    ReplicaStatus::Paused,   ReplicaStatus::Held,
    ReplicaStatus::Failing,     ReplicaStatus::Diverged, ReplicaStatus::Initializing,
    ReplicaStatus::Replicating, ReplicaStatus::Behind,   ReplicaStatus::UpToDate};
std::string_view to_string(ReplicaStatus status);  // "UpToDate", …: a contract
std::optional<ReplicaStatus> parse_replica_status(std::string_view text);

ReplicaStatus status_of(const ReplicaRecord& replica, Clock::WallTime now);

enum class ReplicaAction {
  DeleteReplica,
  ViewInDestinationSystem,
  PauseReplica,
  ResumeReplica,
  SyncReplica,
  ApprovePlan
};
std::string_view to_string(ReplicaAction action);  // "deleteReplica", …: a contract

// What makes sense now. Whether a caller has the right to is asked elsewhere.
std::vector<ReplicaAction> permitted_actions(const ReplicaRecord& replica, Clock::WallTime now);

// Age of the oldest change that is known, or was announced, and is not known to have reached the destination; 0: there
// is none.
Milliseconds lag_of(const ReplicaRecord& replica, Clock::WallTime now);

// The fields of the JSON that a person or a program gets, in its order.
struct ReplicaView {
  std::string source_type;
  std::string source_id;  // of CodeCommit the ARN; where a host has no ids: the URL
  std::string destination_type;
  std::string destination_id;
  std::string aws_account_name;
  std::optional<Clock::WallTime> last_replicated_source_change;  // lastReplicatedSourceChangeDateUTC
  std::string view_destination_link;
  ReplicaStatus status = ReplicaStatus::Initializing;
  std::vector<ReplicaAction> permitted_actions;
  Clock::WallTime creation_date{};

  // Our own.
  std::string name;
  std::string policy;
  Milliseconds lag{0};
  std::optional<Clock::WallTime> confirmed_at;  // the last look began that found both sides equal
  struct LastCrossing {
    Clock::WallTime began_at{};
    LookOutcome outcome = LookOutcome::Equal;
  };
  std::optional<LastCrossing> last_crossing;
  std::optional<LookFailure> last_error;    // of the last crossing, with its remedy
  unsigned failures = 0;                    // in a row
  std::optional<Clock::WallTime> next_run;  // none: it runs, or it is paused; `now` when it waits for a free worker
  std::optional<HeldPlan> held_plan;
  bool held_plan_is_approved = false;
};

ReplicaView view_of(const ReplicaRecord& replica, Clock::WallTime now);

}  // namespace packferry
