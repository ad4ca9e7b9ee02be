#include "engine/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/memory_store.h"
#include "testing/damage.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(SnapshotChoice, IsATimeADayOrANumber) {
  EXPECT_EQ(must(SnapshotChoice::parse("17")).number, 17u);
  EXPECT_EQ(must(SnapshotChoice::parse("0000000003")).number, 3u);
  const auto time = [](std::string_view text) { return to_iso8601(*must(SnapshotChoice::parse(text)).at); };
  EXPECT_EQ(time("2026-11-22T13:45:00Z"), "2026-11-22T13:45:00Z");
  EXPECT_EQ(time("20261122T134500Z"), "2026-11-22T13:45:00Z");
  EXPECT_EQ(time("2026-11-22"), "2026-11-22T23:59:59Z");
  for (const char* text : {"", "x", "-1", "12345678901", "2026-11", "2026-13-01", "2026-11-22T13:45:00", "yesterday"})
    EXPECT_FAILS(SnapshotChoice::parse(text), ErrorKind::Invalid, "is no snapshot");
}

class SnapshotsTest : public ::testing::Test {
 protected:
  // Three snapshots, a day between them, at noon; the second one has two refs.
  void make_three() {
    for (std::uint64_t number = 1; number <= 3; ++number) {
      Manifest manifest{.repository = log.repository(), .number = number};
      manifest.created_at = *from_iso8601(fmt::format("2026-11-{:02}T12:00:00Z", 20 + number));
      if (number == 2) {
        const Oid oid = must(Oid::parse("9daeafb9864cf43055ae93beb0afd6c7d144bfa4"));
        manifest.refs = must(
            RefMap::from({{must(RefName::parse("refs/heads/a")), oid}, {must(RefName::parse("refs/heads/b")), oid}}));
      }
      const std::string sha256 = must(log.append(manifest, true, {}));
      must(log.note_verified(number, sha256, Verification::Stored, manifest.created_at, {}));
    }
  }
  std::uint64_t chosen(std::string_view text) {
    return must(choose_snapshot(log, must(SnapshotChoice::parse(text)), {})).manifest.number;
  }
  Result<ReadManifest> choose(std::string_view text) {
    return choose_snapshot(log, must(SnapshotChoice::parse(text)), {});
  }

  FakeClock clock;
  MemoryStore store{clock};
  SnapshotLog log{store, must(RepositoryName::parse("app/web"))};
};

TEST_F(SnapshotsTest, AreListedWithoutTheirRefs) {
  make_three();
  must(log.note_retired(1, must(log.read(1, {})).sha256, clock.now(), {}));
  const std::vector<SnapshotView> views = must(view_snapshots(log, {}));
  ASSERT_EQ(views.size(), 3u);
  EXPECT_TRUE(views[0].entry.retired_at.has_value());
  EXPECT_EQ(views[1].ref_count, 2u);
  EXPECT_TRUE(views[1].manifest->refs.empty());
  EXPECT_FALSE(views[2].error.has_value());
}

TEST_F(SnapshotsTest, ThatCannotBeReadAreListedWithTheReason) {
  make_three();
  store.mutate(log.manifest_key(1), testing::flip_bit(30, 1));
  must(store.remove(log.manifest_key(2), {}));
  must(log.note_pruned(3, must(log.read(3, {})).sha256, clock.now(), {}));
  must(log.remove(3, {}));
  const std::vector<SnapshotView> views = must(view_snapshots(log, {}));
  ASSERT_EQ(views.size(), 3u);
  EXPECT_EQ(to_string(views[0].error->kind()), "corrupt");
  EXPECT_NE(views[1].error->message().find("is missing"), std::string::npos);
  EXPECT_FALSE(views[2].error.has_value()) << "it was pruned: nothing is wrong";
}

TEST_F(SnapshotsTest, AreChosenByOrderTimeOrNumber) {
  make_three();
  EXPECT_EQ(must(choose_snapshot(log, {}, {})).manifest.number, 3u);
  EXPECT_EQ(chosen("2"), 2u);
  EXPECT_EQ(chosen("2026-11-22"), 2u);
  EXPECT_EQ(chosen("2026-11-22T12:00:00Z"), 2u);
  EXPECT_EQ(chosen("2026-11-22T11:59:59Z"), 1u);
  EXPECT_EQ(chosen("2030-01-01"), 3u);
  EXPECT_FAILS(choose("2020-01-01"), ErrorKind::NotFound, "there are 3, from 1 to 3");
  EXPECT_FAILS(choose("4"), ErrorKind::NotFound, "there are 3, from 1 to 3");
}

TEST_F(SnapshotsTest, RetiredOnesAreChosenByNumberOnly) {
  make_three();
  must(log.note_retired(3, must(log.read(3, {})).sha256, clock.now(), {}));
  EXPECT_EQ(must(choose_snapshot(log, {}, {})).manifest.number, 2u);
  EXPECT_EQ(chosen("2030-01-01"), 2u);
  EXPECT_EQ(chosen("3"), 3u);
}

TEST_F(SnapshotsTest, ADamagedOneIsNeverPassedOverInSilence) {
  make_three();
  store.mutate(log.manifest_key(3), testing::cut_to(100));
  EXPECT_FAILS(choose_snapshot(log, {}, {}), ErrorKind::Corrupt, "the newest one that is not is 2");
  EXPECT_FAILS(choose("3"), ErrorKind::Corrupt, "the newest one that is not is 2");
  EXPECT_FAILS(choose("2026-11-22"), ErrorKind::Corrupt, "snapshot 3 is damaged");  // its time is not known
  EXPECT_EQ(chosen("2"), 2u);
  for (const std::uint64_t number : {1u, 2u}) store.mutate(log.manifest_key(number), testing::cut_to(100));
  EXPECT_FAILS(choose_snapshot(log, {}, {}), ErrorKind::Corrupt, "there is no other");
}

TEST_F(SnapshotsTest, WhereThereAreNoneSaysSo) {
  EXPECT_FAILS(choose_snapshot(log, {}, {}), ErrorKind::NotFound, "has no snapshots of app/web");
  EXPECT_TRUE(must(view_snapshots(log, {})).empty());
}

}  // namespace
}  // namespace packferry
