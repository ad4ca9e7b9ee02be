#include "service/metrics.h"

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include "base/printable.h"
#include "service/embedded_metrics.h"
#include "service/objectives.h"

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

const MetricInfo& info_of(std::string_view name) {
  const auto info = std::ranges::find(service_metrics(), name, &MetricInfo::name);
  CHECK(info != service_metrics().end());
  return *info;
}

prometheus::MetricType type_of(Type type) {
  if (type == Type::Histogram) return prometheus::MetricType::Histogram;
  return type == Type::Counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
}

// The samples of one metric. A label's value may be anybody's words.
class Samples {
 public:
  explicit Samples(const MetricInfo& info)
      : info_(info),
        family_{
            .name = std::string(info.name), .help = std::string(info.help), .type = type_of(info.type), .metric = {}} {}

  void add(double value, std::initializer_list<std::string_view> labels = {}) {
    prometheus::ClientMetric& metric = next(labels);
    metric.gauge.value = value;
    metric.counter.value = value;
  }
  void add(const prometheus::ClientMetric::Histogram& histogram) { next({}).histogram = histogram; }

  prometheus::MetricFamily take() && { return std::move(family_); }

 private:
  prometheus::ClientMetric& next(std::initializer_list<std::string_view> values) {
    CHECK(info_.labels.size() == values.size());
    prometheus::ClientMetric& metric = family_.metric.emplace_back();
    metric.label.reserve(values.size());
    const auto* value = values.begin();
    for (const std::string_view label : info_.labels)
      metric.label.push_back({.name = std::string(label), .value = printable(*value++)});
    return metric;
  }

  const MetricInfo& info_;
  prometheus::MetricFamily family_;
};

// The text of an answer. The library's samples are much larger than their lines, so there are only those of one metric
// at a time.
class Exposition {
 public:
  void add(std::string_view name, const std::function<void(Samples&)>& fill) {
    Samples samples(info_of(name));
    fill(samples);
    const std::vector<prometheus::MetricFamily> family{std::move(samples).take()};
    if (family.front().metric.empty()) return;
    // The library writes into a stream and nothing else.
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, family);
    text_ += out.view();
  }
  void add(std::string_view name, double value, std::initializer_list<std::string_view> labels = {}) {
    add(name, [&](Samples& samples) { samples.add(value, labels); });
  }

  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

// What looks have added up to.
struct Work {
  std::array<std::uint64_t, kOutcomes.size()> looks{};  // by outcome
  std::uint64_t pack_bytes = 0;
  std::uint64_t refs_changed = 0;
  Milliseconds duration{0};

