#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "backup/snapshot_log.h"
#include "testing/run_fixture.h"

namespace packferry {
namespace {

using testing::commit;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::refs_at;
using testing::RunTest;

// A vault whose packs are no real ones: whatever only looks at bytes and lengths is content with them, git is not.
class RunVaultTest : public RunTest {
 protected:
  using Words = std::vector<std::string>;

  ExitStatus back_up(const Words& more = {}) {
    Words words = {"backup", "/source", "--to", "/vault", "--name", "app/web"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  // Two snapshots, a full one and, an hour later, an incremental one.
  void make_two_snapshots() {
    stores.clear();
    source.holds = refs_at({{"refs/heads/main", 3}, {"refs/tags/v1", 2}});
    ASSERT_EQ(back_up(), ExitStatus::Done) << err.said;
    source.holds = refs_at({{"refs/heads/main", 7}, {"refs/heads/topic", 2}, {"refs/tags/v1", 2}});
    clock.advance(std::chrono::hours(1));
    ASSERT_EQ(back_up(), ExitStatus::Done) << err.said;
  }
  void damage(std::string_view key_part) {
    for (const ObjectInfo& object : must(vault().list("", {})))
      if (object.key.find(key_part) != std::string::npos)
        vault().mutate(object.key, [](std::vector<std::byte>& bytes) { bytes[bytes.size() / 2] ^= std::byte{1}; });
  }
  MemoryStore& vault() { return stores.at("/vault"); }
  Manifest manifest(std::uint64_t number) {
    return must(SnapshotLog(vault(), must(RepositoryName::parse("app/web"))).read(number, {})).manifest;
  }
  // The same instants whenever a golden report is made twice.
  void restart_clock() {
    const auto since = clock.now() - Clock::WallTime(std::chrono::seconds(1'700'000'000));
    clock.advance(std::chrono::duration_cast<Milliseconds>(-since));
  }
};

TEST_F(RunVaultTest, AFirstBackupIsReported) {
  expect_golden_reports("backup_first",
                        {"backup", "/source", "--to", "/vault", "--name", "app/web", "--verify", "stored"},
                        ExitStatus::Done, [&] { stores.clear(); });
}

TEST_F(RunVaultTest, AnIncrementalBackupIsReported) {
  expect_golden_reports("backup_incremental", {"backup", "/source", "--to", "/vault", "--name", "app/web"},
                        ExitStatus::Done, [&] {
                          stores.clear();
                          source.holds = refs_at({{"refs/heads/main", 3}, {"refs/heads/gone", 2}});
                          ASSERT_EQ(back_up(), ExitStatus::Done);
                          source.holds = refs_at({{"refs/heads/main", 7}, {"refs/heads/new", 2}});
                        });
  EXPECT_EQ(manifest(2).chain.size(), 2u);
  EXPECT_EQ(manifest(2).refs, source.holds);
}

TEST_F(RunVaultTest, ABackupOfNothingNewMakesNoSnapshotUnlessItIsRecorded) {
  expect_golden_reports("backup_unchanged", {"backup", "/source", "--to", "/vault", "--name", "app/web"},
                        ExitStatus::Done, [&] {
                          stores.clear();
                          ASSERT_EQ(back_up(), ExitStatus::Done);
                        });
  EXPECT_EQ(back_up({"--record-unchanged"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("snapshot 2 of app/web: no new objects"));
}

TEST_F(RunVaultTest, ADryRunOfABackupWritesNothingAndNeedsNoStore) {
  expect_golden_reports("backup_dry_run", {"backup", "/source", "--to", "/vault", "--name", "app/web", "--dry-run"},
                        ExitStatus::Done, [] {});
  EXPECT_TRUE(stores.empty());

  ASSERT_EQ(back_up(), ExitStatus::Done);
  const std::vector<ObjectInfo> before = must(vault().list("", {}));
  source.holds = refs_at({{"refs/heads/main", 7}});
  EXPECT_EQ(back_up({"--dry-run"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("main"));
  EXPECT_EQ(must(vault().list("", {})), before);
}

TEST_F(RunVaultTest, WhatTheGuardHoldsStaysInTheSnapshotAsItWas) {
  std::map<std::string, unsigned> many = {{"refs/heads/main", 3}};
  for (unsigned i = 0; i < 12; ++i) many.emplace(fmt::format("refs/heads/topic-{:02}", i), 2);
  expect_golden_reports("backup_held", {"backup", "/source", "--to", "/vault", "--name", "app/web"}, ExitStatus::Held,
                        [&] {
                          stores.clear();
                          source.holds = refs_at(many);
                          ASSERT_EQ(back_up(), ExitStatus::Done);
                          source.holds = refs_at({{"refs/heads/main", 7}});
                        });
  EXPECT_THAT(out.said, HasSubstr("--allow-deletions 12"));
  many["refs/heads/main"] = 7;
  EXPECT_EQ(manifest(2).refs, refs_at(many));
  EXPECT_EQ(manifest(2).withheld, 12u);

  EXPECT_EQ(back_up({"--allow-deletions", "12"}), ExitStatus::Done);
  EXPECT_EQ(manifest(3).refs, source.holds);
  EXPECT_EQ(manifest(3).withheld, 0u);
}

TEST_F(RunVaultTest, TheFirstCommitsOfAnEmptyRepositoryMakeAFullSnapshot) {
  const RefMap later = std::exchange(source.holds, {});
  ASSERT_EQ(back_up(), ExitStatus::Done);
  EXPECT_TRUE(manifest(1).chain.empty());
  source.holds = later;
  ASSERT_EQ(back_up(), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("full bundle (there is nothing to build on)"));
  EXPECT_EQ(manifest(2).refs, later);
}

TEST_F(RunVaultTest, VerifyingNothingIsNotGood) {
  ASSERT_EQ(back_up(), ExitStatus::Done);
  EXPECT_EQ(run({"verify", "/vault", "app/wbe"}), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("holds no snapshot of it"));
  for (const ObjectInfo& object : must(vault().list("", {}))) ASSERT_TRUE(vault().remove(object.key, {}));
  EXPECT_EQ(run({"verify", "/vault"}), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("holds no snapshots"));
  EXPECT_THAT(out.said, Not(HasSubstr("good")));
}

TEST_F(RunVaultTest, AWriterThatMayOnlyPutRemembersWhatItWrote) {
  const std::string record = sandbox.path("record").string();
  ASSERT_EQ(back_up({"--put-only", record}), ExitStatus::Done) << err.said;
  EXPECT_THAT(out.said, HasSubstr("acknowledged, not read back"));
  // In the same second, so under the same name if it had forgotten.
  source.holds = refs_at({{"refs/heads/main", 7}, {"refs/tags/v1", 2}});
  ASSERT_EQ(back_up({"--put-only", record}), ExitStatus::Done) << err.said;
  EXPECT_EQ(manifest(2).chain.size(), 2u);

  // Without its record it makes a full one, under the first number that is free.
  std::filesystem::remove(record);
  clock.advance(std::chrono::seconds(1));
  ASSERT_EQ(back_up({"--put-only", record}), ExitStatus::Done) << err.said;
  EXPECT_EQ(manifest(3).chain.size(), 1u);
  EXPECT_EQ(run({"backup", "/source", "--to", "/vault", "--name", "other", "--put-only", record}), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("give each repository its own"));
}

TEST_F(RunVaultTest, AnEmptySourceNeverEmptiesABackup) {
  ASSERT_EQ(back_up(), ExitStatus::Done);
  const RefMap before = source.holds;
  source.holds = {};
  EXPECT_EQ(back_up(), ExitStatus::Held);
  EXPECT_EQ(manifest(1).refs, before);
}

TEST_F(RunVaultTest, ABackupThatFailsMakesNoSnapshot) {
  source.listing_error = Error(ErrorKind::Unavailable, "connection refused");
  expect_golden_reports("backup_failed", {"backup", "/source", "--to", "/vault", "--name", "app/web"},
                        ExitStatus::Failed, [] {});
  source.listing_error.reset();
  source.break_at = 500;
  EXPECT_EQ(back_up(), ExitStatus::Failed);
  EXPECT_EQ(must(vault().list("", {})).size(), 0u);
}

TEST_F(RunVaultTest, ABackupThatIsNotWhatItShouldBeIsDamaged) {
  expect_golden_reports("backup_damaged",
                        {"backup", "/source", "--to", "/vault", "--name", "app/web", "--verify", "parsed"},
                        ExitStatus::Damaged, [&] { stores.clear(); });
}

TEST_F(RunVaultTest, SnapshotsAreListed) {
  expect_golden_reports("snapshots", {"snapshots", "/vault"}, ExitStatus::Done, [&] {
    restart_clock();
    make_two_snapshots();
    ASSERT_EQ(run({"backup", "/copy", "--to", "/vault", "--name", "empty"}), ExitStatus::Done) << err.said;
  });
  EXPECT_EQ(run({"snapshots", "/vault", "app/web"}), ExitStatus::Done);
  EXPECT_THAT(out.said, Not(HasSubstr("empty")));
}

TEST_F(RunVaultTest, ARepositoryThatCannotBeReadDoesNotHideTheOthers) {
  expect_golden_reports("snapshots_partial", {"snapshots", "/vault"}, ExitStatus::Partial, [&] {
    restart_clock();
    make_two_snapshots();
    must(vault().put_if_absent("manifests/broken/0000000001.what", {}, {}));
  });
  damage("app/web/0000000001.manifest");
  EXPECT_EQ(run({"snapshots", "/vault", "app/web"}), ExitStatus::Partial);
  EXPECT_THAT(out.said, HasSubstr("cannot be read"));
  EXPECT_EQ(run({"verify", "/vault"}), ExitStatus::Damaged);
  EXPECT_EQ(run({"prune", "/vault", "--keep-last", "1"}), ExitStatus::Failed);
}

TEST_F(RunVaultTest, AStoreOrRepositoryThatIsNotThereIsAFailure) {
  for (const Words& words :
       {Words{"snapshots", "/vault"}, Words{"verify", "/vault"}, Words{"prune", "/vault", "--keep-last", "1"},
        Words{"restore", "/vault", "web", "/target"}})
    EXPECT_EQ(run(words), ExitStatus::Failed) << words.front();
  EXPECT_TRUE(stores.empty());

  ASSERT_EQ(back_up(), ExitStatus::Done);
  EXPECT_EQ(run({"snapshots", "/vault", "other"}), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("holds no snapshot of it"));
  EXPECT_EQ(run({"restore", "/vault", "other", sandbox.path("other").string()}), ExitStatus::Failed);
  EXPECT_EQ(run({"restore", "/vault", "app/web", sandbox.path("other").string(), "--at", "9"}), ExitStatus::Failed);
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("other")));
}

TEST_F(RunVaultTest, AWrongConfigurationIsReportedBeforeAStoreIsAsked) {
  ends_error = Error(ErrorKind::Invalid, "--credentials /etc/secret: others can read it; chmod 600 it");
  for (const Words& words : {Words{"backup", "/source", "--to", "/vault"}, Words{"snapshots", "/vault"},
                             Words{"restore", "/vault", "web", "/target"}, Words{"verify", "/vault"},
                             Words{"prune", "/vault", "--keep-last", "1"}})
    EXPECT_EQ(run(words), ExitStatus::Usage) << words.front();
  ends_error.reset();
  EXPECT_EQ(run({"verify", "/vault", "--identity", sandbox.path("none").string()}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("--identity"));
}

TEST_F(RunVaultTest, ARestoreIntoADirectoryIsReported) {
  source.holds = {};
  const std::string target = sandbox.path("restored").string();
  expect_golden_reports("restore_directory", {"restore", "/vault", "app/web", target}, ExitStatus::Done, [&] {
    std::filesystem::remove_all(target);
    stores.clear();
    ASSERT_EQ(back_up(), ExitStatus::Done) << err.said;
  });
  EXPECT_EQ(sandbox.git("restored", {"symbolic-ref", "HEAD"}), "refs/heads/main");

  expect_golden_reports("restore_occupied", {"restore", "/vault", "app/web", target}, ExitStatus::Failed, [] {});
  EXPECT_EQ(run({"restore", "/vault", "app/web", target, "--overwrite"}), ExitStatus::Done);
}

TEST_F(RunVaultTest, ARestoreToAHostIsReported) {
  source.holds = {};
  copy.holds = refs_at({{"refs/heads/main", 3}});
  expect_golden_reports("restore_host", {"restore", "/vault", "app/web", "https://host/east"}, ExitStatus::Done, [&] {
    stores.clear();
    east.holds = {};
    ASSERT_EQ(back_up(), ExitStatus::Done);
  });
  EXPECT_EQ(east.holds, copy.holds);

  east.holds = refs_at({{"refs/heads/main", 100}});
  EXPECT_EQ(run({"restore", "/vault", "app/web", "https://host/east"}), ExitStatus::Held);
  EXPECT_EQ(run({"restore", "/vault", "app/web", "https://host/east", "--overwrite"}), ExitStatus::Done);
  EXPECT_EQ(east.holds.find(testing::ref_name("refs/heads/main"))->oid, commit(3));
}

TEST_F(RunVaultTest, WhatIsDamagedIsNotRestored) {
  make_two_snapshots();
  damage("repositories/");
  EXPECT_EQ(run({"restore", "/vault", "app/web", sandbox.path("restored").string()}), ExitStatus::Failed);
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("restored")));
}

TEST_F(RunVaultTest, VerificationIsReported) {
  expect_golden_reports("verify_good", {"verify", "/vault"}, ExitStatus::Done, [&] {
    restart_clock();
    make_two_snapshots();
  });
  expect_golden_reports("verify_damaged", {"verify", "/vault", "app/web"}, ExitStatus::Damaged, [&] {
    restart_clock();
    make_two_snapshots();
    damage("20231114T231320Z.bundle");
  });
  EXPECT_EQ(run({"verify", "/vault", "app/web", "--snapshot", "1"}), ExitStatus::Done);
}

TEST_F(RunVaultTest, PruningIsReported) {
  const auto prepare = [&] {
    restart_clock();
    make_two_snapshots();
    clock.advance(std::chrono::hours(1));
    ASSERT_EQ(back_up({"--full", "--record-unchanged"}), ExitStatus::Done) << err.said;
  };
  expect_golden_reports("prune_dry_run", {"prune", "/vault", "--keep-last", "1", "--dry-run"}, ExitStatus::Done,
                        prepare);
  expect_golden_reports("prune_retire", {"prune", "/vault", "--keep-last", "1"}, ExitStatus::Done, prepare);
  expect_golden_reports("prune_remove", {"prune", "/vault", "--keep-last", "1"}, ExitStatus::Done, [&] {
    prepare();
    ASSERT_EQ(run({"prune", "/vault", "--keep-last", "1"}), ExitStatus::Done);
    clock.advance(std::chrono::hours(25));
  });
  EXPECT_EQ(run({"snapshots", "/vault"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("1  pruned"));
  expect_golden_reports("prune_locked", {"prune", "/vault", "--keep-last", "1"}, ExitStatus::Partial, [&] {
    stores_are_locked = false;
    prepare();
    ASSERT_EQ(run({"prune", "/vault", "--keep-last", "1"}), ExitStatus::Done);
    clock.advance(std::chrono::hours(25));
    stores_are_locked = true;
  });
}

TEST_F(RunVaultTest, QuietSaysOnlyWhatMatters) {
  EXPECT_EQ(back_up({"--quiet"}), ExitStatus::Done);
  EXPECT_EQ(out.said, "done: 1 of 1 destination confirmed\n");
  EXPECT_EQ(err.said, "");
  EXPECT_EQ(run({"verify", "/vault", "--quiet"}), ExitStatus::Done);
  EXPECT_EQ(out.said, "good: stored\n");
  EXPECT_EQ(run({"prune", "/vault", "--keep-last", "1", "--quiet"}), ExitStatus::Done);
  EXPECT_EQ(out.said, "done\n");
  damage("repositories/");
  EXPECT_EQ(run({"verify", "/vault", "--quiet"}), ExitStatus::Damaged);
  EXPECT_THAT(out.said, HasSubstr("repositories/app/web"));
}

TEST_F(RunVaultTest, AnInterruptIsAnExitStatusOfItsOwn) {
  source.on_listing = [&] {
    stop.request_stop();
    source.listing_error = Error(ErrorKind::Cancelled, "stopped");
  };
  EXPECT_EQ(back_up(), ExitStatus::Interrupted);
  EXPECT_EQ(must(vault().list("", {})).size(), 0u);
}

TEST_F(RunVaultTest, APasswordInAnAddressIsNeitherShownNorStored) {
  ASSERT_EQ(run({"backup", "https://ann:canary@host/source", "--to", "/vault"}), ExitStatus::Done) << err.said;
  EXPECT_THAT(err.said, HasSubstr("warning: the password in "));
  EXPECT_THAT(out.said + err.said, Not(HasSubstr("canary")));
  for (const ObjectInfo& object : must(vault().list("manifests/", {}))) {
    const std::vector<std::byte> bytes = must(read_object(vault(), object.key, 1'000'000, {}));
    EXPECT_THAT(std::string(as_text(bytes)), Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace packferry
