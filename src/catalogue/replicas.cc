#include "catalogue/replicas.h"

#include <algorithm>
#include <limits>
#include <mutex>

#include "base/backoff.h"
#include "base/printable.h"
#include "catalogue/replica_rows.h"
#include "catalogue/schema.h"

namespace packferry {
namespace {

// A look that somebody asked for goes before scheduled ones that have waited for less than this. After a pause of the
// service thousands of those are due at once.
constexpr Milliseconds kHeadStart{5 * 60'000};

// The calendar is corrected a little now and then; what is further in the future was written by another calendar.
constexpr Milliseconds kClockSlack{60'000};

// A look whose worker died goes back at once. One that kills its workers may not do so without a pause.
constexpr Backoff kLostLeases{.first = Milliseconds(5'000), .longest = Milliseconds(15 * 60'000)};

constexpr std::string_view kInsertReplica =
    "INSERT INTO replicas (name, source_url, source_host, source_type, source_id, destination_url, destination_host,"
    " destination_type, destination_id, account_name, link, policy, schedule, role, regions, freshness, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kReplicaByName = PACKFERRY_SELECT_REPLICA "WHERE r.name = ?";
constexpr std::string_view kReplicaById = PACKFERRY_SELECT_REPLICA "WHERE r.id = ?";
constexpr std::string_view kReplicas = PACKFERRY_SELECT_REPLICA "WHERE r.name > ? ORDER BY r.name LIMIT ?";
constexpr std::string_view kSources = "SELECT id, source_url FROM replicas WHERE id > ? ORDER BY id";
constexpr std::string_view kReadersOf = PACKFERRY_SELECT_REPLICA "WHERE r.source_url = ?";
constexpr std::string_view kWriterOf = PACKFERRY_SELECT_REPLICA "WHERE r.destination_url = ? LIMIT 1";
constexpr std::string_view kWithNextLook = PACKFERRY_SELECT_REPLICA "WHERE r.next_look_at <= ?";
constexpr std::string_view kWithLostLease =
    PACKFERRY_SELECT_REPLICA "WHERE r.id IN (SELECT replica FROM queue WHERE at_work = 1 AND due_at <= ?)";

constexpr std::string_view kPause = "UPDATE replicas SET paused = 1, next_look_at = NULL WHERE id = ?";
constexpr std::string_view kResume = "UPDATE replicas SET paused = 0 WHERE id = ?";
constexpr std::string_view kMarkDeleting = "UPDATE replicas SET deleting = 1, next_look_at = NULL WHERE id = ?";
constexpr std::string_view kApprove = "UPDATE replicas SET approved_digest = ?, approved_until = ? WHERE id = ?";
constexpr std::string_view kDeleteReplica = "DELETE FROM replicas WHERE id = ?";
constexpr std::string_view kDeleteLooks = "DELETE FROM looks WHERE replica = ?";
constexpr std::string_view kNoteChange =
    "UPDATE replicas SET source_state = ?, observed_at = ?, behind_since = ? WHERE id = ?";
constexpr std::string_view kLoseLease = "UPDATE replicas SET leases_lost = ? WHERE id = ?";
constexpr std::string_view kTakeReplica = "UPDATE replicas SET epoch = ?, next_look_at = NULL WHERE id = ?";
constexpr std::string_view kForgetNextLook = "UPDATE replicas SET next_look_at = NULL WHERE id = ?";
constexpr std::string_view kRemember =
    "UPDATE replicas SET recorded_epoch = ?, recorded_at = ?, leases_lost = 0, source_state = ?, observed_at = ?,"
    " looked_at = ?, confirmed_state = ?, confirmed_at = ?, changed_at = ?, behind_since = ?, outcome = ?, error_kind "
    "= ?, error = ?,"
    " remedy = ?, failures = ?, held_digest = ?, held_plan = ?, held_until = ?, approved_digest = ?,"
    " approved_until = ?, next_look_at = ? WHERE id = ?";

// The latest time of writing stays: when the calendar was set back, it tells wake() that due_at is of the old one.
constexpr std::string_view kWait =
    "INSERT OR REPLACE INTO queue (replica, at_work, lane, reason, triggered_at, announced_at, triggers, due_at,"
    " rank_at, written_at) VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
    " max(?9, coalesce((SELECT written_at FROM queue WHERE replica = ?1 AND at_work = 0), 0)))";
constexpr std::string_view kWaitNoMore = "DELETE FROM queue WHERE replica = ? AND at_work = 0";
constexpr std::string_view kEndWork = "DELETE FROM queue WHERE replica = ? AND at_work = 1";
constexpr std::string_view kBeginWork =
    "UPDATE queue SET at_work = 1, owner = ?, epoch = ?, began_at = ?, due_at = ?, lease_length = ?, written_at = ?"
    " WHERE replica = ? AND at_work = 0";
constexpr std::string_view kRenew =
    "UPDATE queue SET due_at = ?, lease_length = ?, written_at = ? WHERE replica = ? AND at_work = 1";
constexpr std::string_view kNextEpoch = "UPDATE epochs SET last = last + 1 RETURNING last";

// Skips from lane to lane along the index, so that one with ten thousand entries costs the others nothing.
constexpr std::string_view kNextLane = "SELECT min(lane) FROM queue WHERE at_work = 0 AND lane > ?";
constexpr std::string_view kDue =
    "SELECT r.name, r.source_host, r.destination_host, q.reason, q.due_at, q.rank_at FROM queue q"
    " JOIN replicas r ON r.id = q.replica"
    " WHERE q.at_work = 0 AND r.paused = 0 AND q.lane = ? AND q.rank_at <= ? AND q.due_at <= ?"
    " AND NOT EXISTS (SELECT 1 FROM queue a WHERE a.replica = q.replica AND a.at_work = 1)"
    " ORDER BY q.rank_at, q.replica LIMIT ?";
constexpr std::string_view kLoad =
    "SELECT r.source_host, r.destination_host, count(*) FROM queue q JOIN replicas r ON r.id = q.replica"
    " WHERE q.at_work = 1 GROUP BY 1, 2 ORDER BY 1, 2";
constexpr std::string_view kNextEvent =
    "SELECT min(at) FROM (SELECT min(due_at) AS at FROM queue WHERE at_work = 1"
    " UNION ALL SELECT min(due_at) FROM queue WHERE at_work = 0 AND due_at > ?"
    " UNION ALL SELECT min(next_look_at) FROM replicas WHERE next_look_at IS NOT NULL)";
constexpr std::string_view kDepth =
    "SELECT count(*) FILTER (WHERE at_work = 0), count(*) FILTER (WHERE at_work = 1),"
    " min(triggered_at) FILTER (WHERE at_work = 0) FROM queue q JOIN replicas r ON r.id = q.replica"
    " WHERE q.at_work = 1 OR r.paused = 0";

constexpr std::string_view kIsAnythingToWake =
    "SELECT EXISTS (SELECT 1 FROM queue WHERE at_work = 1 AND due_at <= ?)"
    " OR EXISTS (SELECT 1 FROM replicas WHERE next_look_at <= ?)"
    " OR EXISTS (SELECT 1 FROM queue WHERE written_at > ?)"
    " OR EXISTS (SELECT 1 FROM replicas WHERE next_look_at IS NOT NULL AND recorded_at > ?)";
constexpr std::string_view kBeginQueueAnew =
    "UPDATE queue SET due_at = ? + lease_length, rank_at = ?, written_at = ? WHERE written_at > ?";
constexpr std::string_view kBeginNextLooksAnew =
    "UPDATE replicas SET next_look_at = ? WHERE next_look_at IS NOT NULL AND recorded_at > ?";

constexpr std::string_view kInsertLook =
    "INSERT INTO looks (replica, epoch, looks, reason, triggered_at, began_at, ended_at, outcome, refs_changed,"
    " pack_bytes, plan_digest, error_kind, error, remedy) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kRepeatLook =
    "UPDATE looks SET epoch = ?, looks = looks + 1, reason = ?, triggered_at = ?, ended_at = ? WHERE id = ?";
constexpr std::string_view kTrimLooks =
    "DELETE FROM looks WHERE replica = ?1 AND id <="
    " (SELECT id FROM looks WHERE replica = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";

constexpr std::string_view kAudit =
    "SELECT id, at, who, what, replica, ref, old_oid, new_oid, plan_digest FROM audit WHERE id > ? ORDER BY id LIMIT ?";
constexpr std::string_view kAuditOf =
    "SELECT id, at, who, what, replica, ref, old_oid, new_oid, plan_digest FROM audit"
    " WHERE replica = ? AND id > ? ORDER BY id LIMIT ?";
constexpr std::string_view kNewestAudit =
    "SELECT id, at, who, what, replica, ref, old_oid, new_oid, plan_digest FROM audit"
    " WHERE id < ? ORDER BY id DESC LIMIT ?";
constexpr std::string_view kNewestAuditOf =
    "SELECT id, at, who, what, replica, ref, old_oid, new_oid, plan_digest FROM audit"
    " WHERE replica = ? AND id < ? ORDER BY id DESC LIMIT ?";

std::optional<Clock::WallTime> earlier(std::optional<Clock::WallTime> a, std::optional<Clock::WallTime> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

WaitingLook first_trigger(LookReason reason, Clock::WallTime now, Clock::WallTime due_at) {
  return {.reason = reason,
          .triggered_at = now,
          .announced_at = is_announcement(reason) ? std::optional(now) : std::nullopt,
          .triggers = 1,
          .due_at = due_at};
}

// Both at once; when it is due is the caller's to say.
WaitingLook merged(const WaitingLook& earlier_one, const WaitingLook& later_one) {
  const bool first_announcement = !earlier_one.announced_at && later_one.announced_at;
  return {.reason = first_announcement ? later_one.reason : earlier_one.reason,
          .triggered_at = std::min(earlier_one.triggered_at, later_one.triggered_at),
          .announced_at = earlier(earlier_one.announced_at, later_one.announced_at),
          .triggers = earlier_one.triggers + later_one.triggers,
          .due_at = earlier_one.due_at};
}

// A replica that fails has its next look when the failure has been slept off; only a person is not kept waiting.
WaitingLook triggered(const ReplicaRecord& replica, LookReason reason, Clock::WallTime now) {
  const bool sleeps = replica.memory.failures > 0 && replica.memory.next_look_at && !is_by_person(reason);
  const WaitingLook fresh = first_trigger(reason, now, sleeps ? std::max(now, *replica.memory.next_look_at) : now);
  if (!replica.waiting) return fresh;
  WaitingLook both = merged(*replica.waiting, fresh);
  if (is_by_person(reason)) both.due_at = std::min(both.due_at, now);
  return both;
}

// The destination is not what its readers last heard of. It may have been moved by somebody who died, or lost the
// lease, before saying so: then this look had nothing to carry, and yet finds it equal to a source that has changed.
bool has_moved(const ReplicaMemory& before, const Look& look) {
  return !look.changes.empty() || (look.outcome == LookOutcome::Equal && look.source_state != before.confirmed_state);
}

// What is known after a look that was not known before.
ReplicaMemory remembered(ReplicaMemory memory, const LookAtWork& at_work, const Look& look) {
  const std::optional<Clock::WallTime> known_since = earlier(memory.behind_since, at_work.trigger.announced_at);
  const bool failed = look.outcome == LookOutcome::Failed;
  if (!look.source_state.empty()) {
    memory.source_state = look.source_state;
    memory.observed_at = at_work.began_at;
  }
  memory.looked_at = at_work.began_at;
  if (!look.changes.empty() || (memory.confirmed_at && has_moved(memory, look)))
    memory.changed_at = known_since.value_or(at_work.began_at);
  if (look.outcome == LookOutcome::Equal) {
    memory.confirmed_state = look.source_state;
    memory.confirmed_at = at_work.began_at;
  }

  memory.behind_since = failed ? known_since : std::nullopt;
  if (look.is_behind) memory.behind_since = known_since.value_or(at_work.began_at);

  memory.outcome = look.outcome;
  memory.failure = failed ? look.failure : std::nullopt;
  memory.failures = failed ? memory.failures + 1 : 0;
  if (!failed) {
    memory.held = look.outcome == LookOutcome::Held ? look.held : std::nullopt;
    // An approval that came while this look was at work is for the next one, if that plans the same.
    if (!memory.held || !memory.approval || memory.held->digest != memory.approval->digest)
      memory.approval = std::nullopt;
  }
  memory.next_look_at = look.next_look_at;
  return memory;
}

bool is_repeated(const LookRecord& last, const Look& look) {
  return last.outcome == look.outcome && last.refs_changed == 0 && look.changes.empty() &&
         last.plan_digest == look.plan_digest && last.failure == look.failure;
}

Error lost(const Lease& lease) {
  return Error(ErrorKind::Conflict,
               "the lease of replica '{}' (epoch {}) was lost: another worker looks, or has looked", lease.name,
               lease.epoch);
}

class SqliteReplicas final : public Replicas {
 public:
  explicit SqliteReplicas(std::unique_ptr<Database> database)
      : database_(std::move(database)), statements_(*database_) {}

  Result<> create(const ReplicaOrder& order, const std::string& by, const Admission& admit) override {
    return write(Sync::Always, [&]() -> Result<> {
      if (const auto replica = TRY(find_row(order.name)))
        return Error(ErrorKind::Conflict, "there is a replica '{}' already{}", printable(order.name),
                     replica->record.deleting ? ", which is being deleted; wait until its last look has ended" : "");
      TRY(admit([this](const std::vector<std::string>& addresses) { return find_writer(addresses); }));
      TRY(insert(order));
      const WaitingLook look = first_trigger(LookReason::Created, order.created_at, order.created_at);
      TRY(wait(database_->last_inserted_id(), order, look, order.created_at));
      return audit_verb("create", order.name, by, "", order.created_at);
    });
  }

  Result<std::optional<ReplicaOrder>> writer_of(const std::vector<std::string>& addresses) override {
    const std::lock_guard lock(mutex_);
    return find_writer(addresses);
  }

  Result<std::optional<ReplicaRecord>> find(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    const std::optional<ReplicaRow> row = TRY(find_row(name));
    return row ? std::optional(row->record) : std::nullopt;
  }

  Result<std::vector<ReplicaRecord>> list(const std::string& after, std::size_t count_max) override {
    const std::lock_guard lock(mutex_);
    std::vector<ReplicaRecord> all;
    TRY(statements_.query(kReplicas, {after, static_cast<std::int64_t>(count_max)},
                          [&all](const SqlRow& row) { all.push_back(replica_of(row).record); }));
    return all;
  }

  Result<std::vector<SourceOfReplica>> sources(std::int64_t after) override {
    const std::lock_guard lock(mutex_);
    std::vector<SourceOfReplica> all;
    TRY(statements_.query(kSources, {after}, [&all](const SqlRow& row) {
      all.push_back({.id = row.number(0), .source_url = row.text(1)});
    }));
    return all;
  }

  Result<> pause(const std::string& name, const std::string& by, Clock::WallTime now) override {
    return write(Sync::Always, [&]() -> Result<> {
      const ReplicaRecord replica = TRY(get(name));
      if (replica.paused) return {};
      TRY(statements_.run(kPause, {replica.id}));
      return audit_verb("pause", name, by, "", now);
    });
  }

  Result<> resume(const std::string& name, const std::string& by, Clock::WallTime now) override {
    return write(Sync::Always, [&]() -> Result<> {
      const ReplicaRecord replica = TRY(get(name));
      if (!replica.paused) return {};
      TRY(statements_.run(kResume, {replica.id}));
      TRY(wait(replica, triggered(replica, LookReason::Resumed, now), now));
      return audit_verb("resume", name, by, "", now);
    });
  }

  Result<> remove(const std::string& name, const std::string& by, Clock::WallTime now) override {
    return write(Sync::Always, [&]() -> Result<> {
      const std::optional<ReplicaRow> row = TRY(find_row(name));
      if (!row) return no_such(name);
      const ReplicaRecord& replica = row->record;
      if (replica.deleting) return {};
      TRY(statements_.run(kWaitNoMore, {replica.id}));
      if (replica.at_work) {
        TRY(statements_.run(kMarkDeleting, {replica.id}));
      } else {
        TRY(erase(replica));
      }
      return audit_verb("delete", name, by, "", now);
    });
  }

  Result<> approve(const std::string& name, const std::string& plan_digest, const std::string& by,
                   Clock::WallTime now) override {
    return write(Sync::Always, [&]() -> Result<> {
      const ReplicaRecord replica = TRY(get(name));
      const std::optional<HeldPlan>& held = replica.memory.held;
      if (!held || held->digest != plan_digest)
        return Error(ErrorKind::Conflict, "replica '{}' holds {}, not plan '{}'; look at what it holds now",
                     printable(name), held ? fmt::format("plan '{}'", held->digest) : "no plan",
                     printable(plan_digest));
      if (held->expires_at <= now)
        return Error(ErrorKind::Conflict, "plan '{}' of replica '{}' has expired; sync, and look at it again",
                     held->digest, printable(name));
      TRY(statements_.run(kApprove, {held->digest, to_value(held->expires_at), replica.id}));
      TRY(wait(replica, triggered(replica, LookReason::Approved, now), now));
      return audit_verb("approve", name, by, plan_digest, now);
    });
  }

  Result<> trigger(const std::string& name, LookReason reason, Clock::WallTime now) override {
    return write(Sync::Sometimes, [&]() -> Result<> {
      TRY(begin_anew(now));
      const std::optional<ReplicaRow> row = TRY(find_row(name));
      if (!row) return no_such(name);
      return trigger_one(row->record, reason, now);
    });
  }

  Result<std::size_t> trigger_readers(const std::string& source_url, LookReason reason, Clock::WallTime now) override {
    std::size_t count = 0;
    const Result<> written = write(Sync::Sometimes, [&]() -> Result<> {
      count = TRY(trigger_all_readers(source_url, reason, now));
      return {};
    });
    if (!written) return written.error();
    return count;
  }

  Result<std::size_t> wake(Clock::WallTime now) override {
    std::int64_t is_anything = 0;
    {
      const std::lock_guard lock(mutex_);
      TRY(statements_.query(kIsAnythingToWake,
                            {to_value(now), to_value(now), to_value(now + kClockSlack), to_value(now + kClockSlack)},
                            [&](const SqlRow& row) { is_anything = row.number(0); }));
    }
    std::size_t count = 0;
    if (is_anything == 0) return count;
    const Result<> written = write(Sync::Sometimes, [&]() -> Result<> {
      count = TRY(begin_anew(now));
      count += TRY(take_back_lost_leases(now));
      count += TRY(begin_next_looks(now));
      return {};
    });
    if (!written) return written.error();
    return count;
  }

  Result<std::vector<DueLook>> due(Clock::WallTime now, std::size_t per_lane) override {
    const std::lock_guard lock(mutex_);
    std::vector<DueLook> all;
    for (std::string lane = TRY(next_lane("")); !lane.empty(); lane = TRY(next_lane(lane)))
      TRY(statements_.query(kDue, {lane, to_value(now), to_value(now), static_cast<std::int64_t>(per_lane)},
                            [&all](const SqlRow& row) {
                              all.push_back({.replica = row.text(0),
                                             .source_host = row.text(1),
                                             .destination_host = row.text(2),
                                             .reason = look_reason_of(row.text(3)),
                                             .due_at = row.time(4),
                                             .rank_at = row.time(5)});
                            }));
    return all;
  }

  Result<std::vector<Load>> load() override {
    const std::lock_guard lock(mutex_);
    std::vector<Load> all;
    TRY(statements_.query(kLoad, {}, [&all](const SqlRow& row) {
      all.push_back({.source_host = row.text(0),
                     .destination_host = row.text(1),
                     .at_work = static_cast<std::size_t>(row.number(2))});
    }));
    return all;
  }

  Result<std::optional<Clock::WallTime>> next_event(Clock::WallTime now) override {
    const std::lock_guard lock(mutex_);
    std::optional<Clock::WallTime> next;
    TRY(statements_.query(kNextEvent, {to_value(now)}, [&next](const SqlRow& row) { next = row.maybe_time(0); }));
    return next;
  }

  Result<Depth> depth() override {
    const std::lock_guard lock(mutex_);
    Depth depth;
    TRY(statements_.query(kDepth, {}, [&depth](const SqlRow& row) {
      depth = {.waiting = static_cast<std::size_t>(row.number(0)),
               .at_work = static_cast<std::size_t>(row.number(1)),
               .oldest_trigger = row.maybe_time(2)};
    }));
    return depth;
  }

  Result<std::optional<Lease>> take(const std::string& name, const std::string& owner, Milliseconds length,
                                    const Clock& clock) override {
    std::optional<Lease> lease;
    const Result<> written = write(Sync::Sometimes, [&]() -> Result<> {
      const Clock::WallTime now = clock.now();
      const std::optional<ReplicaRow> row = TRY(find_row(name));
      if (!row || row->record.paused || row->record.at_work || !row->record.waiting) return {};
      if (row->record.waiting->due_at > now) return {};
      const ReplicaRecord& replica = row->record;
      const std::int64_t epoch = TRY(next_epoch());
      TRY(statements_.run(kBeginWork, {owner, epoch, to_value(now), to_value(now + length), length.count(),
                                       to_value(now), replica.id}));
      TRY(statements_.run(kTakeReplica, {epoch, replica.id}));
      lease = Lease{.replica = replica.id,
                    .name = name,
                    .epoch = epoch,
                    .began_at = now,
                    .until = now + length,
                    .trigger = *replica.waiting};
      return {};
    });
    if (!written) return written.error();
    return lease;
  }

  Result<> renew(Lease& lease, Milliseconds length, Clock::WallTime now) override {
    Result<> written = write(Sync::Sometimes, [&]() -> Result<> {
      const ReplicaRow replica = TRY(holder(lease));
      if (replica.record.deleting)
        return Error(ErrorKind::Cancelled, "replica '{}' is being deleted", printable(lease.name));
      return statements_.run(kRenew, {to_value(now + length), length.count(), to_value(now), lease.replica});
    });
    if (written) lease.until = now + length;
    return written;
  }

  Result<> note_change(const Lease& lease, const std::string& source_state, Clock::WallTime now) override {
    return write(Sync::Sometimes, [&]() -> Result<> {
      const ReplicaRow replica = TRY(holder(lease));
      const Clock::WallTime since = known_behind(replica.record).value_or(now);
      return statements_.run(kNoteChange, {source_state, to_value(now), to_value(since), lease.replica});
    });
  }

  Result<> record(const Lease& lease, const Look& look, Clock::WallTime now) override {
    return write(look.changes.empty() ? Sync::Sometimes : Sync::Always, [&]() -> Result<> {
      const std::optional<ReplicaRow> row = TRY(find_row(lease.replica));
      if (row && row->recorded_epoch == lease.epoch) return {};
      const ReplicaRecord replica = TRY(holder(lease))
      .record;
      TRY(statements_.run(kEndWork, {replica.id}));
      for (const RefChange& change : look.changes)
        TRY(audit({.at = now,
                   .who = replica.at_work->owner,
                   .what = "carry",
                   .replica = replica.order.name,
                   .ref = change.ref,
                   .old_oid = change.old_oid,
                   .new_oid = change.new_oid,
                   .plan_digest = look.plan_digest}));
      if (has_moved(replica.memory, look))
        TRY(trigger_all_readers(replica.order.destination.url, LookReason::Chain, now));
      if (replica.deleting) return erase(replica);
      TRY(remember(replica, look, now));
      return add_to_history(replica, look, now);
    });
  }

  Result<> give_back(const Lease& lease, Clock::WallTime now) override {
    return write(Sync::Sometimes, [&]() -> Result<> {
      const ReplicaRow replica = TRY(holder(lease));
      return put_back(replica.record, now, now);
    });
  }

  Result<std::vector<LookRecord>> history(const std::string& name, std::size_t count_max) override {
    const std::lock_guard lock(mutex_);
    const std::optional<ReplicaRow> row = TRY(find_row(name));
    if (!row) return no_such(name);
    std::vector<LookRecord> all;
    TRY(statements_.query(kSelectLooks, {row->record.id, static_cast<std::int64_t>(count_max)},
                          [&all](const SqlRow& look) { all.push_back(look_of(look)); }));
    return all;
  }

  Result<std::vector<AuditEntry>> audit(const std::string& replica, std::int64_t after,
                                        std::size_t count_max) override {
    const std::lock_guard lock(mutex_);
    std::vector<AuditEntry> all;
    const auto see = [&all](const SqlRow& row) { all.push_back(audit_entry_of(row)); };
    const auto count = static_cast<std::int64_t>(count_max);
    TRY(replica.empty() ? statements_.query(kAudit, {after, count}, see)
                        : statements_.query(kAuditOf, {replica, after, count}, see));
    return all;
  }

  Result<std::vector<AuditEntry>> newest_audit(const std::string& replica, std::optional<std::int64_t> before,
                                               std::size_t count_max) override {
    const std::lock_guard lock(mutex_);
    std::vector<AuditEntry> all;
    const auto see = [&all](const SqlRow& row) { all.push_back(audit_entry_of(row)); };
    const auto count = static_cast<std::int64_t>(count_max);
    const std::int64_t end = before.value_or(std::numeric_limits<std::int64_t>::max());
    TRY(replica.empty() ? statements_.query(kNewestAudit, {end, count}, see)
                        : statements_.query(kNewestAuditOf, {replica, end, count}, see));
    if (all.empty() && !replica.empty() && !before) return no_such(replica);
    return all;
  }

 private:
  Result<> write(Sync sync, const std::function<Result<>()>& work) {
    const std::lock_guard lock(mutex_);
    return in_transaction(*database_, sync, work);
  }

  // All below: within a transaction, or under the lock.

  template <typename Key>
  Result<std::optional<ReplicaRow>> find_by(std::string_view sql, Key key) {
    std::optional<ReplicaRow> found;
    TRY(statements_.query(sql, {key}, [&found](const SqlRow& row) { found = replica_of(row); }));
    return found;
  }
  Result<std::optional<ReplicaRow>> find_row(const std::string& name) {
    return find_by(kReplicaByName, std::string_view(name));
  }
  Result<std::optional<ReplicaRow>> find_row(std::int64_t id) { return find_by(kReplicaById, id); }

  Result<std::optional<ReplicaOrder>> find_writer(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses)
      if (const std::optional<ReplicaRow> row = TRY(find_by(kWriterOf, std::string_view(address))))
        return row->record.order;
    return std::optional<ReplicaOrder>();
  }

  static Error no_such(const std::string& name) {
    return Error(ErrorKind::NotFound, "there is no replica '{}'", printable(name));
  }

  // One that can still be told something.
  Result<ReplicaRecord> get(const std::string& name) {
    const std::optional<ReplicaRow> row = TRY(find_row(name));
    if (!row) return no_such(name);
    if (row->record.deleting) return Error(ErrorKind::Conflict, "replica '{}' is being deleted", printable(name));
    return row->record;
  }

  // The fence: whoever does not hold the last lease gets no further.
  Result<ReplicaRow> holder(const Lease& lease) {
    const std::optional<ReplicaRow> row = TRY(find_row(lease.replica));
    if (!row || !row->record.at_work || row->record.at_work->epoch != lease.epoch) return lost(lease);
    return *row;
  }

  Result<std::int64_t> next_epoch() {
    std::int64_t epoch = 0;
    TRY(statements_.query(kNextEpoch, {}, [&epoch](const SqlRow& row) { epoch = row.number(0); }));
    return epoch;
  }

  Result<std::string> next_lane(const std::string& after) {
    std::string lane;
    TRY(statements_.query(kNextLane, {after}, [&lane](const SqlRow& row) { lane = row.text(0); }));
    return lane;
  }

  static std::optional<Clock::WallTime> known_behind(const ReplicaRecord& replica) {
    const auto announced = [](const auto& look) { return look ? look->announced_at : std::nullopt; };
    const std::optional<Clock::WallTime> at_work =
        replica.at_work ? replica.at_work->trigger.announced_at : std::nullopt;
    return earlier(replica.memory.behind_since, earlier(announced(replica.waiting), at_work));
  }

  Result<> insert(const ReplicaOrder& order) {
    return statements_.run(
        kInsertReplica,
        {order.name, order.source.url, order.source.host, order.source.type, order.source.id, order.destination.url,
         order.destination.host, order.destination.type, order.destination.id, order.account_name, order.link,
         order.policy, order.schedule, order.role, order.regions, order.freshness.count(), to_value(order.created_at)});
  }

  Result<> wait(std::int64_t id, const ReplicaOrder& order, const WaitingLook& look, Clock::WallTime now) {
    // Hosts have no spaces in their names.
    const std::string lane = order.source.host + " " + order.destination.host;
    const Milliseconds head_start = look.reason == LookReason::Schedule ? Milliseconds(0) : kHeadStart;
    return statements_.run(kWait, {id, lane, to_string(look.reason), to_value(look.triggered_at),
                                   to_value(look.announced_at), static_cast<std::int64_t>(look.triggers),
                                   to_value(look.due_at), to_value(look.due_at - head_start), to_value(now)});
  }
  Result<> wait(const ReplicaRecord& replica, const WaitingLook& look, Clock::WallTime now) {
    return wait(replica.id, replica.order, look, now);
  }

  Result<> trigger_one(const ReplicaRecord& replica, LookReason reason, Clock::WallTime now) {
    if (replica.deleting) return {};
    return wait(replica, triggered(replica, reason, now), now);
  }

  Result<std::vector<ReplicaRow>> rows(std::string_view sql, SqlValue value) {
    std::vector<ReplicaRow> all;
    TRY(statements_.query(sql, {value}, [&all](const SqlRow& row) { all.push_back(replica_of(row)); }));
    return all;
  }

  Result<std::size_t> trigger_all_readers(const std::string& source_url, LookReason reason, Clock::WallTime now) {
    TRY(begin_anew(now));
    const std::vector<ReplicaRow> readers = TRY(rows(kReadersOf, std::string_view(source_url)));
    for (const ReplicaRow& reader : readers) TRY(trigger_one(reader.record, reason, now));
    return readers.size();
  }

  // The calendar was set back. What was to happen at a time that is far away now happens now; a lease lasts its length
  // from now, so that those who live can renew it. Done before anything is written over it: a trigger would wait for
  // the old time, and hide that it is of another calendar.
  Result<std::size_t> begin_anew(Clock::WallTime now) {
    const SqlValue future = to_value(now + kClockSlack);
    TRY(statements_.run(kBeginQueueAnew, {to_value(now), to_value(now), to_value(now), future}));
    std::size_t count = static_cast<std::size_t>(database_->rows_changed());
    TRY(statements_.run(kBeginNextLooksAnew, {to_value(now), future}));
    return count;
  }

  Result<std::size_t> take_back_lost_leases(Clock::WallTime now) {
    const std::vector<ReplicaRow> all = TRY(rows(kWithLostLease, to_value(now)));
    for (const ReplicaRow& row : all) {
      const auto times = static_cast<unsigned>(row.leases_lost + 1);
      const Milliseconds pause =
          times == 1 ? Milliseconds(0)
                     : kLostLeases.delay(times - 1, std::nullopt, static_cast<std::uint64_t>(row.record.id));
      TRY(statements_.run(kLoseLease, {row.leases_lost + 1, row.record.id}));
      TRY(put_back(row.record, now + pause, now));
    }
    return all.size();
  }

  Result<std::size_t> begin_next_looks(Clock::WallTime now) {
    const std::vector<ReplicaRow> all = TRY(rows(kWithNextLook, to_value(now)));
    for (const ReplicaRow& row : all) {
      TRY(statements_.run(kForgetNextLook, {row.record.id}));
      TRY(wait(row.record, triggered(row.record, LookReason::Schedule, now), now));
    }
    return all.size();
  }

  // What is at work waits again, together with what has come meanwhile.
  Result<> put_back(const ReplicaRecord& replica, Clock::WallTime due_at, Clock::WallTime now) {
    TRY(statements_.run(kEndWork, {replica.id}));
    if (replica.deleting) return erase(replica);
    WaitingLook look = replica.at_work->trigger;
    if (replica.waiting) look = merged(look, *replica.waiting);
    look.due_at = due_at;
    return wait(replica, look, now);
  }

  Result<> erase(const ReplicaRecord& replica) {
    TRY(statements_.run(kDeleteLooks, {replica.id}));
    return statements_.run(kDeleteReplica, {replica.id});
  }

  Result<> remember(const ReplicaRecord& replica, const Look& look, Clock::WallTime now) {
    const ReplicaMemory memory = remembered(replica.memory, *replica.at_work, look);
    const LookFailure failure = memory.failure.value_or(LookFailure{});
    const HeldPlan held = memory.held.value_or(HeldPlan{});
    const Approval approval = memory.approval.value_or(Approval{});
    const std::string_view kind = memory.failure ? to_string(failure.kind) : "";
    return statements_.run(kRemember, {replica.at_work->epoch,
                                       to_value(now),
                                       memory.source_state,
                                       to_value(memory.observed_at),
                                       to_value(memory.looked_at),
                                       memory.confirmed_state,
                                       to_value(memory.confirmed_at),
                                       to_value(memory.changed_at),
                                       to_value(memory.behind_since),
                                       to_string(*memory.outcome),
                                       kind,
                                       failure.message,
                                       failure.remedy,
                                       std::int64_t{memory.failures},
                                       held.digest,
                                       held.text,
                                       to_value(held.expires_at),
                                       approval.digest,
                                       to_value(approval.expires_at),
                                       replica.paused ? SqlValue(std::nullopt) : to_value(memory.next_look_at),
                                       replica.id});
  }

  Result<> add_to_history(const ReplicaRecord& replica, const Look& look, Clock::WallTime now) {
    const LookAtWork& at_work = *replica.at_work;
    std::optional<LookRecord> last;
    TRY(statements_.query(kSelectLooks, {replica.id, std::int64_t{1}},
                          [&last](const SqlRow& row) { last = look_of(row); }));
    if (last && is_repeated(*last, look))
      return statements_.run(kRepeatLook, {at_work.epoch, to_string(at_work.trigger.reason),
                                           to_value(at_work.trigger.triggered_at), to_value(now), last->id});
    const LookFailure failure = look.failure.value_or(LookFailure{});
    const std::string_view kind = look.failure ? to_string(failure.kind) : "";
    TRY(statements_.run(kInsertLook, {replica.id, at_work.epoch, std::int64_t{1}, to_string(at_work.trigger.reason),
                                      to_value(at_work.trigger.triggered_at), to_value(at_work.began_at), to_value(now),
                                      to_string(look.outcome), static_cast<std::int64_t>(look.changes.size()),
                                      static_cast<std::int64_t>(look.pack_bytes), look.plan_digest, kind,
                                      failure.message, failure.remedy}));
    return statements_.run(kTrimLooks, {replica.id, static_cast<std::int64_t>(kLooksKept)});
  }

  Result<> audit(const AuditEntry& entry) { return write_audit(statements_, entry); }

  Result<> audit_verb(const std::string& verb, const std::string& replica, const std::string& by,
                      const std::string& plan_digest, Clock::WallTime now) {
    return audit({.at = now, .who = by, .what = verb, .replica = replica, .plan_digest = plan_digest});
  }

  std::mutex mutex_;  // of both below: one connection, one caller at a time
  const std::unique_ptr<Database> database_;
  PreparedStatements statements_;
};

}  // namespace

Result<std::unique_ptr<Replicas>> Replicas::open(const std::string& path) {
  std::unique_ptr<Database> database = TRY(open_catalogue_file(path));
  return std::make_unique<SqliteReplicas>(std::move(database));
}

Result<std::unique_ptr<Replicas>> Replicas::open_in_memory() {
  std::unique_ptr<Database> database = TRY(open_catalogue_in_memory());
  return std::make_unique<SqliteReplicas>(std::move(database));
}

Result<> for_each_replica(Replicas& replicas, const std::function<Result<>(ReplicaRecord replica)>& see) {
  constexpr std::size_t kPageSize = 500;
  std::string after;
  for (bool is_last = false; !is_last;) {
    std::vector<ReplicaRecord> page = TRY(replicas.list(after, kPageSize));
    is_last = page.size() < kPageSize;
    if (!is_last) after = page.back().order.name;
    for (ReplicaRecord& replica : page) TRY(see(std::move(replica)));
  }
  return {};
}

}  // namespace packferry
