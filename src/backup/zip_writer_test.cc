#include "backup/zip_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "io/file.h"
#include "io/process.h"
#include "testing/chunk_reader.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::ChunkReader;
using testing::drain;
using testing::GitSandbox;
using ::testing::IsEmpty;
using testing::must;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class ZipTest : public ::testing::TestWithParam<const char*> {
 protected:
  ZipTest() {
    std::filesystem::create_directory(scratch());
    git.init("source.git", GetParam());
  }

  std::filesystem::path scratch() const { return git.path("scratch"); }
  std::vector<std::filesystem::path> left_in_scratch() const {
    std::vector<std::filesystem::path> left;
    for (const auto& entry : std::filesystem::directory_iterator(scratch())) left.push_back(entry.path());
    return left;
  }

  // What the host of source.git would say of it.
  ZipContents contents(std::string_view name = "app/web") const {
    ZipContents contents{.repository = must(RepositoryName::parse(name))};
    contents.format = must(parse_object_format(GetParam()));
    contents.head.target = must(RefName::parse("refs/heads/main"));
    std::vector<Ref> refs;
    const std::string listing =
        git.git("source.git", {"for-each-ref", "--format=%(objectname) %(refname) %(*objectname)"});
    for (std::string_view rest = listing; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      const std::size_t name_at = line.find(' ') + 1;
      const std::size_t peeled_at = line.find(' ', name_at) + 1;
      Ref ref{must(RefName::parse(line.substr(name_at, peeled_at - 1 - name_at))),
              must(Oid::parse(line.substr(0, name_at - 1)))};
      if (peeled_at < line.size()) ref.peeled = must(Oid::parse(line.substr(peeled_at)));
      refs.push_back(std::move(ref));
    }
    contents.refs = must(RefMap::from(std::move(refs)));
    return contents;
  }
  std::string pack() const { return git.git_fed("source.git", {"pack-objects", "-q", "--all", "--stdout"}, ""); }
  void fill() {
    const std::string tip = git.commit("source.git", "main", "one");
    git.git("source.git", {"tag", "-a", "-m", "first", "v1", tip});
    git.commit("source.git", "main", "two");
    git.commit("source.git", "feature/x", "three");
  }

  Result<std::unique_ptr<Writer>> open(const ZipContents& what, std::stop_token stop = {}) const {
    return open_zip(what, {.scratch = scratch(), .environment = git.environment()}, must(create_file(zip)), stop);
  }
  Result<> write(const ZipContents& what, std::string_view bytes, std::size_t block_bytes = 1000) const {
    const std::unique_ptr<Writer> writer = TRY(open(what));
    for (; !bytes.empty(); bytes.remove_prefix(std::min(block_bytes, bytes.size())))
      TRY(writer->write(as_bytes(bytes.substr(0, block_bytes))));
    return writer->finish();
  }
  void unzip() const {
    // unzip writes names as the locale has them.
    std::vector<std::string> environment = {"LC_ALL=C.UTF-8"};
    environment.insert(environment.end(), git.environment().begin(), git.environment().begin() + 1);
    const std::vector<std::string> argv = {"unzip", "-q", zip.string(), "-d", git.path("out").string()};
    const ProcessOutput run =
        must(run_process({.argv = argv, .environment = environment, .directory = {}}, "", 4096, Patience{}, {}));
    ASSERT_EQ(run.exit.code, 0) << run.output << run.exit.stderr_text;
  }
  void expect_whole(const std::string& repository) const {
    git.git(repository, {"fsck", "--full", "--strict"});
    EXPECT_EQ(git.try_git(repository, {"show-ref", "-d"}).output, git.try_git("source.git", {"show-ref", "-d"}).output);
    EXPECT_EQ(git.git(repository, {"rev-parse", "--show-object-format", "--is-bare-repository"}),
              std::string(GetParam()) + "\ntrue");
  }

  GitSandbox git;
  const std::filesystem::path zip = git.path("backup.zip");
};
INSTANTIATE_TEST_SUITE_P(Formats, ZipTest, ::testing::Values("sha1", "sha256"),
                         [](const auto& format) { return std::string(format.param); });

