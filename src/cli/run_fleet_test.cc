#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "backup/snapshot_log.h"
#include "testing/run_fixture.h"

namespace packferry {
namespace {

using testing::commit;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::refs_at;
using testing::RunTest;

// An account with two regions, of which one repository is empty of sense: its source cannot be listed.
class RunFleetTest : public RunTest {
 protected:
  using Words = std::vector<std::string>;

  RunFleetTest() {
    hosted = {{"eu-west-1", {"alpha", "beta"}}, {"us-east-1", {"gamma", "tools-old"}}};
    for (const char* name : {"alpha", "beta", "gamma", "tools-old"}) {
      FakeSource& made = fleet[name];
      made.holds = refs_at({{"refs/heads/main", 3}});
      made.parents = source.parents;
      sources[std::string("/") + name] = &made;
    }
  }

  ExitStatus back_up(const Words& more = {}) {
    Words words = {"backup", "--all", "codecommit", "--region", "eu-west-1,us-east-1", "--to", "/vault", "--jobs", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  MemoryStore& vault() { return stores.at("/vault"); }
  std::vector<std::string> backed_up() {
    std::vector<std::string> names;
    for (const RepositoryName& name : must(list_repositories(vault(), {}))) names.push_back(name.text());
    return names;
  }
  nlohmann::json stored_report() {
    for (const ObjectInfo& object : must(vault().list("reports/", {})))
      return nlohmann::json::parse(as_text(must(read_object(vault(), object.key, 1 << 20, {}))));
    return {};
  }

  using FakeSource = testing::FakeSource;
  std::map<std::string, FakeSource> fleet;
};

TEST_F(RunFleetTest, ARunIsReportedAndOneBadRepositoryDoesNotStopTheOthers) {
  expect_golden_reports(
      "backup_all",
      {"backup", "--all", "codecommit", "--region", "eu-west-1,us-east-1,xx-none-1", "--to", "/vault", "--jobs", "1"},
      ExitStatus::Partial, [&] {
        stores.clear();
        fleet["beta"].listing_error = Error(ErrorKind::Denied, "beta: not allowed to pull");
      });
  EXPECT_THAT(backed_up(), ElementsAre("111122223333/eu-west-1/alpha", "111122223333/us-east-1/gamma",
                                       "111122223333/us-east-1/tools-old"));
  EXPECT_EQ(stored_report().at("repositories").size(), 4u);
  EXPECT_EQ(stored_report().at("status"), "partial");
  EXPECT_FALSE(must(vault().list("projects/codecommit-backup/111122223333/eu-west-1/alpha/alpha-2023", {})).empty());
}

TEST_F(RunFleetTest, TheSecondRunListsEachRepositoryOnceAndWritesNothingButItsReport) {
  ASSERT_EQ(back_up(), ExitStatus::Done) << err.said;
  const std::size_t objects = must(vault().list("", {})).size();
  for (auto& [name, each] : fleet) each.listings = 0;
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(back_up(), ExitStatus::Done);
  for (auto& [name, each] : fleet) EXPECT_EQ(each.listings, 1u) << name;
  EXPECT_EQ(must(vault().list("", {})).size(), objects + 1);
  EXPECT_THAT(out.said, HasSubstr("done: 4 of 4 repositories backed up (4 unchanged)"));
}

TEST_F(RunFleetTest, IncludeExcludeAndShardChooseRepositories) {
  ASSERT_EQ(back_up({"--include", "*a*", "--include", "tools-*", "--exclude", "*-old"}), ExitStatus::Done);
  EXPECT_EQ(backed_up().size(), 3u);
  EXPECT_THAT(out.said, HasSubstr("1 repository passed over"));

  stores.clear();
  std::size_t in_shards = 0;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    ASSERT_EQ(back_up({"--shard", shard, "--json"}), ExitStatus::Done);
    in_shards += nlohmann::json::parse(out.said).at("repositories").size();
  }
  EXPECT_EQ(in_shards, 4u);
  EXPECT_EQ(backed_up().size(), 4u) << "each is in one of them";
}

TEST_F(RunFleetTest, NothingListedOrNothingListableIsAFailure) {
  hosted = {{"eu-west-1", {}}, {"us-east-1", {}}};
  EXPECT_EQ(back_up(), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("is this the right account?"));
  hosted.clear();
  EXPECT_EQ(back_up(), ExitStatus::Failed);
  EXPECT_THAT(out.said, HasSubstr("fakehost us-east-1: not listed"));
}

TEST_F(RunFleetTest, AListThatIsThrottledIsAskedForAgain) {
  list_errors = {Error(ErrorKind::Throttled, "slow down"), Error(ErrorKind::Unavailable, "cut")};
  const std::jthread time_passes([this](std::stop_token over) {
    while (!over.stop_requested()) {
      clock.advance(std::chrono::seconds(1));
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(back_up(), ExitStatus::Done) << err.said;
  EXPECT_EQ(backed_up().size(), 4u);
}

TEST_F(RunFleetTest, TwoRepositoriesUnderOneNameAreRefusedBeforeAnythingMoves) {
  hosted["us-east-1"].push_back("alpha");
  EXPECT_EQ(back_up({"--name", "${repo_name}"}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("would both be 'alpha'"));
  EXPECT_TRUE(must(vault().list("", {})).empty());
  EXPECT_EQ(back_up({"--name", "${region}/${repo_name}"}), ExitStatus::Done) << err.said;
  EXPECT_EQ(back_up({"--name", "${nonsense}"}), ExitStatus::Usage);
}

TEST_F(RunFleetTest, WhatIsHeldIsNamedAndTheRestIsDone) {
  ASSERT_EQ(back_up(), ExitStatus::Done);
  fleet["gamma"].holds = {};
  EXPECT_EQ(back_up(), ExitStatus::Held);
  EXPECT_THAT(out.said, HasSubstr("us-east-1/gamma: held"));
  EXPECT_THAT(out.said, HasSubstr("1 of them with refs held"));
}

TEST_F(RunFleetTest, ADryRunWritesNothing) {
  EXPECT_EQ(back_up({"--dry-run"}), ExitStatus::Done) << err.said;
  EXPECT_THAT(err.said, HasSubstr("would be backed up"));
  EXPECT_TRUE(stores.empty());
}

TEST_F(RunFleetTest, MetricsAreLinesOfCloudWatchsFormat) {
  fleet["beta"].listing_error = Error(ErrorKind::Denied, "no");
  EXPECT_EQ(back_up({"--metrics", "emf"}), ExitStatus::Partial);
  std::vector<nlohmann::json> lines;
  for (std::size_t at = 0; at < out.said.size(); at = out.said.find('\n', at) + 1)
    if (out.said[at] == '{') lines.push_back(nlohmann::json::parse(out.said.substr(at, out.said.find('\n', at) - at)));
  ASSERT_EQ(lines.size(), 5u) << "four repositories and the run";
  for (const nlohmann::json& line : lines) {
    const nlohmann::json& definition = line.at("_aws").at("CloudWatchMetrics").at(0);
    EXPECT_EQ(definition.at("Namespace"), "Packferry");
    EXPECT_EQ(line.at("_aws").at("Timestamp"), 1'700'000'000'000);
    for (const nlohmann::json& name : definition.at("Dimensions").at(0))
      EXPECT_TRUE(line.at(name.get<std::string>()).is_string());
    for (const nlohmann::json& metric : definition.at("Metrics"))
      EXPECT_TRUE(line.at(metric.at("Name").get<std::string>()).is_number());
  }
  EXPECT_EQ(lines.back().at("RepositoriesFailed"), 1);
  EXPECT_EQ(lines.back().at("RunSucceeded"), 0);
  EXPECT_EQ(lines.back().at("Store"), "/vault");

  EXPECT_EQ(back_up({"--metrics", "emf-run", "--quiet"}), ExitStatus::Partial);
  EXPECT_EQ(std::count(out.said.begin(), out.said.end(), '{') > 0, true);
  EXPECT_EQ(out.said.find("BackupSucceeded"), std::string::npos);
}

TEST_F(RunFleetTest, AnEventNamesOneRepositoryAndPerhapsOneRefOfIt) {
  FakeSource& alpha = fleet["alpha"];
  alpha.holds = refs_at({{"refs/heads/main", 3}, {"refs/heads/topic", 2}});
  job = {.repository = "alpha", .region = "eu-west-1", .reference = ""};
  const Words words = {"backup", "--from-environment", "--to", "/vault"};
  ASSERT_EQ(run(words), ExitStatus::Done) << err.said;
  EXPECT_THAT(backed_up(), ElementsAre("111122223333/eu-west-1/alpha"));

  alpha.holds = refs_at({{"refs/heads/main", 7}, {"refs/heads/topic", 5}});
  for (const char* reference : {"topic", "refs/heads/main"}) {
    job.reference = reference;
    ASSERT_EQ(run(words), ExitStatus::Done) << err.said;
  }
  const SnapshotLog snapshots(vault(), must(RepositoryName::parse("111122223333/eu-west-1/alpha")));
  EXPECT_EQ(must(snapshots.read(2, {})).manifest.refs, refs_at({{"refs/heads/main", 3}, {"refs/heads/topic", 5}}));
  EXPECT_EQ(must(snapshots.read(3, {})).manifest.refs, alpha.holds);

  // A branch that went back: seen beside the others it is a rewind like any other.
  alpha.holds = refs_at({{"refs/heads/main", 7}, {"refs/heads/topic", 4}});
  job.reference = "topic";
  ASSERT_EQ(run(words), ExitStatus::Done) << err.said << out.said;
  EXPECT_EQ(must(snapshots.read(4, {})).manifest.refs, alpha.holds);

  // A branch that is gone by the time of the build: a deletion like any other.
  alpha.holds = refs_at({{"refs/heads/main", 7}});
  job.reference = "topic";
  EXPECT_EQ(run(words), ExitStatus::Done) << err.said << out.said;
  EXPECT_EQ(must(snapshots.read(5, {})).manifest.refs, alpha.holds);
}

TEST_F(RunFleetTest, WhatAnEventSaysIsANameAndNoPattern) {
  const Words words = {"backup", "--from-environment", "--to", "/vault"};
  EXPECT_EQ(run(words), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("REPOSITORY_NAME is not set"));
  job = {.repository = "nosuch", .region = "eu-west-1", .reference = ""};
  EXPECT_EQ(run(words), ExitStatus::Failed);
  job = {.repository = "alpha", .region = "eu-west-1", .reference = "*"};
  EXPECT_EQ(run(words), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("REFERENCE_NAME"));
}

}  // namespace
}  // namespace packferry
