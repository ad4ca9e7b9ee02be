#include "git/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::GitSandbox;
using ::testing::IsEmpty;
using testing::must;
using ::testing::UnorderedElementsAre;

Oid oid(char digit) { return must(Oid::parse(std::string(40, digit))); }

//   a - b - c - d
//        \     /
//         e - f - 7 (a tag)
History some_history() {
  return History(History::Links{{oid('b'), {oid('a')}},
                                {oid('c'), {oid('b')}},
                                {oid('d'), {oid('c'), oid('f')}},
                                {oid('e'), {oid('b')}},
                                {oid('f'), {oid('e')}},
                                {oid('7'), {oid('f')}}});
}

TEST(History, ShowsWhatATipDescendsFrom) {
  const History history = some_history();
  EXPECT_TRUE(history.leads_to(oid('d'), oid('d')));
  EXPECT_TRUE(history.leads_to(oid('d'), oid('e')));
  EXPECT_TRUE(history.leads_to(oid('7'), oid('a'))) << "what it rests on is not in it, and still shown";
  EXPECT_FALSE(history.leads_to(oid('c'), oid('e')));
  EXPECT_FALSE(history.leads_to(oid('c'), oid('d')));
  EXPECT_FALSE(history.leads_to(oid('a'), oid('b')));
  EXPECT_FALSE(History().leads_to(oid('a'), oid('b')));
}

TEST(History, EndsAtWhatIsHeld) {
  const auto boundary = [](std::vector<Oid> tips, std::unordered_set<Oid> held) {
    return some_history().boundary(tips, held);
  };
  EXPECT_THAT(boundary({oid('d')}, {}).oids, UnorderedElementsAre(oid('a')));
  EXPECT_EQ(boundary({oid('d')}, {}).count_above, 5u);
  EXPECT_THAT(boundary({oid('d'), oid('7')}, {oid('f')}).oids, UnorderedElementsAre(oid('f'), oid('a')));
  EXPECT_EQ(boundary({oid('d'), oid('7')}, {oid('f')}).count_above, 4u);
  EXPECT_THAT(boundary({oid('d')}, {oid('d')}).oids, UnorderedElementsAre(oid('d')));
  EXPECT_EQ(boundary({oid('d')}, {oid('d')}).count_above, 0u);
  EXPECT_TRUE(boundary({oid('d')}, {oid('d')}).has_all_tips);
}

TEST(History, SaysNothingAboutATipThatItDoesNotHave) {
  const auto boundary = some_history().boundary(std::vector<Oid>{oid('1'), oid('c')}, {oid('b')});
  EXPECT_FALSE(boundary.has_all_tips);
  EXPECT_THAT(boundary.oids, UnorderedElementsAre(oid('b')));
}

class HistoryTest : public ::testing::TestWithParam<ObjectFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, HistoryTest, ::testing::Values(ObjectFormat::Sha1, ObjectFormat::Sha256),
                         [](const auto& format) { return std::string(to_string(format.param)); });

TEST_P(HistoryTest, AgreesWithGitOnARepositoryWithMergesAndTags) {
  GitSandbox git;
  git.init("r", to_string(GetParam()));
  git.commit("r", "main", "one");
  git.git("r", {"branch", "side", "main"});
  git.commit("r", "main", "two");
  git.commit("r", "side", "three");
  const std::string merge = git.git(
      "r", {"commit-tree", "-m", "merge", "-p", "main", "-p", "side", git.git("r", {"rev-parse", "main^{tree}"})});
  git.git("r", {"update-ref", "refs/heads/main", merge});
  git.git("r", {"tag", "-a", "-m", "tag", "v1", "main"});
  git.git("r", {"tag", "-a", "-m", "tag of a tag", "v2", "v1"});
  git.git("r", {"tag", "-a", "-m", "tag of a tree", "tree", "main^{tree}"});

  const std::string pack = git.git_fed("r", {"pack-objects", "--all", "--stdout", "-q"}, "");
  auto stream = must(PackStream::open(std::make_unique<MemoryReader>(pack), GetParam()));
  const History history = must(History::of(must(read_pack(*stream, GetParam())), GetParam()));

  const auto named = [&](const char* name) { return must(Oid::parse(git.git("r", {"rev-parse", name}))); };
  EXPECT_EQ(history.size(), 7u);
  const char* const names[] = {"main", "side", "main~1", "side~1"};
  for (const char* from : names)
    for (const char* to : names)
      EXPECT_EQ(history.leads_to(named(to), named(from)),
                git.try_git("r", {"merge-base", "--is-ancestor", from, to}).code == 0)
          << from << " to " << to;
  EXPECT_TRUE(history.leads_to(named("v2"), named("side")));
  EXPECT_THAT(history.boundary(std::vector<Oid>{named("tree")}, {}).oids, IsEmpty()) << "no history";
}

TEST(History, RefusesWhatIsNoCommitAndNoTag) {
  const struct {
    ObjectType type;
    const char *text, *why;
  } cases[] = {
      {ObjectType::Commit, "", "without a tree"},
      {ObjectType::Commit, "tree", "without a tree"},
      {ObjectType::Commit, "tree 1\nparent 1\n", "commit 0"},
      {ObjectType::Commit, "tree 1\nparent aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
       ""},
      {ObjectType::Tag, "object 1\n", "without an object"},
      {ObjectType::Tag, "object 1\ntype commit\n", "tag 0"},
  };
  for (const auto& [type, text, why] : cases) {
    const PackedObject object{type, Oid(), {as_bytes(text).begin(), as_bytes(text).end()}};
    EXPECT_FAILS(History::of({object}, ObjectFormat::Sha1), ErrorKind::Corrupt, why);
  }
}

}  // namespace
}  // namespace packferry
