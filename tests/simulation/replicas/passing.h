// Stores that hand everything on to another one: what differs from it overrides a little of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalogue/alarm_records.h"
#include "catalogue/replicas.h"

namespace packferry::simulation {

class PassingReplicas : public Replicas {
 public:
  explicit PassingReplicas(Replicas& inner) : inner_(inner) {}
  using Time = Clock::WallTime;

  Result<> create(const ReplicaOrder& o, const std::string& by, const Admission& a) override {
    return inner_.create(o, by, a);
  }
  Result<std::optional<ReplicaOrder>> writer_of(const std::vector<std::string>& addresses) override {
    return inner_.writer_of(addresses);
  }
  Result<std::optional<ReplicaRecord>> find(const std::string& name) override { return inner_.find(name); }
  Result<std::vector<ReplicaRecord>> list(const std::string& a, std::size_t n) override { return inner_.list(a, n); }
  Result<std::vector<SourceOfReplica>> sources(std::int64_t after) override { return inner_.sources(after); }
  Result<> pause(const std::string& n, const std::string& by, Time now) override { return inner_.pause(n, by, now); }
  Result<> resume(const std::string& n, const std::string& by, Time now) override { return inner_.resume(n, by, now); }
  Result<> remove(const std::string& n, const std::string& by, Time now) override { return inner_.remove(n, by, now); }
  Result<> approve(const std::string& n, const std::string& d, const std::string& by, Time now) override {
    return inner_.approve(n, d, by, now);
  }
  Result<> trigger(const std::string& n, LookReason r, Time now) override { return inner_.trigger(n, r, now); }
  Result<std::size_t> trigger_readers(const std::string& url, LookReason r, Time now) override {
    return inner_.trigger_readers(url, r, now);
  }
  Result<std::size_t> wake(Time now) override { return inner_.wake(now); }
  Result<std::vector<DueLook>> due(Time now, std::size_t n) override { return inner_.due(now, n); }
  Result<std::vector<Load>> load() override { return inner_.load(); }
  Result<std::optional<Time>> next_event(Time now) override { return inner_.next_event(now); }
  Result<Depth> depth() override { return inner_.depth(); }
  Result<std::optional<Lease>> take(const std::string& n, const std::string& o, Milliseconds l,
                                    const Clock& clock) override {
    return inner_.take(n, o, l, clock);
  }
  Result<> renew(Lease& lease, Milliseconds length, Time now) override { return inner_.renew(lease, length, now); }
  Result<> note_change(const Lease& l, const std::string& s, Time now) override {
    return inner_.note_change(l, s, now);
  }
  Result<> record(const Lease& lease, const Look& look, Time now) override { return inner_.record(lease, look, now); }
  Result<> give_back(const Lease& lease, Time now) override { return inner_.give_back(lease, now); }
  Result<std::vector<LookRecord>> history(const std::string& n, std::size_t c) override { return inner_.history(n, c); }
  Result<std::vector<AuditEntry>> audit(const std::string& n, std::int64_t a, std::size_t c) override {
    return inner_.audit(n, a, c);
  }
  Result<std::vector<AuditEntry>> newest_audit(const std::string& n, std::optional<std::int64_t> b,
                                               std::size_t c) override {
    return inner_.newest_audit(n, b, c);
  }

 protected:
  Replicas& inner_;
};

class PassingAlarmRecords : public AlarmRecords {
 public:
  explicit PassingAlarmRecords(AlarmRecords& inner) : inner_(inner) {}
  Result<std::vector<AlarmRecord>> alarms() override { return inner_.alarms(); }
  Result<std::vector<NoticeRecord>> notices() override { return inner_.notices(); }
  Result<> record(const AlarmChange& change) override { return inner_.record(change); }

 protected:
  AlarmRecords& inner_;
};

}  // namespace packferry::simulation
