#include "service/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

namespace packferry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Milliseconds kSecond{1'000}, kMinute{60'000}, kHour{3'600'000};
const Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};

ReplicaRecord replica(const std::string& name) {
  ReplicaRecord replica;
  replica.order.name = name;
  replica.order.source.host = "https://gitlab.example";
  replica.order.destination.host = "codecommit:eu-central-1";
  replica.order.freshness = kHour;
  replica.order.created_at = kNow - 10 * kHour;
  replica.memory.outcome = LookOutcome::Equal;
  replica.memory.confirmed_at = kNow - kMinute;
  replica.memory.next_look_at = kNow + kMinute;
  return replica;
}

MetricsInput with(const std::vector<ReplicaRecord>& replicas, MetricsInput input = {.now = kNow}) {
  for (const ReplicaRecord& replica : replicas) input.add(replica);
  return input;
}

LookFacts look(const std::string& name) {
  return {.replica = name,
          .source_host = "https://gitlab.example",
          .destination_host = "codecommit:eu-central-1",
          .duration = 3 * kSecond,
          .pack_bytes = 1'000,
          .refs_changed = 2};
}

Delivery backup(const std::string& source, std::optional<Clock::WallTime> confirmed_at) {
  return {.key = {.order = "nightly", .source = source, .destination = "vault/web"}, .confirmed_at = confirmed_at};
}

// The samples of an answer, "name{labels}" to value; and that it is one: each metric is explained before its samples,
// stands in one place, and was announced by service_metrics().
std::map<std::string, std::string> samples(const std::string& text) {
  std::map<std::string, std::string> samples;
  std::set<std::string> explained;
  std::string family;
  EXPECT_TRUE(text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(explained.insert(family).second) << line;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
    } else {
      EXPECT_TRUE(line.starts_with(family)) << line;
      const std::size_t space = line.rfind(' ');
      EXPECT_TRUE(samples.emplace(line.substr(0, space), line.substr(space + 1)).second) << "twice: " << line;
    }
  }
  return samples;
}

class MetricsTest : public ::testing::Test {
 protected:
  std::map<std::string, std::string> shown(const MetricsInput& input) { return samples(metrics.text(input)); }

  ServiceMetrics metrics{"1.2.3", kNow - kHour};
};

TEST_F(MetricsTest, OfNothingThereIsLittle) {
  std::map<std::string, std::string> all = shown({.now = kNow});
  EXPECT_EQ(all.at("packferry_build_info{version=\"1.2.3\"}"), "1");
  EXPECT_EQ(all.at("process_start_time_seconds"), "1699996400");
  EXPECT_EQ(all.at("packferry_replicas{status=\"UpToDate\"}"), "0");
  EXPECT_EQ(all.at("packferry_looks_total{outcome=\"failed\"}"), "0");
  EXPECT_EQ(all.at("packferry_alarms_open"), "0");
  EXPECT_FALSE(all.contains("packferry_lookout_seen_timestamp_seconds")) << "it has not seen anything yet";
}

TEST_F(MetricsTest, AReplicaHasItsOwn) {
  ReplicaRecord web = replica("web");
  web.memory.behind_since = kNow - 90 * kSecond;
  std::map<std::string, std::string> all = shown(with({web}));
  EXPECT_EQ(all.at("packferry_replicas{status=\"Behind\"}"), "1");
  EXPECT_EQ(all.at("packferry_replica_status{replica=\"web\",status=\"Behind\"}"), "1");
  EXPECT_EQ(all.at("packferry_replica_lag_seconds{replica=\"web\"}"), "90");
  EXPECT_EQ(all.at("packferry_replica_confirmed_timestamp_seconds{replica=\"web\"}"), "1699999940");
  EXPECT_EQ(all.at("packferry_replica_freshness_seconds{replica=\"web\"}"), "3600");
  EXPECT_EQ(all.at("packferry_replica_failures{replica=\"web\"}"), "0");
  EXPECT_EQ(all.at("packferry_replica_held_refs{replica=\"web\"}"), "0");
}

TEST_F(MetricsTest, AStatusIsOneSeries) {
  ReplicaRecord web = replica("web");
  web.memory.outcome = LookOutcome::Held;
  web.memory.held = HeldPlan{.digest = "d", .text = "delete a\ndelete b\n", .expires_at = kNow + kHour};
  web.memory.confirmed_at.reset();
  std::map<std::string, std::string> all = shown(with({web}));
  EXPECT_EQ(all.at("packferry_replica_status{replica=\"web\",status=\"Held\"}"), "1");
  EXPECT_EQ(all.at("packferry_replica_held_refs{replica=\"web\"}"), "2");
  EXPECT_FALSE(all.contains("packferry_replica_status{replica=\"web\",status=\"UpToDate\"}"));
  EXPECT_FALSE(all.contains("packferry_replica_confirmed_timestamp_seconds{replica=\"web\"}")) << "never";
}

