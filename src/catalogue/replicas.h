// The standing orders, and their durable queue: in the file of the Catalogue, and with its promises to threads,
// programs and kill -9. docs/formats/catalogue.md.
//
// Of each replica at most one look waits and at most one is at work, however many triggers come. A trigger is answered
// by a look that begins after it: one that comes while a look is at work waits for the next. Whoever works has a lease,
// and renews it; a lease that ran out goes back to the queue by itself, and what its holder still has to say is refused
// (Conflict), in the same transaction that would have written it.
//
// All times come from the caller; only take() asks the clock itself. The calendar may jump: forwards, a lease may be
// lost early, which costs one look; backwards, what was written by the later clock is begun anew by wake().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/replica_records.h"

namespace packferry {

class Replicas {
 public:
  // As Catalogue::open(), and of the same file.
  static Result<std::unique_ptr<Replicas>> open(const std::string& path);
  // Nothing is kept: for simulations.
  static Result<std::unique_ptr<Replicas>> open_in_memory();
  virtual ~Replicas() = default;

  // --- Standing orders. `by` is who wants it, for the audit log; what is said here survives a power cut, too. ---

  // Which of them has one of these addresses as its destination: the first that does.
  using WriterOf = std::function<Result<std::optional<ReplicaOrder>>(const std::vector<std::string>& addresses)>;
  virtual Result<std::optional<ReplicaOrder>> writer_of(const std::vector<std::string>& addresses) = 0;
  // May another one join them? Asked in the transaction that creates it.
  using Admission = std::function<Result<>(const WriterOf& writer_of)>;
  // And its first look waits. Conflict: there is one of this name; or what `admit` says.
  virtual Result<> create(const ReplicaOrder& order, const std::string& by, const Admission& admit) = 0;
  virtual Result<std::optional<ReplicaRecord>> find(const std::string& name) = 0;
  // By name, those behind `after`.
  virtual Result<std::vector<ReplicaRecord>> list(const std::string& after, std::size_t count_max) = 0;
  // The sources of those with a higher number than `after`, which are the later ones, in the order of their numbers: so
  // an index of all sources is kept without reading them all again. Cheap when there is none.
  struct SourceOfReplica {
    std::int64_t id = 0;
    std::string source_url;
  };
  virtual Result<std::vector<SourceOfReplica>> sources(std::int64_t after) = 0;
  // A look that is at work comes to its end; no other begins, and what is triggered meanwhile waits until resume(),
  // which looks at once. NotFound here and below: there is none of this name.
  virtual Result<> pause(const std::string& name, const std::string& by, Clock::WallTime now) = 0;
  virtual Result<> resume(const std::string& name, const std::string& by, Clock::WallTime now) = 0;
  // Gone at once, or as soon as the look that is at work has ended or lost its lease. The audit log stays.
  virtual Result<> remove(const std::string& name, const std::string& by, Clock::WallTime now) = 0;
  // And a look waits. Conflict: that is not the plan that is held, or it has expired.
  virtual Result<> approve(const std::string& name, const std::string& plan_digest, const std::string& by,
                           Clock::WallTime now) = 0;

  // --- Triggers ---

  // Look! One that is going is not looked at any more, and that is no failure.
  virtual Result<> trigger(const std::string& name, LookReason reason, Clock::WallTime now) = 0;
  // All whose source has this very URL; how many.
  virtual Result<std::size_t> trigger_readers(const std::string& source_url, LookReason reason,
                                              Clock::WallTime now) = 0;
  // What time itself brings: looks whose next_look_at has come wait; leases that ran out go back. Cheap when there is
  // nothing. How many entries that made or changed.
  virtual Result<std::size_t> wake(Clock::WallTime now) = 0;

  // --- For the scheduler ---

  // What is due and whose replica is not at work: the first `per_lane` of each lane, which is a source host and a
  // destination host.
  virtual Result<std::vector<DueLook>> due(Clock::WallTime now, std::size_t per_lane) = 0;
  struct Load {
    std::string source_host;
    std::string destination_host;
    std::size_t at_work = 0;
  };
  virtual Result<std::vector<Load>> load() = 0;
  // When time brings the next thing: a lease that ends, a look that falls due; those that are due now are not meant.
  virtual Result<std::optional<Clock::WallTime>> next_event(Clock::WallTime now) = 0;
  struct Depth {  // without what waits for a replica that is paused
    std::size_t waiting = 0;
    std::size_t at_work = 0;
    std::optional<Clock::WallTime> oldest_trigger = {};  // of those that wait
  };
  virtual Result<Depth> depth() = 0;

  // --- For workers ---

  // Nothing: it is not due, at work already, paused or gone; somebody was quicker. When the look began is asked when
  // nobody can trigger it any more: who waits for a look that began after a trigger gets the one that answers it.
  virtual Result<std::optional<Lease>> take(const std::string& name, const std::string& owner, Milliseconds length,
                                            const Clock& clock) = 0;
  // For all three: Conflict when the lease was lost; then nothing is written, and the worker has to stop.
  // Cancelled: the replica is being removed.
  virtual Result<> renew(Lease& lease, Milliseconds length, Clock::WallTime now) = 0;
  // The source has something new, as of now: known before the look has ended.
  virtual Result<> note_change(const Lease& lease, const std::string& source_state, Clock::WallTime now) = 0;
  // Ends the look. All of it is remembered or nothing; said twice, it is remembered once. Replicas whose source has
  // changed by it look at once. Its audit entries survive a power cut.
  virtual Result<> record(const Lease& lease, const Look& look, Clock::WallTime now) = 0;
  // Ends the look without an outcome: it waits again, as if it had not begun.
  virtual Result<> give_back(const Lease& lease, Clock::WallTime now) = 0;

  // --- What happened ---

  // The newest first; the newest kLooksKept are there.
  static constexpr std::size_t kLooksKept = 100;
  virtual Result<std::vector<LookRecord>> history(const std::string& name, std::size_t count_max) = 0;
  // In the order in which they were written, those behind number `after`; of one replica, or of all when empty.
  virtual Result<std::vector<AuditEntry>> audit(const std::string& replica, std::int64_t after,
                                                std::size_t count_max) = 0;
  // The same from its other end: the newest first, those before number `before`, without reading the rest. NotFound:
  // nothing was ever done to a replica of this name.
  virtual Result<std::vector<AuditEntry>> newest_audit(const std::string& replica, std::optional<std::int64_t> before,
                                                       std::size_t count_max) = 0;
};

// All of them, by name, in the memory that a few take. The first Error, theirs or of `see`, ends it.
Result<> for_each_replica(Replicas& replicas, const std::function<Result<>(ReplicaRecord replica)>& see);

}  // namespace packferry
