// What is remembered of replicas: the standing orders, what each was last seen to be, who waits for a look and who is
// having one, and what happened. Values; catalogue/replicas.h keeps them.
//
// A look is one crossing of one replica, whether or not it finds anything to carry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace packferry {

struct ReplicaSide {
  std::string url;        // without secrets
  std::string host;       // what throttles as one: an origin, an account and region
  std::string type = {};  // "GitLab", "CodeCommit", …
  std::string id = {};    // the host's own; of CodeCommit the ARN

  friend bool operator==(const ReplicaSide&, const ReplicaSide&) = default;
};

// One source, one destination and a policy, until further notice.
struct ReplicaOrder {
  std::string name;  // no two have the same
  ReplicaSide source;
  ReplicaSide destination;
  std::string account_name = {};  // of the destination's AWS account, as people call it
  std::string link = {};          // where a person sees the destination
  std::string policy = {};        // service/replica_policy.h
  std::string schedule = {};      // service/cron.h; empty: as often as `freshness` asks for
  std::string role = {};          // ARN of the role that is taken for it
  std::string regions = {};       // where the destination may be, separated by spaces; empty: anywhere
  // Both sides are listed again at least this often, or it is not said to be up to date.
  Milliseconds freshness{3'600'000};
  Clock::WallTime created_at{};

  friend bool operator==(const ReplicaOrder&, const ReplicaOrder&) = default;
};

// Why somebody looks. The words are part of the API: "created", "schedule", …
enum class LookReason {
  Created,
  Schedule,
  Webhook,   // a host says that something was pushed
  Event,     // a message in a queue says so
  Sync,      // a person or a job asked for it
  Chain,     // another replica has just changed this one's source
  Approved,  // a person allowed a plan that was held
  Resumed,
};
std::string_view to_string(LookReason reason);
// Somebody says that the source has changed.
bool is_announcement(LookReason reason);
// Does not wait until a failure has been slept off.
bool is_by_person(LookReason reason);

// How a look ended.
enum class LookOutcome {
  Equal,     // the destination was listed, and holds what the source offers
  Held,      // the guard stopped something; a person has to look
  Diverged,  // the destination has something of its own, which the policy leaves alone
  Failed,
};
std::string_view to_string(LookOutcome outcome);  // "equal", "held", "diverged", "failed"

struct LookFailure {
  ErrorKind kind = ErrorKind::Unavailable;
  std::string message;
  std::string remedy = {};

  friend bool operator==(const LookFailure&, const LookFailure&) = default;
};

// What would happen, if a person allowed it.
struct HeldPlan {
  std::string digest;  // of the very updates; what is approved is this and nothing else
  std::string text;
  Clock::WallTime expires_at{};

  friend bool operator==(const HeldPlan&, const HeldPlan&) = default;
};

struct Approval {
  std::string digest;
  Clock::WallTime expires_at{};

  friend bool operator==(const Approval&, const Approval&) = default;
};

// What the looks so far have shown.
struct ReplicaMemory {
  std::string source_state = {};                     // a digest of what the source offered when it was last listed
  std::optional<Clock::WallTime> observed_at = {};   // when that was
  std::optional<Clock::WallTime> looked_at = {};     // when the last look that ended began
  std::optional<Clock::WallTime> confirmed_at = {};  // when the last look began that ended Equal
  // When the newest change of the source that has since reached the destination became known.
  std::optional<Clock::WallTime> changed_at = {};
  // Since when the source is known, or was announced, to have something that the destination is not known to have.
  std::optional<Clock::WallTime> behind_since = {};
  std::optional<LookOutcome> outcome = {};  // of the last look; none: there was none yet
  std::optional<LookFailure> failure = {};  // of the last look
  unsigned failures = 0;                    // in a row
  std::optional<HeldPlan> held = {};        // outlives failures
  std::optional<Approval> approval = {};
  std::optional<Clock::WallTime> next_look_at = {};  // none: one waits or is at work, or it is paused

  friend bool operator==(const ReplicaMemory&, const ReplicaMemory&) = default;
};

// Triggers of one replica, however many, that no look has begun after.
struct WaitingLook {
  LookReason reason = LookReason::Schedule;       // of the first; of the first announcement, if there is one
  Clock::WallTime triggered_at{};                 // the first
  std::optional<Clock::WallTime> announced_at{};  // the first that is an announcement
  std::uint64_t triggers = 1;
  Clock::WallTime due_at{};  // not before

  friend bool operator==(const WaitingLook&, const WaitingLook&) = default;
};

struct LookAtWork {
  WaitingLook trigger;
  std::string owner;
  std::int64_t epoch = 0;
  Clock::WallTime began_at{};
  Clock::WallTime lease_until{};

  friend bool operator==(const LookAtWork&, const LookAtWork&) = default;
};

struct ReplicaRecord {
  std::int64_t id = 0;  // never used twice, unlike the name
  ReplicaOrder order;
  bool paused = false;
  bool deleting = false;   // it goes as soon as nothing of it is at work
  std::int64_t epoch = 0;  // of the last lease
  ReplicaMemory memory;
  std::optional<WaitingLook> waiting = {};
  std::optional<LookAtWork> at_work = {};
};

// A look that could begin now.
struct DueLook {
  std::string replica;
  std::string source_host;
  std::string destination_host;
  LookReason reason = LookReason::Schedule;
  Clock::WallTime due_at{};
  Clock::WallTime rank_at{};  // who goes first: due_at, with a head start for all but schedules
};

// The right to look at one replica, until somebody else has it. Whoever takes it later has a higher epoch.
struct Lease {
  std::int64_t replica = 0;
  std::string name;
  std::int64_t epoch = 0;
  Clock::WallTime began_at{};
  Clock::WallTime until{};
  WaitingLook trigger = {};
};

struct RefChange {
  std::string ref;
  std::string old_oid;  // empty: it was made
  std::string new_oid;  // empty: it was removed

  friend bool operator==(const RefChange&, const RefChange&) = default;
};

// What a look found and did.
struct Look {
  LookOutcome outcome = LookOutcome::Equal;
  std::string source_state = {};  // empty: the source could not be listed
  // The source has something that the destination was not seen to have at the end.
  bool is_behind = false;
  std::vector<RefChange> changes = {};  // confirmed at the destination
  std::uint64_t pack_bytes = 0;
  std::string plan_digest = {};
  std::optional<HeldPlan> held = {};        // with Held
  std::optional<LookFailure> failure = {};  // with Failed
  Clock::WallTime next_look_at{};
};

// Looks in a row that ended alike and changed nothing are one of these.
struct LookRecord {
  std::int64_t id = 0;
  std::int64_t epoch = 0;  // of the last of them, as all that follows but began_at
  std::uint64_t looks = 1;
  LookReason reason = LookReason::Schedule;
  Clock::WallTime triggered_at{};
  Clock::WallTime began_at{};  // of the first
  Clock::WallTime ended_at{};
  LookOutcome outcome = LookOutcome::Equal;
  std::uint64_t refs_changed = 0;
  std::uint64_t pack_bytes = 0;
  std::string plan_digest = {};
  std::optional<LookFailure> failure = {};
};

// Who did what. Written once, and never changed or removed.
struct AuditEntry {
  std::int64_t id = 0;
  Clock::WallTime at{};
  std::string who;   // a person, a token's name, or the worker
  std::string what;  // "create", "pause", "resume", "delete", "approve"; of a ref: "carry"
  std::string replica;
  std::string ref = {};
  std::string old_oid = {};
  std::string new_oid = {};
  std::string plan_digest = {};
};

}  // namespace packferry
