#include "service/metrics.h"

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include "base/printable.h"
#include "service/embedded_metrics.h"
#include "service/objectives.h"
#include "service/replica.h"

namespace packferry {
namespace {

using Type = MetricInfo::Type;

constexpr std::array kOutcomes{LookOutcome::Equal, LookOutcome::Held, LookOutcome::Diverged, LookOutcome::Failed};
constexpr std::array kStatuses{ReplicaStatus::Deleting,    ReplicaStatus::Paused,   ReplicaStatus::Held,
                               ReplicaStatus::Failing,     ReplicaStatus::Diverged, ReplicaStatus::Initializing,
                               ReplicaStatus::Replicating, ReplicaStatus::Behind,   ReplicaStatus::UpToDate};

double seconds(Clock::WallTime::duration duration) { return std::chrono::duration<double>(duration).count(); }
double timestamp(Clock::WallTime time) { return seconds(time.time_since_epoch()); }
double age(Clock::WallTime since, Clock::WallTime now) { return std::max(seconds(now - since), 0.0); }

// The metrics of one answer, by name. A label's value may be anybody's words.
class Exposition {
 public:
  Exposition() {
    for (const MetricInfo& info : service_metrics()) {
      places_.emplace(info.name, families_.size());
      families_.push_back(
          {.name = std::string(info.name), .help = std::string(info.help), .type = type_of(info.type), .metric = {}});
    }
  }

  void add(std::string_view name, double value, std::initializer_list<std::string_view> labels = {}) {
    prometheus::ClientMetric& metric = next(name, labels);
    metric.gauge.value = value;
    metric.counter.value = value;
  }
  void add(std::string_view name, const prometheus::ClientMetric::Histogram& histogram) {
    next(name, {}).histogram = histogram;
  }

  std::string text() const {
    std::vector<prometheus::MetricFamily> used;
    for (const prometheus::MetricFamily& family : families_)
      if (!family.metric.empty()) used.push_back(family);
    // The library writes into a stream and nothing else.
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, used);
    return std::move(out).str();
  }

 private:
  static prometheus::MetricType type_of(Type type) {
    if (type == Type::Histogram) return prometheus::MetricType::Histogram;
    return type == Type::Counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  }

  prometheus::ClientMetric& next(std::string_view name, std::initializer_list<std::string_view> values) {
    const auto place = places_.find(name);
    CHECK(place != places_.end());
    const std::vector<std::string_view>& labels = service_metrics()[place->second].labels;
    CHECK(labels.size() == values.size());
    prometheus::ClientMetric& metric = families_[place->second].metric.emplace_back();
    const auto* value = values.begin();
    for (const std::string_view label : labels)
      metric.label.push_back({.name = std::string(label), .value = printable(*value++)});
    return metric;
  }

  std::vector<prometheus::MetricFamily> families_;
  std::map<std::string_view, std::size_t> places_;
};

// What looks have added up to.
struct Work {
  std::map<LookOutcome, std::uint64_t> looks;
  std::uint64_t pack_bytes = 0;
  std::uint64_t refs_changed = 0;
  Milliseconds duration{0};

