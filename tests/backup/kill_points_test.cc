// The program dies before, after and in the middle of each change that it makes to a store; then another one comes.
// What was there restores as before, the next run succeeds, and nobody had to help.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/prune.h"
#include "engine/verify.h"
#include "testing/backup_scene.h"
#include "testing/faulty_store.h"

namespace packferry {
namespace {

using testing::BackupScene;
using ::testing::ElementsAre;
using testing::FaultyStore;
using ::testing::IsEmpty;
using testing::must;

void copy_all(ObjectStore& from, ObjectStore& to) {
  for (const ObjectInfo& object : must(from.list("", {})))
    must(to.put_if_absent(object.key, must(read_object(from, object.key, object.bytes, {})), {}));
}

class KillPoints : public ::testing::Test, protected BackupScene {
 protected:
  // `act` once for each effect and each fault, on a copy of what is in the store; then `judge`, on the copy.
  void at_each_effect(const std::function<void(ObjectStore&)>& act,
                      const std::function<void(ObjectStore&, FaultyStore::Fault)>& judge) {
    std::size_t effects = 1;
    for (std::size_t effect = 0; effect < effects; ++effect)
      for (const FaultyStore::Fault fault : FaultyStore::kFaults) {
        MemoryStore copy(clock);
        copy_all(store, copy);
        FaultyStore faulty(copy);
        if (effect == 0 && fault == FaultyStore::Fault::Before) {
          MemoryStore dry(clock);
          copy_all(store, dry);
          FaultyStore counting(dry);
          act(counting);
          effects = counting.effects();
          ASSERT_GT(effects, 1u);
        }
        SCOPED_TRACE(fmt::format("{} effect {} of {}", to_string(fault), effect, effects));
        faulty.die_at(effect, fault);
        act(faulty);
        EXPECT_TRUE(faulty.is_dead());
        judge(copy, fault);
      }
  }

  std::string restored(ObjectStore& from, std::uint64_t number) {
    const SnapshotLog copy(from, repository);
    const std::string name = fmt::format("killed-{}", ++restored_);
    must(rebuild(copy, must(copy.read(number, {})).manifest, git.path(name), {}, RebuildCheck::Connected, restoring(),
                 {}));
    return refs(name);
  }

 private:
  int restored_ = 0;
};

TEST_F(KillPoints, OfABackup) {
  git.commit("source", "main", "one");
  must_back_up();
  const std::string refs_of_one = refs("source");
  git.commit("source", "main", "two");
  git.commit("source", "topic", "three");

  at_each_effect([&](ObjectStore& dying) { static_cast<void>(back_up_into(dying)); },
                 [&](ObjectStore& after, FaultyStore::Fault) {
                   EXPECT_EQ(restored(after, 1), refs_of_one);
                   const LegReport next = back_up_into(after);
                   EXPECT_FALSE(next.error.has_value()) << next.error->message();
                   EXPECT_TRUE(next.equal_to_source);
                   const SnapshotLog copy(after, repository);
                   EXPECT_EQ(restored(after, must(copy.list({})).back().number), refs("source"));
                 });
}

TEST_F(KillPoints, OfTheFirstBackup) {
  git.commit("source", "main", "one");
  at_each_effect([&](ObjectStore& dying) { static_cast<void>(back_up_into(dying)); },
                 [&](ObjectStore& after, FaultyStore::Fault) {
                   EXPECT_FALSE(back_up_into(after).error.has_value());
                   const SnapshotLog copy(after, repository);
                   EXPECT_EQ(restored(after, must(copy.list({})).back().number), refs("source"));
                 });
}

TEST_F(KillPoints, OfAPrune) {
  options.full = true;
  for (int i = 1; i <= 4; ++i) {
    git.commit("source", "main", fmt::format("commit {}", i));
    must_back_up();
  }
  must(prune(log, {.policy = {.keep_last = 2}}, clock, {}));
  clock.advance(std::chrono::hours(25));
  const PruneOptions keep_one{.policy = {.keep_last = 1}};

  // 1 and 2 are removed, 3 is retired.
  at_each_effect(
      [&](ObjectStore& dying) { static_cast<void>(prune(SnapshotLog(dying, repository), keep_one, clock, {})); },
      [&](ObjectStore& after, FaultyStore::Fault) {
        const SnapshotLog copy(after, repository);
        EXPECT_EQ(restored(after, 4), refs("source"));
        const Result<PruneReport> again = prune(copy, keep_one, clock, {});
        ASSERT_TRUE(again.has_value()) << again.error().message();
        EXPECT_THAT(again->still_there, IsEmpty());

        std::vector<std::uint64_t> live;
        std::vector<std::uint64_t> with_manifest;
        for (const SnapshotEntry& entry : must(copy.list({}))) {
          if (entry.is_live()) live.push_back(entry.number);
          if (entry.has_manifest) with_manifest.push_back(entry.number);
        }
        EXPECT_THAT(live, ElementsAre(4));
        EXPECT_THAT(with_manifest, ElementsAre(3, 4));
        EXPECT_EQ(must(after.list("repositories/", {})).size(), 2u) << "data that nobody needs is gone";
        EXPECT_EQ(restored(after, 3).size(), refs("source").size());
      });
}

// An interruption leaves nothing that verify would call damage; only a store that tears objects does.
TEST_F(KillPoints, LeaveNothingThatLooksDamaged) {
  git.commit("source", "main", "one");
  must_back_up();
  git.commit("source", "main", "two");
  at_each_effect([&](ObjectStore& dying) { static_cast<void>(back_up_into(dying)); },
                 [&](ObjectStore& after, FaultyStore::Fault fault) {
                   if (fault == FaultyStore::Fault::Torn) return;
                   const SnapshotLog copy(after, repository);
                   const VerifyReport report = must(verify(copy, {}, clock, {}));
                   for (const VerifiedSnapshot& snapshot : report.snapshots) EXPECT_TRUE(snapshot.good);
                   EXPECT_TRUE(must(verify(copy, {}, clock, {})).is_good());
                 });
}

}  // namespace
}  // namespace packferry
