#include "store/file_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "testing/must.h"
#include "testing/object_store_conformance.h"
#include "testing/refused_call.h"
#include "testing/temp_dir.h"

namespace packferry::testing {
namespace {

namespace fs = std::filesystem;

struct MakeDirectory {
  static constexpr StoreTraits kTraits{};
  ObjectStore& store() { return *store_; }
  const TempDir directory_;
  // Files have the system's time, and this one is far ahead of it: sweep() finds everything old.
  const FakeClock clock_{Clock::WallTime(std::chrono::hours(24 * 365 * 200))};
  const std::unique_ptr<FileStore> store_ =
      must(FileStore::open(directory_.path(), FileStore::IfMissing::Fail, clock_));
};

INSTANTIATE_TYPED_TEST_SUITE_P(Directory, ObjectStoreConformance, MakeDirectory);

class FileStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(root);
    store = must(FileStore::open(root, FileStore::IfMissing::Fail, clock));
  }
  Result<> put(std::string_view key, std::string_view text = "x") {
    return store->put_if_absent(key, as_bytes(text), {});
  }
  // Everything there is below the root, hidden names too.
  std::vector<std::string> paths() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root))
      found.push_back(fs::relative(entry.path(), root).native());
    std::sort(found.begin(), found.end());
    return found;
  }
  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  using Paths = std::vector<std::string>;
  const TempDir directory;
  const fs::path root = directory / "store";
  const SystemClock system_clock{};
  FakeClock clock{system_clock.now()};
  std::unique_ptr<FileStore> store;
};

TEST_F(FileStoreTest, IsAPlainTreeOfFilesForItsOwnerAlone) {
  const mode_t before = ::umask(0);
  must(put("manifests/app/0000000001.manifest", "text"));
  ::umask(before);
  EXPECT_EQ(paths(), (Paths{"manifests", "manifests/app", "manifests/app/0000000001.manifest"}));
  EXPECT_EQ(read(root / "manifests/app/0000000001.manifest"), "text");
  EXPECT_EQ(static_cast<unsigned>(fs::status(root / "manifests/app").permissions()), 0700u);
  EXPECT_EQ(static_cast<unsigned>(fs::status(root / "manifests/app/0000000001.manifest").permissions()), 0600u);
}

TEST_F(FileStoreTest, HidesWhatIsUnfinishedAndMakesNoFoldersForIt) {
  auto writer = must(store->create("a/b/c", {}));
  must(writer->write(as_bytes("x")));
  ASSERT_EQ(paths().size(), 1u);
  EXPECT_TRUE(paths()[0].starts_with(kReservedKeyPrefix));
  EXPECT_EQ(must(store->list("", {})), std::vector<ObjectInfo>{});
  EXPECT_EQ(must(store->list(".packferry", {})), std::vector<ObjectInfo>{});
  writer.reset();
  EXPECT_EQ(paths(), Paths{});
}

TEST_F(FileStoreTest, AWriterIsFinishedOnce) {
  const auto writer = must(store->create("a", {}));
  must(writer->finish());
  EXPECT_DEATH(static_cast<void>(writer->finish()), "broken invariant");
  EXPECT_DEATH(static_cast<void>(writer->write(as_bytes("x"))), "broken invariant");
}

