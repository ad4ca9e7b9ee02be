// What `packferry replica` and the API answer with, as JSON; docs/replicas.md. Names and meanings are a contract: times
// are milliseconds since 1970, what there is not is null.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "service/replica.h"

namespace packferry {

// {"__type": "packferry.GetReplica/1", "replica": {…}}; `indent` as in nlohmann's dump(): -1 for one line.
std::string replica_json(const ReplicaView& view, int indent);
// {"__type": "packferry.ListReplicas/1", "replicas": [{…}, …]}
std::string replicas_json(const std::vector<ReplicaView>& views, int indent);
// {"__type": "packferry.GetReplicaHistory/1", "name": …, "looks": [{…}, …]}, the newest first
std::string history_json(const std::string& name, const std::vector<LookRecord>& looks, int indent);
// {"__type": "packferry.GetAudit/1", "entries": [{…}, …]}, the newest first
std::string audit_json(const std::vector<AuditEntry>& entries, int indent);

// The way back, of what a service has answered. Corrupt: something else. Milliseconds of a lag, and the numbers of
// looks, are not told.
// GetReplica, and TriggerLook of the API; nothing: whoever asked may not see the replica.
Result<std::optional<ReplicaView>> read_replica_json(std::string_view text);
Result<std::vector<ReplicaView>> read_replicas_json(std::string_view text);
Result<std::vector<LookRecord>> read_history_json(std::string_view text);
Result<std::vector<AuditEntry>> read_audit_json(std::string_view text);

}  // namespace packferry
