#include <gmock/gmock.h>

#include <fstream>

#include "io/file.h"
#include "testing/run_fixture.h"

namespace packferry {
namespace {

using testing::commit;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::refs_at;

class RunSweepTest : public testing::RunTest {
 protected:
  RunSweepTest() {
    std::ofstream(file) << R"(
[hosts.forge]
kind = "gitlab"
url = "https://forge.example"
token = { env = "TOKEN" }
[hosts.mirror]
kind = "gitea"
url = "https://mirror.example"
token = { env = "TOKEN" }
[[replicas]]
name = "copy"
source = { host = "forge" }
destinations = [{ host = "mirror", create = true }]
)";
  }

  void add(const std::string& name) {
    fleet_ends.host_named("forge").add(name);
    fleet_ends.sources["forge/" + name].holds = refs_at({{"refs/heads/main", 1}});
  }
  // Good, changed, held, refused and gone, one of each.
  void prepare() {
    for (const char* name : {"app/web", "app/api", "app/held", "app/denied", "app/gone"}) add(name);
    EXPECT_EQ(run({"sweep", file}), ExitStatus::Done) << err.said << out.said;
    fleet_ends.sources["forge/app/api"].parents[commit(2)] = commit(1);
    fleet_ends.sources["forge/app/api"].holds = refs_at({{"refs/heads/main", 2}});
    fleet_ends.sources["forge/app/held"].holds = refs_at({});
    fleet_ends.sources["forge/app/denied"].listing_error =
        Error(ErrorKind::Denied, "https://forge.example/app/denied.git: <no>");
    fleet_ends.host_named("forge").repositories.erase("app/gone");
    clock.advance(std::chrono::hours(1));
  }

  static std::string stored(MemoryStore& store, const std::string& key) {
    const std::unique_ptr<Reader> reader = testing::must(store.open(key, 0, {}));
    return std::string(as_text(testing::must(read_all(*reader, 1'000'000))));
  }

