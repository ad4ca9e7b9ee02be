#include "engine/prune.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "store/memory_store.h"
#include "testing/must.h"

namespace packferry {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::must;

Clock::WallTime at(std::string_view text) { return *from_iso8601(text); }

std::vector<std::uint64_t> numbers(const std::vector<Kept>& kept) {
  std::vector<std::uint64_t> all;
  for (const Kept& one : kept) all.push_back(one.number);
  return all;
}

// One a day at noon, the last one on 2026-03-01.
std::vector<KnownSnapshot> one_a_day(std::uint64_t count) {
  std::vector<KnownSnapshot> all;
  for (std::uint64_t i = 1; i <= count; ++i)
    all.push_back({i, at("2026-03-01T12:00:00Z") - days(static_cast<int>(count - i)), true});
  return all;
}
const Clock::WallTime kNow = at("2026-03-01T18:00:00Z");

TEST(RetentionPolicy, LengthsOfTimeAreHoursDaysAndWeeks) {
  EXPECT_EQ(must(parse_keep_within("12h")), hours(12));
  EXPECT_EQ(must(parse_keep_within("30d")), hours(720));
  EXPECT_EQ(must(parse_keep_within("8w")), hours(8 * 7 * 24));
  for (const char* text : {"", "d", "3", "3m", "-3d", "3 d", "123456d", "3dd"})
    EXPECT_FAILS(parse_keep_within(text), ErrorKind::Invalid, "length of time");
}

TEST(ChooseKept, AnEmptyPolicyIsRefused) {
  EXPECT_FAILS(choose_kept(one_a_day(3), {}, kNow), ErrorKind::Invalid, "what to keep");
}

TEST(ChooseKept, EachRuleKeepsItsOwn) {
  const std::vector<KnownSnapshot> daily = one_a_day(70);  // from 2025-12-22, a Monday
  const struct {
    RetentionPolicy policy;
    std::vector<std::uint64_t> kept;
  } cases[] = {
      {{.keep_last = 3}, {68, 69, 70}},
      {{.keep_daily = 2}, {69, 70}},
      // 2026-03-01 is a Sunday: 70; the Sundays before: 63, 56
      {{.keep_weekly = 3}, {56, 63, 70}},
      // 2026-03-01: 70; 2026-02-28: 69; 2026-01-31: 41; 2025-12-31: 10
      {{.keep_monthly = 9}, {10, 41, 69, 70}},
      {{.keep_within = hours(49)}, {69, 70}},
      {{.keep_within = hours(1)}, {70}},
      {{.keep_last = 1, .keep_monthly = 2}, {69, 70}},
      {{.keep_last = 1000}, numbers(must(choose_kept(daily, {.keep_within = hours(24 * 1000)}, kNow)))},
  };
  for (const auto& row : cases) EXPECT_EQ(numbers(must(choose_kept(daily, row.policy, kNow))), row.kept);
  EXPECT_THAT(must(choose_kept(daily, {.keep_last = 1, .keep_daily = 1}, kNow)).at(0).reasons,
              ElementsAre("last", "daily"));
}

TEST(ChooseKept, TheNewestOfADayIsTheOneWithTheHighestNumber) {
  const std::vector<KnownSnapshot> snapshots = {
      {1, at("2026-02-27T10:00:00Z")}, {2, at("2026-02-28T23:00:00Z")}, {3, at("2026-02-28T01:00:00Z")}};
  EXPECT_THAT(numbers(must(choose_kept(snapshots, {.keep_daily = 2}, kNow))), ElementsAre(1, 3));
}

TEST(ChooseKept, ManyInOneHourPushNoOtherDayOut) {
  std::vector<KnownSnapshot> snapshots = one_a_day(5);
  for (std::uint64_t i = 6; i < 100; ++i) snapshots.push_back({i, at("2026-03-01T13:00:00Z"), true});
  EXPECT_THAT(numbers(must(choose_kept(snapshots, {.keep_daily = 5}, kNow))), ElementsAre(1, 2, 3, 4, 99));
}

TEST(ChooseKept, AClockThatWasWrongPushesNothingOut) {
  std::vector<KnownSnapshot> snapshots = one_a_day(5);
  snapshots[2].created_at = at("2031-01-01T00:00:00Z");
  EXPECT_THAT(numbers(must(choose_kept(snapshots, {.keep_daily = 3}, kNow))), ElementsAre(2, 3, 4, 5));
  snapshots[2].created_at = at("1970-01-01T00:00:00Z");
  EXPECT_THAT(numbers(must(choose_kept(snapshots, {.keep_daily = 3}, kNow))), ElementsAre(2, 4, 5));
}

TEST(ChooseKept, NothingGoesByAClockThatIsBehindTheNewest) {
  EXPECT_FAILS(choose_kept(one_a_day(5), {.keep_last = 1}, kNow - days(1)), ErrorKind::Invalid, "clocks is wrong");
}

TEST(ChooseKept, TheLastGoodOneStaysWhateverThePolicy) {
  std::vector<KnownSnapshot> snapshots = one_a_day(5);
  snapshots[3].good = snapshots[4].good = false;
  EXPECT_THAT(numbers(must(choose_kept(snapshots, {.keep_last = 1}, kNow))), ElementsAre(3));
  const std::vector<Kept> kept = must(choose_kept(snapshots, {.keep_within = hours(30)}, kNow));
  EXPECT_THAT(numbers(kept), ElementsAre(3, 4, 5));
  EXPECT_THAT(kept.at(0).reasons, ElementsAre("last good"));
  for (KnownSnapshot& snapshot : snapshots) snapshot.good = false;
  EXPECT_THAT(numbers(must(choose_kept(snapshots, {.keep_last = 1}, kNow))), ElementsAre(1, 2, 3, 4, 5));
}

// A MemoryStore that keeps some objects, as Object Lock does.
class LockingStore final : public ObjectStore {
 public:
  explicit LockingStore(const Clock& clock) : inner(clock) {}
  std::string name() const override { return inner.name(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
    return inner.create(key, stop);
  }
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
    return inner.put_if_absent(key, bytes, stop);
  }
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override {
    return inner.open(key, offset, stop);
  }
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override {
    return inner.find(key, stop);
  }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override {
    return inner.list(prefix, stop);
  }
  Result<> remove(std::string_view key, std::stop_token stop) override {
    if (locked.contains(std::string(key))) return Error(ErrorKind::Denied, "'{}' is locked", key);
    return inner.remove(key, stop);
  }
  Result<std::size_t> sweep(Milliseconds age, std::stop_token) override {
    swept_age = age;
    return sweeps;
  }

