#include "git/pack_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::GitSandbox;
using testing::must;

std::string deflated(std::string_view content) {
  std::string out(compressBound(content.size()), '\0');
  uLongf size = out.size();
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(content.data()),
                     content.size()),
            Z_OK);
  out.resize(size);
  return out;
}

// A pack that nobody but a test would write.
class Forge {
 public:
  static constexpr unsigned kCommit = 1, kBlob = 3, kOfsDelta = 6, kRefDelta = 7;

  // `base`: what stands between the head and the content of a delta. Returns where the entry begins.
  std::size_t add(unsigned type, std::string_view content, std::string_view base = {}) {
    return add_claiming(content.size(), type, content, base);
  }
  std::size_t add_claiming(std::size_t size, unsigned type, std::string_view content, std::string_view base = {}) {
    const std::size_t begin = entries_.size();
    unsigned head = type << 4 | static_cast<unsigned>(size & 0xF);
    for (size >>= 4; size > 0; size >>= 7) {
      entries_ += static_cast<char>(head | 0x80);
      head = static_cast<unsigned>(size & 0x7F);
    }
    entries_ += static_cast<char>(head);
    entries_ += base;
    entries_ += deflated(content);
    ++count_;
    return begin;
  }
  std::size_t size() const { return entries_.size(); }

  std::string bytes() const {
    std::string pack("PACK\0\0\0\2\0\0\0", 11);
    pack += static_cast<char>(count_);
    pack += entries_;
    pack += as_text(digest_of(DigestAlgorithm::Sha1, as_bytes(pack)));
    return pack;
  }
  Result<std::vector<PackedObject>> read(const SmallPack& bounds = {}) const {
    auto stream = must(PackStream::open(std::make_unique<MemoryReader>(bytes()), ObjectFormat::Sha1));
    return read_pack(*stream, ObjectFormat::Sha1, bounds);
  }

  std::string entries_;
  unsigned count_ = 0;
};

std::string back(std::size_t distance) { return std::string(1, static_cast<char>(distance)); }

std::multimap<std::string, std::string> by_oid(const std::vector<PackedObject>& objects) {
  std::multimap<std::string, std::string> found;
  for (const PackedObject& object : objects)
    found.emplace(object.oid.hex(),
                  std::to_string(static_cast<int>(object.type)) + std::string(as_text(object.content)));
  return found;
}

class PackReaderTest : public ::testing::TestWithParam<ObjectFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, PackReaderTest, ::testing::Values(ObjectFormat::Sha1, ObjectFormat::Sha256),
                         [](const auto& format) { return std::string(to_string(format.param)); });

TEST_P(PackReaderTest, FindsWhatGitPackedInEveryWayThatGitPacks) {
  GitSandbox git;
  git.init("r", to_string(GetParam()));
  std::string text;
  for (int i = 0; i < 40; ++i) {
    for (int line = 0; line < 30; ++line) text += std::to_string(i * line * 7919) + "\n";
    git.commit("r", "main", text);
  }
  git.git("r", {"tag", "-a", "-m", "first", "v1", "main"});

  std::multimap<std::string, std::string> expected;
  std::istringstream all(git.git("r", {"cat-file", "--batch-all-objects", "--batch-check"}));
  const std::map<std::string, std::string> numbers = {{"commit", "1"}, {"tree", "2"}, {"blob", "3"}, {"tag", "4"}};
  for (std::string oid, type, size; all >> oid >> type >> size;)
    expected.emplace(oid, numbers.at(type) + git.git_fed("r", {"cat-file", type, oid}, ""));

  for (const std::vector<std::string>& way : std::vector<std::vector<std::string>>{
           {"--delta-base-offset", "--depth=4095", "--window=50"}, {"--window=50"}, {"--window=0"}}) {
    std::vector<std::string> words = {"pack-objects", "--all", "--stdout", "-q", "--no-reuse-delta"};
    words.insert(words.end(), way.begin(), way.end());
    const std::string pack = git.git_fed("r", words, "");
    auto stream = must(PackStream::open(std::make_unique<MemoryReader>(pack), GetParam()));
    EXPECT_EQ(by_oid(must(read_pack(*stream, GetParam()))), expected) << way.front();
  }
}

TEST_P(PackReaderTest, SaysThatTheBaseOfAThinPackIsElsewhere) {
  GitSandbox git;
  git.init("r", to_string(GetParam()));
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i * i) + "\n";
  const std::string old_tip = git.commit("r", "main", text);
  const std::string new_tip = git.commit("r", "main", text + "more\n");
  const std::string thin =
      git.git_fed("r", {"pack-objects", "--revs", "--thin", "--stdout", "-q"}, new_tip + "\n^" + old_tip + "\n");
  auto stream = must(PackStream::open(std::make_unique<MemoryReader>(thin), GetParam()));
  EXPECT_FAILS(read_pack(*stream, GetParam()), ErrorKind::Unsupported, "base elsewhere");
}

TEST(PackReader, RefusesWhatIsNotSmall) {
  Forge forge;
  forge.add(Forge::kBlob, std::string(1000, 'a'));
  forge.add(Forge::kBlob, std::string(1000, 'b'));
  EXPECT_EQ(must(forge.read({.content_bytes_max = 2000})).size(), 2u);
  EXPECT_FAILS(forge.read({.content_bytes_max = 1999}), ErrorKind::Exhausted, "too large");
  EXPECT_FAILS(forge.read({.objects_max = 1}), ErrorKind::Exhausted, "2 objects");
  EXPECT_FAILS(forge.read({.pack_bytes_max = 50}), ErrorKind::Exhausted, "50 bytes");
}

