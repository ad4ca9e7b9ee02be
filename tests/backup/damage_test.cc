// Every byte of every object of a small backup is changed, every object cut, deleted, swapped and replaced by one from
// another backup: verify finds all of it, and no restore gives anything but what was backed up.
#include "testing/damage.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "engine/snapshots.h"
#include "engine/verify.h"
#include "testing/backup_scene.h"

namespace packferry {
namespace {

using testing::BackupScene;
using testing::bytes_of;
using ::testing::IsEmpty;
using testing::must;
using ::testing::Not;

// Four snapshots on three data objects: a full one, an incremental one, one that brought no objects, another one.
class SmallBackup : public BackupScene {
 public:
  explicit SmallBackup(std::string_view content) {
    const std::string one = git.commit("source", "main", fmt::format("{} one", content));
    git.commit("source", "topic", fmt::format("{} topic", content));
    add();
    git.commit("source", "main", fmt::format("{} two", content));
    add();
    git.git("source", {"branch", "-D", "topic"});
    git.git("source", {"branch", "old", one});
    add();
    git.commit("source", "main", fmt::format("{} three", content));
    add();
    CHECK(read(4).chain.size() == 3);
  }

  std::map<std::uint64_t, std::string> expected;  // the refs of each snapshot

 private:
  void add() { expected[must_back_up().manifest.number] = refs("source"); }
};

class Damage : public ::testing::Test {
 protected:
  using Finds = std::function<bool()>;

  bool verify_finds() { return verify_finds_in(backup.store); }
  bool verify_finds_in(ObjectStore& store) {
    const Result<VerifyReport> report =
        verify(SnapshotLog(store, backup.repository), {.record = false}, backup.clock, {});
    return !report || !report->is_good();
  }

  bool verify_tells() { return !must(verify(backup.log, {.record = false}, backup.clock, {})).findings.empty(); }

  // One change to one object, looked for, and undone.
  void try_change(const std::string& key, const MemoryStore::Change& change, const std::string& what,
                  const Finds& finds) {
    const std::vector<std::byte> before = bytes_of(backup.store, key);
    ASSERT_TRUE(backup.store.mutate(key, change));
    note(finds(), fmt::format("{}: {}", key, what));
    ASSERT_TRUE(backup.store.mutate(key, testing::become(before)));
  }
  void note(bool found, std::string what) {
    ++tried;
    if (!found) missed.push_back(std::move(what));
  }

  void flip_every_byte(const Finds& finds) {
    std::mt19937 random(1);
    for (const std::string& key : backup.keys())
      for (std::size_t at = 0, bytes = bytes_of(backup.store, key).size(); at < bytes; ++at)
        try_change(key, testing::flip_bit(at, random() % 8), fmt::format("byte {}", at), finds);
  }

  SmallBackup backup{"ours"};
  std::size_t tried = 0;
  std::vector<std::string> missed;
};

TEST_F(Damage, NothingIsFoundWhereThereIsNone) { EXPECT_FALSE(verify_finds()); }

TEST_F(Damage, EveryChangedByteIsFound) {
  flip_every_byte([&] { return verify_finds(); });
  EXPECT_THAT(missed, IsEmpty());
  EXPECT_GT(tried, 3000u);
}

TEST_F(Damage, AVerifyThatPassesOverOneObjectIsCaughtByTheseTests) {
  // Reads of one object are answered from before the damage.
  class Blind final : public ObjectStore {
   public:
    Blind(ObjectStore& store, std::string key, std::vector<std::byte> bytes)
        : store_(store), key_(std::move(key)), bytes_(std::move(bytes)) {}
    std::string name() const override { return store_.name(); }
    Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
      return store_.create(key, stop);
    }
    Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
      return store_.put_if_absent(key, bytes, stop);
    }
    Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override {
      if (key == key_ && offset == 0) return std::unique_ptr<Reader>(std::make_unique<MemoryReader>(bytes_));
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
    const std::string key_;
    const std::vector<std::byte> bytes_;
  };

  for (const std::string& key : backup.keys()) {
    missed.clear();
    Blind blind(backup.store, key, bytes_of(backup.store, key));
    try_change(key, testing::flip_bit(5, 1), "byte 5", [&] { return verify_finds_in(blind); });
    EXPECT_THAT(missed, Not(IsEmpty())) << key;
  }
}

TEST_F(Damage, EveryCutIsFound) {
  for (const std::string& key : backup.keys()) {
    const std::size_t bytes = bytes_of(backup.store, key).size();
    for (std::size_t length = 0; length < bytes; ++length)
      try_change(key, testing::cut_to(length), fmt::format("cut to {}", length), [&] { return verify_finds(); });
    try_change(key, testing::grow_by(1), "a byte more", [&] { return verify_finds(); });
  }
  EXPECT_THAT(missed, IsEmpty());
}

TEST_F(Damage, EveryDeletionIsFound) {
  for (const std::string& key : backup.keys()) {
    const std::vector<std::byte> before = bytes_of(backup.store, key);
    must(backup.store.remove(key, {}));
    // A record that is gone is told and harms nothing; anything else is damage.
    const bool is_record = key.find(".stored.") != std::string::npos;
    note(is_record ? verify_tells() : verify_finds(), key);
    must(backup.store.put_if_absent(key, before, {}));
  }
  EXPECT_THAT(missed, IsEmpty());
  EXPECT_FALSE(verify_finds());
}

TEST_F(Damage, EverySwapIsFound) {
  const std::vector<std::string> keys = backup.keys();
  for (std::size_t a = 0; a < keys.size(); ++a)
    for (std::size_t b = a + 1; b < keys.size(); ++b) {
      testing::swap_objects(backup.store, keys[a], keys[b]);
      note(verify_finds(), fmt::format("{} and {}", keys[a], keys[b]));
      testing::swap_objects(backup.store, keys[a], keys[b]);
    }
  EXPECT_THAT(missed, IsEmpty());
}

TEST_F(Damage, WhatIsReplayedFromAnotherBackupIsFound) {
  SmallBackup other("theirs");
  for (const std::string& key : backup.keys())
    for (const std::string& from : other.keys())
      try_change(key, testing::become(bytes_of(other.store, from)), "replaced by another's " + from,
                 [&] { return verify_finds(); });
  EXPECT_THAT(missed, IsEmpty());
}

TEST_F(Damage, NoRestoreGivesAnythingElse) {
  std::mt19937 random(2);
  unsigned refused = 0;
  const auto restores_well = [&] {
    const Result<ReadManifest> newest = choose_snapshot(backup.log, {}, {});
    if (!newest) return ++refused, true;
    const std::string name = fmt::format("restore-{}", tried);
    if (!backup.restore(newest->manifest, name)) {
      EXPECT_FALSE(std::filesystem::exists(backup.git.path(name)));
      return ++refused, true;
    }
    return backup.refs(name) == backup.expected.at(newest->manifest.number);
  };
  for (const std::string& key : backup.keys()) {
    const std::size_t bytes = bytes_of(backup.store, key).size();
    for (int i = 0; i < 4; ++i) {
      const std::size_t at = random() % bytes;
      try_change(key, testing::flip_bit(at, random() % 8), fmt::format("byte {}", at), restores_well);
      try_change(key, testing::cut_to(at), fmt::format("cut to {}", at), restores_well);
    }
  }
  EXPECT_THAT(missed, IsEmpty());
  EXPECT_GT(refused, 20u);
}

}  // namespace
}  // namespace packferry