  void add(const LookFacts& look) {
    ++looks[look.outcome];
    pack_bytes += look.pack_bytes;
    refs_changed += look.refs_changed;
    duration += look.duration;
  }
};

double number(std::uint64_t count) { return static_cast<double>(count); }

// A line for each ref, and perhaps how many more there are.
std::size_t refs_held(const ReplicaRecord& replica) {
  if (!replica.memory.held) return 0;
  return static_cast<std::size_t>(std::ranges::count(replica.memory.held->text, '\n'));
}

bool is_not_confirmed(const ReplicaRecord& replica, Clock::WallTime now) {
  if (replica.paused || replica.deleting) return false;
  return now - replica.memory.confirmed_at.value_or(replica.order.created_at) > replica.order.freshness;
}

void add_replica(Exposition& to, const ReplicaRecord& replica, Clock::WallTime now) {
  const std::string& name = replica.order.name;
  to.add("packferry_replica_status", 1, {name, to_string(status_of(replica, now))});
  to.add("packferry_replica_lag_seconds", seconds(lag_of(replica, now)), {name});
  to.add("packferry_replica_freshness_seconds", seconds(replica.order.freshness), {name});
  if (replica.memory.confirmed_at)
    to.add("packferry_replica_confirmed_timestamp_seconds", timestamp(*replica.memory.confirmed_at), {name});
  to.add("packferry_replica_failures", replica.memory.failures, {name});
  to.add("packferry_replica_held_refs", number(refs_held(replica)), {name});
}

void add_work(Exposition& to, const std::string& replica, const Work& work) {
  for (const auto& [outcome, count] : work.looks)
    to.add("packferry_replica_looks_total", number(count), {replica, to_string(outcome)});
  to.add("packferry_replica_look_seconds_total", seconds(work.duration), {replica});
  to.add("packferry_replica_pack_bytes_total", number(work.pack_bytes), {replica});
  to.add("packferry_replica_refs_changed_total", number(work.refs_changed), {replica});
}

std::map<ReplicaStatus, std::size_t> count_statuses(const MetricsInput& input) {
  std::map<ReplicaStatus, std::size_t> counts;
  for (const ReplicaRecord& replica : input.replicas) ++counts[status_of(replica, input.now)];
  return counts;
}

double overdue_seconds(const MetricsInput& input) {
  double longest = 0;
  for (const ReplicaRecord& replica : input.replicas)
    if (const std::optional<Clock::WallTime> since = overdue_since(replica, input.now))
      longest = std::max(longest, age(*since, input.now));
  return longest;
}

// Never seen to be good is older than everything.
double backup_age(const Delivery& backup, Clock::WallTime now) {
  const std::optional<Clock::WallTime> since = backup_since(backup);
  return since ? age(*since, now) : std::numeric_limits<double>::infinity();
}

void add_backups(Exposition& to, const MetricsInput& input) {
  std::vector<std::pair<double, const Delivery*>> oldest_first;
  for (const Delivery& backup : input.backups) oldest_first.emplace_back(-backup_age(backup, input.now), &backup);
  std::ranges::sort(oldest_first);
  to.add("packferry_backups", number(oldest_first.size()));
  if (!oldest_first.empty()) to.add("packferry_backup_oldest_age_seconds", -oldest_first.front().first);
  oldest_first.resize(std::min(oldest_first.size(), ServiceMetrics::kBackupsShown));
  for (const auto& [negative_age, backup] : oldest_first)
    to.add("packferry_backup_age_seconds", -negative_age,
           {backup->key.order, backup->key.source, backup->key.destination});
}

void add_alarms(Exposition& to, const MetricsInput& input) {
  std::map<std::pair<std::string_view, Severity>, std::size_t> counts;
  std::size_t raised = 0;
  for (const Alarm& alarm : input.alarms) {
    if (!alarm.raised_at) continue;
    ++raised;
    ++counts[{alarm.trouble.kind, alarm.trouble.severity}];
  }
  to.add("packferry_alarms_open", number(raised));
  for (const auto& [what, count] : counts)
    to.add("packferry_alarms", number(count), {what.first, to_string(what.second)});
  if (input.lookout_seen_at) to.add("packferry_lookout_seen_timestamp_seconds", timestamp(*input.lookout_seen_at));
}

void add_queue(Exposition& to, const MetricsInput& input) {
  to.add("packferry_queue_waiting", number(input.depth.waiting));
  to.add("packferry_queue_at_work", number(input.depth.at_work));
  to.add("packferry_queue_oldest_trigger_seconds",
         input.depth.oldest_trigger ? age(*input.depth.oldest_trigger, input.now) : 0);
  to.add("packferry_queue_overdue_seconds", overdue_seconds(input));
}

std::set<std::string> hosts_of(const MetricsInput& input) {
  std::set<std::string> hosts;
  for (const HostFacts& host : input.hosts) hosts.insert(host.host);
  for (const ReplicaRecord& replica : input.replicas) {
    hosts.insert(replica.order.source.host);
    hosts.insert(replica.order.destination.host);
  }
  return hosts;
}

std::set<std::string_view> names_of(const MetricsInput& input) {
  std::set<std::string_view> names;
  for (const ReplicaRecord& replica : input.replicas) names.insert(replica.order.name);
  return names;
}

}  // namespace

