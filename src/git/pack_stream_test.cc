#include "git/pack_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "testing/chunk_reader.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::ChunkReader;
using testing::drain;
using testing::GitSandbox;
using testing::must;

// One commit with one file, packed by git 2.39: a repository of each format.
constexpr const char* kSha1Pack =
    "5041434b00000002000000039209789c2b294a4d5548324c4d3432353635b04c36333030b130344fb3304e4e313733b54c4c"
    "3249354b36b64832b2b430e44a2c2dc9c82f52704c4954b0494c497448ad48cc2dc849d5cb2f4ab7533034378002056d10c9"
    "959c9f9b9b5952924ab406aefcbc542e001be22949ad01789c33343030333151486408535bfde1bb5ec4f585c166dd4b6bb7"
    "1c2b3ef0b010009b010cf234789ccbcf4be5020003de014d45dd67109b5a75604752354cae4c9ac679278b91";
constexpr const char* kSha256Pack =
    "5041434b00000002000000039a0a789c8dcb4b0a82211440e1b9ab701e84efeb0f11b594fbb282cc1083961f410be80cbed9"
    "5953d5d6c43542c3c2d0a0d480a4d43cf9ad3420915412060c52882966ae9b9304d1e5e01abbccad1a7cadeb98f62c680f28"
    "78d237f6e75df7635e8ed683fb65775f0d8fde6f6be9df83190f351fce8030faa902789c012900d6ff313030363434206100"
    "a4ed1f355afb02d88cd291d0e4463910c5061ece48a49aa2b1539b9af973b286518412b334789ccbcf4be5020003de014d97"
    "4549dba432931faf0488ed48acf7da814966b801e55460f94a26f3ee10a751";

std::string bytes_of(std::string_view hex) {
  const auto bytes = from_hex(hex);
  CHECK(bytes.has_value());
  return std::string(as_text(*bytes));
}

struct PackOfGit {
  ObjectFormat format;
  std::string bytes;
  std::size_t trailer_bytes() const { return oid_bytes(format); }
};

class PackStreamTest : public ::testing::TestWithParam<ObjectFormat> {
 protected:
  const PackOfGit pack{GetParam(), bytes_of(GetParam() == ObjectFormat::Sha1 ? kSha1Pack : kSha256Pack)};
};
INSTANTIATE_TEST_SUITE_P(Formats, PackStreamTest, ::testing::Values(ObjectFormat::Sha1, ObjectFormat::Sha256),
                         [](const auto& format) { return std::string(to_string(format.param)); });

// Everything that comes out of `bytes` taken as a pack, also before an error.
struct Passed {
  std::string bytes;
  Result<> outcome;
};

Passed pass(std::string_view bytes, ObjectFormat format, std::size_t chunk_bytes = 4096,
            std::size_t block_bytes = 4096) {
  Passed passed;
  auto stream = PackStream::open(std::make_unique<ChunkReader>(bytes, chunk_bytes), format);
  if (!stream) {
    passed.outcome = std::move(stream).error();
    return passed;
  }
  Result<std::string> all = drain(**stream, block_bytes, &passed.bytes);
  if (all)
    passed.bytes = std::move(all).value();
  else
    passed.outcome = std::move(all).error();
  return passed;
}

std::string with_digest(std::string content, ObjectFormat format) {
  content += as_text(digest_of(digest_algorithm(format), as_bytes(content)));
  return content;
}

TEST_P(PackStreamTest, PassesAPackOfGitUnchanged) {
  auto stream = must(PackStream::open(std::make_unique<MemoryReader>(pack.bytes), pack.format));
  EXPECT_EQ(stream->object_count(), 3u);
  EXPECT_FALSE(stream->is_empty());
  EXPECT_EQ(stream->bytes(), 0u);
  EXPECT_EQ(must(drain(*stream, 4096)), pack.bytes);
  EXPECT_EQ(stream->bytes(), pack.bytes.size());
  EXPECT_EQ(must(drain(*stream, 4096)), "");
}

