#include "engine/backup_destination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "testing/backup_scene.h"
#include "testing/damage.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::BackupScene;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::must;
using ::testing::SizeIs;

DataObject link(std::uint64_t snapshot, std::uint64_t bytes) {
  return {.snapshot = snapshot, .full = snapshot == 1, .bytes = bytes};
}

TEST(FullIsDue, WhenAChainHasGrownLongHeavyOrOld) {
  const Clock::WallTime made{};
  const auto day = std::chrono::days(1);
  const ChainLimits limits{.links_max = 2, .percent_max = 50, .age_max = std::chrono::hours(240)};
  const struct {
    std::vector<DataObject> chain;
    int days;
    const char* why;  // null: an incremental one will do
  } cases[] = {
      {{}, 0, "nothing to build on"},
      {{link(1, 100)}, 0, nullptr},
      {{link(1, 100)}, 10, nullptr},
      {{link(1, 100)}, 11, "11 days old"},
      {{link(1, 100), link(2, 50)}, 0, nullptr},
      {{link(1, 100), link(2, 51)}, 0, "51 %"},
      {{link(1, 100), link(2, 1), link(3, 1)}, 0, "2 incremental"},
      {{link(1, 100), link(2, 30), link(3, 30)}, 0, "2 incremental"},
  };
  for (const auto& row : cases) {
    const auto why = full_is_due(row.chain, made, limits, made + row.days * day);
    EXPECT_EQ(why.has_value(), row.why != nullptr) << why.value_or("no");
    EXPECT_THAT(why.value_or(""), HasSubstr(row.why != nullptr ? row.why : ""));
  }
}

class BackupDestinationTest : public ::testing::Test, protected BackupScene {
 protected:
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> all;
    for (const SnapshotEntry& entry : must(log.list({}))) all.push_back(entry.number);
    return all;
  }
  std::vector<std::string> data_keys() {
    std::vector<std::string> all = keys();
    std::erase_if(all, [](const std::string& key) { return key.starts_with("manifests/"); });
    return all;
  }
};

#define EXPECT_STATUS(leg, expected) \
  EXPECT_EQ(to_string((leg).status), to_string(expected)) << ((leg).error ? (leg).error->message() : "")

TEST_F(BackupDestinationTest, TheFirstSnapshotIsFull) {
  git.commit("source", "main", "one");
  const LegReport leg = back_up();
  EXPECT_STATUS(leg, LegStatus::Done);
  EXPECT_TRUE(leg.equal_to_source);
  ASSERT_TRUE(published.has_value());
  EXPECT_TRUE(published->full);
  EXPECT_EQ(published->full_because, "first snapshot");
  EXPECT_TRUE(published->confirmed);

  const Manifest manifest = read(1);
  EXPECT_EQ(to_text(manifest), to_text(published->manifest));
  EXPECT_EQ(manifest.source, options.source);
  ASSERT_THAT(manifest.chain, SizeIs(1));
  EXPECT_TRUE(manifest.chain[0].full);
  EXPECT_TRUE(manifest.chain[0].key.starts_with("repositories/app/web/app/web-"));
  EXPECT_FALSE(manifest.previous.has_value());
  EXPECT_EQ(manifest.head.target->text(), "refs/heads/main");
  EXPECT_TRUE(must(log.list({})).at(0).verified.contains(Verification::Stored));
  EXPECT_EQ(restored_refs(manifest), refs("source"));
}

