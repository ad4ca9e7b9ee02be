// The monitors and the service are of two layers that do not know each other. Here they meet: what the rules, the
// dashboard and the alarms ask for is what the service says.
#include "setup/monitors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "io/file.h"
#include "io/process.h"
#include "service/metrics.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using testing::must;
using testing::TempDir;

constexpr Milliseconds kHour{3'600'000};
const Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};

std::set<std::string> matches(const std::string& text, const char* pattern, int group = 0) {
  std::set<std::string> found;
  const std::regex wanted(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), wanted); at != std::sregex_iterator(); ++at)
    found.insert((*at)[static_cast<std::size_t>(group)].str());
  return found;
}

std::set<std::string> exported_metrics() {
  std::set<std::string> names;
  for (const MetricInfo& info : service_metrics()) {
    const std::string name(info.name);
    if (info.type != MetricInfo::Type::Histogram) {
      names.insert(name);
      continue;
    }
    for (const char* part : {"_bucket", "_sum", "_count"}) names.insert(name + part);
  }
  return names;
}

std::set<std::string> exported_labels() {
  std::set<std::string> labels{"job", "instance", "le"};  // by Prometheus itself, and of a histogram
  for (const MetricInfo& info : service_metrics()) labels.insert(info.labels.begin(), info.labels.end());
  return labels;
}

MetricsInput everything() {
  ReplicaRecord replica;
  replica.order.name = "group/web \"1\"";
  replica.order.source.host = "https://gitlab.example";
  replica.order.destination.host = "codecommit:eu-central-1";
  replica.memory.confirmed_at = kNow;
  const Alarm alarm{.trouble = {.subject = "service", .kind = "queue", .summary = "", .remedy = ""}, .raised_at = kNow};
  MetricsInput input{.now = kNow,
                     .depth = {.waiting = 1, .at_work = 1, .oldest_trigger = kNow - kHour},
                     .hosts = {{.host = "https://gitlab.example", .gate_width = 8}},
                     .alarms = {alarm},
                     .lookout_seen_at = kNow,
                     .backups = {{.key = {.order = "nightly", .source = "gitlab/web", .destination = "vault/web"},
                                  .confirmed_at = kNow - kHour}}};
  input.add(replica);
  return input;
}

std::string everything_exported() {
  ServiceMetrics metrics("1.2.3", kNow - kHour);
  metrics.look_ended({.replica = "group/web \"1\"",
                      .source_host = "https://gitlab.example",
                      .destination_host = "codecommit:eu-central-1"});
  return metrics.text(everything());
}

ProcessOutput promtool(std::vector<std::string> arguments, std::string_view input) {
  arguments.insert(arguments.begin(), PACKFERRY_PROMTOOL);
  return must(run_process({.argv = arguments, .environment = {}, .directory = "/"}, input, 1'000'000, {}, {}));
}

// The queries of the dashboard, without what Grafana fills in.
std::vector<std::string> queries() {
  std::vector<std::string> queries;
  const nlohmann::json dashboard = nlohmann::json::parse(grafana_dashboard({}));
  for (const nlohmann::json& panel : dashboard.at("panels"))
    for (const nlohmann::json& target : panel.at("targets")) {
      const std::string query = target.at("expr").get<std::string>();
      queries.push_back(std::regex_replace(std::regex_replace(query, std::regex(R"(\$__rate_interval)"), "5m"),
                                           std::regex(R"(\$replica)"), ".*"));
    }
  return queries;
}

TEST(Monitors, PrometheusReadsWhatTheServiceExports) {
  const ProcessOutput checked = promtool({"check", "metrics"}, everything_exported());
  EXPECT_EQ(checked.exit.code, 0) << checked.output << checked.exit.stderr_text;
  EXPECT_EQ(checked.output + checked.exit.stderr_text, "");
}

TEST(Monitors, EverythingThatIsExportedCanBeSeen) {
  std::set<std::string> shown = matches(everything_exported(), "\n([a-z_]+)[ {]", 1);
  std::set<std::string> missing;
  for (const std::string& name : exported_metrics())
    if (!shown.contains(name)) missing.insert(name);
  EXPECT_THAT(missing, ::testing::IsEmpty());
}

TEST(Monitors, TheRulesAskForWhatIsExported) {
  const std::string rules = must(prometheus_rules({}));
  EXPECT_THAT(matches(rules, "(packferry|process)_[a-z_]+"), IsSubsetOf(exported_metrics()));
  EXPECT_THAT(matches(rules, R"(\$labels\.([a-z_]+))", 1), IsSubsetOf(exported_labels()));
  EXPECT_THAT(matches(rules, R"(([a-z]+)=~?")", 1), IsSubsetOf(exported_labels()));
}

// Each alert has a row in docs/monitoring.md, and each row an alert.
TEST(Monitors, EveryAlertIsExplained) {
  const std::unique_ptr<Reader> page = must(open_file(PACKFERRY_MONITORING_PAGE));
  const std::vector<std::byte> text = must(read_all(*page, 1'000'000));
  EXPECT_EQ(matches(must(prometheus_rules({})), "alert: (Packferry[A-Za-z]+)", 1),
            matches(std::string(as_text(text)), R"(\n\| `(Packferry[A-Za-z]+)` \|)", 1));
}

TEST(Monitors, TheDashboardAsksForWhatIsExported) {
  for (const std::string& query : queries()) {
    const std::set<std::string> names = matches(query, "(packferry|process)_[a-z_]+|\\bup\\{");
    EXPECT_FALSE(names.empty()) << query;
    std::set<std::string> known = exported_metrics();
    known.insert("up{");
    EXPECT_THAT(names, IsSubsetOf(known)) << query;
    EXPECT_THAT(matches(query, R"(([a-z]+)=~?")", 1), IsSubsetOf(exported_labels())) << query;
  }
}

TEST(Monitors, TheDashboardsQueriesAreQueries) {
  std::string rules = "groups:\n  - name: dashboard\n    rules:\n";
  int number = 0;
  for (const std::string& query : queries())
    rules += fmt::format("      - record: query:{}\n        expr: {}\n", ++number, nlohmann::json(query).dump());
  const TempDir dir;
  const std::unique_ptr<Writer> file = must(create_file(dir / "rules.yml", {}));
  must(file->write(as_bytes(rules)));
  must(file->finish());
  const ProcessOutput checked = promtool({"check", "rules", dir / "rules.yml"}, "");
  EXPECT_EQ(checked.exit.code, 0) << checked.output << checked.exit.stderr_text;
}

TEST(Monitors, CloudWatchsAlarmsAreAboutWhatIsWritten) {
  const nlohmann::json line = nlohmann::json::parse(embedded_metrics(everything(), "packferry", false));
  std::set<std::string> written;
  for (const nlohmann::json& metric : line.at("_aws").at("CloudWatchMetrics").at(0).at("Metrics"))
    written.insert(metric.at("Name").get<std::string>());
  const std::string stack = must(cloudwatch_alarms({}, ""));
  const std::set<std::string> asked = matches(stack, "MetricName: ([A-Za-z]+)", 1);
  EXPECT_GE(asked.size(), 8u);
  EXPECT_THAT(asked, IsSubsetOf(written));
  EXPECT_THAT(stack, AllOf(HasSubstr("Namespace: Packferry"), HasSubstr("Name: Service")));
}

}  // namespace
}  // namespace packferry
