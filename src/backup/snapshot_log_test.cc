#include "backup/snapshot_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/memory_store.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::must;

constexpr const char* kOid = "9daeafb9864cf43055ae93beb0afd6c7d144bfa4";
const std::string kDigest(64, 'a');

RepositoryName repository(std::string_view name) { return must(RepositoryName::parse(name)); }

class SnapshotLogTest : public ::testing::Test {
 protected:
  SnapshotLog log_of(std::string_view name) { return {store, repository(name)}; }
  Manifest manifest(std::uint64_t number, std::string_view of = "app") const {
    Manifest manifest{.repository = repository(of)};
    manifest.number = number;
    manifest.created_at = clock.now();
    manifest.source = "https://git.example.org/app";
    manifest.refs = must(RefMap::from({{must(RefName::parse("refs/heads/main")), must(Oid::parse(kOid))}}));
    return manifest;
  }
  std::string append(std::uint64_t number) { return must(log.append(manifest(number), true, {})); }
  void put(std::string_view key, std::string_view content) { must(store.put_if_absent(key, as_bytes(content), {})); }
  std::vector<std::string> keys() {
    std::vector<std::string> keys;
    for (const ObjectInfo& object : must(store.list("", {}))) keys.push_back(object.key);
    return keys;
  }

  FakeClock clock{*from_iso8601("2026-11-22T13:45:00Z")};
  MemoryStore store{clock};
  SnapshotLog log{store, repository("app")};
};

TEST_F(SnapshotLogTest, IsEmptyAtFirst) {
  EXPECT_THAT(must(log.list({})), IsEmpty());
  EXPECT_THAT(must(list_repositories(store, {})), IsEmpty());
  EXPECT_FAILS(log.read(1, {}), ErrorKind::NotFound, "0000000001.manifest");
  EXPECT_EQ(must(log.recorded_digest(1, {})), std::nullopt);
  EXPECT_TRUE(log.remove(1, {}));
}

TEST_F(SnapshotLogTest, ReadsWhatWasAppended) {
  const std::string digest = append(1);
  EXPECT_EQ(digest, manifest_digest(to_text(manifest(1))));
  EXPECT_THAT(keys(), ElementsAre("manifests/app/0000000001.manifest"));
  const ReadManifest read = must(log.read(1, {}));
  EXPECT_EQ(read.manifest, manifest(1));
  EXPECT_EQ(read.sha256, digest);
}

TEST_F(SnapshotLogTest, ListsWhatOneListingTells) {
  const std::string digest = append(2);
  append(1);
  must(log.note_verified(2, digest, Verification::Stored, clock.now(), {}));
  clock.advance(std::chrono::hours(1));
  must(log.note_verified(2, digest, Verification::Stored, clock.now(), {}));
  must(log.note_verified(2, digest, Verification::Connected, clock.now(), {}));
  must(log.note_retired(1, kDigest, clock.now(), {}));

  const std::vector<SnapshotEntry> entries = must(log.list({}));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].number, 1u);
  EXPECT_EQ(entries[0].retired_at, clock.now());
  EXPECT_FALSE(entries[0].is_live());
  EXPECT_EQ(entries[1].number, 2u);
  EXPECT_EQ(entries[1].manifest_bytes, to_text(manifest(2)).size());
  EXPECT_TRUE(entries[1].is_live());
  EXPECT_THAT(entries[1].verified, ElementsAre(std::pair(Verification::Stored, clock.now()),
                                               std::pair(Verification::Connected, clock.now())));
}

TEST_F(SnapshotLogTest, DoesNotTakeTheSnapshotsOfAnotherRepositoryForItsOwn) {
  append(1);
  for (const char* other : {"app/web", "app/0000000001.manifest", "app/0000000001", "apple", "ap"}) {
    SnapshotLog log_of_other = log_of(other);
    must(log_of_other.append(manifest(7, other), true, {}));
    EXPECT_EQ(must(log_of_other.list({})).size(), 1u) << other;
    EXPECT_EQ(must(log_of_other.read(7, {})).manifest.repository.text(), other);
  }
  const std::vector<SnapshotEntry> entries = must(log.list({}));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].number, 1u);
  must(log.remove(1, {}));
  std::vector<std::string> names;
  for (const RepositoryName& name : must(list_repositories(store, {}))) names.push_back(name.text());
  EXPECT_THAT(names, ElementsAre("ap", "app/0000000001", "app/0000000001.manifest", "app/web", "apple"));
}

TEST_F(SnapshotLogTest, SaysWhatItDoesNotKnow) {
  for (const char* name :
       {"README", "0000000001", "0000000001.", "0000000000.manifest", "1.manifest", "0000000001.manifest.bak",
        "0000000001.stored", "0000000001.stored.", "0000000001.stored.yesterday", "0000000001.seen.20261122T134500Z",
        "0000000001.manifest.20261122T134500Z", "0000000001.stored.20261122T134500Z.1", "00000000001.manifest"}) {
    const std::string key = fmt::format("manifests/app/{}", name);
    put(key, "");
    EXPECT_FAILS(log.list({}), ErrorKind::Corrupt, key);
    must(store.remove(key, {}));
  }
  put("manifests/lost", "");
  EXPECT_FAILS(list_repositories(store, {}), ErrorKind::Corrupt, "'manifests/lost' belongs to no repository");
  must(store.remove("manifests/lost", {}));
  put("manifests/a b/0000000001.manifest", "");
  EXPECT_FAILS(list_repositories(store, {}), ErrorKind::Corrupt, "'a b' is not the key of a repository");
}

