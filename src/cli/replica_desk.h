// What can be asked of replicas on the command line, whether they are remembered in a file here or by a service.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/exit_status.h"
#include "service/replica.h"
#include "service/replica_operations.h"

namespace packferry {

class ReplicaDesk {
 public:
  // What has happened, and the replica as it is now.
  struct Outcome {
    ExitStatus status;
    ReplicaView view;
  };

  virtual ~ReplicaDesk() = default;
  // And its first look.
  virtual Result<Outcome> create(const ReplicaWish& wish) = 0;
  virtual Result<Outcome> get(const std::string& name) = 0;
  virtual Result<Outcome> pause(const std::string& name) = 0;
  virtual Result<Outcome> resume(const std::string& name) = 0;
  // And the look that answers it.
  virtual Result<Outcome> sync(const std::string& name) = 0;
  // `plan`: its digest, or the first of its digits. And the look that carries it.
  virtual Result<Outcome> approve(const std::string& name, const std::string& plan) = 0;
  virtual Result<> remove(const std::string& name) = 0;
  // With that status, or all of them; by name.
  virtual Result<std::vector<ReplicaView>> list(std::optional<ReplicaStatus> status) = 0;
  virtual Result<std::vector<LookRecord>> history(const std::string& name) = 0;
  // The newest `count_max`, the newest first; of all replicas, and of tokens, when `name` is empty.
  virtual Result<std::vector<AuditEntry>> audit(const std::string& name, std::size_t count_max) = 0;
};

// Of a look that ended so.
ExitStatus exit_status_of(LookOutcome outcome);

}  // namespace packferry
