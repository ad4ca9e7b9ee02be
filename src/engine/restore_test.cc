#include "engine/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "io/file.h"
#include "testing/backup_scene.h"
#include "testing/damage.h"

namespace packferry {
namespace {

namespace fs = std::filesystem;
using testing::BackupScene;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::must;
using ::testing::SizeIs;

class RestoreTest : public ::testing::Test, protected BackupScene {
 protected:
  // Three commits in three links.
  Manifest three_links() {
    git.commit("source", "main", "one");
    must_back_up();
    git.commit("source", "main", "two");
    must_back_up();
    git.commit("source", "topic", "three");
    return must_back_up().manifest;
  }
  Result<> restore_into(const Manifest& manifest, const fs::path& target, bool replace = false) {
    return restore_to_directory(log, manifest, target, {}, replace, clock, restoring(), {});
  }
  void write_file(const fs::path& path, std::string_view text) {
    const std::unique_ptr<Writer> file = must(create_file(path));
    must(file->write(as_bytes(text)));
    must(file->finish());
  }
  std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(RestoreTest, GivesABareRepositoryAndNothingElse) {
  const Manifest manifest = three_links();
  // What a person may have configured, and what must not get in.
  fs::create_directories(git.path("template/hooks"));
  write_file(git.path("template/hooks/post-checkout"), "#!/bin/sh\nexit 1\n");
  write_file(git.path(".gitconfig"),
             fmt::format("[init]\n\ttemplateDir = {}\n\tdefaultBranch = other\n[core]\n\tlooseCompression = 99\n",
                         git.path("template").string()));
  must(restore(manifest, "restored"));
  fs::remove(git.path(".gitconfig"));
  EXPECT_EQ(refs("restored"), refs("source"));
  EXPECT_FALSE(fs::exists(git.path("restored/hooks")));
  const std::unique_ptr<Reader> config = must(open_file(git.path("restored/config")));
  const std::vector<std::byte> bytes = must(read_all(*config, 1000));
  EXPECT_EQ(as_text(bytes), "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n");
}

TEST_F(RestoreTest, TellsHowFarItIs) {
  const Manifest manifest = three_links();
  RestoreOptions how = restoring();
  std::vector<std::string> phases;
  std::uint64_t last = 0;
  how.progress = [&](std::string_view phase, std::uint64_t bytes, std::uint64_t bytes_all) {
    if (phases.empty() || phases.back() != phase) phases.emplace_back(phase);
    EXPECT_GE(bytes, last);
    EXPECT_LE(bytes, bytes_all);
    last = bytes;
  };
  must(rebuild(log, manifest, git.path("restored"), {}, RebuildCheck::Connected, how, {}));
  EXPECT_THAT(phases, ::testing::ElementsAre("fetching", "indexing", "fetching", "indexing", "fetching", "indexing",
                                             "checking"));
  EXPECT_EQ(last, manifest.chain[0].bytes + manifest.chain[1].bytes + manifest.chain[2].bytes);
}

TEST_F(RestoreTest, SelectsRefs) {
  const Manifest manifest = three_links();
  must(rebuild(log, manifest, git.path("restored"), must(RefspecSet::from({must(Refspec::parse("refs/heads/topic"))})),
               RebuildCheck::Connected, restoring(), {}));
  EXPECT_THAT(refs("restored"), HasSubstr("refs/heads/topic"));
  EXPECT_EQ(refs("restored").find("refs/heads/main"), std::string::npos);
}

TEST_F(RestoreTest, HistoryThatFsckFrownsUponComesBackAsItWas) {
  commit_dirty_tree();
  const Manifest manifest = must_back_up().manifest;
  must(restore(manifest, "restored"));
  EXPECT_EQ(refs("restored"), refs("source"));
  EXPECT_THAT(git.try_git("restored", {"fsck"}).output, HasSubstr("duplicateEntries"));
}

TEST_F(RestoreTest, ReplaceRefsAreRefsLikeOthers) {
  const std::string one = git.commit("source", "main", "one");
  git.git("source", {"replace", one, git.commit("source", "other", "another")});
  EXPECT_EQ(restored_refs(must_back_up().manifest), refs("source"));
}

TEST_F(RestoreTest, RefsThatGitWouldNotSetAreSet) {
  const Oid commit = must(Oid::parse(git.commit("source", "main", "one")));
  const Oid tree = must(Oid::parse(git.git("source", {"rev-parse", "main^{tree}"})));
  must_back_up();
  Manifest manifest = read(1);
  manifest.number = 2;  // so its refs are not those of the bundle
  std::vector<Ref> all;
  std::string expected;
  for (const char* name : {"refs/heads/Case", "refs/heads/case", "refs/heads/d", "refs/heads/d/f"}) {
    all.push_back({must(RefName::parse(name)), commit});
    expected += fmt::format("{} {}\n", commit.hex(), name);
  }
  all.push_back({must(RefName::parse("refs/heads/tree")), tree});
  expected += fmt::format("{} refs/heads/tree", tree.hex());
  manifest.refs = must(RefMap::from(std::move(all)));
  must(restore(manifest, "restored"));
  EXPECT_EQ(refs("restored"), expected);
}

TEST_F(RestoreTest, ManyRefsAreNoTrouble) {
  const Oid commit = must(Oid::parse(git.commit("source", "main", "one")));
  must_back_up();
  Manifest manifest = read(1);
  manifest.number = 2;
  std::vector<Ref> all;
  for (int i = 0; i < 50'000; ++i) all.push_back({must(RefName::parse(fmt::format("refs/heads/topic/{}", i))), commit});
  manifest.refs = must(RefMap::from(std::move(all)));
  must(restore(manifest, "restored"));
}

TEST_F(RestoreTest, WhatIsMissingIsNamedAndNothingIsLeft) {
  const Manifest manifest = three_links();
  const std::string key = manifest.chain[1].key;
  const std::vector<std::byte> before = testing::bytes_of(store, key);
  must(store.remove(key, {}));
  EXPECT_FAILS(restore(manifest, "restored"), ErrorKind::NotFound, key);
  EXPECT_FALSE(fs::exists(git.path("restored")));
  must(store.put_if_absent(key, before, {}));

  store.mutate(key, testing::flip_bit(before.size() - 30, 3));
  EXPECT_FAILS(restore(manifest, "restored"), ErrorKind::Corrupt, key);
  EXPECT_FALSE(fs::exists(git.path("restored")));
  EXPECT_EQ(restored_refs(read(1)).empty(), false) << "the ones before it restore";
}

TEST_F(RestoreTest, ALinkThatDoesNotFitIsRefused) {
  const Manifest manifest = three_links();
  Manifest without_first = manifest;
  without_first.chain.erase(without_first.chain.begin());
  EXPECT_FAILS(restore(without_first, "a"), ErrorKind::Corrupt, "builds on");

  Manifest other_refs = manifest;
  other_refs.refs = read(1).refs;
  EXPECT_FAILS(restore(other_refs, "b"), ErrorKind::Corrupt, "are not those of snapshot 3");

  Manifest said_to_be_full = manifest;
  said_to_be_full.chain[1].full = true;
  EXPECT_FAILS(restore(said_to_be_full, "c"), ErrorKind::Corrupt, "said to be full");

  Manifest other_format = manifest;
  other_format.format = ObjectFormat::Sha256;
  EXPECT_FAILS(restore(other_format, "d"), ErrorKind::Corrupt, "are sha1");

  for (const char* name : {"a", "b", "c", "d"}) EXPECT_FALSE(fs::exists(git.path(name)));
}

TEST_F(RestoreTest, HistoryWithAHoleIsFound) {
  const std::string one = git.commit("source", "main", "one");
  const std::string blob = git.git("source", {"rev-parse", "main:content"});
  const std::string two = git.commit("source", "main", "two");
  const Manifest manifest = append_made(pack_without(blob), main_at(two));
  EXPECT_FAILS(restore(manifest, "restored"), ErrorKind::Corrupt, blob);
  must(rebuild(log, manifest, git.path("unchecked"), {}, RebuildCheck::Parsed, restoring(), {}));

  Manifest unknown = manifest;
  unknown.number = 2;
  unknown.refs = main_at(std::string(40, 'a'));
  EXPECT_FAILS(restore(unknown, "restored"), ErrorKind::Corrupt, "refs/heads/main stands at aaaa");
}

TEST_F(RestoreTest, ADamagedPackIsFoundThoughItIsWhatWasStored) {
  std::string pack = pack_without(git.commit("source", "main", "one"));
  pack[pack.size() / 2] = static_cast<char>(pack[pack.size() / 2] ^ 1);
  EXPECT_FAILS(restore(append_made(pack, {}), "restored"), ErrorKind::Corrupt, "index-pack");
}

TEST_F(RestoreTest, IntoADirectoryThatIsNewOrEmpty) {
  const Manifest manifest = three_links();
  fs::create_directories(git.path("place/empty"));
  for (const char* name : {"place/new", "place/empty", "place/slash/"}) {
    must(restore_into(manifest, git.path(name)));
    EXPECT_EQ(refs(name), refs("source"));
  }
  EXPECT_THAT(names_in(git.path("place")), ::testing::ElementsAre("empty", "new", "slash")) << "and no scratch";
  EXPECT_FAILS(restore_into(manifest, git.path("nowhere/at/all")), ErrorKind::NotFound, "nowhere");
}

TEST_F(RestoreTest, NeverOverWhatIsThere) {
  const Manifest manifest = three_links();
  fs::create_directories(git.path("place/full"));
  write_file(git.path("place/full/precious"), "x");
  write_file(git.path("place/file"), "x");
  fs::create_symlink(git.path("place/full"), git.path("place/link"));
  for (const char* name : {"place/full", "place/file", "place/link"})
    EXPECT_FAILS(restore_into(manifest, git.path(name)), ErrorKind::Invalid, "restore into a new one");

  must(restore_into(manifest, git.path("place/full"), true));
  EXPECT_EQ(refs("place/full"), refs("source"));
  const fs::path kept = git.path(fmt::format("place/full.before-restore-{}", to_compact_iso8601(clock.now())));
  EXPECT_TRUE(fs::exists(kept / "precious"));

  must(restore_into(manifest, git.path("place/full"), true));
  EXPECT_EQ(refs("place/full"), refs("source"));
  EXPECT_TRUE(fs::exists(kept / "precious")) << "a second one in the same second goes beside it";
  EXPECT_TRUE(fs::exists(kept.native() + "-2/HEAD"));
}

TEST_F(RestoreTest, AFailureLeavesTheTargetAsItWas) {
  const Manifest manifest = three_links();
  fs::create_directories(git.path("place/full"));
  write_file(git.path("place/full/precious"), "x");
  store.mutate(manifest.chain[2].key, testing::cut_to(200));
  EXPECT_FAILS(restore_into(manifest, git.path("place/full"), true), ErrorKind::Corrupt, "200 bytes instead of");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(
      restore_to_directory(log, read(1), git.path("place/full"), {}, true, clock, restoring(), stop.get_token()),
      ErrorKind::Cancelled, "");
  EXPECT_THAT(names_in(git.path("place")), ::testing::ElementsAre("full"));
  EXPECT_TRUE(fs::exists(git.path("place/full/precious")));
}

TEST_F(RestoreTest, AGitThatCannotBeRunIsAnError) {
  const Manifest manifest = three_links();
  RestoreOptions how = restoring();
  how.environment = {"PATH=/nowhere"};
  EXPECT_FAILS(rebuild(log, manifest, git.path("restored"), {}, RebuildCheck::Parsed, how, {}), ErrorKind::NotFound,
               "'git' is not in the PATH");
}

}  // namespace
}  // namespace packferry
