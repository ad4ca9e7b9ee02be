#include "git/oid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_set>

#include "io/stream.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr const char* kSha1 = "0123456789abcdef0123456789abcdef01234567";
constexpr const char* kSha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

TEST(Oid, IsReadAndWrittenInBothFormats) {
  EXPECT_EQ(must(Oid::parse(kSha1)).format(), ObjectFormat::Sha1);
  EXPECT_EQ(must(Oid::parse(kSha1)).hex(), kSha1);
  EXPECT_EQ(must(Oid::parse(kSha1)).bytes().size(), 20u);
  EXPECT_EQ(must(Oid::parse(kSha256)).format(), ObjectFormat::Sha256);
  EXPECT_EQ(must(Oid::parse(kSha256)).hex(), kSha256);
  EXPECT_EQ(must(Oid::parse(kSha256)).bytes().size(), 32u);
  EXPECT_EQ(must(Oid::parse(kSha1)).abbreviated(), "0123456789ab");
}

TEST(Oid, OfAnyOtherLengthIsRefused) {
  for (std::size_t length = 0; length <= 80; ++length) {
    if (length == 40 || length == 64) continue;
    EXPECT_FAILS(Oid::parse(std::string(length, 'a')), ErrorKind::Corrupt, "not 40 or 64");
  }
}

TEST(Oid, WithAnythingButLowerCaseHexIsRefused) {
  for (int c = 0; c < 256; ++c) {
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    for (const std::size_t at : {std::size_t{0}, std::size_t{7}, std::size_t{39}}) {
      std::string hex = kSha1;
      hex[at] = static_cast<char>(c);
      EXPECT_EQ(Oid::parse(hex).has_value(), is_digit) << "character " << c << " at " << at;
    }
  }
}

TEST(Oid, IsMadeFromItsBytes) {
  const Oid oid = must(Oid::parse(kSha256));
  EXPECT_EQ(Oid::from_bytes(ObjectFormat::Sha256, oid.bytes()), oid);
  const std::string_view zeros("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  EXPECT_EQ(Oid::from_bytes(ObjectFormat::Sha1, as_bytes(zeros)), Oid());
}

TEST(Oid, ZeroMeansNoObjectAndKnowsItsFormat) {
  EXPECT_TRUE(Oid().is_zero());
  EXPECT_EQ(Oid().hex(), std::string(40, '0'));
  EXPECT_TRUE(Oid(ObjectFormat::Sha256).is_zero());
  EXPECT_EQ(Oid(ObjectFormat::Sha256).hex(), std::string(64, '0'));
  EXPECT_NE(Oid(ObjectFormat::Sha1), Oid(ObjectFormat::Sha256));
  EXPECT_FALSE(must(Oid::parse(kSha1)).is_zero());
  EXPECT_FALSE(must(Oid::parse(std::string(39, '0') + "1")).is_zero());
}

TEST(Oid, SortsLikeItsHexDigits) {
  std::vector<std::string> hexes = {std::string(40, 'f'), kSha1, std::string(40, '0'), "80" + std::string(38, '0'),
                                    "7f" + std::string(38, 'f')};
  std::vector<Oid> oids;
  for (const std::string& hex : hexes) oids.push_back(must(Oid::parse(hex)));
  std::sort(hexes.begin(), hexes.end());
  std::sort(oids.begin(), oids.end());
  for (std::size_t i = 0; i < hexes.size(); ++i) EXPECT_EQ(oids[i].hex(), hexes[i]);
}

TEST(Oid, HashesAllItsBytes) {
  std::unordered_set<std::size_t> hashes;
  std::string hex(40, '0');
  for (char& digit : hex) {
    digit = '1';
    hashes.insert(std::hash<Oid>{}(must(Oid::parse(hex))));
    digit = '0';
  }
  EXPECT_EQ(hashes.size(), 40u);
}

TEST(ObjectFormat, IsReadAndWrittenAsTheCapabilitySpellsIt) {
  EXPECT_EQ(must(parse_object_format("sha1")), ObjectFormat::Sha1);
  EXPECT_EQ(must(parse_object_format("sha256")), ObjectFormat::Sha256);
  EXPECT_EQ(to_string(ObjectFormat::Sha1), "sha1");
  EXPECT_EQ(to_string(ObjectFormat::Sha256), "sha256");
  EXPECT_FAILS(parse_object_format("SHA1"), ErrorKind::Unsupported, "'SHA1'");
  EXPECT_FAILS(parse_object_format("\x1b[2J"), ErrorKind::Unsupported, "\\x1b");
}

}  // namespace
}  // namespace packferry
