#include "backup/manifest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

const std::string kDigest(64, 'a');
const std::string kOid = "9daeafb9864cf43055ae93beb0afd6c7d144bfa4";
const std::string kOtherOid = "4a8ab1f3a2d2e3b5d3f0c3a9c6f3d6a5b4c3d2e1";

RepositoryName repository() { return must(RepositoryName::parse("app/web")); }
RefName ref_name(std::string_view text) { return must(RefName::parse(text)); }
Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }

Manifest first_snapshot() {
  Manifest manifest{.repository = repository()};
  manifest.created_at = must(Result<Clock::WallTime>(*from_iso8601("2026-11-22T13:45:00Z")));
  manifest.source = "https://git.example.org/app/web.git";
  return manifest;
}

Manifest third_snapshot() {
  Manifest manifest = first_snapshot();
  manifest.number = 3;
  manifest.head = {.target = ref_name("refs/heads/main"), .oid = oid(kOid)};
  manifest.withheld = 2;
  manifest.previous = PreviousManifest{2, std::string(64, 'b')};
  manifest.chain = {
      {.snapshot = 1, .bytes = 73'400'320, .sha256 = kDigest, .key = "repositories/app/web/app/web-1.bundle"},
      {.snapshot = 3, .full = false, .encrypted = true, .sha256 = kDigest, .key = "keys/may have spaces.bundle.age"}};
  manifest.refs = must(RefMap::from({{ref_name("refs/heads/main"), oid(kOid)},
                                     {ref_name("refs/tags/\xFF\xFE"), oid(kOid)},
                                     {ref_name("refs/tags/v1"), oid(kOtherOid), oid(kOid)}}));
  return manifest;
}

// A manifest of these lines: digest and all.
std::string manifest_of(std::string_view lines) { return fmt::format("{}end {}\n", lines, manifest_digest(lines)); }

// The text of `manifest` with one thing put for another, and an `end` that agrees with it.
std::string changed(const Manifest& manifest, std::string_view from, std::string_view to) {
  std::string text = to_text(manifest);
  text.resize(text.rfind("end "));
  const std::size_t at = text.find(from);
  CHECK(at != std::string::npos);
  return manifest_of(text.replace(at, from.size(), to));
}

void expect_peeled(const RefMap& refs, const RefMap& same) {
  ASSERT_EQ(refs.size(), same.size());
  for (auto a = refs.begin(), b = same.begin(); a != refs.end(); ++a, ++b) EXPECT_EQ(*a, *b);
}

TEST(Manifest, IsWrittenAsTheFormatSays) {
  const std::string lines =
      "packferry-manifest 1\n"
      "repository app/web\n"
      "number 0000000003\n"
      "created 2026-11-22T13:45:00Z\n"
      "source https://git.example.org/app/web.git\n"
      "object-format sha1\n"
      "head refs/heads/main\n"
      "not-included lfs-objects forge-data\n"
      "withheld 2\n"
      "previous 0000000002 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
      "data 0000000001 full bundle plain 73400320 " +
      kDigest +
      " repositories/app/web/app/web-1.bundle\n"
      "data 0000000003 incremental bundle age 0 " +
      kDigest +
      " keys/may have spaces.bundle.age\n"
      "ref 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/heads/main\n"
      "ref 4a8ab1f3a2d2e3b5d3f0c3a9c6f3d6a5b4c3d2e1 refs/tags/v1\n"
      "ref 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/\xFF\xFE\n"
      "peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v1\n";
  EXPECT_EQ(to_text(third_snapshot()), manifest_of(lines));
  EXPECT_EQ(manifest_digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Manifest, OfAnEmptyRepositoryIsShort) {
  EXPECT_EQ(to_text(first_snapshot()), manifest_of("packferry-manifest 1\n"
                                                   "repository app/web\n"
                                                   "number 0000000001\n"
                                                   "created 2026-11-22T13:45:00Z\n"
                                                   "source https://git.example.org/app/web.git\n"
                                                   "object-format sha1\n"
                                                   "not-included lfs-objects forge-data\n"));
}

TEST(Manifest, IsReadAsItWasWritten) {
  Manifest detached = third_snapshot();
  detached.head = {.oid = oid(kOtherOid)};
  Manifest unborn = first_snapshot();
  unborn.head = {.target = ref_name("refs/heads/trunk")};
  Manifest zipped = first_snapshot();
  zipped.number = kSnapshotNumberMax;
  zipped.format = ObjectFormat::Sha256;
  zipped.source = "";
  zipped.chain = {{.snapshot = 1, .format = BackupFormat::Zip, .bytes = ~0ull, .sha256 = kDigest, .key = "a.zip"}};
  zipped.refs = must(RefMap::from({{ref_name("refs/heads/main"), oid(kDigest)}}));
  for (const Manifest& manifest : {first_snapshot(), third_snapshot(), detached, unborn, zipped}) {
    const Manifest read = must(parse_manifest(to_text(manifest)));
    EXPECT_EQ(read, manifest);
    expect_peeled(read.refs, manifest.refs);
  }
}

TEST(Manifest, TellsWhereHeadStandsFromTheRefs) {
  Manifest manifest = third_snapshot();
  manifest.head.oid = oid(kOtherOid);  // wrong, and not written
  EXPECT_EQ(must(parse_manifest(to_text(manifest))).head.oid, oid(kOid));
}

TEST(Manifest, WritesTheNameOfItsSourceHarmlessly) {
  Manifest manifest = first_snapshot();
  manifest.source = "/srv/caf\xC3\xA9\nend of it";
  EXPECT_EQ(must(parse_manifest(to_text(manifest))).source, "/srv/caf\xC3\xA9\\x0aend of it");
}

TEST(Manifest, WithAnyByteChangedIsCorrupt) {
  const std::string text = to_text(third_snapshot());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const int mask : {0x01, 0x20, 0x80}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      const Result<Manifest> read = parse_manifest(damaged);
      ASSERT_FALSE(read) << i;
      // A version that nobody knows may be one to come.
      const bool is_version = i == std::string_view("packferry-manifest ").size();
      EXPECT_TRUE(is_version || read.error().kind() == ErrorKind::Corrupt) << i;
    }
  }
}

