#include "base/digest.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string hex_digest(DigestAlgorithm algorithm, std::string_view text) {
  return to_hex(digest_of(algorithm, bytes_of(text)));
}

// FIPS 180-2, appendices A and B.
TEST(Digest, MatchesThePublishedVectors) {
  const std::string million(1'000'000, 'a');
  const struct {
    std::string_view text;
    const char *sha1, *sha256;
  } cases[] = {
      {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(hex_digest(DigestAlgorithm::Sha1, c.text), c.sha1);
    EXPECT_EQ(hex_digest(DigestAlgorithm::Sha256, c.text), c.sha256);
  }
}

TEST(Digest, IsTheSameHoweverTheBytesCome) {
  const std::vector<std::byte> all = bytes_of("the quick brown fox");
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    Digest digest(DigestAlgorithm::Sha1);
    digest.update(std::span(all).first(cut));
    digest.update(std::span(all).subspan(cut));
    EXPECT_EQ(digest.finish(), digest_of(DigestAlgorithm::Sha1, all));
  }
}

TEST(Digest, StartsAnewAfterItsFinish) {
  Digest digest(DigestAlgorithm::Sha256);
  digest.update(bytes_of("other"));
  EXPECT_EQ(digest.finish().size(), digest_bytes(DigestAlgorithm::Sha256));
  digest.update(bytes_of("abc"));
  EXPECT_EQ(to_hex(digest.finish()), hex_digest(DigestAlgorithm::Sha256, "abc"));
}

TEST(Digest, KeepsItsStateWhenItIsMoved) {
  Digest first(DigestAlgorithm::Sha1);
  first.update(bytes_of("ab"));
  Digest second(std::move(first));
  second.update(bytes_of("c"));
  EXPECT_EQ(to_hex(second.finish()), hex_digest(DigestAlgorithm::Sha1, "abc"));
}

// RFC 4231, cases 1, 2, 3 and 6; the last one has no key and no message.
TEST(Hmac, MatchesThePublishedVectors) {
  const struct {
    std::string key, message;
    const char* hmac;
  } cases[] = {
      {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (const auto& c : cases) EXPECT_EQ(to_hex(hmac_sha256(bytes_of(c.key), bytes_of(c.message))), c.hmac);
}

TEST(Hex, ReadsWhatItWrites) {
  std::vector<std::byte> all;
  for (int value = 0; value < 256; ++value) all.push_back(static_cast<std::byte>(value));
  EXPECT_EQ(from_hex(to_hex(all)), all);
  EXPECT_EQ(to_hex(all).substr(0, 8), "00010203");
  EXPECT_EQ(from_hex("aBcD"), from_hex("abcd"));
  EXPECT_EQ(from_hex(""), std::vector<std::byte>());
}

TEST(Hex, TakesNothingElse) {
  for (const char* text : {"a", "abc", "0g", "g0", " 0", "0 ", "0x", "-1", "\xff\xff"})
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
}

// RFC 4648, section 10.
TEST(Digest, WritesBase64) {
  EXPECT_EQ(to_base64(bytes_of("")), "");
  EXPECT_EQ(to_base64(bytes_of("f")), "Zg==");
  EXPECT_EQ(to_base64(bytes_of("fo")), "Zm8=");
  EXPECT_EQ(to_base64(bytes_of("foobar")), "Zm9vYmFy");
  EXPECT_EQ(to_base64(bytes_of("\xFB\xFF")), "+/8=");
  EXPECT_EQ(to_base64url(bytes_of("")), "");
  EXPECT_EQ(to_base64url(bytes_of("f")), "Zg");
  EXPECT_EQ(to_base64url(bytes_of("\xFB\xFF")), "-_8");
}

TEST(Digest, ReadsBase64InOneSpellingOnly) {
  for (const char* text : {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "+/8="}) {
    const auto bytes = from_base64(text);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(to_base64(*bytes), text);
  }
  for (const char* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "-_8=", " m8="})
    EXPECT_FALSE(from_base64(text)) << text;
  for (const char* text : {"", "Zg", "Zm8", "Zm9v", "-_8"}) {
    const auto bytes = from_base64url(text);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(to_base64url(*bytes), text);
  }
  for (const char* text : {"Z", "Zh", "Zm9", "Zg==", "+/8", "Zm9vY", "a.b"}) EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Digest, ComparesToTheEnd) {
  EXPECT_TRUE(same_in_constant_time(bytes_of(""), bytes_of("")));
  EXPECT_TRUE(same_in_constant_time(bytes_of("abc"), bytes_of("abc")));
  EXPECT_FALSE(same_in_constant_time(bytes_of("abc"), bytes_of("abd")));
  EXPECT_FALSE(same_in_constant_time(bytes_of("abc"), bytes_of("xbc")));
  EXPECT_FALSE(same_in_constant_time(bytes_of("abc"), bytes_of("ab")));
}

}  // namespace
}  // namespace packferry