TEST_P(PackStreamTest, PassesItHoweverTheBytesComeAndGo) {
  for (std::size_t chunk = 1; chunk <= 100; ++chunk)
    for (const std::size_t block : {std::size_t{1}, std::size_t{2}, std::size_t{31}, std::size_t{32}, std::size_t{33},
                                    std::size_t{64}, std::size_t{65}, std::size_t{100}, std::size_t{4096}}) {
      const Passed passed = pass(pack.bytes, pack.format, chunk, block);
      ASSERT_TRUE(passed.outcome.has_value()) << chunk << " " << block;
      ASSERT_EQ(passed.bytes, pack.bytes) << chunk << " " << block;
    }
}

TEST_P(PackStreamTest, HoldsBackExactlyTheTrailer) {
  auto stream =
      must(PackStream::open(std::make_unique<ChunkReader>(std::vector<std::string>{pack.bytes}), pack.format));
  std::vector<std::byte> block(4096);
  EXPECT_EQ(must(stream->read(block)), pack.bytes.size() - pack.trailer_bytes());
  EXPECT_EQ(must(stream->read(block)), pack.trailer_bytes());
  EXPECT_EQ(must(stream->read(block)), 0u);
}

TEST_P(PackStreamTest, NeverCompletesAShortenedPack) {
  for (std::size_t cut = 0; cut < pack.bytes.size(); ++cut) {
    const Passed passed = pass(std::string_view(pack.bytes).substr(0, cut), pack.format, 7);
    ASSERT_FALSE(passed.outcome.has_value()) << cut;
    EXPECT_EQ(passed.outcome.error().kind(),
              cut < 12 + pack.trailer_bytes() ? ErrorKind::Unavailable : ErrorKind::Corrupt);
    EXPECT_LE(passed.bytes.size() + pack.trailer_bytes(), std::max(cut, pack.trailer_bytes()));
    EXPECT_TRUE(pack.bytes.starts_with(passed.bytes));
  }
}

TEST_P(PackStreamTest, NeverCompletesADamagedPack) {
  for (std::size_t bit = 0; bit < 8 * pack.bytes.size(); ++bit) {
    std::string damaged = pack.bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const Passed passed = pass(damaged, pack.format);
    EXPECT_FAILS(passed.outcome, ErrorKind::Corrupt, "");
    EXPECT_LE(passed.bytes.size(), pack.bytes.size() - pack.trailer_bytes());
  }
}

TEST_P(PackStreamTest, RefusesWhatFollowsTheTrailer) {
  for (const unsigned more : {1u, 19u, 20u, 32u, 33u, 500u}) {
    const Passed passed = pass(pack.bytes + std::string(more, 'x'), pack.format);
    EXPECT_FAILS(passed.outcome, ErrorKind::Corrupt, "digest");
  }
}

TEST_P(PackStreamTest, PassesThePackOfNoObjects) {
  const std::vector<std::byte> empty = empty_pack(pack.format);
  auto stream = must(PackStream::open(std::make_unique<MemoryReader>(empty), pack.format));
  EXPECT_TRUE(stream->is_empty());
  EXPECT_EQ(must(drain(*stream, 4096)), as_text(empty));
}

TEST_P(PackStreamTest, RefusesObjectsInAPackOfNone) {
  const std::string lying = with_digest(std::string("PACK\0\0\0\2\0\0\0\0", 12) + "objects", pack.format);
  EXPECT_FAILS(pass(lying, pack.format).outcome, ErrorKind::Corrupt, "a pack of no objects has 7 bytes of them");
}