TEST(Manifest, WithAnythingMissingOrAddedIsCorrupt) {
  const std::string text = to_text(third_snapshot());
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes)
    EXPECT_FAILS(parse_manifest(text.substr(0, bytes)), ErrorKind::Corrupt, "");
  EXPECT_FAILS(parse_manifest(text + "\n"), ErrorKind::Corrupt, "");
  EXPECT_FAILS(parse_manifest(text + text), ErrorKind::Corrupt, "");
}

TEST(Manifest, OfALaterVersionIsUnsupported) {
  EXPECT_FAILS(parse_manifest("packferry-manifest 2\nwhatever"), ErrorKind::Unsupported, "of version 2");
  EXPECT_FAILS(parse_manifest("packferry-manifest 10\n"), ErrorKind::Unsupported, "of version 10");
  for (const char* text : {"", "packferry-manifest", "packferry-manifest \n", "packferry-manifest 01\n",
                           "packferry-manifest 0\n", "packferry-manifest x\n", "<html>"})
    EXPECT_FAILS(parse_manifest(text), ErrorKind::Corrupt, "not a manifest");
}

TEST(Manifest, HasOneSpelling) {
  const struct {
    const char *from, *to, *complaint;
  } cases[] = {
      {"repository app/web", "repository app/w%65b", "is not the key of a repository"},
      {"repository app/web", "repository ../web", "is not the key of a repository"},
      {"number 0000000003", "number 3", "'3' is not the number of a snapshot"},
      {"number 0000000003", "number 0000000000", "is not the number of a snapshot"},
      {"number 0000000003", "number 000000000x", "is not the number of a snapshot"},
      {"number 0000000003", "number +000000003", "is not the number of a snapshot"},
      {"number 0000000003\n", "", "where 'number' must stand"},
      {"13:45:00Z", "13:45:00+00:00", "is not a time"},
      {"13:45:00Z", "25:45:00Z", "is not a time"},
      {"source h", "source \x01h", "not spelt"},
      {"source ", "source", "where 'source' must stand"},
      {"format sha1", "format md5", "'md5' is neither sha1 nor sha256"},
      {"format sha1", "format sha256", "is not sha256"},
      {"head refs", "head HEAD\nhead refs", "HEAD stands among the refs"},
      {"head refs/heads/main", "head refs/heads/a..b", "contains '..'"},
      {"head refs/heads/main", "head-detached 00", "has 2 characters"},
      {"head refs/heads/main", "head-detached 0000000000000000000000000000000000000000", "all zeros"},
      {"head refs/heads/main", "head refs/heads/main\nhead-detached 9daeafb9864cf43055ae93beb0afd6c7d144bfa4",
       "where 'not-included' must stand"},
      {"lfs-objects", "nothing", "not spelt"},
      {"withheld 2", "withheld 02", "not spelt"},
      {"withheld 2", "withheld 0", "not spelt"},
      {"withheld 2", "withheld two", "is not a number"},
      {"withheld 2", "withheld 99999999999999999999", "is not a number"},
      {"previous 0000000002 b", "previous 0000000002 B", "is not a SHA-256"},
      {"previous 0000000002", "previous 0000000003", "not an earlier one"},
      {"previous 0000000002 ", "previous ", "less than 2 words"},
      {"data 0000000001 full", "data 0000000001 entire", "is neither full nor incremental"},
      {" bundle ", " tar ", "is neither bundle nor zip"},
      {" plain ", " rot13 ", "is neither age nor plain"},
      {" 73400320 ", " 073400320 ", "not spelt"},
      {" 73400320 ", "  73400320 ", "is not a number"},
      {" repositories/app", "", "words"},
      {" repositories/app", " /repositories/app", "key"},
      {" repositories/app", " ../app", "key"},
      {" repositories/app", " manifests/app", "no place for data"},
      {"ref 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/heads", "ref 9DAEAFB9864CF43055AE93BEB0AFD6C7D144BFA4 refs/h",
       "lower-case"},
      {"ref 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/heads",
       "ref 0000000000000000000000000000000000000000 refs/heads", "all zeros"},
      {"ref 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/heads/main", "ref 9daeafb9864cf43055ae93beb0afd6c7d144bfa4",
       "has less than 2 words"},
      {"bfa4 refs/heads/main\nref", "bfa4 HEAD\nref", "HEAD stands among the refs"},
      {"bfa4 refs/heads/main\nref", "bfa4 refs/heads/ma in\nref", "forbidden character"},
      {"refs/heads/main\nref", "refs/heads/main\n\nref", "in a place of its own"},
      {"ref 4a8ab1f3a2d2e3b5d3f0c3a9c6f3d6a5b4c3d2e1 refs/tags/v1",
       "ref 4a8ab1f3a2d2e3b5d3f0c3a9c6f3d6a5b4c3d2e1 refs/heads/main", "out of order"},
      {"ref 4a8ab1f3a2d2e3b5d3f0c3a9c6f3d6a5b4c3d2e1 refs/tags/v1",
       "ref 4a8ab1f3a2d2e3b5d3f0c3a9c6f3d6a5b4c3d2e1 refs/heads/a", "out of order"},
      {"peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v1",
       "peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v2", "has no ref"},
      {"peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v1\n",
       "peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v1\n"
       "peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v1\n",
       "out of order"},
      {"peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v1\n",
       "peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/tags/v1\n"
       "peeled 9daeafb9864cf43055ae93beb0afd6c7d144bfa4 refs/heads/main\n",
       "out of order"},
      {"peeled ", "unpeeled ", "in a place of its own"},
  };
  for (const auto& c : cases)
    EXPECT_FAILS(parse_manifest(changed(third_snapshot(), c.from, c.to)), ErrorKind::Corrupt, c.complaint);
}

