#include "planted_bugs.h"

#include "passing.h"

namespace packferry::simulation {
namespace {

class LostTrigger final : public PassingReplicas {
 public:
  using PassingReplicas::PassingReplicas;
  Result<> trigger(const std::string& name, LookReason reason, Time now) override {
    const std::optional<ReplicaRecord> replica = TRY(inner_.find(name));
    if (replica && replica->at_work) return {};
    return inner_.trigger(name, reason, now);
  }
};

class NoFence final : public PassingReplicas {
 public:
  using PassingReplicas::PassingReplicas;
  Result<> record(const Lease& lease, const Look& look, Time now) override {
    const std::optional<ReplicaRecord> replica = TRY(inner_.find(lease.name));
    Lease any = lease;
    if (replica && replica->at_work) any.epoch = replica->at_work->epoch;
    return inner_.record(any, look, now);
  }
};

class DeadLeases final : public PassingReplicas {
 public:
  using PassingReplicas::PassingReplicas;
  Result<std::size_t> wake(Time now) override {
    for (const ReplicaRecord& replica : TRY(inner_.list("", 100)))
      if (replica.at_work && replica.at_work->lease_until <= now) return std::size_t{0};
    return inner_.wake(now);
  }
};

class StaleClaim final : public PassingReplicas {
 public:
  using PassingReplicas::PassingReplicas;
  Result<std::optional<ReplicaRecord>> find(const std::string& name) override {
    std::optional<ReplicaRecord> replica = TRY(inner_.find(name));
    if (!replica || !replica->memory.looked_at) return replica;
    replica->memory.confirmed_at = replica->memory.looked_at;
    replica->memory.outcome = LookOutcome::Equal;
    return replica;
  }
};

class NoChain final : public PassingReplicas {
 public:
  using PassingReplicas::PassingReplicas;
  Result<> record(const Lease& lease, const Look& look, Time now) override {
    const std::optional<ReplicaRecord> replica = TRY(inner_.find(lease.name));
    Look silent = look;
    silent.changes.clear();
    if (replica) silent.source_state = replica->memory.confirmed_state;
    return inner_.record(lease, silent, now);
  }
};

class TrustsWorkers final : public PassingReplicas {
 public:
  using PassingReplicas::PassingReplicas;
  Result<std::vector<ReplicaRecord>> list(const std::string& after, std::size_t count_max) override {
    std::vector<ReplicaRecord> all = TRY(inner_.list(after, count_max));
    std::erase_if(all, [](const ReplicaRecord& replica) { return replica.at_work.has_value(); });
    return all;
  }
};

class ForgetsAlarms final : public PassingAlarmRecords {
 public:
  using PassingAlarmRecords::PassingAlarmRecords;
  Result<std::vector<AlarmRecord>> alarms() override { return std::vector<AlarmRecord>(); }
};

class ForgetsNotices final : public PassingAlarmRecords {
 public:
  using PassingAlarmRecords::PassingAlarmRecords;
  Result<std::vector<NoticeRecord>> notices() override { return std::vector<NoticeRecord>(); }
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
    case Bug::TrustsWorkers:
      return "trusts-workers";
    case Bug::ForgetsAlarms:
      return "forgets-alarms";
    case Bug::ForgetsNotices:
      return "forgets-notices";
  }
  CHECK(!"a Bug has a name");
  return {};
}

std::unique_ptr<Replicas> for_service(Replicas& replicas, Bug bug) {
  switch (bug) {
    case Bug::LostTrigger:
      return std::make_unique<LostTrigger>(replicas);
    case Bug::NoFence:
      return std::make_unique<NoFence>(replicas);
    case Bug::DeadLeases:
      return std::make_unique<DeadLeases>(replicas);
    case Bug::StaleClaim:
      return std::make_unique<StaleClaim>(replicas);
    case Bug::NoChain:
      return std::make_unique<NoChain>(replicas);
    default:
      return std::make_unique<PassingReplicas>(replicas);
  }
}

std::unique_ptr<Replicas> for_lookout(Replicas& replicas, Bug bug) {
  if (bug == Bug::TrustsWorkers) return std::make_unique<TrustsWorkers>(replicas);
  return std::make_unique<PassingReplicas>(replicas);
}

std::unique_ptr<AlarmRecords> for_lookout(AlarmRecords& records, Bug bug) {
  if (bug == Bug::ForgetsAlarms) return std::make_unique<ForgetsAlarms>(records);
  if (bug == Bug::ForgetsNotices) return std::make_unique<ForgetsNotices>(records);
  return std::make_unique<PassingAlarmRecords>(records);
}

}  // namespace packferry::simulation
