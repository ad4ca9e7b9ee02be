#include "remote/advertisement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/must.h"
#include "testing/scripted_transport.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using testing::kDelimiter;
using testing::kFlush;
using testing::must;
using testing::pkt;

const std::string kA(40, 'a');
const std::string kB(40, 'b');
const std::string kZero(40, '0');

RefName name(std::string_view text) { return must(RefName::parse(text)); }
Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }

std::string with_capabilities(const std::string& ref, std::string_view words) {
  return pkt(ref + '\0' + std::string(words) + "\n");
}

Result<Advertisement> read(const std::string& text, Service service = Service::UploadPack,
                           const ListingLimits& limits = {}) {
  MemoryReader greeting{std::string_view(text)};
  return read_advertisement(greeting, service, limits);
}

Result<Listing> read_v2(const std::string& text, const ListingLimits& limits = {}) {
  MemoryReader answer{std::string_view(text)};
  PktReader packets(answer);
  Listing listing;
  TRY(read_ls_refs(packets, listing, limits));
  return listing;
}

TEST(Capabilities, AreWordsWithAndWithoutValues) {
  const Capabilities words = Capabilities::parse(" thin-pack symref=HEAD:refs/heads/x agent=git/2.39 symref=A:B");
  EXPECT_TRUE(words.has("thin-pack"));
  EXPECT_FALSE(words.has("thin"));
  EXPECT_EQ(words.value("agent"), "git/2.39");
  EXPECT_EQ(words.value("thin-pack"), std::nullopt);
  EXPECT_EQ(words.value("none"), std::nullopt);
  EXPECT_THAT(words.values("symref"), ElementsAre("HEAD:refs/heads/x", "A:B"));
  EXPECT_THAT(words.words(), ElementsAre("agent=git/2.39", "symref=HEAD:refs/heads/x", "symref=A:B", "thin-pack"));
}

TEST(Capabilities, AValueMayHoldWords) {
  Capabilities words;
  words.add("fetch=shallow wait-for-done filter");
  EXPECT_TRUE(words.value_has("fetch", "filter"));
  EXPECT_FALSE(words.value_has("fetch", "wait"));
  EXPECT_FALSE(words.value_has("ls-refs", "unborn"));
}

TEST(Advertisement, TheOldProtocolListsRefsBehindItsCapabilities) {
  const Advertisement said = must(read(with_capabilities(kA + " HEAD", "ofs-delta symref=HEAD:refs/heads/main") +
                                       pkt(kA + " refs/heads/main\n") + pkt(kB + " refs/tags/v1\n") +
                                       pkt(kA + " refs/tags/v1^{}\n") + std::string(kFlush)));
  EXPECT_EQ(said.protocol, 0);
  EXPECT_TRUE(said.capabilities.has("ofs-delta"));
  EXPECT_EQ(said.listing.head, (Head{name("refs/heads/main"), oid(kA)}));
  EXPECT_EQ(said.listing.refs.size(), 2u);
  EXPECT_EQ(said.listing.refs.find(name("refs/tags/v1"))->peeled, oid(kA));
  EXPECT_FALSE(said.listing.shallow);
}

TEST(Advertisement, ProtocolOneIsTheOldOneBehindAVersionLine) {
  const Advertisement said =
      must(read(pkt("version 1\n") + with_capabilities(kA + " refs/heads/main", "x") + std::string(kFlush)));
  EXPECT_EQ(said.protocol, 1);
  EXPECT_EQ(said.listing.protocol, 1);
  EXPECT_EQ(said.listing.refs.size(), 1u);
}

TEST(Advertisement, ProtocolTwoListsCapabilitiesOnly) {
  const Advertisement said = must(read(pkt("version 2\n") + pkt("agent=git/2.39\n") + pkt("ls-refs=unborn\n") +
                                       pkt("object-format=sha256\n") + std::string(kFlush)));
  EXPECT_EQ(said.protocol, 2);
  EXPECT_EQ(said.listing.format, ObjectFormat::Sha256);
  EXPECT_TRUE(said.listing.capabilities.value_has("ls-refs", "unborn"));
  EXPECT_TRUE(said.listing.refs.empty());
}