  MemoryStore inner;
  std::set<std::string> locked;
  Result<std::size_t> sweeps = std::size_t{0};
  std::optional<Milliseconds> swept_age;
};

class PruneTest : public ::testing::Test {
 protected:
  std::string key(std::string_view extension = "bundle", unsigned attempt = 1) {
    return fmt::format("repositories/app/web/app/web-{}{}.{}", to_compact_iso8601(clock.now()),
                       attempt > 1 ? fmt::format("-{}", attempt) : "", extension);
  }

  void put_data(const std::string& key, std::string_view content) {
    const std::unique_ptr<Writer> writer = must(store.create(key, {}));
    must(writer->write(as_bytes(content)));
    must(writer->finish());
  }

  // A snapshot as a backup leaves it, of data that nobody looks into here.
  std::uint64_t back_up(bool full, bool with_data = true) {
    clock.advance(std::chrono::minutes(1));
    Manifest manifest{.repository = log.repository(), .number = next_number_++};
    manifest.created_at = std::chrono::floor<std::chrono::seconds>(clock.now());
    if (last_) {
      manifest.previous = PreviousManifest{last_->manifest.number, last_->sha256};
      if (!full) manifest.chain = last_->manifest.chain;
    }
    if (with_data) {
      DataObject object{.snapshot = manifest.number, .full = manifest.chain.empty(), .key = key()};
      const std::string content = fmt::format("data of {}", manifest.number);
      put_data(object.key, content);
      object.bytes = content.size();
      object.sha256 = to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(content)));
      manifest.chain.push_back(std::move(object));
    }
    const std::string sha256 = must(log.append(manifest, true, {}));
    must(log.note_verified(manifest.number, sha256, Verification::Stored, clock.now(), {}));
    last_ = ReadManifest{manifest, sha256};
    return manifest.number;
  }

  PruneReport run(const PruneOptions& options) { return must(prune(log, options, clock, {})); }
  PruneReport keep_last(unsigned count) { return run({.policy = {.keep_last = count}}); }

  bool exists(const std::string& key) { return must(store.find(key, {})).has_value(); }
  std::vector<std::string> keys() {
    std::vector<std::string> all;
    for (const ObjectInfo& object : must(store.list("", {}))) all.push_back(object.key);
    return all;
  }

  FakeClock clock;
  LockingStore store{clock};
  SnapshotLog log{store, must(RepositoryName::parse("app/web"))};
  std::uint64_t next_number_ = 1;
  std::optional<ReadManifest> last_;
};