const std::vector<MetricInfo>& service_metrics() {
  static const std::vector<MetricInfo> kMetrics = {
      {Type::Gauge, "packferry_build_info", {"version"}, "1; what runs"},
      {Type::Gauge, "process_start_time_seconds", {}, "When the service was started, since 1970"},
      {Type::Gauge, "packferry_replicas", {"status"}, "Replicas, by their status"},
      {Type::Gauge, "packferry_replica_status", {"replica", "status"}, "1 for the status that a replica has"},
      {Type::Gauge,
       "packferry_replica_lag_seconds",
       {"replica"},
       "Age of the oldest change that is not known to be at the destination"},
      {Type::Gauge,
       "packferry_replica_confirmed_timestamp_seconds",
       {"replica"},
       "When the last look began that found both sides equal; absent when there was none"},
      {Type::Gauge, "packferry_replica_freshness_seconds", {"replica"}, "How long ago that may be, as it was ordered"},
      {Type::Gauge, "packferry_replica_failures", {"replica"}, "Looks that failed, in a row"},
      {Type::Gauge, "packferry_replica_held_refs", {"replica"}, "Refs of the plan that waits for a person"},
      {Type::Counter, "packferry_replica_looks_total", {"replica", "outcome"}, "Looks that have ended"},
      {Type::Counter, "packferry_replica_look_seconds_total", {"replica"}, "What they took"},
      {Type::Counter, "packferry_replica_pack_bytes_total", {"replica"}, "Bytes of packs that they carried"},
      {Type::Counter, "packferry_replica_refs_changed_total", {"replica"}, "Refs that they changed"},
      {Type::Counter, "packferry_looks_total", {"outcome"}, "Looks of all replicas that have ended"},
      {Type::Histogram, "packferry_look_duration_seconds", {}, "What a look took"},
      {Type::Counter, "packferry_pack_bytes_total", {}, "Bytes of packs that looks carried"},
      {Type::Counter, "packferry_refs_changed_total", {}, "Refs that looks changed"},
      {Type::Gauge, "packferry_host_gate_width", {"host"}, "How many looks a host may have at work"},
      {Type::Gauge, "packferry_host_gate_closed", {"host"}, "1 while a host that throttled is left alone"},
      {Type::Gauge, "packferry_host_looks_at_work", {"host"}, "How many it has, as source or destination"},
      {Type::Counter, "packferry_host_throttles_total", {"host"}, "Looks that it, or the other end's host, throttled"},
      {Type::Gauge, "packferry_queue_waiting", {}, "Looks that wait"},
      {Type::Gauge, "packferry_queue_at_work", {}, "Looks that are at work"},
      {Type::Gauge, "packferry_queue_oldest_trigger_seconds", {}, "Age of the oldest trigger that waits"},
      {Type::Gauge,
       "packferry_queue_overdue_seconds",
       {},
       "For how long the oldest look has been due that nobody has begun"},
      {Type::Gauge, "packferry_alarms_open", {}, "Alarms that were raised and are not over"},
      {Type::Gauge, "packferry_alarms", {"kind", "severity"}, "The same, by what is wrong"},
      {Type::Gauge,
       "packferry_lookout_seen_timestamp_seconds",
       {},
       "When the lookout last could read everything; absent when it never could"},
      {Type::Gauge, "packferry_backups", {}, "Backups that are expected, one of each repository and store"},
      {Type::Gauge, "packferry_backup_oldest_age_seconds", {}, "Age of the oldest of them; +Inf when one never was"},
      {Type::Gauge,
       "packferry_backup_age_seconds",
       {"order", "source", "destination"},
       "Since when the newest snapshot was last confirmed; of the oldest 1,000"},
  };
  return kMetrics;
}

// The histogram guards itself.
struct ServiceMetrics::Counters {
  // From a look that finds nothing to do to one that carries a large repository for the first time.
  prometheus::Histogram durations{{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1'800, 7'200}};

  std::mutex mutex;  // of all below
  Work all;
  std::map<std::string, Work> of_replicas;
  std::map<std::string, std::uint64_t> throttles;  // by host
};

ServiceMetrics::ServiceMetrics(std::string version, Clock::WallTime started_at)
    : counters_(std::make_unique<Counters>()), version_(std::move(version)), started_at_(started_at) {}

ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::look_ended(const LookFacts& look) {
  counters_->durations.Observe(seconds(look.duration));
  const std::lock_guard lock(counters_->mutex);
  counters_->all.add(look);
  counters_->of_replicas[look.replica].add(look);
  if (!look.throttled) return;
  for (const std::string& host : std::set{look.source_host, look.destination_host}) ++counters_->throttles[host];
}