TEST_P(ZipTest, UnzipsToARepositoryThatWorksAtOnce) {
  fill();
  must(write(contents(), pack()));
  unzip();
  expect_whole("out/web.git");
  EXPECT_EQ(git.git("out/web.git", {"symbolic-ref", "HEAD"}), "refs/heads/main");
  git.git(".", {"clone", "-q", git.path("out/web.git").string(), git.path("clone").string()});
  EXPECT_EQ(git.git("clone", {"rev-parse", "HEAD"}), git.git("source.git", {"rev-parse", "main"}));
  EXPECT_EQ(content_of(git.path("clone/content")), "two");
  git.git("out/web.git", {"gc", "-q"});
  expect_whole("out/web.git");
  EXPECT_THAT(left_in_scratch(), IsEmpty());
}

TEST_P(ZipTest, OfAnEmptyRepositoryUnzipsToOne) {
  must(write(contents(), ""));
  unzip();
  expect_whole("out/web.git");
  EXPECT_EQ(git.git("out/web.git", {"symbolic-ref", "HEAD"}), "refs/heads/main");
  EXPECT_FAILS(open_pack_in_zip(must(open_file(zip))), ErrorKind::NotFound, "it holds no pack");
}

TEST_P(ZipTest, KeepsHeadWhereItStood) {
  fill();
  ZipContents detached = contents();
  detached.head = {.oid = detached.refs.begin()->oid};
  must(write(detached, pack()));
  unzip();
  expect_whole("out/web.git");
  EXPECT_EQ(git.git("out/web.git", {"rev-parse", "HEAD"}), detached.head.oid->hex());
  EXPECT_NE(git.try_git("out/web.git", {"symbolic-ref", "-q", "HEAD"}).code, 0);

  std::filesystem::remove_all(git.path("out"));
  ZipContents unborn = contents();
  unborn.head.target = must(RefName::parse("refs/heads/trunk"));
  must(write(unborn, pack()));
  unzip();
  expect_whole("out/web.git");
  EXPECT_EQ(git.git("out/web.git", {"symbolic-ref", "HEAD"}), "refs/heads/trunk");
}

TEST_P(ZipTest, KeepsTheNameOfTheRepository) {
  fill();
  for (const char* name : {"caf\xC3\xA9 \xF0\x9F\x9A\xA2", "app/-x", "app/100%", "app/a\\b"}) {
    must(write(contents(name), pack()));
    unzip();
    expect_whole("out/" + std::string(must(RepositoryName::parse(name)).last_part()) + ".git");
    std::filesystem::remove_all(git.path("out"));
  }
}

TEST_P(ZipTest, HandsOutThePackAgain) {
  fill();
  const std::string bytes = pack();
  must(write(contents(), bytes));
  const std::string zipped = content_of(zip);
  for (const std::size_t chunk_bytes : {1u, 100u, 1'000'000u}) {
    const std::unique_ptr<Reader> reader = must(open_pack_in_zip(std::make_unique<ChunkReader>(zipped, chunk_bytes)));
    EXPECT_TRUE(must(drain(*reader, 77)) == bytes) << chunk_bytes;
  }
}

TEST_P(ZipTest, IsTheSameForTheSamePack) {
  fill();
  must(write(contents(), pack(), 1));
  const std::string first = content_of(zip);
  must(write(contents(), pack(), 1'000'000));
  EXPECT_TRUE(content_of(zip) == first);
}

TEST_P(ZipTest, OfADamagedPackIsNotFinished) {
  fill();
  std::string damaged = pack();
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_FAILS(write(contents(), damaged), ErrorKind::Corrupt, "git index-pack");
  EXPECT_FAILS(write(contents(), pack().substr(0, 50)), ErrorKind::Corrupt, "git index-pack");
  EXPECT_FAILS(write(contents(), std::string(5'000'000, 'x')), ErrorKind::Corrupt, "git index-pack");
  EXPECT_FALSE(std::filesystem::exists(zip));
  EXPECT_THAT(left_in_scratch(), IsEmpty());
}

