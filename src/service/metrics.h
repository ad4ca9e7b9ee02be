// What the service tells Prometheus: the text of /metrics, version 0.0.4, and the same in few numbers for CloudWatch.
// Gauges are made from what is remembered, at the moment of asking; counters begin with the process. prometheus-cpp
// stays inside.
//
// How many series there are is bounded: those of a replica go with it, looks take their time in one histogram and not
// in one for each replica, and of backups the kBackupsShown oldest are shown. 10,000 replicas that have all been looked
// at are 10 series each; what there is of all of them together has its own names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/catalogue.h"
#include "catalogue/replicas.h"
#include "service/alarms.h"
#include "service/replica.h"

namespace packferry {

// What a worker did.
struct LookFacts {
  std::string replica;
  std::string source_host;
  std::string destination_host;
  LookOutcome outcome = LookOutcome::Equal;
  Milliseconds duration{0};
  std::uint64_t pack_bytes = 0;
  std::uint64_t refs_changed = 0;
  bool throttled = false;  // by one of the two hosts
};

struct HostFacts {
  std::string host;
  std::size_t gate_width = 0;
  bool is_closed = false;
  std::size_t at_work = 0;
};

// Of a replica, what its series are made from: of a hundred thousand in one answer there is no more in memory.
struct ReplicaFacts {
  std::string name;  // printable
  ReplicaStatus status = ReplicaStatus::Initializing;
  Milliseconds lag{0};
  Milliseconds freshness{0};
  Milliseconds overdue{0};  // overdue_since()
  std::optional<Clock::WallTime> confirmed_at = {};
  unsigned failures = 0;
  std::size_t held_refs = 0;
  bool is_confirmed = true;  // within its freshness, or nobody expects it to be
};
ReplicaFacts facts_of(const ReplicaRecord& replica, Clock::WallTime now);

struct MetricsInput {
  Clock::WallTime now{};
  std::vector<ReplicaFacts> replicas = {};
  std::set<std::string> replica_hosts = {};  // of both their sides
  Replicas::Depth depth = {};
  std::vector<HostFacts> hosts = {};
  std::vector<Alarm> alarms = {};                       // Lookout::open_alarms()
  std::optional<Clock::WallTime> lookout_seen_at = {};  // Lookout::seen_at()
  std::vector<Delivery> backups = {};                   // backups_among()

  void add(const ReplicaRecord& replica);
};

struct MetricInfo {
  enum class Type { Gauge, Counter, Histogram } type;
  std::string_view name;
  std::vector<std::string_view> labels;
  std::string_view help;
};
// Every one that there is; docs/monitoring.md has them too.
const std::vector<MetricInfo>& service_metrics();

// Safe from several threads.
class ServiceMetrics {
 public:
  static constexpr std::size_t kBackupsShown = 1'000;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  ServiceMetrics(std::string version, Clock::WallTime started_at);
  ~ServiceMetrics();

  void look_ended(const LookFacts& look);
  // Counters of replicas and hosts that the input does not have any more are forgotten.
  std::string text(const MetricsInput& input);

 private:
  struct Counters;
  struct Totals;
  Totals totals_of(const MetricsInput& input);
  const std::unique_ptr<Counters> counters_;
  const std::string version_;
  const Clock::WallTime started_at_;
};

// Lines of CloudWatch's embedded metric format, namespace "Packferry": one of the service, and if wanted one of each
// replica, whose metrics CloudWatch bills one by one. `service` tells several services apart.
std::string embedded_metrics(const MetricsInput& input, std::string_view service, bool each_replica);

}  // namespace packferry