TEST_F(PruneTest, RetiresFirstAndRemovesAfterTheGraceTime) {
  back_up(true);
  const std::string old = last_->manifest.chain.front().key;
  back_up(true);

  const PruneReport first = keep_last(1);
  EXPECT_THAT(first.retired, ElementsAre(1));
  EXPECT_THAT(first.removed, IsEmpty());
  EXPECT_TRUE(exists(old));

  clock.advance(hours(23));
  const PruneReport second = keep_last(1);
  EXPECT_THAT(second.retired, IsEmpty());
  EXPECT_THAT(second.waiting, ElementsAre(1));
  EXPECT_TRUE(exists(old));

  clock.advance(hours(2));
  const PruneReport third = keep_last(1);
  EXPECT_THAT(third.removed, ElementsAre(1));
  EXPECT_THAT(third.removed_objects, ElementsAre(old));
  EXPECT_EQ(third.removed_bytes, std::string("data of 1").size());
  EXPECT_FALSE(exists(old));
  EXPECT_FALSE(exists(log.manifest_key(1)));

  const std::vector<SnapshotEntry> entries = must(log.list({}));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_TRUE(entries[0].pruned_at.has_value());
  EXPECT_EQ(*must(log.recorded_digest(1, {})), last_->manifest.previous->sha256);
}

TEST_F(PruneTest, WhatAKeptSnapshotNeedsStays) {
  back_up(true);
  back_up(false);
  back_up(false);
  keep_last(1);
  clock.advance(hours(25));
  const PruneReport report = keep_last(1);
  EXPECT_THAT(report.removed, ElementsAre(1, 2));
  EXPECT_THAT(report.removed_objects, IsEmpty());
  for (const DataObject& link : last_->manifest.chain) EXPECT_TRUE(exists(link.key));
}

TEST_F(PruneTest, ADryRunSaysItAllAndDoesNothing) {
  back_up(true);
  back_up(true);
  keep_last(1);
  back_up(true);
  clock.advance(hours(25));
  const std::vector<std::string> before = keys();
  const PruneReport report = run({.policy = {.keep_last = 1}, .dry_run = true});
  EXPECT_THAT(report.removed, ElementsAre(1));
  EXPECT_EQ(report.removed_objects.size(), 1u);
  EXPECT_THAT(report.retired, ElementsAre(2));
  EXPECT_EQ(keys(), before);
}

TEST_F(PruneTest, WhatTheStoreKeepsIsReportedAndTriedAgain) {
  back_up(true);
  const std::string old = last_->manifest.chain.front().key;
  back_up(true);
  back_up(true);
  keep_last(1);
  clock.advance(hours(25));
  store.locked = {old};
  PruneReport report = keep_last(1);
  ASSERT_EQ(report.still_there.size(), 1u);
  EXPECT_EQ(report.still_there[0].key, old);
  EXPECT_THAT(report.removed, ElementsAre(2)) << "and the rest goes on";
  EXPECT_TRUE(exists(log.manifest_key(1)));

  store.locked = {log.manifest_key(1)};
  report = keep_last(1);
  EXPECT_THAT(report.removed_objects, ElementsAre(old));
  EXPECT_EQ(report.still_there.at(0).key, log.manifest_key(1));

  store.locked.clear();
  report = keep_last(1);
  EXPECT_THAT(report.removed, ElementsAre(1));
  EXPECT_THAT(report.still_there, IsEmpty());
  EXPECT_FALSE(exists(log.manifest_key(1)));
}

TEST_F(PruneTest, StopsBeforeAnythingWhenAManifestCannotBeRead) {
  for (int i = 0; i < 3; ++i) back_up(true);
  keep_last(1);
  clock.advance(hours(25));
  store.inner.mutate(log.manifest_key(2), [](std::vector<std::byte>& bytes) { bytes[20] ^= std::byte{1}; });
  std::vector<std::string> before = keys();
  EXPECT_FAILS(prune(log, {.policy = {.keep_last = 1}}, clock, {}), ErrorKind::Corrupt, "0000000002");
  EXPECT_EQ(keys(), before);

  must(store.remove(log.manifest_key(2), {}));
  before = keys();
  EXPECT_FAILS(prune(log, {.policy = {.keep_last = 1}}, clock, {}), ErrorKind::Corrupt, "is missing");
  EXPECT_EQ(keys(), before);
}

TEST_F(PruneTest, DoesNothingByAnEmptyPolicyOrAWrongClock) {
  back_up(true);
  back_up(true);
  EXPECT_FAILS(prune(log, {}, clock, {}), ErrorKind::Invalid, "what to keep");
  const FakeClock behind(clock.now() - hours(2));
  EXPECT_FAILS(prune(log, {.policy = {.keep_last = 1}}, behind, {}), ErrorKind::Invalid, "clocks is wrong");
  EXPECT_EQ(must(log.list({})).size(), 2u);
}

TEST_F(PruneTest, NothingGoesForGoodWhileNoLiveSnapshotIsGood) {
  back_up(true);
  back_up(true);
  keep_last(1);
  must(store.remove(last_->manifest.chain.front().key, {}));
  clock.advance(hours(48));
  const PruneReport report = keep_last(1);
  EXPECT_THAT(report.waiting, ElementsAre(1));
  EXPECT_THAT(report.removed_objects, IsEmpty());
}

