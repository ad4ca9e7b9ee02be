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