TEST_F(MetricsTest, LooksAreCounted) {
  metrics.look_ended(look("web"));
  LookFacts failed = look("web");
  failed.outcome = LookOutcome::Failed;
  failed.throttled = true;
  failed.duration = 400 * kSecond;
  metrics.look_ended(failed);
  std::map<std::string, std::string> all = shown(with({replica("web")}));
  EXPECT_EQ(all.at("packferry_looks_total{outcome=\"equal\"}"), "1");
  EXPECT_EQ(all.at("packferry_replica_looks_total{replica=\"web\",outcome=\"failed\"}"), "1");
  EXPECT_EQ(all.at("packferry_replica_look_seconds_total{replica=\"web\"}"), "403");
  EXPECT_EQ(all.at("packferry_replica_pack_bytes_total{replica=\"web\"}"), "2000");
  EXPECT_EQ(all.at("packferry_refs_changed_total"), "4");
  EXPECT_EQ(all.at("packferry_host_throttles_total{host=\"codecommit:eu-central-1\"}"), "1");
  EXPECT_EQ(all.at("packferry_look_duration_seconds_bucket{le=\"5\"}"), "1");
  EXPECT_EQ(all.at("packferry_look_duration_seconds_bucket{le=\"+Inf\"}"), "2");
  EXPECT_EQ(all.at("packferry_look_duration_seconds_sum"), "403");
}

TEST_F(MetricsTest, WhatIsGoneHasNoSeriesAndIsForgotten) {
  metrics.look_ended(look("web"));
  EXPECT_THAT(metrics.text({.now = kNow}), Not(HasSubstr("replica=\"web\"")));
  EXPECT_THAT(metrics.text(with({replica("web")})), Not(HasSubstr("packferry_replica_looks_total")))
      << "the next one of this name begins at nothing";
  EXPECT_THAT(metrics.text({.now = kNow}), HasSubstr("packferry_looks_total{outcome=\"equal\"} 1\n"));
}

TEST_F(MetricsTest, ANameCannotForgeALine) {
  const std::string name = "a\"b\\c\nd\x1b\xff";
  std::map<std::string, std::string> all = shown(with({replica(name)}));
  EXPECT_TRUE(all.contains(R"(packferry_replica_failures{replica="a\"b\\c\\x0ad\\x1b\\xff"})"));
}

TEST_F(MetricsTest, QueueHostsAndAlarms) {
  ReplicaRecord due = replica("web");
  due.memory.next_look_at = kNow - 2 * kMinute;
  const Alarm raised{.trouble = {.subject = "replica web", .kind = "lag", .summary = "", .remedy = ""},
                     .raised_at = kNow};
  const Alarm waiting{.trouble = {.subject = "replica api", .kind = "lag", .summary = "", .remedy = ""}};
  std::map<std::string, std::string> all = shown(
      with({due}, {.now = kNow,
                   .depth = {.waiting = 3, .at_work = 1, .oldest_trigger = kNow - 5 * kSecond},
                   .hosts = {{.host = "https://gitlab.example", .gate_width = 4, .is_closed = true, .at_work = 2}},
                   .alarms = {raised, waiting},
                   .lookout_seen_at = kNow}));
  EXPECT_EQ(all.at("packferry_queue_waiting"), "3");
  EXPECT_EQ(all.at("packferry_queue_oldest_trigger_seconds"), "5");
  EXPECT_EQ(all.at("packferry_queue_overdue_seconds"), "120");
  EXPECT_EQ(all.at("packferry_host_gate_width{host=\"https://gitlab.example\"}"), "4");
  EXPECT_EQ(all.at("packferry_host_gate_closed{host=\"https://gitlab.example\"}"), "1");
  EXPECT_EQ(all.at("packferry_host_throttles_total{host=\"codecommit:eu-central-1\"}"), "0");
  EXPECT_EQ(all.at("packferry_alarms_open"), "1");
  EXPECT_EQ(all.at("packferry_alarms{kind=\"lag\",severity=\"warning\"}"), "1");
  EXPECT_EQ(all.at("packferry_lookout_seen_timestamp_seconds"), "1700000000");
}

TEST_F(MetricsTest, BackupsHaveAnAge) {
  std::map<std::string, std::string> all =
      shown({.now = kNow, .backups = {backup("gitlab/web", kNow - kHour), backup("gitlab/new", std::nullopt)}});
  EXPECT_EQ(all.at("packferry_backups"), "2");
  EXPECT_EQ(all.at("packferry_backup_oldest_age_seconds"), "+Inf");
  EXPECT_EQ(all.at("packferry_backup_age_seconds{order=\"nightly\",source=\"gitlab/web\",destination=\"vault/web\"}"),
            "3600");
}