TEST(PackReader, ReadsNoMoreThanTheHeaderOfAPackOfTooManyObjects) {
  const std::string header("PACK\0\0\0\2\xff\xff\xff\xff", 12);  // and nothing follows
  auto stream = must(PackStream::open(std::make_unique<MemoryReader>(header), ObjectFormat::Sha1));
  EXPECT_FAILS(read_pack(*stream, ObjectFormat::Sha1), ErrorKind::Exhausted, "is not small");
}

// 16 MiB out of a few bytes: a delta that copies its base over and over.
TEST(PackReader, BoundsWhatDeltasMake) {
  Forge forge;
  const std::string base(0xFFFF, 'a');
  const std::size_t at = forge.add(Forge::kBlob, base);
  std::string delta = "\xff\xff\x03\xff\xff\xff\x07";  // 65,535 bytes to 16,777,215
  for (int i = 0; i < 257; ++i) delta += "\xb0\xff\xff";
  forge.add(Forge::kOfsDelta, delta, std::string(1, static_cast<char>(forge.size() - at)));
  EXPECT_FAILS(forge.read({.content_bytes_max = 1'000'000}), ErrorKind::Exhausted, "too large");
}

TEST(PackReader, TakesOneObjectTwice) {
  Forge forge;
  forge.add(Forge::kBlob, "same");
  forge.add(Forge::kBlob, "same");
  const Oid oid = must(forge.read()).front().oid;
  forge.add(Forge::kRefDelta, std::string("\4\4\x90\4", 4), as_text(oid.bytes()));
  const auto objects = must(forge.read());
  ASSERT_EQ(objects.size(), 3u);
  for (const PackedObject& object : objects) EXPECT_EQ(object.oid, oid);
}

TEST(PackReader, FindsABaseThatComesLater) {
  Forge alone;
  alone.add(Forge::kBlob, "base");
  const Oid base = must(alone.read()).front().oid;
  Forge forge;
  forge.add(Forge::kRefDelta, std::string("\4\6\x90\4\2+1", 7), as_text(base.bytes()));
  forge.add(Forge::kBlob, "base");
  std::vector<std::string> contents;
  for (const PackedObject& object : must(forge.read())) contents.emplace_back(as_text(object.content));
  EXPECT_THAT(contents, ::testing::UnorderedElementsAre("base+1", "base"));
}

TEST(PackReader, RefusesDeltasThatLie) {
  const struct {
    std::string delta;
    const char* why;
  } cases[] = {
      {std::string("\5\4\x90\4", 4), "base of another size"},
      {std::string("\4\4\x90\5", 4), "copies what its base has not"},
      {std::string("\4\4\x91\1\4", 5), "copies what its base has not"},
      {std::string("\4\3\x90\4", 4), "makes more than it says"},
      {std::string("\4\5\x90\4", 4), "makes less than it says"},
      {std::string("\4\4\0", 3), "a word of no meaning"},
      {std::string("\4\4\5abc", 6), "in the middle"},
      {std::string("\4\4\x90", 3), "in the middle"},
      {std::string("\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 12), "out of range"},
      {"", "in the middle"},
  };
  for (const auto& [delta, why] : cases) {
    Forge forge;
    forge.add(Forge::kBlob, "base");
    forge.add(Forge::kOfsDelta, delta, back(forge.size()));
    EXPECT_FAILS(forge.read(), ErrorKind::Corrupt, why);
  }
}

TEST(PackReader, RefusesEntriesThatLie) {
  const auto reading = [](const auto& make) {
    Forge forge;
    make(forge);
    return forge.read();
  };
  EXPECT_FAILS(reading([](Forge& pack) { pack.add(5, "x"); }), ErrorKind::Corrupt, "unknown type");
  EXPECT_FAILS(reading([](Forge& pack) { pack.add(0, "x"); }), ErrorKind::Corrupt, "unknown type");
  EXPECT_FAILS(reading([](Forge& pack) { pack.add_claiming(3, Forge::kBlob, "four"); }), ErrorKind::Corrupt, "inflate");
  EXPECT_FAILS(reading([](Forge& pack) { pack.add_claiming(5, Forge::kBlob, "four"); }), ErrorKind::Corrupt, "inflate");
  EXPECT_FAILS(reading([](Forge& pack) { pack.add(Forge::kOfsDelta, "x", back(0)); }), ErrorKind::Corrupt, "no object");
  EXPECT_FAILS(reading([](Forge& pack) { pack.add(Forge::kOfsDelta, "x", back(9)); }), ErrorKind::Corrupt, "no object");
  EXPECT_FAILS(reading([](Forge& pack) { pack.add(Forge::kOfsDelta, "x", std::string(9, '\xff')); }),
               ErrorKind::Corrupt, "out of range");
  EXPECT_FAILS(reading([](Forge& pack) {
                 pack.entries_ += "more";
                 pack.count_ = 0;
               }),
               ErrorKind::Corrupt, "");
  EXPECT_FAILS(reading([](Forge& pack) {
                 pack.add(Forge::kBlob, "x");
                 pack.entries_ += "more";
               }),
               ErrorKind::Corrupt, "follows its last object");
  EXPECT_FAILS(reading([](Forge& pack) {
                 pack.add(Forge::kBlob, "x");
                 pack.count_ = 2;
               }),
               ErrorKind::Corrupt, "in the middle");
}

}  // namespace
}  // namespace packferry
