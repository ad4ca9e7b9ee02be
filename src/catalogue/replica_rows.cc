#include "catalogue/replica_rows.h"

namespace packferry {
namespace {

// The columns of a row from left to right, so that no list of them has to be counted.
class Columns {
 public:
  explicit Columns(const SqlRow& row, int first = 0) : row_(row), next_(first) {}
  std::string text() { return row_.text(next_++); }
  std::int64_t number() { return row_.number(next_++); }
  Clock::WallTime time() { return row_.time(next_++); }
  std::optional<Clock::WallTime> maybe_time() { return row_.maybe_time(next_++); }
  bool is_null() const { return row_.is_null(next_); }
  void skip() { ++next_; }

 private:
  const SqlRow& row_;
  int next_;
};

constexpr ErrorKind kErrorKinds[] = {ErrorKind::NotFound,  ErrorKind::Unsupported, ErrorKind::Denied,
                                     ErrorKind::Invalid,   ErrorKind::Rejected,    ErrorKind::Conflict,
                                     ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Corrupt,
                                     ErrorKind::Exhausted, ErrorKind::Cancelled};

constexpr LookReason kLookReasons[] = {LookReason::Created,  LookReason::Schedule, LookReason::Webhook,
                                       LookReason::Event,    LookReason::Sync,     LookReason::Chain,
                                       LookReason::Approved, LookReason::Resumed};

constexpr LookOutcome kLookOutcomes[] = {LookOutcome::Equal, LookOutcome::Held, LookOutcome::Diverged,
                                         LookOutcome::Failed};

// Words of a newer program do not get here: its files are refused.
template <typename Value, std::size_t kCount>
std::optional<Value> value_named(const Value (&values)[kCount], std::string_view text) {
  for (const Value value : values)
    if (to_string(value) == text) return value;
  return std::nullopt;
}

// "error_kind, error, remedy"; no kind: no failure.
std::optional<LookFailure> failure_of(Columns& columns) {
  const std::optional<ErrorKind> kind = value_named(kErrorKinds, columns.text());
  LookFailure failure;
  failure.message = columns.text();
  failure.remedy = columns.text();
  if (!kind) return std::nullopt;
  failure.kind = *kind;
  return failure;
}

ReplicaSide side_of(Columns& columns) {
  ReplicaSide side;
  side.url = columns.text();
  side.host = columns.text();
  side.type = columns.text();
  side.id = columns.text();
  return side;
}

ReplicaOrder order_of(Columns& columns) {
  ReplicaOrder order;
  order.name = columns.text();
  order.source = side_of(columns);
  order.destination = side_of(columns);
  order.account_name = columns.text();
  order.link = columns.text();
  order.policy = columns.text();
  order.schedule = columns.text();
  order.role = columns.text();
  order.regions = columns.text();
  order.freshness = Milliseconds(columns.number());
  order.created_at = columns.time();
  return order;
}

std::optional<HeldPlan> held_plan_of(Columns& columns) {
  HeldPlan plan;
  plan.digest = columns.text();
  plan.text = columns.text();
  plan.expires_at = columns.time();
  return plan.digest.empty() ? std::nullopt : std::optional(plan);
}

std::optional<Approval> approval_of(Columns& columns) {
  Approval approval;
  approval.digest = columns.text();
  approval.expires_at = columns.time();
  return approval.digest.empty() ? std::nullopt : std::optional(approval);
}

ReplicaMemory memory_of(Columns& columns) {
  ReplicaMemory memory;
  memory.source_state = columns.text();
  memory.observed_at = columns.maybe_time();
  memory.looked_at = columns.maybe_time();
  memory.confirmed_state = columns.text();
  memory.confirmed_at = columns.maybe_time();
  memory.changed_at = columns.maybe_time();
  memory.behind_since = columns.maybe_time();
  memory.outcome = value_named(kLookOutcomes, columns.text());
  memory.failure = failure_of(columns);
  memory.failures = static_cast<unsigned>(columns.number());
  memory.held = held_plan_of(columns);
  memory.approval = approval_of(columns);
  memory.next_look_at = columns.maybe_time();
  return memory;
}

WaitingLook waiting_of(Columns& columns) {
  WaitingLook look;
  look.reason = look_reason_of(columns.text());
  look.triggered_at = columns.time();
  look.announced_at = columns.maybe_time();
  look.triggers = static_cast<std::uint64_t>(columns.number());
  look.due_at = columns.time();
  return look;
}

}  // namespace

LookReason look_reason_of(std::string_view text) {
  return value_named(kLookReasons, text).value_or(LookReason::Schedule);
}

ReplicaRow replica_of(const SqlRow& row) {
  Columns columns(row);
  ReplicaRow replica;
  ReplicaRecord& record = replica.record;
  record.id = columns.number();
  record.order = order_of(columns);
  record.paused = columns.number() != 0;
  record.deleting = columns.number() != 0;
  record.epoch = columns.number();
  replica.recorded_epoch = columns.number();
  replica.leases_lost = columns.number();
  record.memory = memory_of(columns);

  const bool is_waiting = !columns.is_null();
  columns.skip();
  const WaitingLook waiting = waiting_of(columns);
  if (is_waiting) record.waiting = waiting;

  const bool is_at_work = !columns.is_null();
  columns.skip();
  LookAtWork at_work;
  at_work.trigger = waiting_of(columns);
  at_work.lease_until = at_work.trigger.due_at;
  at_work.owner = columns.text();
  at_work.epoch = columns.number();
  at_work.began_at = columns.time();
  if (is_at_work) record.at_work = at_work;
  return replica;
}

LookRecord look_of(const SqlRow& row) {
  Columns columns(row);
  LookRecord look;
  look.id = columns.number();
  look.epoch = columns.number();
  look.looks = static_cast<std::uint64_t>(columns.number());
  look.reason = look_reason_of(columns.text());
  look.triggered_at = columns.time();
  look.began_at = columns.time();
  look.ended_at = columns.time();
  look.outcome = value_named(kLookOutcomes, columns.text()).value_or(LookOutcome::Failed);
  look.refs_changed = static_cast<std::uint64_t>(columns.number());
  look.pack_bytes = static_cast<std::uint64_t>(columns.number());
  look.plan_digest = columns.text();
  look.failure = failure_of(columns);
  return look;
}

AuditEntry audit_entry_of(const SqlRow& row) {
  Columns columns(row);
  AuditEntry entry;
  entry.id = columns.number();
  entry.at = columns.time();
  entry.who = columns.text();
  entry.what = columns.text();
  entry.replica = columns.text();
  entry.ref = columns.text();
  entry.old_oid = columns.text();
  entry.new_oid = columns.text();
  entry.plan_digest = columns.text();
  return entry;
}

Result<> write_audit(PreparedStatements& statements, const AuditEntry& entry) {
  constexpr std::string_view kInsert =
      "INSERT INTO audit (at, who, what, replica, ref, old_oid, new_oid, plan_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
  return statements.run(kInsert, {to_value(entry.at), entry.who, entry.what, entry.replica, entry.ref, entry.old_oid,
                                  entry.new_oid, entry.plan_digest});
}

}  // namespace packferry