TEST_F(BackupDestinationTest, TheNextOneHoldsOnlyWhatIsNew) {
  git.commit("source", "main", std::string(20'000, 'a'));
  for (int i = 0; i < 50; ++i) git.commit("source", "main", fmt::format("{} {}", i, std::string(200, 'b')));
  must_back_up();
  git.commit("source", "main", "one more");
  const PublishedSnapshot second = must_back_up();
  EXPECT_FALSE(second.full);
  ASSERT_THAT(second.manifest.chain, SizeIs(2));
  EXPECT_LT(second.manifest.chain[1].bytes, second.manifest.chain[0].bytes / 4);
  EXPECT_EQ(second.manifest.previous->number, 1u);
  EXPECT_EQ(restored_refs(second.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, NothingNewIsNoSnapshotUnlessAskedFor) {
  git.commit("source", "main", "one");
  must_back_up();
  EXPECT_STATUS(back_up(), LegStatus::UpToDate);
  EXPECT_FALSE(published.has_value());
  EXPECT_THAT(numbers(), ElementsAre(1));

  options.record_unchanged = true;
  const PublishedSnapshot second = must_back_up();
  EXPECT_EQ(second.manifest.chain, read(1).chain);
  EXPECT_EQ(second.manifest.refs, read(1).refs);
  EXPECT_GT(second.manifest.created_at, read(1).created_at);
  EXPECT_EQ(restored_refs(second.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, DeletionsAndRewindsBringNoData) {
  git.commit("source", "main", "one");
  const std::string two = git.commit("source", "main", "two");
  git.commit("source", "main", "three");
  git.git("source", {"branch", "topic", "main"});
  const Manifest first = must_back_up().manifest;
  const std::string first_refs = refs("source");

  git.git("source", {"branch", "-D", "topic"});
  const PublishedSnapshot deleted = must_back_up();
  EXPECT_EQ(deleted.manifest.chain, first.chain);
  EXPECT_EQ(restored_refs(deleted.manifest), refs("source"));

  git.git("source", {"update-ref", "refs/heads/main", two});
  const PublishedSnapshot rewound = must_back_up();
  EXPECT_EQ(rewound.manifest.chain, first.chain);
  EXPECT_EQ(restored_refs(rewound.manifest), refs("source"));
  EXPECT_THAT(data_keys(), SizeIs(1));

  EXPECT_EQ(restored_refs(first), first_refs) << "what was deleted and rewound is in the older one";
}

TEST_F(BackupDestinationTest, BranchesComeBackAndHistoryGoesOnFromOldCommits) {
  const std::string one = git.commit("source", "main", "one");
  git.commit("source", "main", "two");
  git.commit("source", "topic", "topic");
  must_back_up();
  git.git("source", {"branch", "-D", "topic"});
  git.git("source", {"update-ref", "refs/heads/main", one});
  must_back_up();
  git.commit("source", "main", "another two");
  must_back_up();
  git.git("source", {"branch", "topic", one});
  const std::string three = git.commit("source", "topic", "topic again");
  git.git("source", {"tag", "-a", "-m", "annotated", "v1", three});
  const PublishedSnapshot last = must_back_up();
  EXPECT_FALSE(last.full);
  EXPECT_THAT(last.manifest.chain, SizeIs(3));
  EXPECT_EQ(restored_refs(last.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, AnEmptySourceIsABackupOfNothing) {
  const PublishedSnapshot empty = must_back_up();
  EXPECT_TRUE(empty.manifest.refs.empty());
  EXPECT_THAT(empty.manifest.chain, IsEmpty());
  EXPECT_EQ(restored_refs(empty.manifest), "");
  EXPECT_STATUS(back_up(), LegStatus::UpToDate);

  git.commit("source", "main", "one");
  const PublishedSnapshot second = must_back_up();
  EXPECT_TRUE(second.full);
  EXPECT_EQ(restored_refs(second.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, HeadIsKeptUnbornMovedAndDetached) {
  const std::string one = git.commit("source", "main", "one");
  git.commit("source", "main", "two");
  git.git("source", {"symbolic-ref", "HEAD", "refs/heads/not-yet"});
  const Manifest unborn = must_back_up().manifest;
  ASSERT_EQ(restored_refs(unborn), refs("source"));
  EXPECT_EQ(git.git("restored-1", {"symbolic-ref", "HEAD"}), "refs/heads/not-yet");

  git.git("source", {"symbolic-ref", "HEAD", "refs/heads/main"});
  const Manifest moved = must_back_up().manifest;
  ASSERT_EQ(restored_refs(moved), refs("source"));
  EXPECT_EQ(git.git("restored-2", {"symbolic-ref", "HEAD"}), "refs/heads/main");

  git.git("source", {"update-ref", "--no-deref", "HEAD", one});
  const Manifest detached = must_back_up().manifest;
  ASSERT_EQ(restored_refs(detached), refs("source"));
  EXPECT_EQ(git.git("restored-3", {"rev-parse", "HEAD"}), one);
  EXPECT_NE(git.try_git("restored-3", {"symbolic-ref", "-q", "HEAD"}).code, 0);
}

TEST_F(BackupDestinationTest, AFullOneIsMadeWhenTheChainEnds) {
  options.limits = {.links_max = 2, .percent_max = 1000};
  std::vector<bool> full;
  for (int i = 0; i < 5; ++i) {
    git.commit("source", "main", fmt::format("commit {}", i));
    full.push_back(must_back_up().full);
  }
  EXPECT_THAT(full, ElementsAre(true, false, false, true, false));
  EXPECT_EQ(restored_refs(read(5)), refs("source"));
  EXPECT_THAT(read(5).chain, SizeIs(2));

  clock.advance(std::chrono::hours(31 * 24));
  git.commit("source", "main", "later");
  EXPECT_THAT(must_back_up().full_because, HasSubstr("31 days old"));

  options.full = true;
  const PublishedSnapshot asked = must_back_up();
  EXPECT_EQ(asked.full_because, "asked for");
  EXPECT_EQ(restored_refs(asked.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, ABrokenChainMakesAFull) {
  git.commit("source", "main", "one");
  const std::string key = must_back_up().manifest.chain[0].key;
  store.mutate(key, testing::grow_by(1));
  const PublishedSnapshot second = must_back_up();
  EXPECT_TRUE(second.full) << "though nothing is new";
  EXPECT_THAT(second.full_because, HasSubstr("bytes instead of"));
  EXPECT_EQ(restored_refs(second.manifest), refs("source"));

  must(store.remove(second.manifest.chain[0].key, {}));
  git.commit("source", "main", "two");
  const PublishedSnapshot third = must_back_up();
  EXPECT_THAT(third.full_because, HasSubstr("is missing"));
  EXPECT_EQ(restored_refs(third.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, ADamagedManifestIsPassedOver) {
  git.commit("source", "main", "one");
  must_back_up();
  git.commit("source", "main", "two");
  must_back_up();
  store.mutate(log.manifest_key(2), testing::flip_bit(40, 0));
  const PublishedSnapshot third = must_back_up();
  EXPECT_EQ(third.manifest.number, 3u);
  EXPECT_EQ(third.full_because, "snapshot 2 cannot be read");
  EXPECT_EQ(third.manifest.previous->number, 1u);
  EXPECT_EQ(restored_refs(third.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, AFullOneOfWhatIsWhollyDamagedStartsAnew) {
  git.commit("source", "main", "one");
  must_back_up();
  store.mutate(log.manifest_key(1), testing::cut_to(10));
  const PublishedSnapshot second = must_back_up();
  EXPECT_TRUE(second.full);
  EXPECT_FALSE(second.manifest.previous.has_value());
  EXPECT_EQ(restored_refs(second.manifest), refs("source"));
}

// Of two writers one finds the number taken, and starts over from what is there now.
TEST_F(BackupDestinationTest, ANumberThatIsTakenIsANewAttempt) {
  git.commit("source", "main", "one");
  must_back_up();
  git.commit("source", "main", "two");

  // The other writer comes just before our manifest.
  class Overtaken final : public ObjectStore {
   public:
    Overtaken(ObjectStore& store, std::function<void()> other) : store_(store), other_(std::move(other)) {}
    std::string name() const override { return store_.name(); }
    Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
      return store_.create(key, stop);
    }
    Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
      if (other_) std::exchange(other_, nullptr)();
      return store_.put_if_absent(key, bytes, stop);
    }
    Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override {
      return store_.open(key, offset, stop);
    }
    Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override {
      return store_.find(key, stop);
    }
    Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override {
      return store_.list(prefix, stop);
    }
    Result<> remove(std::string_view key, std::stop_token stop) override { return store_.remove(key, stop); }
    Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override { return store_.sweep(age, stop); }

   private:
    ObjectStore& store_;
    std::function<void()> other_;
  };

  Overtaken equal(store, [&] { must_back_up(); });
  EXPECT_STATUS(back_up_into(equal), LegStatus::Done);
  EXPECT_FALSE(published.has_value()) << "the other's snapshot is what ours would have been";
  EXPECT_THAT(numbers(), ElementsAre(1, 2));

  git.commit("source", "main", "three");
  Overtaken overtaken(store, [&] {
    git.commit("source", "main", "four");
    must_back_up();
    git.commit("source", "main", "five");
  });
  EXPECT_STATUS(back_up_into(overtaken), LegStatus::Done);
  ASSERT_TRUE(published.has_value());
  EXPECT_EQ(published->manifest.number, 4u);
  EXPECT_EQ(published->manifest.previous->number, 3u);
  EXPECT_EQ(restored_refs(published->manifest), refs("source"));
  EXPECT_EQ(restored_refs(read(3)).size(), refs("source").size());
}

TEST_F(BackupDestinationTest, AWriterThatMayOnlyPutRemembersByItself) {
  // Everything but puts is denied.
  class PutOnly final : public ObjectStore {
   public:
    explicit PutOnly(ObjectStore& store) : store_(store) {}
    std::string name() const override { return store_.name(); }
    Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
      return store_.create(key, stop);
    }
    Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
      return store_.put_if_absent(key, bytes, stop);
    }
    Result<std::unique_ptr<Reader>> open(std::string_view, std::uint64_t, std::stop_token) override {
      return Error(ErrorKind::Denied, "no GetObject");
    }
    Result<std::optional<ObjectInfo>> find(std::string_view, std::stop_token) override {
      return Error(ErrorKind::Denied, "no HeadObject");
    }
    Result<std::vector<ObjectInfo>> list(std::string_view, std::stop_token) override {
      return Error(ErrorKind::Denied, "no ListBucket");
    }
    Result<> remove(std::string_view, std::stop_token) override { return Error(ErrorKind::Denied, "no DeleteObject"); }
    Result<std::size_t> sweep(Milliseconds, std::stop_token) override { return Error(ErrorKind::Denied, "no sweep"); }

   private:
    ObjectStore& store_;
  } put_only(store);

  options.put_only_record = git.path("record");
  git.commit("source", "main", "one");
  EXPECT_STATUS(back_up_into(put_only), LegStatus::Done);
  ASSERT_TRUE(published.has_value());
  EXPECT_FALSE(published->confirmed);
  git.commit("source", "main", "two");
  EXPECT_STATUS(back_up_into(put_only), LegStatus::Done);
  ASSERT_TRUE(published.has_value());
  EXPECT_FALSE(published->full);
  EXPECT_EQ(restored_refs(read(2)), refs("source"));

  std::filesystem::remove(options.put_only_record);
  EXPECT_STATUS(back_up_into(put_only), LegStatus::Done);
  ASSERT_TRUE(published.has_value());
  EXPECT_EQ(published->manifest.number, 3u) << "the first number that is free";
  EXPECT_TRUE(published->full);
  EXPECT_EQ(restored_refs(read(3)), refs("source"));

  repository = must(RepositoryName::parse("app/other"));
  const LegReport other = back_up_into(put_only);
  EXPECT_STATUS(other, LegStatus::Failed);
  EXPECT_THAT(other.error->message(), HasSubstr("its own"));
}

TEST_F(BackupDestinationTest, WhatIsHeldBackStaysInTheSnapshot) {
  for (int i = 0; i < 12; ++i) git.commit("source", fmt::format("topic/{}", i), fmt::format("topic {}", i));
  git.commit("source", "main", "one");
  must_back_up();
  const std::string before = refs("source");

  for (int i = 0; i < 12; ++i) git.git("source", {"branch", "-D", fmt::format("topic/{}", i)});
  const LegReport nothing_new = back_up();
  EXPECT_STATUS(nothing_new, LegStatus::Held);
  EXPECT_FALSE(published.has_value());

  git.commit("source", "main", "two");
  options.limits.links_max = 0;
  EXPECT_STATUS(back_up(), LegStatus::Held);
  ASSERT_TRUE(published.has_value());
  EXPECT_FALSE(published->full) << "the source no longer has everything";
  EXPECT_EQ(published->manifest.withheld, 12u);
  EXPECT_EQ(published->manifest.refs.size(), 13u);
  EXPECT_EQ(restored_refs(read(2)).size(), before.size());

  options.full = true;
  git.commit("source", "main", "three");
  const LegReport refused = back_up();
  EXPECT_STATUS(refused, LegStatus::Failed);
  EXPECT_THAT(refused.error->message(), HasSubstr("12 refs of the last one stand where this run does not find them"));

  policy.allow_deletions = must(Allowance::parse("12"));
  EXPECT_STATUS(back_up(), LegStatus::Done);
  ASSERT_TRUE(published.has_value());
  EXPECT_TRUE(published->full);
  EXPECT_EQ(restored_refs(read(3)), refs("source"));
}

TEST_F(BackupDestinationTest, AFullSnapshotIsNotMadeOfASelectionThatLacksSomeRefs) {
  git.commit("source", "main", "one");
  git.git("source", {"update-ref", "refs/heads/other", "refs/heads/main"});
  git.commit("source", "other", "aside");
  must_back_up();
  git.commit("source", "main", "two");
  git.commit("source", "other", "unseen");
  policy.selection = must(RefspecSet::from({must(Refspec::parse("refs/heads/main"))}));

  options.full = true;
  const LegReport refused = back_up();
  EXPECT_STATUS(refused, LegStatus::Failed);
  EXPECT_THAT(refused.error->message(), HasSubstr("1 refs of the last one stand where"));

  options.full = false;
  options.limits.links_max = 0;
  const PublishedSnapshot second = must_back_up();
  EXPECT_FALSE(second.full) << "due, but not from this selection";
  restored_refs(second.manifest);

  policy.selection = RefspecSet::branches_and_tags();
  git.commit("source", "main", "three");
  const PublishedSnapshot third = must_back_up();
  EXPECT_TRUE(third.full);
  EXPECT_EQ(restored_refs(third.manifest), refs("source"));
}

TEST_F(BackupDestinationTest, ASourceThatIsGoneOverNightHarmsNothing) {
  git.commit("source", "main", "one");
  const std::string before = refs("source");
  must_back_up();
  git.git("source", {"update-ref", "-d", "refs/heads/main"});
  EXPECT_STATUS(back_up(), LegStatus::Held);
  EXPECT_FALSE(published.has_value());
  EXPECT_EQ(restored_refs(read(1)), before);
}

TEST_F(BackupDestinationTest, EncryptedDataOpensWithItsIdentityAlone) {
  const auto output = git.try_git(".", {"version"});  // the sandbox is there
  ASSERT_EQ(output.code, 0);
  const AgeIdentity identity =
      must(AgeIdentity::parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"));
  options.recipients = {identity.recipient()};
  git.commit("source", "main", "one");
  must_back_up();
  git.commit("source", "main", "two");
  const Manifest manifest = must_back_up().manifest;
  ASSERT_THAT(manifest.chain, SizeIs(2));
  for (const DataObject& object : manifest.chain) {
    EXPECT_TRUE(object.encrypted);
    EXPECT_TRUE(object.key.ends_with(".bundle.age"));
  }
  EXPECT_FAILS(restore(manifest, "without"), ErrorKind::Denied, "it is encrypted");
  EXPECT_FALSE(std::filesystem::exists(git.path("without")));
  identities = {identity};
  EXPECT_EQ(restored_refs(manifest), refs("source"));
}

TEST_F(BackupDestinationTest, AZipIsAlwaysWhole) {
  options.format = BackupFormat::Zip;
  git.commit("source", "main", "one");
  EXPECT_TRUE(must_back_up().full);
  git.commit("source", "main", "two");
  const PublishedSnapshot second = must_back_up();
  EXPECT_EQ(second.full_because, "a zip holds everything");
  ASSERT_THAT(second.manifest.chain, SizeIs(1));
  EXPECT_TRUE(second.manifest.chain[0].key.ends_with(".zip"));
  EXPECT_EQ(restored_refs(second.manifest), refs("source"));
  EXPECT_STATUS(back_up(), LegStatus::UpToDate);

  options.format = BackupFormat::Bundle;
  git.commit("source", "main", "three");
  const PublishedSnapshot third = must_back_up();
  EXPECT_TRUE(third.full) << "a chain of bundles begins with a bundle";
  EXPECT_EQ(restored_refs(third.manifest), refs("source"));
}

TEST(BackupDestinationSha256, IsAsGood) {
  BackupScene scene("sha256");
  scene.git.commit("source", "main", "one");
  scene.must_back_up();
  scene.git.commit("source", "main", "two");
  const Manifest manifest = scene.must_back_up().manifest;
  EXPECT_EQ(manifest.format, ObjectFormat::Sha256);
  EXPECT_THAT(manifest.chain, SizeIs(2));
  EXPECT_EQ(scene.restored_refs(manifest), scene.refs("source"));
}

TEST_F(BackupDestinationTest, AFailedPushLeavesNoSnapshotAndTheNextOneIsFine) {
  git.commit("source", "main", "one");
  must_back_up();
  git.commit("source", "main", "two");
  std::stop_source stop;
  stop.request_stop();
  RemoteSource from = source();
  BackupDestination to(store, repository, options, Patience{}, clock);
  const CrossingReport report = Crossing(from, {&to}, {.policy = policy}, clock).run(stop.get_token());
  EXPECT_STATUS(report.legs.at(0), LegStatus::Failed);
  EXPECT_THAT(numbers(), ElementsAre(1));
  EXPECT_EQ(restored_refs(must_back_up().manifest), refs("source"));
}

}  // namespace
}  // namespace packferry
