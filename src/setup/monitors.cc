#include "setup/monitors.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "setup/template.h"

namespace packferry {
namespace {

using Json = nlohmann::ordered_json;

// As of the lookout: three times what is allowed is critical.
constexpr int kCriticalFactor = 3;

std::string seconds(Milliseconds duration) { return fmt::format("{}", duration / Milliseconds(1'000)); }

struct CloudWatchAlarm {
  const char* id;
  const char* name;
  const char* metric;
  const char* why;
  std::string threshold;
  const char* periods;  // of five minutes
};

// A value that is missing says nothing here: that the service is silent is an alarm of its own.
Result<std::string> alarm_block(const MonitorOptions& options, const CloudWatchAlarm& alarm,
                                const std::string& actions) {
  return fill_template(template_text("stack_monitors_alarm"), {.words = {{"id", alarm.id},
                                                                         {"name", alarm.name},
                                                                         {"service", options.name},
                                                                         {"metric", alarm.metric},
                                                                         {"why", alarm.why},
                                                                         {"statistic", "Maximum"},
                                                                         {"periods", alarm.periods},
                                                                         {"comparison", "GreaterThanThreshold"},
                                                                         {"threshold", alarm.threshold},
                                                                         {"missing", "notBreaching"}},
                                                               .blocks = {{"alarm_actions", actions}}});
}

Result<std::string> silence_block(const MonitorOptions& options, const std::string& actions) {
  return fill_template(template_text("stack_monitors_alarm"), {.words = {{"id", "ServiceSilent"},
                                                                         {"name", "silent"},
                                                                         {"service", options.name},
                                                                         {"metric", "Replicas"},
                                                                         {"why", "The service writes no metrics"},
                                                                         {"statistic", "SampleCount"},
                                                                         {"periods", "3"},
                                                                         {"comparison", "LessThanThreshold"},
                                                                         {"threshold", "1"},
                                                                         {"missing", "breaching"}},
                                                               .blocks = {{"alarm_actions", actions}}});
}

// --- Grafana. A panel is 24 columns wide at most; the version is the one whose form this is.

constexpr int kSchemaVersion = 36;

struct Query {
  std::string expression;
  std::string legend = {};
};

class Dashboard {
 public:
  Json panel(const char* type, const char* title, int width, int height, const char* unit,
             const std::vector<Query>& queries, bool is_instant = false) {
    Json panel;
    panel["id"] = ++last_id_;
    panel["type"] = type;
    panel["title"] = title;
    panel["datasource"] = datasource();
    panel["gridPos"] = place(width, height);
    panel["fieldConfig"] = {{"defaults", {{"unit", unit}}}, {"overrides", Json::array()}};
    panel["targets"] = Json::array();
    for (const Query& query : queries) {
      const char ref = static_cast<char>('A' + panel["targets"].size());
      Json target{{"refId", std::string(1, ref)}, {"datasource", datasource()}, {"expr", query.expression}};
      if (!query.legend.empty()) target["legendFormat"] = query.legend;
      if (is_instant) target["instant"] = true;
      panel["targets"].push_back(std::move(target));
    }
    return panel;
  }

  static Json datasource() { return {{"type", "prometheus"}, {"uid", "${datasource}"}}; }

 private:
  // From left to right, and below when a row is full.
  Json place(int width, int height) {
    if (column_ + width > 24) {
      column_ = 0;
      row_ += row_height_;
      row_height_ = 0;
    }
    Json place{{"h", height}, {"w", width}, {"x", column_}, {"y", row_}};
    column_ += width;
    row_height_ = std::max(row_height_, height);
    return place;
  }

  int last_id_ = 0;
  int column_ = 0;
  int row_ = 0;
  int row_height_ = 0;
};

// One row a replica, joined from what each query says of it.
Json replica_table(Dashboard& dashboard, const std::string& job) {
  const auto of = [&job](const char* metric) { return fmt::format(R"({}{{{},replica=~"$replica"}})", metric, job); };
  Json table = dashboard.panel(
      "table", "Replicas", 24, 14, "short",
      {{fmt::format("max by (replica, status) ({})", of("packferry_replica_status"))},
       {fmt::format("max by (replica) ({})", of("packferry_replica_lag_seconds"))},
       {fmt::format("max by (replica) (time() - {})", of("packferry_replica_confirmed_timestamp_seconds"))},
       {fmt::format("max by (replica) ({})", of("packferry_replica_failures"))},
       {fmt::format("max by (replica) ({})", of("packferry_replica_held_refs"))}},
      true);
  for (Json& target : table["targets"]) target["format"] = "table";
  table["fieldConfig"]["overrides"] = Json::array();
  for (const char* name : {"Lag", "Confirmed ago"})
    table["fieldConfig"]["overrides"].push_back({{"matcher", {{"id", "byName"}, {"options", name}}},
                                                 {"properties", Json::array({{{"id", "unit"}, {"value", "s"}}})}});
  const Json hidden{{"Time", true},   {"Time 1", true}, {"Time 2", true},   {"Time 3", true},   {"Time 4", true},
                    {"Time 5", true}, {"job", true},    {"instance", true}, {"Value #A", true}, {"__name__", true}};
  const Json names{{"replica", "Replica"},        {"status", "Status"},     {"Value #B", "Lag"},
                   {"Value #C", "Confirmed ago"}, {"Value #D", "Failures"}, {"Value #E", "Refs held"}};
  table["transformations"] =
      Json::array({{{"id", "joinByField"}, {"options", {{"byField", "replica"}, {"mode", "outer"}}}},
                   {{"id", "organize"}, {"options", {{"excludeByName", hidden}, {"renameByName", names}}}}});
  return table;
}

Json variables(const std::string& job) {
  return Json::array(
      {{{"name", "datasource"}, {"label", "Data source"}, {"type", "datasource"}, {"query", "prometheus"}},
       {{"name", "replica"},
        {"label", "Replica"},
        {"type", "query"},
        {"datasource", Dashboard::datasource()},
        {"query", fmt::format("label_values(packferry_replica_status{{{}}}, replica)", job)},
        {"refresh", 2},
        {"multi", true},
        {"includeAll", true},
        {"allValue", ".*"},
        {"current", {{"text", "All"}, {"value", "$__all"}}}}});
}

}  // namespace

Result<std::string> prometheus_rules(const MonitorOptions& options) {
  return fill_template(template_text("monitors_prometheus"),
                       {.words = {{"job", options.name},
                                  {"lag", seconds(options.lag)},
                                  {"lag_critical", seconds(options.lag * kCriticalFactor)},
                                  {"failing", seconds(options.failing)},
                                  {"failing_critical", seconds(options.failing * kCriticalFactor)},
                                  {"backup_age", seconds(options.backup_age)},
                                  {"backup_age_critical", seconds(options.backup_age * kCriticalFactor)},
                                  {"queue", seconds(options.queue)}}});
}

Result<std::string> alertmanager_routes(const std::string& webhook, const std::string& heartbeat) {
  const std::string block = heartbeat.empty() ? "" : fmt::format("webhook_configs:\n  - url: '{}'\n", heartbeat);
  return fill_template(template_text("monitors_alertmanager"),
                       {.words = {{"webhook", webhook}}, .blocks = {{"heartbeat", block}}});
}

Result<std::string> cloudwatch_alarms(const MonitorOptions& options, const std::string& email) {
  const CloudWatchAlarm alarms[] = {
      {"ReplicaBehind", "behind", "LongestLagSeconds", "A replica is too far behind its source", seconds(options.lag),
       "1"},
      {"ReplicaNotConfirmed", "not-confirmed", "ReplicasNotConfirmed",
       "A replica has not been seen to be equal for longer than was ordered", "0", "2"},
      {"ReplicaFailing", "failing", "ReplicasFailing", "A replica fails", "0", "3"},
      {"ReplicaHeld", "held", "ReplicasHeld", "A replica is held until a person has looked", "0", "1"},
      {"ReplicaDiverged", "diverged", "ReplicasDiverged", "The destination of a replica has something of its own", "0",
       "1"},
      {"NobodyWorks", "queue", "QueueOverdueSeconds", "A look is due and nobody has begun it", seconds(options.queue),
       "1"},
      {"BackupTooOld", "backup-age", "OldestBackupSeconds", "The newest confirmed snapshot of a backup is too old",
       seconds(options.backup_age), "1"},
  };
  const std::string actions = email.empty() ? "" : "AlarmActions: [!Ref AlarmTopic]\nOKActions: [!Ref AlarmTopic]\n";
  std::string blocks = TRY(silence_block(options, actions));
  for (const CloudWatchAlarm& alarm : alarms) blocks += TRY(alarm_block(options, alarm, actions));
  std::string topic;
  if (!email.empty())
    topic = TRY(
        fill_template(template_text("stack_source_topic"), {.words = {{"project", options.name}, {"email", email}}}));
  return fill_template(template_text("stack_monitors"),
                       {.words = {{"service", options.name}}, .blocks = {{"topic", topic}, {"alarms", blocks}}});
}

// Several services on one catalogue each tell of all of it: what is counted in the process adds up, what is remembered
// does not.
std::string grafana_dashboard(const MonitorOptions& options) {
  const std::string job = fmt::format(R"(job="{}")", options.name);
  const auto of = [&job](const char* metric) { return fmt::format("{}{{{}}}", metric, job); };
  const auto rate = [&of](const char* metric) { return fmt::format("rate({}[$__rate_interval])", of(metric)); };
  const std::string in_use = fmt::format(
      R"(unless on (job, instance, replica) packferry_replica_status{{{},status=~"Paused|Deleting"}})", job);
  Dashboard dashboard;
  Json panels = Json::array();
  const auto stat = [&](const char* title, const char* unit, const std::string& expression) {
    panels.push_back(dashboard.panel("stat", title, 4, 4, unit, {{expression}}, true));
  };
  const auto graph = [&](const char* title, const char* unit, const std::vector<Query>& queries) {
    panels.push_back(dashboard.panel("timeseries", title, 12, 8, unit, queries));
  };
  stat("Up", "bool_yes_no", fmt::format("max({})", of("up")));
  stat("Up to date", "percentunit",
       fmt::format(R"(sum(packferry_replicas{{{0},status="UpToDate"}}) / sum(packferry_replicas{{{0}}}))", job));
  stat("Longest lag", "s", fmt::format("max({} {})", of("packferry_replica_lag_seconds"), in_use));
  stat("Oldest look that nobody has begun", "s", fmt::format("max({})", of("packferry_queue_overdue_seconds")));
  stat("Oldest backup", "s", fmt::format("max({})", of("packferry_backup_oldest_age_seconds")));
  stat("Alarms", "short", fmt::format("max({})", of("packferry_alarms_open")));

  graph("Replicas by status", "short", {{fmt::format("max by (status) ({})", of("packferry_replicas")), "{{status}}"}});
  graph("The ten that are furthest behind", "s",
        {{fmt::format("topk(10, {} {} > 0)", of("packferry_replica_lag_seconds"), in_use), "{{replica}}"}});
  graph("Looks", "ops", {{fmt::format("sum by (outcome) ({})", rate("packferry_looks_total")), "{{outcome}}"}});
  graph("How long looks take", "s",
        {{fmt::format("histogram_quantile(0.5, sum by (le) ({}))", rate("packferry_look_duration_seconds_bucket")),
          "half"},
         {fmt::format("histogram_quantile(0.99, sum by (le) ({}))", rate("packferry_look_duration_seconds_bucket")),
          "99 of 100"}});
  graph("Packs", "Bps", {{fmt::format("sum({})", rate("packferry_pack_bytes_total")), "carried"}});
  graph("Queue", "short",
        {{fmt::format("max({})", of("packferry_queue_waiting")), "waiting"},
         {fmt::format("max({})", of("packferry_queue_at_work")), "at work"}});
  graph("Looks at work, and how many each host may have", "short",
        {{fmt::format("max by (host) ({})", of("packferry_host_looks_at_work")), "{{host}}"},
         {fmt::format("sum by (host) ({})", of("packferry_host_gate_width")), "{{host}}, at most"}});
  graph("Throttled", "ops", {{fmt::format("sum by (host) ({})", rate("packferry_host_throttles_total")), "{{host}}"}});
  panels.push_back(replica_table(dashboard, job));

  const Json whole{{"uid", "packferry"},
                   {"title", "Packferry"},
                   {"tags", Json::array({"packferry"})},
                   {"schemaVersion", kSchemaVersion},
                   {"editable", true},
                   {"refresh", "1m"},
                   {"time", {{"from", "now-6h"}, {"to", "now"}}},
                   {"templating", {{"list", variables(job)}}},
                   {"panels", std::move(panels)}};
  return whole.dump(2) + "\n";
}

}  // namespace packferry