TEST_F(MetricsTest, OfManyBackupsTheOldestAreShown) {
  MetricsInput input{.now = kNow};
  for (int i = 0; i < 1'500; ++i) input.backups.push_back(backup("gitlab/" + std::to_string(i), kNow - i * kMinute));
  std::map<std::string, std::string> all = shown(input);
  const auto age_of = [](int i) {
    return "packferry_backup_age_seconds{order=\"nightly\",source=\"gitlab/" + std::to_string(i) +
           "\",destination=\"vault/web\"}";
  };
  EXPECT_EQ(all.at("packferry_backups"), "1500");
  EXPECT_TRUE(all.contains(age_of(1'499)));
  EXPECT_TRUE(all.contains(age_of(500)));
  EXPECT_FALSE(all.contains(age_of(499)));
}

TEST_F(MetricsTest, CountsFromSeveralThreads) {
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i)
    workers.emplace_back([this] {
      for (int j = 0; j < 500; ++j) metrics.look_ended(look("web"));
    });
  static_cast<void>(metrics.text(with({replica("web")})));
  for (std::thread& worker : workers) worker.join();
  std::map<std::string, std::string> all = shown(with({replica("web")}));
  EXPECT_EQ(all.at("packferry_replica_looks_total{replica=\"web\",outcome=\"equal\"}"), "2000");
  EXPECT_EQ(all.at("packferry_look_duration_seconds_count"), "2000");
}

TEST_F(MetricsTest, HoldsTenThousandReplicas) {
  MetricsInput input{.now = kNow};
  for (int i = 0; i < 10'000; ++i) {
    input.add(replica("group/repository-" + std::to_string(i)));
    metrics.look_ended(look(input.replicas.back().name));
  }
  const auto began = std::chrono::steady_clock::now();
  const std::string text = metrics.text(input);
  const auto took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - began);
  std::printf("10,000 replicas: %zu lines, %zu bytes, %lld ms\n",
              static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')), text.size(),
              static_cast<long long>(took.count()));
  EXPECT_LT(samples(text).size(), 100'200u);
}

// Each metric has a row in docs/monitoring.md, with its labels, and each row a metric.
TEST(ServiceMetricsPage, HasEveryMetric) {
  std::set<std::string> told;
  std::ifstream page(PACKFERRY_MONITORING_PAGE);
  for (std::string line; std::getline(page, line);)
    if (line.starts_with("| `packferry_") || line.starts_with("| `process_"))
      told.insert(line.substr(3, line.find("` |") - 3));
  std::set<std::string> shown;
  for (const MetricInfo& info : service_metrics()) {
    std::string name(info.name);
    for (const std::string_view label : info.labels)
      name += (label == info.labels.front() ? "{" : ",") + std::string(label);
    shown.insert(info.labels.empty() ? name : name + "}");
  }
  EXPECT_EQ(told, shown);
}

TEST(EmbeddedServiceMetrics, AreAFewNumbersOfAllReplicas) {
  ReplicaRecord stale = replica("stale");
  stale.memory.confirmed_at = kNow - 2 * kHour;
  stale.memory.behind_since = kNow - 30 * kSecond;
  ReplicaRecord failing = replica("failing");
  failing.memory.outcome = LookOutcome::Failed;
  ReplicaRecord paused = replica("paused");
  paused.memory.behind_since = kNow - 99 * kHour;
  paused.paused = true;
  const std::string lines = embedded_metrics(
      with({stale, failing, paused}, {.now = kNow, .backups = {backup("a/b", kNow - kHour)}}), "serve", false);
  const nlohmann::json line = nlohmann::json::parse(lines);
  EXPECT_EQ(line.at("_aws").at("CloudWatchMetrics").at(0).at("Dimensions"), nlohmann::json::parse(R"([["Service"]])"));
  EXPECT_EQ(line.at("Service"), "serve");
  EXPECT_EQ(line.at("Replicas"), 3);
  EXPECT_EQ(line.at("ReplicasFailing"), 1);
  EXPECT_EQ(line.at("ReplicasNotConfirmed"), 1);
  EXPECT_EQ(line.at("LongestLagSeconds"), 30);
  EXPECT_EQ(line.at("OldestBackupSeconds"), 3600);
}

TEST(EmbeddedServiceMetrics, OfEachReplicaWhenWanted) {
  const std::string lines = embedded_metrics(with({replica("web")}), "serve", true);
  const nlohmann::json line = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_EQ(line.at("Replica"), "web");
  EXPECT_EQ(line.at("Status"), "UpToDate");
  EXPECT_EQ(line.at("UpToDate"), 1);
  EXPECT_EQ(line.at("LagSeconds"), 0);
}

TEST(EmbeddedServiceMetrics, ABackupThatNeverWasIsANumber) {
  const std::string lines = embedded_metrics({.now = kNow, .backups = {backup("a/b", std::nullopt)}}, "serve", false);
  EXPECT_EQ(nlohmann::json::parse(lines).at("OldestBackupSeconds"), 1'700'000'000);
}

}  // namespace
}  // namespace packferry
