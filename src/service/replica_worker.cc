#include "service/replica_worker.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "service/cron.h"
#include "service/replica_policy.h"
#include "service/scheduler.h"

namespace packferry {
namespace {

// Renews a lease for as long as it lives. Where that fails it has its look stopped: what such a look would still do
// somebody else may be doing, too.
class LeaseKeeper {
 public:
  LeaseKeeper(Replicas& replicas, Lease lease, Milliseconds length, const Clock& clock, std::stop_source look)
      : replicas_(replicas), lease_(std::move(lease)), length_(length), clock_(clock), look_(std::move(look)) {
    thread_ = std::jthread([this](std::stop_token end) { keep(std::move(end)); });
  }

  // Ends the keeping; why the lease was lost, if it was.
  Result<> end() {
    thread_.request_stop();
    thread_.join();
    return error_ ? Result<>(*error_) : Result<>();
  }

 private:
  void keep(std::stop_token end) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    while (!end.stop_requested()) {
      never.wait_for(lock, end, length_ / 3, [] { return false; });
      if (end.stop_requested()) return;
      const Result<> renewed = replicas_.renew(lease_, length_, clock_.now());
      if (renewed) continue;
      const ErrorKind kind = renewed.error().kind();
      // A catalogue that is busy may have time for us before the lease ends.
      const bool is_lost = kind == ErrorKind::Conflict || kind == ErrorKind::Cancelled || kind == ErrorKind::NotFound;
      if (!is_lost && clock_.now() < lease_.until) continue;
      error_ = renewed.error();
      look_.request_stop();
      return;
    }
  }

  Replicas& replicas_;
  Lease lease_;
  const Milliseconds length_;
  const Clock& clock_;
  std::stop_source look_;
  std::optional<Error> error_;  // of the thread's, until it is joined
  std::jthread thread_;
};

std::string approval_of(const ReplicaMemory& memory, Clock::WallTime now) {
  return memory.approval && now < memory.approval->expires_at ? memory.approval->digest : std::string();
}

}  // namespace

Result<Looked> ReplicaWorker::look(const ReplicaRecord& replica, const Lease& lease, CrossingObserver* observer,
                                   std::stop_token stop) {
  const ReplicaPolicy said = TRY(ReplicaPolicy::parse(replica.order.policy));
  const std::unique_ptr<Source> source = TRY(ends_.source(replica.order));
  const std::unique_ptr<Destination> destination = TRY(ends_.destination(replica.order));
  LookOptions options;
  options.policy = TRY(said.policy());
  options.patience = options_.patience;
  options.approved = approval_of(replica.memory, clock_.now());
  options.held_for = options_.held_for;
  options.on_listed = [&](const std::string& state) {
    // Lag counts from here. Where it cannot be said now, it counts from the end of the look.
    if (state != replica.memory.source_state) (void)replicas_.note_change(lease, state, clock_.now()).has_value();
  };
  return look_at(*source, *destination, options, clock_, observer, std::move(stop));
}

Clock::WallTime ReplicaWorker::next_look_of(const ReplicaRecord& replica, const Lease& lease,
                                            const Looked& looked) const {
  const Clock::WallTime now = clock_.now();
  const std::uint64_t seed = std::hash<std::string>()(replica.order.name) + static_cast<std::uint64_t>(lease.epoch);
  if (looked.error)
    return now + retry_delay(looked.error->kind(), replica.memory.failures + 1, looked.error->retry_after(), seed);
  std::optional<Clock::WallTime> scheduled;
  // Create has checked it; one that cannot be read any more leaves the freshness to count.
  if (const Result<Schedule> schedule = Schedule::parse(replica.order.schedule); schedule)
    scheduled = schedule->next_run(now, std::hash<std::string>()(replica.order.name));
  return next_look_at(replica.order.freshness, scheduled, lease.began_at, now, seed);
}

Result<std::optional<Looked>> ReplicaWorker::work(const std::string& name, CrossingObserver* observer,
                                                  std::stop_token stop) {
  std::optional<Lease> lease = TRY(replicas_.take(name, options_.owner, options_.lease, clock_));
  if (!lease) return std::optional<Looked>();
  const std::optional<ReplicaRecord> replica = TRY(replicas_.find(name));
  if (!replica || replica->id != lease->replica) return Error(ErrorKind::Conflict, "{} was removed meanwhile", name);

  std::stop_source either;  // from outside, or because the lease is lost
  const std::stop_callback from_outside(std::move(stop), [&either] { either.request_stop(); });
  LeaseKeeper keeper(replicas_, *lease, options_.lease, clock_, either);
  Result<Looked> looked = look(*replica, *lease, observer, either.get_token());
  TRY(keeper.end());
  if (!looked && looked.error().kind() == ErrorKind::Cancelled) {
    TRY(replicas_.give_back(*lease, clock_.now()));
    return std::move(looked).error();
  }
  Looked seen = looked ? std::move(looked).value() : failed_look(looked.error());
  seen.look.next_look_at = next_look_of(*replica, *lease, seen);
  TRY(replicas_.record(*lease, seen.look, clock_.now()));
  return std::optional(std::move(seen));
}

}  // namespace packferry