  void add(const LookFacts& look) {
    ++looks[static_cast<std::size_t>(look.outcome)];
    pack_bytes += look.pack_bytes;
    refs_changed += look.refs_changed;
    duration += look.duration;
  }
  std::uint64_t of(LookOutcome outcome) const { return looks[static_cast<std::size_t>(outcome)]; }
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

void add_replicas(Exposition& to, const std::vector<ReplicaFacts>& replicas) {
  using Value = std::function<std::optional<double>(const ReplicaFacts&)>;
  const auto add = [&](std::string_view name, const Value& value_of) {
    to.add(name, [&](Samples& samples) {
      for (const ReplicaFacts& replica : replicas)
        if (const std::optional<double> value = value_of(replica)) samples.add(*value, {replica.name});
    });
  };
  to.add("packferry_replica_status", [&](Samples& samples) {
    for (const ReplicaFacts& replica : replicas) samples.add(1, {replica.name, to_string(replica.status)});
  });
  add("packferry_replica_lag_seconds", [](const ReplicaFacts& replica) { return seconds(replica.lag); });
  add("packferry_replica_freshness_seconds", [](const ReplicaFacts& replica) { return seconds(replica.freshness); });
  add("packferry_replica_confirmed_timestamp_seconds", [](const ReplicaFacts& replica) {
    return replica.confirmed_at ? std::optional(timestamp(*replica.confirmed_at)) : std::nullopt;
  });
  add("packferry_replica_failures", [](const ReplicaFacts& replica) { return replica.failures; });
  add("packferry_replica_held_refs", [](const ReplicaFacts& replica) { return number(replica.held_refs); });
}

void add_work(Exposition& to, const std::map<std::string, Work>& of_replicas) {
  const auto add = [&](std::string_view name, const std::function<double(const Work&)>& value_of) {
    to.add(name, [&](Samples& samples) {
      for (const auto& [replica, work] : of_replicas) samples.add(value_of(work), {replica});
    });
  };
  to.add("packferry_replica_looks_total", [&](Samples& samples) {
    for (const auto& [replica, work] : of_replicas)
      for (const LookOutcome outcome : kOutcomes)
        if (work.of(outcome) > 0) samples.add(number(work.of(outcome)), {replica, to_string(outcome)});
  });
  add("packferry_replica_look_seconds_total", [](const Work& work) { return seconds(work.duration); });
  add("packferry_replica_pack_bytes_total", [](const Work& work) { return number(work.pack_bytes); });
  add("packferry_replica_refs_changed_total", [](const Work& work) { return number(work.refs_changed); });
}

void add_hosts(Exposition& to, const std::vector<HostFacts>& hosts) {
  const auto add = [&](std::string_view name, const std::function<double(const HostFacts&)>& value_of) {
    to.add(name, [&](Samples& samples) {
      for (const HostFacts& host : hosts) samples.add(value_of(host), {host.host});
    });
  };
  add("packferry_host_gate_width", [](const HostFacts& host) { return number(host.gate_width); });
  add("packferry_host_gate_closed", [](const HostFacts& host) { return host.is_closed ? 1 : 0; });
  add("packferry_host_looks_at_work", [](const HostFacts& host) { return number(host.at_work); });
}

std::map<ReplicaStatus, std::size_t> count_statuses(const MetricsInput& input) {
  std::map<ReplicaStatus, std::size_t> counts;
  for (const ReplicaFacts& replica : input.replicas) ++counts[replica.status];
  return counts;
}

double overdue_seconds(const MetricsInput& input) {
  Milliseconds longest{0};
  for (const ReplicaFacts& replica : input.replicas) longest = std::max(longest, replica.overdue);
  return seconds(longest);
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
  to.add("packferry_backup_age_seconds", [&](Samples& samples) {
    for (const auto& [negative_age, backup] : oldest_first)
      samples.add(-negative_age, {backup->key.order, backup->key.source, backup->key.destination});
  });
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
  to.add("packferry_alarms", [&](Samples& samples) {
    for (const auto& [what, count] : counts) samples.add(number(count), {what.first, to_string(what.second)});
  });
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
  std::set<std::string> hosts = input.replica_hosts;
  for (const HostFacts& host : input.hosts) hosts.insert(host.host);
  return hosts;
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

struct ServiceMetrics::Totals {
  Work all;
  std::map<std::string, Work> of_replicas;         // by printable name
  std::map<std::string, std::uint64_t> throttles;  // by host
};

// The histogram guards itself.
struct ServiceMetrics::Counters {
  // From a look that finds nothing to do to one that carries a large repository for the first time.
  prometheus::Histogram durations{{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1'800, 7'200}};

  std::mutex mutex;  // of the rest
  Totals totals;
};

ServiceMetrics::ServiceMetrics(std::string version, Clock::WallTime started_at)
    : counters_(std::make_unique<Counters>()), version_(std::move(version)), started_at_(started_at) {}

ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::look_ended(const LookFacts& look) {
  counters_->durations.Observe(seconds(look.duration));
  const std::lock_guard lock(counters_->mutex);
  Totals& totals = counters_->totals;
  totals.all.add(look);
  totals.of_replicas[printable(look.replica)].add(look);
  if (!look.throttled) return;
  for (const std::string& host : std::set{look.source_host, look.destination_host}) ++totals.throttles[host];
}

ReplicaFacts facts_of(const ReplicaRecord& replica, Clock::WallTime now) {
  const std::optional<Clock::WallTime> overdue = overdue_since(replica, now);
  return {.name = printable(replica.order.name),
          .status = status_of(replica, now),
          .lag = lag_of(replica, now),
          .freshness = replica.order.freshness,
          .overdue = overdue ? std::chrono::duration_cast<Milliseconds>(now - *overdue) : Milliseconds(0),
          .confirmed_at = replica.memory.confirmed_at,
          .failures = replica.memory.failures,
          .held_refs = refs_held(replica),
          .is_confirmed = !is_not_confirmed(replica, now)};
}

void MetricsInput::add(const ReplicaRecord& replica) {
  replicas.push_back(facts_of(replica, now));
  replica_hosts.insert(replica.order.source.host);
  replica_hosts.insert(replica.order.destination.host);
}

// Of what `input` still has; the rest is forgotten. A copy, so that nobody who has looked waits for the text.
ServiceMetrics::Totals ServiceMetrics::totals_of(const MetricsInput& input) {
  std::set<std::string_view> names;
  for (const ReplicaFacts& replica : input.replicas) names.insert(replica.name);
  const std::set<std::string> hosts = hosts_of(input);
  const std::lock_guard lock(counters_->mutex);
  Totals& totals = counters_->totals;
  std::erase_if(totals.of_replicas, [&names](const auto& each) { return !names.contains(each.first); });
  std::erase_if(totals.throttles, [&hosts](const auto& each) { return !hosts.contains(each.first); });
  for (const std::string& host : hosts) totals.throttles.try_emplace(host, 0);
  return totals;
}

std::string ServiceMetrics::text(const MetricsInput& input) {
  Exposition to;
  to.add("packferry_build_info", 1, {version_});
  to.add("process_start_time_seconds", timestamp(started_at_));
  to.add("packferry_replicas", [&](Samples& samples) {
    std::map<ReplicaStatus, std::size_t> counts = count_statuses(input);
    for (const ReplicaStatus status : kStatuses) samples.add(number(counts[status]), {to_string(status)});
  });
  add_replicas(to, input.replicas);
  add_queue(to, input);
  add_hosts(to, input.hosts);
  add_alarms(to, input);
  add_backups(to, input);

  const prometheus::ClientMetric::Histogram durations = counters_->durations.Collect().histogram;
  to.add("packferry_look_duration_seconds", [&](Samples& samples) { samples.add(durations); });
  const Totals totals = totals_of(input);
  to.add("packferry_looks_total", [&](Samples& samples) {
    for (const LookOutcome outcome : kOutcomes) samples.add(number(totals.all.of(outcome)), {to_string(outcome)});
  });
  to.add("packferry_pack_bytes_total", number(totals.all.pack_bytes));
  to.add("packferry_refs_changed_total", number(totals.all.refs_changed));
  add_work(to, totals.of_replicas);
  to.add("packferry_host_throttles_total", [&](Samples& samples) {
    for (const auto& [host, throttles] : totals.throttles) samples.add(number(throttles), {host});
  });
  return std::move(to).take();
}

std::string embedded_metrics(const MetricsInput& input, std::string_view service, bool each_replica) {
  std::map<ReplicaStatus, std::size_t> counts = count_statuses(input);
  const std::string name(service);
  double longest_lag = 0;
  std::size_t not_confirmed = 0;
  std::string lines;
  for (const ReplicaFacts& replica : input.replicas) {
    const double lag = seconds(replica.lag);
    const bool is_watched = replica.status != ReplicaStatus::Paused && replica.status != ReplicaStatus::Deleting;
    if (is_watched) longest_lag = std::max(longest_lag, lag);
    if (!replica.is_confirmed) ++not_confirmed;
    if (!each_replica) continue;
    lines += embedded_metrics_line({{"Service", name}, {"Replica", replica.name}},
                                   {{"LagSeconds", "Seconds", lag},
                                    {"UpToDate", "Count", replica.status == ReplicaStatus::UpToDate ? 1.0 : 0.0},
                                    {"Failures", "Count", static_cast<double>(replica.failures)}},
                                   input.now, {{"Status", std::string(to_string(replica.status))}});
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