TEST_F(SnapshotLogTest, DoesNotTakeADamagedOrExchangedManifest) {
  append(1);
  store.mutate(log.manifest_key(1), [](std::vector<std::byte>& bytes) { bytes[100] ^= std::byte{1}; });
  EXPECT_FAILS(log.read(1, {}), ErrorKind::Corrupt, "its digest does not agree");
  put(log.manifest_key(2), to_text(manifest(3)));
  EXPECT_FAILS(log.read(2, {}), ErrorKind::Corrupt, "is the manifest of snapshot 3 of 'app'");
  put(log.manifest_key(4), to_text(manifest(4, "app/web")));
  EXPECT_FAILS(log.read(4, {}), ErrorKind::Corrupt, "is the manifest of snapshot 4 of 'app/web'");
}

TEST_F(SnapshotLogTest, GivesANumberOnce) {
  const std::string digest = append(1);
  Manifest other = manifest(1);
  other.source = "https://git.example.org/another";
  EXPECT_FAILS(log.append(other, true, {}), ErrorKind::Conflict, "0000000001.manifest");
  EXPECT_FAILS(log.append(other, false, {}), ErrorKind::Conflict, "0000000001.manifest");
  EXPECT_EQ(must(log.read(1, {})).manifest.source, manifest(1).source);
  // The same once more: as after a put whose answer was lost.
  EXPECT_EQ(must(log.append(manifest(1), true, {})), digest);
}

TEST_F(SnapshotLogTest, WritesNothingThatItCouldNotReadAgain) {
  Manifest broken = manifest(1);
  broken.chain = {{.snapshot = 1, .full = false, .sha256 = kDigest, .key = "data"}};
  EXPECT_FAILS(log.append(broken, true, {}), ErrorKind::Invalid, "one full object");
  EXPECT_FAILS(log.append(manifest(kSnapshotNumberMax + 1), true, {}), ErrorKind::Invalid, "nobody could read");
  EXPECT_FAILS(log.append(manifest(0), true, {}), ErrorKind::Invalid, "nobody could read");
  EXPECT_FAILS(log.append(manifest(1, "app/web"), true, {}), ErrorKind::Invalid, "'app/web' among those of 'app'");
  EXPECT_THAT(keys(), IsEmpty());
}

TEST_F(SnapshotLogTest, RemembersTheDigestOfWhatIsGone) {
  const std::string digest = append(1);
  append(11);
  must(log.note_verified(1, digest, Verification::Parsed, clock.now(), {}));
  must(log.note_retired(1, digest, clock.now(), {}));
  must(log.note_pruned(1, digest, clock.now(), {}));
  must(log.note_pruned(1, digest, clock.now(), {}));  // once more is no error
  EXPECT_EQ(must(log.recorded_digest(1, {})), digest);

  must(log.remove(1, {}));
  EXPECT_THAT(keys(),
              ElementsAre("manifests/app/0000000001.pruned.20261122T134500Z", "manifests/app/0000000011.manifest"));
  EXPECT_EQ(must(log.recorded_digest(1, {})), digest);
  EXPECT_EQ(must(log.recorded_digest(11, {})), std::nullopt);
  const std::vector<SnapshotEntry> entries = must(log.list({}));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_FALSE(entries[0].has_manifest);
  EXPECT_EQ(entries[0].pruned_at, clock.now());
  must(log.remove(1, {}));
}

TEST_F(SnapshotLogTest, DoesNotBelieveRecordsThatDisagree) {
  put("manifests/app/0000000001.stored.20261122T134500Z", kDigest + "\n");
  EXPECT_EQ(must(log.recorded_digest(1, {})), kDigest);
  put("manifests/app/0000000001.parsed.20261122T134500Z", std::string(64, 'b') + "\n");
  EXPECT_FAILS(log.recorded_digest(1, {}), ErrorKind::Corrupt, "at odds with another record");
  for (const std::string& content : {std::string(), kDigest, kDigest + "\n\n", kDigest.substr(1) + "\n",
                                     std::string(64, 'A') + "\n", kDigest + " \n"}) {
    put("manifests/app/0000000002.stored.20261122T134500Z", content);
    EXPECT_FAILS(log.recorded_digest(2, {}), ErrorKind::Corrupt, "not the record of a snapshot");
    must(store.remove("manifests/app/0000000002.stored.20261122T134500Z", {}));
  }
}

TEST(Verification, IsSaidInAWord) {
  for (const char* word : {"stored", "parsed", "connected", "drilled"})
    EXPECT_EQ(to_string(must(parse_verification(word))), word);
  EXPECT_EQ(must(parse_verification("drill")), Verification::Drilled);
  EXPECT_FAILS(parse_verification("perfect"), ErrorKind::Invalid, "'perfect' is no level");
}

TEST(MeasuredWriter, KnowsWhatPassedThrough) {
  auto to = std::make_unique<MemoryWriter>();
  const MemoryWriter& memory = *to;
  MeasuredWriter writer(std::move(to));
  must(writer.write(as_bytes("ab")));
  must(writer.write(as_bytes("c")));
  must(writer.finish());
  EXPECT_EQ(memory.text(), "abc");
  EXPECT_TRUE(memory.finished());
  EXPECT_EQ(writer.bytes(), 3u);
  EXPECT_EQ(writer.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace packferry
