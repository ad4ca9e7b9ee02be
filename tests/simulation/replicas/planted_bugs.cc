#include "planted_bugs.h"

namespace packferry::simulation {
namespace {

// Hands everything on.
class Passing : public Replicas {
 public:
  explicit Passing(std::unique_ptr<Replicas> inner) : inner_(std::move(inner)) {}
  using Time = Clock::WallTime;

  Result<> create(const ReplicaOrder& o, const std::string& by, const Admission& a) override {
    return inner_->create(o, by, a);
  }
  Result<std::optional<ReplicaRecord>> find(const std::string& name) override { return inner_->find(name); }
  Result<std::vector<ReplicaRecord>> list(const std::string& a, std::size_t n) override { return inner_->list(a, n); }
  Result<std::vector<SourceOfReplica>> sources(std::int64_t after) override { return inner_->sources(after); }
  Result<> pause(const std::string& n, const std::string& by, Time now) override { return inner_->pause(n, by, now); }
  Result<> resume(const std::string& n, const std::string& by, Time now) override { return inner_->resume(n, by, now); }
  Result<> remove(const std::string& n, const std::string& by, Time now) override { return inner_->remove(n, by, now); }
  Result<> approve(const std::string& n, const std::string& d, const std::string& by, Time now) override {
    return inner_->approve(n, d, by, now);
  }
  Result<> trigger(const std::string& n, LookReason r, Time now) override { return inner_->trigger(n, r, now); }
  Result<std::size_t> trigger_readers(const std::string& url, LookReason r, Time now) override {
    return inner_->trigger_readers(url, r, now);
  }
  Result<std::size_t> wake(Time now) override { return inner_->wake(now); }
  Result<std::vector<DueLook>> due(Time now, std::size_t n) override { return inner_->due(now, n); }
  Result<std::vector<Load>> load() override { return inner_->load(); }
  Result<std::optional<Time>> next_event(Time now) override { return inner_->next_event(now); }
  Result<Depth> depth() override { return inner_->depth(); }
  Result<std::optional<Lease>> take(const std::string& n, const std::string& o, Milliseconds l, Time now) override {
    return inner_->take(n, o, l, now);
  }
  Result<> renew(Lease& lease, Milliseconds length, Time now) override { return inner_->renew(lease, length, now); }
  Result<> note_change(const Lease& l, const std::string& s, Time now) override {
    return inner_->note_change(l, s, now);
  }
  Result<> record(const Lease& lease, const Look& look, Time now) override { return inner_->record(lease, look, now); }
  Result<> give_back(const Lease& lease, Time now) override { return inner_->give_back(lease, now); }
  Result<std::vector<LookRecord>> history(const std::string& n, std::size_t c) override {
    return inner_->history(n, c);
  }
  Result<std::vector<AuditEntry>> audit(const std::string& n, std::int64_t a, std::size_t c) override {
    return inner_->audit(n, a, c);
  }

 protected:
  const std::unique_ptr<Replicas> inner_;
};

class LostTrigger final : public Passing {
 public:
  using Passing::Passing;
  Result<> trigger(const std::string& name, LookReason reason, Time now) override {
    const std::optional<ReplicaRecord> replica = TRY(inner_->find(name));
    if (replica && replica->at_work) return {};
    return inner_->trigger(name, reason, now);
  }
};

class NoFence final : public Passing {
 public:
  using Passing::Passing;
  Result<> record(const Lease& lease, const Look& look, Time now) override {
    const std::optional<ReplicaRecord> replica = TRY(inner_->find(lease.name));
    Lease any = lease;
    if (replica && replica->at_work) any.epoch = replica->at_work->epoch;
    return inner_->record(any, look, now);
  }
};

class DeadLeases final : public Passing {
 public:
  using Passing::Passing;
  Result<std::size_t> wake(Time now) override {
    for (const ReplicaRecord& replica : TRY(inner_->list("", 100)))
      if (replica.at_work && replica.at_work->lease_until <= now) return std::size_t{0};
    return inner_->wake(now);
  }
};

class StaleClaim final : public Passing {
 public:
  using Passing::Passing;
  Result<std::optional<ReplicaRecord>> find(const std::string& name) override {
    std::optional<ReplicaRecord> replica = TRY(inner_->find(name));
    if (!replica || !replica->memory.looked_at) return replica;
    replica->memory.confirmed_at = replica->memory.looked_at;
    replica->memory.outcome = LookOutcome::Equal;
    return replica;
  }
};

class NoChain final : public Passing {
 public:
  using Passing::Passing;
  Result<> record(const Lease& lease, const Look& look, Time now) override {
    const std::optional<ReplicaRecord> replica = TRY(inner_->find(lease.name));
    Look silent = look;
    silent.changes.clear();
    if (replica) silent.source_state = replica->memory.confirmed_state;
    return inner_->record(lease, silent, now);
  }
};

}  // namespace

std::string_view to_string(Bug bug) {
  switch (bug) {
    case Bug::None:
      return "none";
    case Bug::LostTrigger:
      return "lost-trigger";
    case Bug::NoFence:
      return "no-fence";
    case Bug::DeadLeases:
      return "dead-leases";
    case Bug::StaleClaim:
      return "stale-claim";
    case Bug::NoChain:
      return "no-chain";
  }
  CHECK(!"a Bug has a name");
  return {};
}

std::unique_ptr<Replicas> with_bug(std::unique_ptr<Replicas> replicas, Bug bug) {
  switch (bug) {
    case Bug::None:
      return replicas;
    case Bug::LostTrigger:
      return std::make_unique<LostTrigger>(std::move(replicas));
    case Bug::NoFence:
      return std::make_unique<NoFence>(std::move(replicas));
    case Bug::DeadLeases:
      return std::make_unique<DeadLeases>(std::move(replicas));
    case Bug::StaleClaim:
      return std::make_unique<StaleClaim>(std::move(replicas));
    case Bug::NoChain:
      return std::make_unique<NoChain>(std::move(replicas));
  }
  CHECK(!"a Bug can be planted");
  return nullptr;
}

}  // namespace packferry::simulation