TEST(Manifest, HasAChainThatCanBeApplied) {
  const auto parsed = [](std::vector<DataObject> chain) {
    Manifest manifest = first_snapshot();
    manifest.number = 5;
    for (DataObject& data : chain) data.sha256 = kDigest;
    manifest.chain = std::move(chain);
    return parse_manifest(to_text(manifest));
  };
  constexpr BackupFormat kZip = BackupFormat::Zip;
  EXPECT_TRUE(parsed({{.snapshot = 1, .key = "a"}, {.snapshot = 5, .full = false, .key = "b"}}));
  EXPECT_FAILS(parsed({{.snapshot = 1, .full = false, .key = "a"}}), ErrorKind::Corrupt, "one full object");
  EXPECT_FAILS(parsed({{.snapshot = 1, .key = "a"}, {.snapshot = 2, .key = "b"}}), ErrorKind::Corrupt, "one full");
  EXPECT_FAILS(parsed({{.snapshot = 1, .format = kZip, .key = "a"}, {.snapshot = 2, .full = false, .key = "b"}}),
               ErrorKind::Corrupt, "a zip");
  EXPECT_FAILS(parsed({{.snapshot = 1, .key = "a"}, {.snapshot = 2, .full = false, .format = kZip, .key = "b"}}),
               ErrorKind::Corrupt, "a zip");
  EXPECT_FAILS(parsed({{.snapshot = 2, .key = "a"}, {.snapshot = 2, .full = false, .key = "b"}}), ErrorKind::Corrupt,
               "links of the chain are out of order");
  EXPECT_FAILS(parsed({{.snapshot = 6, .key = "a"}}), ErrorKind::Corrupt, "a later snapshot");
  EXPECT_FAILS(parsed({{.snapshot = 1, .key = "a"}, {.snapshot = 2, .full = false, .key = "a"}}), ErrorKind::Corrupt,
               "'a' stands twice");
}

TEST(Manifest, HoldsAMillionRefs) {
  std::vector<Ref> refs;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto name = ref_name(fmt::format("refs/tags/release-{:07}", i));
    refs.push_back({name, oid(kOtherOid), i % 2 == 0 ? std::optional(oid(kOid)) : std::nullopt});
  }
  Manifest manifest = first_snapshot();
  manifest.refs = must(RefMap::from(std::move(refs)));
  const std::string text = to_text(manifest);
  EXPECT_EQ(to_text(must(parse_manifest(text))), text);
}

TEST(BackupFormat, IsSaidInAWord) {
  EXPECT_EQ(must(parse_backup_format("bundle")), BackupFormat::Bundle);
  EXPECT_EQ(must(parse_backup_format("zip")), BackupFormat::Zip);
  EXPECT_FAILS(parse_backup_format("tar"), ErrorKind::Invalid, "'tar' is neither bundle nor zip");
}

}  // namespace
}  // namespace packferry