TEST(Advertisement, AnEmptyRepositorySaysNothingOrItsCapabilities) {
  EXPECT_TRUE(must(read(std::string(kFlush))).listing.refs.empty());
  const Advertisement said =
      must(read(with_capabilities(kZero + " capabilities^{}", "report-status delete-refs") + std::string(kFlush)));
  EXPECT_TRUE(said.listing.refs.empty());
  EXPECT_TRUE(said.capabilities.has("delete-refs"));
}

TEST(Advertisement, ObjectsWithoutARefAreCountedOnce) {
  const Advertisement said = must(read(with_capabilities(kB + " .have", "report-status") + pkt(kA + " .have\n") +
                                           pkt(kB + " .have\n") + pkt(kA + " refs/heads/main\n") + std::string(kFlush),
                                       Service::ReceivePack));
  EXPECT_THAT(said.listing.extra_haves, ElementsAre(oid(kA), oid(kB)));
  EXPECT_EQ(said.listing.refs.size(), 1u);
}

TEST(Advertisement, AShallowRepositorySaysSo) {
  EXPECT_TRUE(
      must(read(with_capabilities(kA + " HEAD", "x") + pkt("shallow " + kB) + std::string(kFlush))).listing.shallow);
}

TEST(Advertisement, RefusesWhatNoServerMaySay) {
  const std::string first = with_capabilities(kA + " refs/heads/main", "x");
  const std::string end(kFlush);
  const struct {
    const char* what;
    std::string text;
    ErrorKind kind;
    const char* words;
  } cases[] = {
      {"nothing", "", ErrorKind::Unavailable, "hung up"},
      {"an end before the flush", first, ErrorKind::Unavailable, "hung up"},
      {"an end inside a line", first.substr(0, 30), ErrorKind::Unavailable, "ended"},
      {"an end of protocol 2", pkt("version 2\n") + pkt("agent=x\n"), ErrorKind::Unavailable, "hung up"},
      {"an error", pkt("ERR no such repository: x\x1b[2J\n"), ErrorKind::NotFound, "\\x1b"},
      {"a page", "<html>", ErrorKind::Corrupt, "<htm"},
      {"a delimiter", first + std::string(kDelimiter) + end, ErrorKind::Corrupt, "divided"},
      {"a short oid", pkt(kA.substr(1) + " refs/heads/main\n") + end, ErrorKind::Corrupt, "object name"},
      {"an oid in another format", pkt(kA + kA.substr(16) + " refs/heads/main\n") + end, ErrorKind::Corrupt,
       "object name"},
      {"a zero oid", first + pkt(kZero + " refs/heads/x\n") + end, ErrorKind::Corrupt, "no object"},
      {"a bad name", first + pkt(kA + " refs/heads/../x\n") + end, ErrorKind::Corrupt, "refs/heads/../x"},
      {"no name", first + pkt(kA) + end, ErrorKind::Corrupt, "a ref named"},
      {"a name twice", first + pkt(kB + " refs/heads/main\n") + end, ErrorKind::Corrupt, "refs/heads/main"},
      {"HEAD twice", first + pkt(kA + " HEAD\n") + pkt(kA + " HEAD\n") + end, ErrorKind::Corrupt, "HEAD"},
      {"a peeled stranger", first + pkt(kB + " refs/tags/v1^{}\n") + end, ErrorKind::Corrupt, "does not follow"},
      {"peeled twice", first + pkt(kB + " refs/heads/main^{}\n") + pkt(kB + " refs/heads/main^{}\n") + end,
       ErrorKind::Corrupt, "does not follow"},
      {"a bad head", with_capabilities(kA + " HEAD", "symref=HEAD:../x") + end, ErrorKind::Corrupt, "../x"},
      {"an unknown format", with_capabilities(kA + " HEAD", "object-format=md5") + end, ErrorKind::Unsupported, "md5"},
      {"a bad shallow", first + pkt("shallow x") + end, ErrorKind::Corrupt, "object name"},
      {"no refs beside refs", first + pkt(kZero + " capabilities^{}") + end, ErrorKind::Corrupt, "capabilities"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_FAILS(read(c.text), c.kind, c.words);
  }
}

TEST(Advertisement, CapabilitiesHaveAnEnd) {
  std::string many = pkt("version 2\n");
  for (int i = 0; i < 1001; ++i) many += pkt("word\n");
  EXPECT_FAILS(read(many + std::string(kFlush)), ErrorKind::Corrupt, "without end");
  std::string large = pkt("version 2\n");
  for (int i = 0; i < 5; ++i) large += pkt("word=" + std::string(60'000, 'x'));
  EXPECT_FAILS(read(large + std::string(kFlush)), ErrorKind::Corrupt, "without end");
}

TEST(Advertisement, ALongListingIsCutOffByTheLimits) {
  std::string text = with_capabilities(kA + " HEAD", "x");
  for (int i = 0; i < 100; ++i) text += pkt(kA + " refs/heads/" + std::to_string(i) + "\n");
  EXPECT_EQ(must(read(text + std::string(kFlush), Service::UploadPack, {.refs_max = 100})).listing.refs.size(), 100u);
  EXPECT_FAILS(read(text, Service::UploadPack, {.refs_max = 99}), ErrorKind::Exhausted, "99 refs");
  EXPECT_FAILS(read(text, Service::UploadPack, {.bytes_max = 1000}), ErrorKind::Exhausted, "1000 bytes");

  std::string endless = pkt("version 2\n");
  for (int i = 0; i < 2000; ++i) endless += pkt("more\n");
  EXPECT_FAILS(read(endless), ErrorKind::Corrupt, "without end");
}

TEST(LsRefs, ReadsAttributes) {
  const Listing listing =
      must(read_v2(pkt(kA + " HEAD symref-target:refs/heads/main\n") + pkt(kA + " refs/heads/main\n") +
                   pkt(kB + " refs/tags/v1 peeled:" + kA + "\n") +
                   pkt(kA + " refs/remotes/x/HEAD symref-target:refs/remotes/x/main\n") + std::string(kFlush)));
  EXPECT_EQ(listing.head, (Head{name("refs/heads/main"), oid(kA)}));
  EXPECT_EQ(listing.refs.size(), 3u);
  EXPECT_EQ(listing.refs.find(name("refs/tags/v1"))->peeled, oid(kA));
}

TEST(LsRefs, AnUnbornHeadHasATargetOnly) {
  const Listing listing = must(read_v2(pkt("unborn HEAD symref-target:refs/heads/main\n") + std::string(kFlush)));
  EXPECT_EQ(listing.head, (Head{name("refs/heads/main"), std::nullopt}));
}

TEST(LsRefs, RefusesWhatNoServerMaySay) {
  const struct {
    std::string text;
    ErrorKind kind;
  } cases[] = {
      {pkt(kA + " refs/heads/main\n"), ErrorKind::Unavailable},
      {pkt(kA + " refs/heads/main\n") + pkt(kA + " refs/heads/main\n") + "0000", ErrorKind::Corrupt},
      {pkt(kA) + "0000", ErrorKind::Corrupt},
      {pkt("x refs/heads/main\n") + "0000", ErrorKind::Corrupt},
      {pkt(kA + " refs/heads/a b\n") + pkt(kA + " refs/heads/a c\n") + "0000", ErrorKind::Corrupt},
      {pkt(kA + " refs/tags/v1 peeled:x\n") + "0000", ErrorKind::Corrupt},
      {pkt(kA + " HEAD symref-target:\n") + "0000", ErrorKind::Corrupt},
      {pkt("unborn refs/heads/main\n") + "0000", ErrorKind::Corrupt},
      {pkt(kA + " refs/heads/main\n") + "0001", ErrorKind::Corrupt},
      {pkt("ERR upload-pack: denied\n"), ErrorKind::Denied},
      {"000", ErrorKind::Unavailable},
      {"zzzz", ErrorKind::Corrupt},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_FAILS(read_v2(c.text), c.kind, "");
  }
}

TEST(LsRefs, ALongListingIsCutOffByTheLimits) {
  const std::string text = pkt(kA + " refs/heads/1\n") + pkt(kA + " refs/heads/2\n") + std::string(kFlush);
  EXPECT_EQ(must(read_v2(text, {.refs_max = 2})).refs.size(), 2u);
  EXPECT_FAILS(read_v2(text, {.refs_max = 1}), ErrorKind::Exhausted, "refs");
}

}  // namespace
}  // namespace packferry
