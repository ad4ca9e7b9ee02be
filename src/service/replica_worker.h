// Whoever looks at replicas: takes the lease, keeps it, looks, and has what came of it remembered.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "catalogue/replicas.h"
#include "engine/crossing.h"
#include "service/replica_look.h"

namespace packferry {

// The ends of replicas. Safe from several threads; outlives what it makes; talks to nobody but in what it makes.
class ReplicaEnds {
 public:
  virtual ~ReplicaEnds() = default;
  virtual Result<std::unique_ptr<Source>> source(const ReplicaOrder& order) = 0;
  virtual Result<std::unique_ptr<Destination>> destination(const ReplicaOrder& order) = 0;
};

struct WorkerOptions {
  std::string owner;               // of leases, and whose deeds the audit log has: "packferry@host/pid"
  Milliseconds lease{2 * 60'000};  // renewed three times in that time; after a kill -9 so long nobody else looks
  Milliseconds held_for{24 * 3'600'000};
  Patience patience = {};
};

// Safe from several threads, of which each works on another replica.
class ReplicaWorker {
 public:
  // All of it outlives the worker.
  ReplicaWorker(Replicas& replicas, ReplicaEnds& ends, WorkerOptions options, const Clock& clock)
      : replicas_(replicas), ends_(ends), options_(std::move(options)), clock_(clock) {}

  // One look, from the lease to the record. Nothing: there is no lease to be had, since it is not due, paused, gone, or
  // somebody else's. Conflict: the lease was lost meanwhile, and nothing is remembered. Cancelled: it was stopped, and
  // waits again; or the replica is going. Else what the catalogue says.
  Result<std::optional<Looked>> work(const std::string& name, CrossingObserver* observer, std::stop_token stop);

 private:
  Result<Looked> look(const ReplicaRecord& replica, const Lease& lease, CrossingObserver* observer,
                      std::stop_token stop);
  Clock::WallTime next_look_of(const ReplicaRecord& replica, const Lease& lease, const Looked& looked) const;

  Replicas& replicas_;
  ReplicaEnds& ends_;
  const WorkerOptions options_;
  const Clock& clock_;
};

}  // namespace packferry
