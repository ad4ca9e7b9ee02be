#include "io/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;
using testing::TempDir;

class FileTest : public ::testing::Test {
 protected:
  static void save(const std::filesystem::path& path, std::string_view text, FileWriterOptions options = {}) {
    const auto writer = must(create_file(path, options));
    must(writer->write(as_bytes(text)));
    must(writer->finish());
  }
  static std::string load(const std::filesystem::path& path) {
    const auto reader = must(open_file(path));
    return std::string(as_text(must(read_all(*reader, 1'000'000))));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
      found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  const TempDir directory;
  const std::filesystem::path target = directory / "target";
};

using Names = std::vector<std::string>;

TEST_F(FileTest, ShowsNothingBeforeItIsFinished) {
  const auto writer = must(create_file(target));
  must(writer->write(as_bytes("one ")));
  must(writer->write(as_bytes("two")));
  EXPECT_FALSE(std::filesystem::exists(target));
  must(writer->finish());
  EXPECT_EQ(load(target), "one two");
  EXPECT_EQ(names(), Names{"target"});
}

TEST_F(FileTest, AbandonedLeavesNothing) {
  save(target, "old");
  auto writer = must(create_file(target));
  must(writer->write(as_bytes("new")));
  writer.reset();
  EXPECT_EQ(load(target), "old");
  EXPECT_EQ(names(), Names{"target"});
}

TEST_F(FileTest, ReplacesItsTarget) {
  save(target, "old and longer");
  save(target, "new");
  EXPECT_EQ(load(target), "new");
  EXPECT_EQ(names(), Names{"target"});
}

TEST_F(FileTest, LeavesATargetAloneThatItMayNotReplace) {
  const FileWriterOptions keep{.replace = false};
  auto writer = must(create_file(target, keep));
  auto late = must(create_file(target, keep));
  must(writer->finish());
  must(late->write(as_bytes("late")));
  EXPECT_FAILS(late->finish(), ErrorKind::Conflict, "target': File exists");
  late.reset();
  EXPECT_EQ(load(target), "");
  writer.reset();
  EXPECT_EQ(names(), Names{"target"});
}

TEST_F(FileTest, HasTheGivenModeWhateverTheUmask) {
  const mode_t before = ::umask(077);
  save(target, "x", {.mode = 0644});
  ::umask(000);
  save(directory / "secret", "x");
  ::umask(before);
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(target).permissions()), 0644u);
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(directory / "secret").permissions()), 0600u);
}

TEST_F(FileTest, TakesTheLongestNameThereIs) {
  const std::string name(255, 'n');
  save(directory / name, "x");
  EXPECT_EQ(names(), Names{name});
}

TEST_F(FileTest, TakesANameInTheCurrentDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  save("target", "here");
  std::filesystem::current_path(before);
  EXPECT_EQ(load(target), "here");
}

TEST_F(FileTest, SaysWhichDirectoryIsMissing) {
  EXPECT_FAILS(create_file(directory / "none" / "file"), ErrorKind::NotFound, "none': No such file");
  save(target, "x");
  EXPECT_FAILS(create_file(target / "file"), ErrorKind::NotFound, "target': Not a directory");
}

TEST_F(FileTest, LeavesNothingWhenItCannotHaveItsName) {
  for (const bool replace : {true, false}) {
    std::filesystem::create_directory(target);
    auto writer = must(create_file(target, {.replace = replace}));
    EXPECT_FAILS(writer->finish(), replace ? ErrorKind::Invalid : ErrorKind::Conflict, "target': ");
    writer.reset();
    EXPECT_EQ(names(), Names{"target"});
    std::filesystem::remove(target);
  }
}

TEST_F(FileTest, IsNotFoundWhenItsDirectoryWentAway) {
  std::filesystem::create_directory(directory / "folder");
  const auto writer = must(create_file(directory / "folder" / "file"));
  std::filesystem::remove_all(directory / "folder");
  EXPECT_FAILS(writer->finish(), ErrorKind::NotFound, "file': No such file");
}

TEST_F(FileTest, IsExhaustedWhenNoMoreFits) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal_before = ::signal(SIGXFSZ, SIG_IGN);
  auto writer = must(create_file(target));
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<> written = writer->write(as_bytes(std::string(2000, 'x')));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, signal_before);
  EXPECT_FAILS(written, ErrorKind::Exhausted, "write '" + target.string() + "': File too large");
  writer.reset();
  EXPECT_EQ(names(), Names{});
}

TEST_F(FileTest, IsFinishedOnce) {
  const auto writer = must(create_file(target));
  must(writer->finish());
  EXPECT_DEATH(static_cast<void>(writer->finish()), "broken invariant");
  EXPECT_DEATH(static_cast<void>(writer->write(as_bytes("x"))), "broken invariant");
}

TEST_F(FileTest, SaysWhatItCannotOpen) {
  EXPECT_FAILS(open_file(target), ErrorKind::NotFound, "open '" + target.string() + "': No such file");
  EXPECT_FAILS(open_file(directory.path()), ErrorKind::Invalid, "Is a directory");
}

}  // namespace
}  // namespace packferry
