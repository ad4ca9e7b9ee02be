// What a person reads of replicas. Programs read service/replica_json.h.
#pragma once

#include <string>
#include <vector>

#include "cli/output.h"
#include "service/replica.h"

namespace packferry {

void print_replica(Output& output, const ReplicaView& view, Clock::WallTime now, const Paint& paint);
// A line each.
void print_replicas(Output& output, const std::vector<ReplicaView>& views, Clock::WallTime now, const Paint& paint);
// The newest first, a line each.
void print_looks(Output& output, const std::vector<LookRecord>& looks, Clock::WallTime now);
// The newest first, a line each.
void print_audit(Output& output, const std::vector<AuditEntry>& entries);

}  // namespace packferry
