#include "engine/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/backup_scene.h"
#include "testing/damage.h"

namespace packferry {
namespace {

using testing::BackupScene;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::must;
using ::testing::SizeIs;

constexpr std::array kLevels = {Verification::Stored, Verification::Parsed, Verification::Connected,
                                Verification::Drilled};

// Counts what is read, and lets some of it be refused.
class WatchedStore final : public ObjectStore {
 public:
  explicit WatchedStore(ObjectStore& store) : store_(store) {}
  std::string name() const override { return store_.name(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
    return store_.create(key, stop);
  }
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
    return store_.put_if_absent(key, bytes, stop);
  }
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override {
    ++reads[std::string(key)];
    if (key == refused) return Error(refusal, "not today");
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

  std::map<std::string, int> reads;
  std::string refused;
  ErrorKind refusal = ErrorKind::Denied;

 private:
  ObjectStore& store_;
};

class VerifyTest : public ::testing::Test, protected BackupScene {
 protected:
  // Two chains: 1, 2, 3 (which brought no data) and 4, 5.
  void two_chains() {
    const std::string one = git.commit("source", "main", "one");
    must_back_up();
    git.commit("source", "main", "two");
    must_back_up();
    git.git("source", {"branch", "old", one});
    must_back_up();
    options.full = true;
    git.commit("source", "main", "four");
    must_back_up();
    options.full = false;
    git.commit("source", "main", "five");
    must_back_up();
  }
  VerifyReport run(Verification level = Verification::Stored) { return run({.level = level}); }
  VerifyReport run(VerifyOptions what) {
    what.restore = restoring();
    what.restore.scratch = git.path(".");
    return must(verify(log, what, clock, {}));
  }
  VerifyReport look(VerifyOptions what = {}) {
    what.record = false;
    return run(what);
  }
  static std::vector<std::uint64_t> good(const VerifyReport& report) {
    std::vector<std::uint64_t> numbers;
    for (const VerifiedSnapshot& snapshot : report.snapshots)
      if (snapshot.good) numbers.push_back(snapshot.number);
    return numbers;
  }
};

MATCHER_P3(Found, kind, key, what, "") {
  *result_listener << to_string(arg.kind) << " " << arg.key << ": " << arg.what;
  return to_string(arg.kind) == std::string_view(kind) && arg.key == key && arg.what.find(what) != std::string::npos;
}

TEST_F(VerifyTest, EachLevelIsProvenAndWrittenDown) {
  two_chains();
  for (const Verification level : kLevels) {
    clock.advance(std::chrono::hours(1));
    const VerifyReport report = run(level);
    EXPECT_THAT(report.findings, IsEmpty()) << to_string(level) << report.findings.at(0).what;
    EXPECT_THAT(good(report), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_TRUE(report.is_good());
    EXPECT_EQ(report.objects_read, 5u + 4u);
    for (const SnapshotEntry& entry : must(log.list({}))) EXPECT_EQ(entry.verified.at(level), clock.now());
  }
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(git.path(".")))
    if (entry.path().filename().string().starts_with(".packferry")) left.push_back(entry.path());
  EXPECT_THAT(left, IsEmpty());
}

TEST_F(VerifyTest, NothingIsWrittenDownUnlessItIsToBe) {
  two_chains();
  const std::vector<std::string> before = keys();
  clock.advance(std::chrono::hours(1));
  EXPECT_TRUE(look().is_good());
  EXPECT_EQ(keys(), before);
}

TEST_F(VerifyTest, EachObjectIsReadOnce) {
  two_chains();
  for (const Verification level : kLevels) {
    WatchedStore watched(store);
    const SnapshotLog through(watched, repository);
    EXPECT_TRUE(must(verify(through, {.level = level, .record = false, .restore = restoring()}, clock, {})).is_good());
    for (const auto& [key, reads] : watched.reads)
      EXPECT_TRUE(!key.starts_with("repositories/") || reads == 1) << key << " " << reads;
  }
}

TEST_F(VerifyTest, PartsTogetherReadEverythingOnce) {
  two_chains();
  for (const Verification level : {Verification::Stored, Verification::Connected}) {
    WatchedStore watched(store);
    const SnapshotLog through(watched, repository);
    for (unsigned part = 1; part <= 3; ++part)
      EXPECT_TRUE(
          must(verify(through, {.level = level, .part = part, .parts = 3, .record = false, .restore = restoring()},
                      clock, {}))
              .is_good());
    std::size_t objects = 0;
    for (const auto& [key, reads] : watched.reads) {
      if (!key.starts_with("repositories/")) continue;
      EXPECT_EQ(reads, 1) << key;
      ++objects;
    }
    EXPECT_EQ(objects, 4u);
  }
}

TEST_F(VerifyTest, APartFindsWhatIsMissingInAnother) {
  two_chains();
  must(store.remove(read(1).chain[0].key, {}));
  for (unsigned part = 1; part <= 3; ++part) EXPECT_THAT(good(look({.part = part, .parts = 3})), ElementsAre(4, 5));
}

TEST_F(VerifyTest, APartProvesOnlyWhatItHasReadWhole) {
  two_chains();
  clock.advance(std::chrono::hours(1));
  for (unsigned part = 1; part <= 50; ++part) run({.part = part, .parts = 50});
  std::vector<std::uint64_t> proven;
  for (const SnapshotEntry& entry : must(log.list({})))
    if (entry.verified.at(Verification::Stored) == clock.now()) proven.push_back(entry.number);
  EXPECT_THAT(proven, ElementsAre(1, 4)) << "the others have objects in two parts";
}

TEST_F(VerifyTest, DamageNamesItsObjectAndWhoNeedsIt) {
  two_chains();
  const std::string second = read(2).chain[1].key;
  store.mutate(second, testing::flip_bit(testing::bytes_of(store, second).size() - 1, 0));
  for (const Verification level : kLevels) {
    const VerifyReport report = look({.level = level});
    ASSERT_THAT(report.findings, SizeIs(1)) << to_string(level);
    EXPECT_THAT(report.findings[0], Found("damaged", second, ""));
    EXPECT_THAT(report.findings[0].snapshots, ElementsAre(2, 3));
    EXPECT_THAT(good(report), ElementsAre(1, 4, 5)) << "and the others are verified all the same";
    EXPECT_FALSE(report.is_good());
  }
}

TEST_F(VerifyTest, AMissingObjectTakesItsWholeChainDown) {
  two_chains();
  const std::string first = read(1).chain[0].key;
  must(store.remove(first, {}));
  for (const Verification level : kLevels) {
    const VerifyReport report = look({.level = level});
    ASSERT_THAT(report.findings, SizeIs(1));
    EXPECT_THAT(report.findings[0], Found("missing", first, ""));
    EXPECT_THAT(report.findings[0].snapshots, ElementsAre(1, 2, 3));
    EXPECT_THAT(good(report), ElementsAre(4, 5));
  }
}

TEST_F(VerifyTest, AStoreThatDoesNotAnswerProvesNoDamage) {
  two_chains();
  WatchedStore watched(store);
  const SnapshotLog through(watched, repository);
  watched.refused = read(4).chain[0].key;
  const VerifyReport report = must(verify(through, {.record = false}, clock, {}));
  EXPECT_THAT(report.findings, ElementsAre(Found("unreadable", watched.refused, "not today")));
  EXPECT_FALSE(report.is_good());
  watched.refusal = ErrorKind::Cancelled;
  EXPECT_FAILS(verify(through, {.record = false}, clock, {}), ErrorKind::Cancelled, "not today");
}

TEST_F(VerifyTest, ManifestsAreAChain) {
  two_chains();
  // Snapshot 3 is another one than that which 4 was made after.
  Manifest forged = read(3);
  forged.source = "somewhere else";
  must(store.remove(log.manifest_key(3), {}));
  const std::string sha256 = must(log.append(forged, true, {}));
  VerifyReport report = look();
  EXPECT_THAT(report.findings, ElementsAre(Found("damaged", log.manifest_key(3), "speak of another manifest"),
                                           Found("broken", log.manifest_key(4), "after another manifest")));

  // Neither a manifest nor a record.
  for (const std::string& key : keys())
    if (key.find("0000000003.") != std::string::npos) must(store.remove(key, {}));
  report = look();
  EXPECT_THAT(report.findings, ElementsAre(Found("missing", log.manifest_key(3), "neither a manifest nor a record"),
                                           Found("broken", log.manifest_key(4), "says nothing of snapshot 2")));
  EXPECT_EQ(sha256.size(), 64u);
}

TEST_F(VerifyTest, AManifestAfterADamagedOneIsLinkedToTheOneBefore) {
  git.commit("source", "main", "one");
  must_back_up();
  git.commit("source", "main", "two");
  must_back_up();
  store.mutate(log.manifest_key(2), testing::flip_bit(9, 1));
  must_back_up();
  EXPECT_THAT(look().findings, ElementsAre(Found("damaged", log.manifest_key(2), "")));
}

TEST_F(VerifyTest, ManifestsAndRecordsThatAreMissing) {
  two_chains();
  must(store.remove(log.manifest_key(5), {}));
  EXPECT_THAT(look().findings, ElementsAre(Found("missing", log.manifest_key(5), "was not pruned")));
  EXPECT_THAT(good(look()), ElementsAre(1, 2, 3, 4));

  for (const std::string& key : keys())
    if (key.find("0000000004.stored") != std::string::npos) must(store.remove(key, {}));
  const VerifyReport report = run();
  EXPECT_THAT(report.findings, ElementsAre(Found("unrecorded", log.manifest_key(4), "no record speaks of it"),
                                           Found("missing", log.manifest_key(5), "")));
  EXPECT_THAT(good(report), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(look().findings, SizeIs(1)) << "it has one now";
}

TEST_F(VerifyTest, WhatNobodyOfUsWrote) {
  two_chains();
  const std::string foreign = "manifests/app/web/notes.txt";
  must(store.put_if_absent(foreign, as_bytes("x"), {}));
  must(store.put_if_absent("manifests/app/web/deeper/0000000001.manifest", as_bytes("another repository's"), {}));
  const VerifyReport report = look();
  EXPECT_THAT(report.findings, ElementsAre(Found("foreign", foreign, "move it away")));
  EXPECT_THAT(good(report), SizeIs(5));
}

TEST_F(VerifyTest, PrunedAndRetiredSnapshotsAreNoGaps) {
  two_chains();
  must(log.note_retired(1, must(log.read(1, {})).sha256, clock.now(), {}));
  must(log.note_pruned(2, must(log.read(2, {})).sha256, clock.now(), {}));
  must(log.remove(2, {}));
  const VerifyReport report = look({.level = Verification::Connected});
  EXPECT_TRUE(report.is_good());
  EXPECT_THAT(good(report), ElementsAre(3, 4, 5));
}

TEST_F(VerifyTest, OneSnapshotAlone) {
  two_chains();
  must(store.remove(read(1).chain[0].key, {}));
  for (const Verification level : kLevels) {
    const VerifyReport report = look({.level = level, .only = 4});
    EXPECT_TRUE(report.is_good());
    EXPECT_THAT(good(report), ElementsAre(4));
  }
  EXPECT_FALSE(look({.only = 3}).is_good());
  EXPECT_FAILS(verify(log, {.only = 9}, clock, {}), ErrorKind::NotFound, "no snapshot 9");
}

TEST_F(VerifyTest, WhatTheSourceHadIsToldAndNoFailure) {
  commit_dirty_tree();
  must_back_up();
  for (const Verification level : kLevels) {
    const VerifyReport report = look({.level = level});
    EXPECT_TRUE(report.is_good());
    EXPECT_THAT(good(report), ElementsAre(1));
    if (level != Verification::Drilled) {
      EXPECT_THAT(report.findings, IsEmpty());
      continue;
    }
    EXPECT_THAT(report.findings, ElementsAre(Found("fsck", log.manifest_key(1), "duplicateEntries")));
  }
}

TEST_F(VerifyTest, HistoryWithAHoleIsStoredAndParsedAndNoMore) {
  git.commit("source", "main", "one");
  const std::string blob = git.git("source", {"rev-parse", "main:content"});
  append_made(pack_without(blob), main_at(git.commit("source", "main", "two")));
  EXPECT_TRUE(look().is_good());
  EXPECT_TRUE(look({.level = Verification::Parsed}).is_good());
  EXPECT_THAT(look({.level = Verification::Connected}).findings,
              ElementsAre(Found("incomplete", log.manifest_key(1), blob)));
  EXPECT_FALSE(look({.level = Verification::Drilled}).is_good());
}

TEST_F(VerifyTest, ADamagedPackIsStoredAndNoMore) {
  const std::string one = git.commit("source", "main", "one");
  std::string pack = pack_without("");
  pack[pack.size() / 2] = static_cast<char>(pack[pack.size() / 2] ^ 1);
  const std::string key = append_made(pack, main_at(one)).chain[0].key;
  EXPECT_TRUE(look().is_good());
  for (const Verification level : {Verification::Parsed, Verification::Connected, Verification::Drilled})
    EXPECT_THAT(look({.level = level}).findings, ElementsAre(Found("damaged", key, "")));
}

TEST_F(VerifyTest, EncryptedDataWantsAnIdentityAboveStored) {
  const AgeIdentity identity =
      must(AgeIdentity::parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"));
  options.recipients = {identity.recipient()};
  git.commit("source", "main", "one");
  must_back_up();
  EXPECT_TRUE(look().is_good());
  EXPECT_THAT(look({.level = Verification::Parsed}).findings,
              ElementsAre(Found("unreadable", read(1).chain[0].key, "give the identity")));
  identities = {identity};
  for (const Verification level : kLevels) EXPECT_TRUE(look({.level = level}).is_good()) << to_string(level);
}

TEST_F(VerifyTest, ZipsAndNothingAtAllAreVerifiedToo) {
  options.record_unchanged = true;
  must_back_up();
  options.format = BackupFormat::Zip;
  git.commit("source", "main", "one");
  must_back_up();
  git.git("source", {"tag", "v1", "main"});
  must_back_up();
  for (const Verification level : kLevels) {
    const VerifyReport report = look({.level = level});
    EXPECT_TRUE(report.is_good()) << to_string(level) << report.findings.at(0).what;
    EXPECT_THAT(good(report), ElementsAre(1, 2, 3));
  }
}

}  // namespace
}  // namespace packferry