TEST_F(PruneTest, TidiesUpWhatAnInterruptedBackupLeft) {
  back_up(true);
  const std::string leftover = key("bundle", 2);
  put_data(leftover, "half a backup");
  const std::string sealed = key("zip.age");
  put_data(sealed, "half another");
  const std::vector<std::string> not_ours = {
      "repositories/app/web/app/web-notes.txt",
      "repositories/app/web/app/web-" + to_compact_iso8601(clock.now()) + ".tar",
      "repositories/app/web-2/app/web-2-" + to_compact_iso8601(clock.now()) + ".bundle",
      "repositories/app/web/app/web-" + to_compact_iso8601(clock.now()) + "-x.bundle"};
  for (const std::string& key : not_ours) put_data(key, "somebody else's");

  EXPECT_THAT(keep_last(1).removed_objects, IsEmpty()) << "its writer may be at work";
  clock.advance(hours(25));
  EXPECT_THAT(keep_last(1).removed_objects, ElementsAre(leftover, sealed));
  for (const std::string& key : not_ours) EXPECT_TRUE(exists(key)) << key;
}

TEST_F(PruneTest, SweepsUnfinishedUploadsThatAreOlderThanTheGraceTime) {
  back_up(true);
  store.sweeps = std::size_t{2};
  EXPECT_EQ(run({.policy = {.keep_last = 1}, .dry_run = true}).swept_uploads, 0u);
  EXPECT_FALSE(store.swept_age.has_value());
  EXPECT_EQ(run({.policy = {.keep_last = 1}, .grace = hours(5)}).swept_uploads, 2u);
  EXPECT_EQ(store.swept_age, hours(5));
}

TEST_F(PruneTest, AStoreThatCannotBeSweptLosesNothingByIt) {
  back_up(true);
  store.sweeps = Error(ErrorKind::Denied, "allow s3:ListBucketMultipartUploads");
  const PruneReport report = keep_last(1);
  ASSERT_EQ(report.still_there.size(), 1u);
  EXPECT_EQ(report.still_there[0].key, "unfinished uploads");
  EXPECT_EQ(report.still_there[0].why, "allow s3:ListBucketMultipartUploads");

  store.sweeps = Error(ErrorKind::Unsupported, "501");
  EXPECT_THAT(keep_last(1).still_there, IsEmpty());

  store.sweeps = Error(ErrorKind::Unavailable, "500");
  EXPECT_FAILS(prune(log, {.policy = {.keep_last = 1}}, clock, {}), ErrorKind::Unavailable, "500");
}

// Whatever is done in whatever order: a live snapshot's data is there, and the last good one is live.
TEST_F(PruneTest, RandomSchedulesLoseNothing) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    const auto upto = [&](unsigned count) { return static_cast<unsigned>(random() % count); };
    // A fixture in the fixture: each schedule has a store of its own.
    struct Schedule final : PruneTest {
      void TestBody() override {}
      using PruneTest::back_up, PruneTest::clock, PruneTest::exists, PruneTest::last_, PruneTest::log, PruneTest::run,
          PruneTest::store;
    } schedule;
    std::map<std::uint64_t, std::vector<std::string>> model;  // what each snapshot needs
    std::set<std::uint64_t> live;
    for (unsigned step = 0; step < 12; ++step) {
      if (upto(3) != 0) {
        const std::uint64_t number = schedule.back_up(upto(4) == 0, upto(5) != 0);
        for (const DataObject& link : schedule.last_->manifest.chain) model[number].push_back(link.key);
        live.insert(number);
      } else {
        schedule.clock.advance(hours(upto(40)));
        const RetentionPolicy policy{.keep_last = upto(3), .keep_daily = upto(3), .keep_within = hours(1 + upto(48))};
        const PruneReport report = schedule.run({.policy = policy, .grace = hours(upto(30))});
        for (const std::uint64_t number : report.retired) ASSERT_EQ(live.erase(number), 1u);
        for (const std::uint64_t number : report.removed) ASSERT_FALSE(live.contains(number));
      }
      std::set<std::uint64_t> seen;
      std::set<std::string> needed;
      for (const SnapshotEntry& entry : must(schedule.log.list({}))) {
        if (entry.has_manifest) needed.insert(model[entry.number].begin(), model[entry.number].end());
        if (entry.is_live()) seen.insert(entry.number);
      }
      ASSERT_EQ(seen, live);
      for (const std::string& key : needed) ASSERT_TRUE(schedule.exists(key)) << key;
      ASSERT_TRUE(!schedule.last_ || live.contains(schedule.last_->manifest.number));
      ASSERT_EQ(must(schedule.store.list("repositories/", {})).size(), needed.size()) << "and nothing is left over";
    }
  }
}

}  // namespace
}  // namespace packferry