TEST_P(ZipTest, LeavesNothingBehindWhenItIsAbandoned) {
  fill();
  {
    const std::unique_ptr<Writer> writer = must(open(contents()));
    must(writer->write(as_bytes(pack().substr(0, 100))));
    EXPECT_EQ(left_in_scratch().size(), 1u);
  }
  EXPECT_FALSE(std::filesystem::exists(zip));
  EXPECT_THAT(left_in_scratch(), IsEmpty());
}

TEST_P(ZipTest, FailsWithWhatItStandsOn) {
  fill();
  // `to` breaks after some bytes.
  class Breaking final : public Writer {
   public:
    explicit Breaking(std::size_t bytes) : left_(bytes) {}
    Result<> write(std::span<const std::byte> bytes) override {
      if (bytes.size() > left_) return Error(ErrorKind::Unavailable, "connection reset");
      left_ -= bytes.size();
      return {};
    }
    Result<> finish() override { return {}; }

   private:
    std::size_t left_;
  };
  const std::string bytes = pack();
  const auto write_to = [&](std::size_t breaks_after, const ZipWriterOptions& options) -> Result<> {
    const std::unique_ptr<Writer> writer =
        TRY(open_zip(contents(), options, std::make_unique<Breaking>(breaks_after), {}));
    TRY(writer->write(as_bytes(bytes)));
    return writer->finish();
  };
  const ZipWriterOptions good{.scratch = scratch(), .environment = git.environment()};
  must(write_to(std::string::npos, good));
  must(write(contents(), bytes));
  const std::size_t zip_bytes = content_of(zip).size();
  for (std::size_t breaks_after = 0; breaks_after < zip_bytes; breaks_after += zip_bytes / 20)
    EXPECT_FAILS(write_to(breaks_after, good), ErrorKind::Unavailable, "connection reset");
  EXPECT_THAT(left_in_scratch(), IsEmpty());

  ZipWriterOptions no_room = good;
  no_room.scratch = git.path("nowhere");
  EXPECT_FAILS(write_to(std::string::npos, no_room), ErrorKind::NotFound, "make a directory");
  ZipWriterOptions no_git = good;
  no_git.environment = {"PATH=/nowhere"};
  EXPECT_FAILS(write_to(std::string::npos, no_git), ErrorKind::NotFound, "program 'git'");
}

TEST_P(ZipTest, StopsWhenItIsAskedTo) {
  fill();
  std::stop_source stop;
  const std::unique_ptr<Writer> writer = must(open(contents(), stop.get_token()));
  must(writer->write(as_bytes(pack().substr(0, 100))));
  stop.request_stop();
  EXPECT_FAILS(writer->finish(), ErrorKind::Cancelled, "");
}

TEST_P(ZipTest, ThatWasDamagedDoesNotGiveADamagedPackForAWholeOne) {
  fill();
  const std::string bytes = pack();
  must(write(contents(), bytes));
  const std::string zipped = content_of(zip);
  const auto pack_of = [](std::string_view zip_bytes) -> Result<std::string> {
    const std::unique_ptr<Reader> reader = TRY(open_pack_in_zip(std::make_unique<ChunkReader>(zip_bytes, 1000)));
    return drain(*reader, 1000);
  };
  const std::size_t pack_at = zipped.find(bytes);
  ASSERT_NE(pack_at, std::string::npos);
  for (std::size_t i = 0; i < bytes.size(); i += 7) {
    std::string damaged = zipped;
    damaged[pack_at + i] ^= 1;
    EXPECT_FAILS(pack_of(damaged), ErrorKind::Corrupt, "zip");
  }
  for (std::size_t cut = 0; cut < pack_at + bytes.size(); cut += 11) {
    const Result<std::string> read = pack_of(zipped.substr(0, cut));
    EXPECT_TRUE(!read || *read != bytes) << cut;
  }
  EXPECT_FAILS(pack_of("PACK and not a zip at all, whatever it is"), ErrorKind::Corrupt, "zip");
}

TEST(PackInZip, PassesOnWhatBreaksBelow) {
  auto broken = std::make_unique<ChunkReader>("PK\003\004", 1);
  broken->fail_with(Error(ErrorKind::Unavailable, "connection reset"));
  EXPECT_FAILS(open_pack_in_zip(std::move(broken)), ErrorKind::Unavailable, "connection reset");
}

}  // namespace
}  // namespace packferry