  const std::string file = sandbox.path("packferry.toml");
};

TEST_F(RunSweepTest, SaysWhatBecameOfEachAndOfAll) {
  prepare();
  EXPECT_EQ(run({"sweep", file}), ExitStatus::Partial);
  testing::expect_golden(everywhere_the_same(out.said), "sweep.txt");
  EXPECT_EQ(run({"sweep", file, "--json"}), ExitStatus::Partial);
  testing::expect_golden(everywhere_the_same(out.said), "sweep.json");
}

TEST_F(RunSweepTest, MakesAPageThatHoldsNothingOfAPeers) {
  prepare();
  const std::string page_file = sandbox.path("page.html");
  EXPECT_EQ(run({"sweep", file, "--report", page_file}), ExitStatus::Partial);
  const std::string page(as_text(testing::must(read_all(*testing::must(open_file(page_file)), 1'000'000))));
  EXPECT_THAT(page, HasSubstr("Who is behind, since when, and why"));
  EXPECT_THAT(page, HasSubstr("forge/app/denied"));
  EXPECT_THAT(page, HasSubstr("&lt;no&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<no>")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST_F(RunSweepTest, ReportsAreKeptInABucketAndNeverReplaced) {
  add("app/web");
  for (int day = 0; day < 2; ++day)
    EXPECT_EQ(run({"sweep", file, "--report", "s3://acme-reports/fleet/sweep.html"}), ExitStatus::Done) << err.said;
  EXPECT_THAT(err.said, HasSubstr("report: s3://acme-reports/fleet/sweep-2.html\n"));
  EXPECT_EQ(run({"sweep", file, "--report", "s3://acme-reports/fleet/sweep.json"}), ExitStatus::Done) << err.said;
  MemoryStore& kept = *fleet_ends.stores["s3://acme-reports/fleet"];
  EXPECT_THAT(stored(kept, "sweep.html"), HasSubstr("<!doctype html>"));
  EXPECT_THAT(stored(kept, "sweep-2.html"), HasSubstr("forge/app/web"));
  EXPECT_THAT(stored(kept, "sweep.json"), HasSubstr(R"("up_to_date": 1)"));
  EXPECT_EQ(fleet_ends.stores_asked_for["s3://acme-reports/fleet"].options.region, "");
}

TEST_F(RunSweepTest, ABucketThatTheConfigurationKnowsIsGoneToAsItSays) {
  std::ofstream(file, std::ios::app) << R"(
[stores.vault]
address = "s3://acme-backups/git"
region = "eu-west-1"
profile = "backup"
)";
  EXPECT_EQ(run({"sweep", file, "--report", "s3://acme-backups/sweep.html"}), ExitStatus::Held) << err.said;
  const FleetStore& store = fleet_ends.stores_asked_for["s3://acme-backups"];
  EXPECT_EQ(store.options.region, "eu-west-1");
  EXPECT_EQ(store.identity.profile, "backup");
}

TEST_F(RunSweepTest, AReportInAFileIsJsonByItsEnding) {
  add("app/web");
  const std::string report_file = sandbox.path("report.json");
  EXPECT_EQ(run({"sweep", file, "--quiet", "--report", report_file}), ExitStatus::Done);
  const std::string text(as_text(testing::must(read_all(*testing::must(open_file(report_file)), 1'000'000))));
  EXPECT_THAT(text, HasSubstr(R"("command": "sweep")"));
  EXPECT_EQ(run({"sweep", file, "--report", "s3://acme-reports"}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("names no object"));
  EXPECT_EQ(run({"sweep", file, "--report", "s3://X/sweep.html"}), ExitStatus::Usage);
}

TEST_F(RunSweepTest, ADryRunMovesNothing) {
  add("app/web");
  EXPECT_EQ(run({"sweep", file, "--dry-run"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("1 of 1 copy true (1 changed)"));
  EXPECT_TRUE(fleet_ends.destination_named("mirror/app/web").holds.empty());
}

TEST_F(RunSweepTest, OnlySomeOfIt) {
  add("app/web");
  add("app/api");
  EXPECT_EQ(run({"sweep", file, "--only", "forge/app/w*"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("1 of 1 copy"));
}

TEST_F(RunSweepTest, TheCatalogueIsMadeAgainByLooking) {
  add("app/web");
  EXPECT_EQ(run({"sweep", file}), ExitStatus::Done);
  std::filesystem::remove(sandbox.path("packferry.db"));
  add("app/new");
  EXPECT_EQ(run({"catalogue", "rebuild", file}), ExitStatus::Done) << err.said << out.said;
  EXPECT_TRUE(fleet_ends.destination_named("mirror/app/new").holds.empty()) << "nothing is moved";
  const unsigned before = fleet_ends.sources["forge/app/web"].listings;
  EXPECT_EQ(run({"sweep", file}), ExitStatus::Done);
  EXPECT_EQ(fleet_ends.sources["forge/app/web"].listings, before + 1);
  EXPECT_EQ(fleet_ends.destination_named("mirror/app/new").holds.size(), 1u);
}

TEST_F(RunSweepTest, WhatIsForgottenIsAStranger) {
  prepare();
  EXPECT_EQ(run({"catalogue", "forget", file, "forge/app/gone"}), ExitStatus::Done);
  EXPECT_EQ(out.said, "1 copy forgotten\n");
  run({"sweep", file});
  EXPECT_THAT(out.said, Not(HasSubstr("app/gone")));
  EXPECT_EQ(run({"catalogue", "forget", file, "nothing"}), ExitStatus::Failed);
}

TEST_F(RunSweepTest, AWrongConfigurationIsToldAndNothingRuns) {
  std::ofstream(file) << "jobs = 0\n";
  EXPECT_EQ(run({"sweep", file}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("nothing of it would run"));
  EXPECT_EQ(run({"sweep"}), ExitStatus::Usage);
  EXPECT_EQ(run({"catalogue", "forget", file}), ExitStatus::Usage);
  EXPECT_EQ(run({"catalogue", "burn", file}), ExitStatus::Usage);
}

}  // namespace
}  // namespace packferry