TEST_F(FileStoreTest, TheTimeOfAnObjectIsItsFiles) {
  must(put("a"));
  const timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (root / "a").c_str(), times, 0), 0);
  const Clock::WallTime then{std::chrono::seconds(1'700'000'000)};
  EXPECT_EQ(must(store->find("a", {}))->modified_at, then);
  EXPECT_EQ(must(store->list("", {}))[0].modified_at, then);
}

TEST_F(FileStoreTest, MakesItsRootOnlyWhenAsked) {
  const fs::path missing = directory / "srv" / "backup";
  EXPECT_FAILS(FileStore::open(missing, FileStore::IfMissing::Fail, clock), ErrorKind::NotFound, "srv/backup'");
  EXPECT_FALSE(fs::exists(directory / "srv"));
  const auto made = must(FileStore::open(missing / "", FileStore::IfMissing::Make, clock));
  EXPECT_EQ(made->name(), "file://" + missing.native());
  EXPECT_EQ(static_cast<unsigned>(fs::status(missing).permissions()), 0700u);
  must(FileStore::open(missing, FileStore::IfMissing::Make, clock));
  write(directory / "file", "");
  EXPECT_FAILS(FileStore::open(directory / "file", FileStore::IfMissing::Make, clock), ErrorKind::NotFound, "file'");
  EXPECT_FAILS(FileStore::open(directory / "file" / "x", FileStore::IfMissing::Make, clock), ErrorKind::NotFound,
               "file/x': Not a directory");
}

TEST_F(FileStoreTest, ItsRootMayBeALinkAndAPathFromHere) {
  fs::create_directory_symlink(root, directory / "link");
  must(must(FileStore::open(directory / "link", FileStore::IfMissing::Make, clock))->put_if_absent("a", {}, {}));
  const fs::path before = fs::current_path();
  fs::current_path(directory.path());
  const auto relative = must(FileStore::open("./store/../store", FileStore::IfMissing::Fail, clock));
  fs::current_path(before);
  EXPECT_EQ(relative->name(), "file://" + root.native());
  must(relative->put_if_absent("b", {}, {}));
  EXPECT_EQ(paths(), (Paths{"a", "b"}));
}

TEST_F(FileStoreTest, RemovesFoldersThatBecameEmptyButNotItsRoot) {
  must(put("a/b/c/d"));
  must(put("a/e"));
  must(store->remove("a/b/c/d", {}));
  EXPECT_EQ(paths(), (Paths{"a", "a/e"}));
  must(store->remove("a/e", {}));
  EXPECT_EQ(paths(), Paths{});
  EXPECT_TRUE(fs::exists(root));
}

// Links that were planted: to a folder and a file outside, to nothing, and to the store itself.
class PlantedLink : public FileStoreTest {
 protected:
  void SetUp() override {
    FileStoreTest::SetUp();
    fs::create_directory(outside);
    write(outside / "secret", "secret");
    fs::create_directory(root / "real");
    for (const fs::path& folder : {root, root / "real"}) {
      fs::create_directory_symlink(outside, folder / "folder");
      fs::create_symlink(outside / "secret", folder / "file");
      fs::create_symlink(outside / "new", folder / "nothing");
      fs::create_directory_symlink(root, folder / "self");
    }
  }
  const fs::path outside = directory / "outside";
};

TEST_F(PlantedLink, IsFollowedByNothing) {
  for (const std::string link : {"folder", "file", "nothing", "self", "real/folder", "real/file", "real/nothing"}) {
    EXPECT_FAILS(store->find(link, {}), ErrorKind::Invalid, link + "' is a symbolic link");
    EXPECT_FAILS(store->open(link, 0, {}), ErrorKind::Invalid, link + "' is a symbolic link");
    EXPECT_FAILS(store->remove(link, {}), ErrorKind::Invalid, link + "' is a symbolic link");
    EXPECT_FAILS(put(link), ErrorKind::Conflict, link);
    for (const std::string below : {"/secret", "/new", "/deep/new"}) {
      EXPECT_FAILS(store->find(link + below, {}), ErrorKind::Invalid, link + "' is a symbolic link");
      EXPECT_FAILS(store->open(link + below, 0, {}), ErrorKind::Invalid, link + "' is a symbolic link");
      EXPECT_FAILS(store->remove(link + below, {}), ErrorKind::Invalid, link + "' is a symbolic link");
      EXPECT_FAILS(put(link + below), ErrorKind::Invalid, link + "' is a symbolic link");
    }
    EXPECT_FAILS(store->list(link, {}), ErrorKind::Invalid, link + "' is a symbolic link");
    EXPECT_FAILS(store->list(link + "/", {}), ErrorKind::Invalid, link + "' is a symbolic link");
    EXPECT_TRUE(fs::is_symlink(root / link));
  }
  EXPECT_EQ(read(outside / "secret"), "secret");
  EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1);
}

TEST_F(PlantedLink, FailsAListingThatMightMissSomethingAndNoOther) {
  must(put("good/a"));
  EXPECT_FAILS(store->list("", {}), ErrorKind::Invalid, "is a symbolic link");
  EXPECT_EQ(must(store->list("good/", {})).size(), 1u);
}

TEST_F(FileStoreTest, SweepDoesNotFollowALink) {
  write(directory / "secret", "secret");
  fs::create_symlink(directory / "secret", root / (std::string(kReservedKeyPrefix) + "link"));
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(must(store->sweep(Milliseconds(0), {})), 0u);
  EXPECT_EQ(read(directory / "secret"), "secret");
}

