// Rows of the tables of replicas, as the values of catalogue/replica_records.h.
#pragma once

#include <string_view>

#include "catalogue/replica_records.h"
#include "catalogue/sqlite.h"

namespace packferry {

// One replica with its two places in the queue; a WHERE and an ORDER BY go behind it, with `r` for the replica.
#define PACKFERRY_SELECT_REPLICA                                                                                     \
  "SELECT r.id, r.name, r.source_url, r.source_host, r.source_type, r.source_id, r.destination_url,"                 \
  " r.destination_host, r.destination_type, r.destination_id, r.account_name, r.link, r.policy, r.schedule, r.role," \
  " r.regions, r.freshness, r.created_at, r.paused, r.deleting, r.epoch, r.recorded_epoch, r.leases_lost,"           \
  " r.source_state, r.observed_at, r.looked_at, r.confirmed_state, r.confirmed_at, r.changed_at, r.behind_since, "   \
  "r.outcome,"                                                                                                       \
  " r.error_kind, r.error, r.remedy, r.failures, r.held_digest, r.held_plan, r.held_until, r.approved_digest,"       \
  " r.approved_until, r.next_look_at,"                                                                               \
  " w.replica, w.reason, w.triggered_at, w.announced_at, w.triggers, w.due_at,"                                      \
  " a.replica, a.reason, a.triggered_at, a.announced_at, a.triggers, a.due_at, a.owner, a.epoch, a.began_at"         \
  " FROM replicas r LEFT JOIN queue w ON w.replica = r.id AND w.at_work = 0"                                         \
  " LEFT JOIN queue a ON a.replica = r.id AND a.at_work = 1 "

// What nobody outside needs to know of a replica comes with it.
struct ReplicaRow {
  ReplicaRecord record;
  std::int64_t recorded_epoch = 0;  // of the last lease whose look was recorded
  std::int64_t leases_lost = 0;     // since then
};

ReplicaRow replica_of(const SqlRow& row);

inline constexpr std::string_view kSelectLooks =
    "SELECT id, epoch, looks, reason, triggered_at, began_at, ended_at, outcome, refs_changed, pack_bytes, plan_digest,"
    " error_kind, error, remedy FROM looks WHERE replica = ? ORDER BY id DESC LIMIT ?";
LookRecord look_of(const SqlRow& row);

Result<> write_audit(PreparedStatements& statements, const AuditEntry& entry);
AuditEntry audit_entry_of(const SqlRow& row);  // id and the rest, in the order of the struct

LookReason look_reason_of(std::string_view text);

}  // namespace packferry