TEST_P(PackStreamTest, PassesABigPackInWholeBlocks) {
  std::string content("PACK\0\0\0\2\0\0\0\1", 12);
  std::mt19937 random(11);
  while (content.size() < 3'000'000) content += static_cast<char>(random());
  const std::string big = with_digest(std::move(content), pack.format);
  const Passed passed = pass(big, pack.format, 65'515, kBlockBytes);
  EXPECT_TRUE(passed.outcome.has_value());
  EXPECT_TRUE(passed.bytes == big);
}

TEST(PackStream, ReadsTheHeader) {
  const auto open = [](std::string_view header) {
    return PackStream::open(std::make_unique<MemoryReader>(header), ObjectFormat::Sha1);
  };
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(must(open("PACK\0\0\0\2\1\2\3\4"sv))->object_count(), 0x01020304u);
  EXPECT_EQ(must(open("PACK\0\0\0\3\xff\xff\xff\xff"sv))->object_count(), 0xffffffffu);
  EXPECT_FAILS(open("PACK\0\0\0\1\0\0\0\0"sv), ErrorKind::Corrupt, "version 1");
  EXPECT_FAILS(open("PACK\0\0\0\4\0\0\0\0"sv), ErrorKind::Corrupt, "version 4");
  EXPECT_FAILS(open("KCAP\0\0\0\2\0\0\0\0"sv), ErrorKind::Corrupt, "not a pack: it begins with 'KCAP");
  EXPECT_FAILS(open("<html>\x1b[2J<body>"sv), ErrorKind::Corrupt, "\\x1b[2J");
  EXPECT_FAILS(open("PACK\0\0\0\2"sv), ErrorKind::Unavailable, "pack header");
  EXPECT_FAILS(open(""sv), ErrorKind::Unavailable, "pack header");
}

TEST(PackStream, OpensWithoutWaitingForMoreThanTheHeader) {
  auto from = std::make_unique<ChunkReader>(std::vector<std::string>{std::string("PACK\0\0\0\2\0\0\0\1", 12)});
  const ChunkReader& pipe = *from;
  const auto stream = must(PackStream::open(std::move(from), ObjectFormat::Sha1));
  EXPECT_EQ(pipe.reads(), 1u);
}

TEST(PackStream, PassesOnTheErrorOfItsReader) {
  auto from = std::make_unique<ChunkReader>(bytes_of(kSha1Pack), 50);
  from->fail_with(Error(ErrorKind::Rejected, "remote: out of memory"));
  auto stream = must(PackStream::open(std::move(from), ObjectFormat::Sha1));
  std::string before;
  EXPECT_FAILS(drain(*stream, 100, &before), ErrorKind::Rejected, "out of memory");
  EXPECT_EQ(before.size(), bytes_of(kSha1Pack).size() - 20);
}

// Its trailer is what an empty digest would be: asking once more after the error must not let it out.
TEST(PackStream, StaysRefusedAfterAnError) {
  const std::string forged = std::string("PACK\0\0\0\2\0\0\0\1", 12) + "object" + with_digest("", ObjectFormat::Sha1);
  auto stream = must(PackStream::open(std::make_unique<MemoryReader>(forged), ObjectFormat::Sha1));
  EXPECT_FAILS(drain(*stream, 4096), ErrorKind::Corrupt, "digest");
  EXPECT_FAILS(drain(*stream, 4096), ErrorKind::Corrupt, "digest");
}

TEST_P(PackStreamTest, PassesAThinPackThatGitThenTakes) {
  GitSandbox sandbox;
  sandbox.init("source", to_string(pack.format));
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i * i) + "\n";
  const std::string old_tip = sandbox.commit("source", "main", text);
  sandbox.git(".", {"clone", "-q", "--bare", "source", "destination"});
  const std::string new_tip = sandbox.commit("source", "main", text + "more\n");
  const std::string thin = sandbox.git_fed("source", {"pack-objects", "--revs", "--thin", "--stdout", "-q"},
                                           new_tip + "\n^" + old_tip + "\n");

  const Passed passed = pass(thin, pack.format, 100, 300);

  ASSERT_TRUE(passed.outcome.has_value());
  sandbox.git_fed("destination", {"index-pack", "--stdin", "--fix-thin"}, passed.bytes);
  EXPECT_EQ(sandbox.git("destination", {"cat-file", "-t", new_tip}), "commit");
}

TEST_P(PackStreamTest, KnowsThePackThatGitMakesOfNothing) {
  GitSandbox sandbox;
  sandbox.init("repository", to_string(pack.format));
  const std::string of_git = sandbox.git_fed("repository", {"pack-objects", "--stdout", "-q"}, "");
  EXPECT_EQ(to_hex(empty_pack(pack.format)), to_hex(as_bytes(of_git)));
  EXPECT_EQ(of_git.size(), 12 + pack.trailer_bytes());
}

}  // namespace
}  // namespace packferry