TEST_F(FileStoreTest, IsNotKeptWaitingByWhatIsNoFile) {
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(must(store->find("pipe", {})));
  EXPECT_FAILS(store->open("pipe", 0, {}), ErrorKind::NotFound, "'pipe'");
  EXPECT_FAILS(put("pipe"), ErrorKind::Conflict, "'pipe'");
  EXPECT_EQ(must(store->list("", {})), std::vector<ObjectInfo>{});
}

TEST_F(FileStoreTest, FilesThatCannotBeObjectsAreNotListed) {
  write(root / "a\nb", "");
  write(root / "a\xff", "");
  fs::create_directory(root / "folder\x01");
  write(root / "folder\x01" / "a", "");
  must(put("a"));
  const auto listed = must(store->list("", {}));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].key, "a");
}

TEST_F(FileStoreTest, SweepsWhatIsOldAndUnfinishedOnly) {
  const std::string left = std::string(kReservedKeyPrefix) + "0123456789abcdef";
  write(root / left, "of a writer that died");
  must(put("a/b"));
  EXPECT_EQ(must(store->sweep(std::chrono::hours(24), {})), 0u);
  clock.advance(std::chrono::hours(25));
  EXPECT_EQ(must(store->sweep(std::chrono::hours(24), {})), 1u);
  EXPECT_EQ(must(store->sweep(std::chrono::hours(24), {})), 0u);
  EXPECT_EQ(paths(), (Paths{"a", "a/b"}));
}

TEST_F(FileStoreTest, AWriterWhoseFileWasSweptSaysSo) {
  const auto writer = must(store->create("a/b", {}));
  clock.advance(std::chrono::hours(25));
  EXPECT_EQ(must(store->sweep(std::chrono::hours(24), {})), 1u);
  must(writer->write(as_bytes("x")));
  EXPECT_FAILS(writer->finish(), ErrorKind::Unavailable, "'a/b' of " + store->name() + ": its unfinished file was");
  EXPECT_FALSE(must(store->find("a/b", {})));
}

TEST_F(FileStoreTest, ABodyThatEndsEarlyIsAnError) {
  must(put("a", std::string(1'000, 'x')));
  const auto reader = must(store->open("a", 0, {}));
  fs::resize_file(root / "a", 400);
  EXPECT_FAILS(read_all(*reader, 2'000), ErrorKind::Unavailable, "it ended 600 bytes early");
}

TEST_F(FileStoreTest, AListingThatIsStoppedIsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(store->list("", stop.get_token()), ErrorKind::Cancelled, "list ''");
}

TEST_F(FileStoreTest, IsExhaustedWhenNoMoreFits) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal_before = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<> written = put("a/b", std::string(2'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, signal_before);
  EXPECT_FAILS(written, ErrorKind::Exhausted, "write 'a/b' of " + store->name() + ": File too large");
  EXPECT_EQ(paths(), Paths{});
}

// In a process of its own, where the kernel does not know a call or fails it.
class FileStoreWithout : public FileStoreTest {
 protected:
  // What put() says there: the word for its kind, or "done".
  void expect_put(long call, int number, std::string_view said) {
    EXPECT_EXIT(
        {
          refuse_call(call, number);
          const Result<> result = put("a/b", "text");
          const std::string_view got = result ? "done" : to_string(result.error().kind());
          ::_exit(got == said ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "")
        << said;
  }
};

TEST_F(FileStoreWithout, RenamingWithoutReplacingItLinks) {
  expect_put(SYS_renameat2, EINVAL, "done");
  EXPECT_EQ(paths(), (Paths{"a", "a/b"}));
  EXPECT_EQ(read(root / "a/b"), "text");
  expect_put(SYS_renameat2, EINVAL, "conflict");
  EXPECT_EQ(paths(), (Paths{"a", "a/b"}));
}

TEST_F(FileStoreWithout, ARoomItPublishesNothing) {
  expect_put(SYS_mkdirat, ENOSPC, "exhausted");
  EXPECT_EQ(paths(), Paths{});
  expect_put(SYS_fsync, EIO, "unavailable");
  EXPECT_EQ(paths(), Paths{});
  expect_put(SYS_openat, EMFILE, "exhausted");
  expect_put(SYS_write, ENOSPC, "exhausted");
  expect_put(SYS_getrandom, ENOSYS, "unavailable");
  expect_put(SYS_renameat2, EXDEV, "invalid");
  EXPECT_EQ(paths(), Paths{});
}

}  // namespace
}  // namespace packferry::testing