std::string ServiceMetrics::text(const MetricsInput& input) {
  Exposition to;
  to.add("packferry_build_info", 1, {version_});
  to.add("process_start_time_seconds", timestamp(started_at_));

  std::map<ReplicaStatus, std::size_t> counts = count_statuses(input);
  for (const ReplicaStatus status : kStatuses)
    to.add("packferry_replicas", number(counts[status]), {to_string(status)});
  for (const ReplicaRecord& replica : input.replicas) add_replica(to, replica, input.now);
  add_queue(to, input);
  for (const HostFacts& host : input.hosts) {
    to.add("packferry_host_gate_width", number(host.gate_width), {host.host});
    to.add("packferry_host_gate_closed", host.is_closed ? 1 : 0, {host.host});
    to.add("packferry_host_looks_at_work", number(host.at_work), {host.host});
  }
  add_alarms(to, input);
  add_backups(to, input);

  to.add("packferry_look_duration_seconds", counters_->durations.Collect().histogram);
  const std::set<std::string_view> names = names_of(input);
  const std::set<std::string> hosts = hosts_of(input);
  {
    const std::lock_guard lock(counters_->mutex);
    std::erase_if(counters_->of_replicas, [&names](const auto& each) { return !names.contains(each.first); });
    std::erase_if(counters_->throttles, [&hosts](const auto& each) { return !hosts.contains(each.first); });
    for (const LookOutcome outcome : kOutcomes)
      to.add("packferry_looks_total", number(counters_->all.looks[outcome]), {to_string(outcome)});
    to.add("packferry_pack_bytes_total", number(counters_->all.pack_bytes));
    to.add("packferry_refs_changed_total", number(counters_->all.refs_changed));
    for (const auto& [replica, work] : counters_->of_replicas) add_work(to, replica, work);
    for (const std::string& host : hosts)
      to.add("packferry_host_throttles_total", number(counters_->throttles[host]), {host});
  }
  return to.text();
}

std::string embedded_metrics(const MetricsInput& input, std::string_view service, bool each_replica) {
  std::map<ReplicaStatus, std::size_t> counts = count_statuses(input);
  const std::string name(service);
  double longest_lag = 0;
  std::size_t not_confirmed = 0;
  std::string lines;
  for (const ReplicaRecord& replica : input.replicas) {
    const double lag = seconds(lag_of(replica, input.now));
    const bool is_watched = !replica.paused && !replica.deleting;
    if (is_watched) longest_lag = std::max(longest_lag, lag);
    if (is_not_confirmed(replica, input.now)) ++not_confirmed;
    if (!each_replica) continue;
    const ReplicaStatus status = status_of(replica, input.now);
    lines += embedded_metrics_line({{"Service", name}, {"Replica", replica.order.name}},
                                   {{"LagSeconds", "Seconds", lag},
                                    {"UpToDate", "Count", status == ReplicaStatus::UpToDate ? 1.0 : 0.0},
                                    {"Failures", "Count", static_cast<double>(replica.memory.failures)}},
                                   input.now, {{"Status", std::string(to_string(status))}});
  }
  double oldest_backup = 0;
  for (const Delivery& backup : input.backups) oldest_backup = std::max(oldest_backup, backup_age(backup, input.now));
  // JSON has no infinity, and CloudWatch takes nothing above 2^360.
  oldest_backup = std::min(oldest_backup, timestamp(input.now));
  const auto raised =
      std::ranges::count_if(input.alarms, [](const Alarm& alarm) { return alarm.raised_at.has_value(); });
  return lines + embedded_metrics_line({{"Service", name}},
                                       {{"Replicas", "Count", number(input.replicas.size())},
                                        {"ReplicasHeld", "Count", number(counts[ReplicaStatus::Held])},
                                        {"ReplicasFailing", "Count", number(counts[ReplicaStatus::Failing])},
                                        {"ReplicasDiverged", "Count", number(counts[ReplicaStatus::Diverged])},
                                        {"ReplicasNotConfirmed", "Count", number(not_confirmed)},
                                        {"LongestLagSeconds", "Seconds", longest_lag},
                                        {"QueueOverdueSeconds", "Seconds", overdue_seconds(input)},
                                        {"OldestBackupSeconds", "Seconds", oldest_backup},
                                        {"AlarmsOpen", "Count", static_cast<double>(raised)}},
                                       input.now);
}

}  // namespace packferry
