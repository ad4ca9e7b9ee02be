#include "host/repository_list.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

HostedRepository repository(std::string name, std::string id = "") {
  return {.name = name, .url = must(Url::parse("https://example.org/" + name)), .id = std::move(id)};
}

TEST(RepositoryList, IsSortedByName) {
  RepositoryList list;
  must(list.add({.repositories = {repository("b/x", "1"), repository("a/z", "2")}, .total = 3}));
  must(list.add({.repositories = {repository("a/b", "3")}, .total = 3}));
  const std::vector<HostedRepository> all = must(std::move(list).finish());
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].name, "a/b");
  EXPECT_EQ(all[1].name, "a/z");
  EXPECT_EQ(all[2].name, "b/x");
}

TEST(RepositoryList, MayBeEmptyAndHaveEmptyPages) {
  RepositoryList list;
  must(list.add({.repositories = {}, .total = 0}));
  must(list.add({.repositories = {}}));
  EXPECT_TRUE(must(std::move(list).finish()).empty());
}

TEST(RepositoryList, HasNoPageTwice) {
  RepositoryList list;
  must(list.add({.repositories = {repository("a", "1"), repository("b", "2")}}));
  EXPECT_FAILS(list.add({.repositories = {repository("b", "2")}}), ErrorKind::Corrupt, "a page twice");
  EXPECT_FAILS(list.add({.repositories = {repository("renamed", "2"), repository("c", "3")}}), ErrorKind::Unavailable,
               "1 of a page were listed before");
}

TEST(RepositoryList, GoesByNamesWhereThereAreNoIds) {
  RepositoryList list;
  must(list.add({.repositories = {repository("a")}}));
  EXPECT_FAILS(list.add({.repositories = {repository("a")}}), ErrorKind::Corrupt, "a page twice");
}

TEST(RepositoryList, IsNoShorterThanTheHostEverSaid) {
  RepositoryList grown;
  must(grown.add({.repositories = {repository("a", "1")}, .total = 1}));
  must(grown.add({.repositories = {repository("b", "2")}, .total = 2}));
  EXPECT_EQ(must(std::move(grown).finish()).size(), 2u);

  RepositoryList shrunk;
  must(shrunk.add({.repositories = {repository("a", "1")}, .total = 3}));
  must(shrunk.add({.repositories = {repository("b", "2")}, .total = 2}));
  EXPECT_FAILS(std::move(shrunk).finish(), ErrorKind::Unavailable, "2 repositories, and there are 3");
}

TEST(RepositoryList, HasEachNameOnce) {
  RepositoryList list;
  must(list.add({.repositories = {repository("a", "1"), repository("a", "2")}}));
  EXPECT_FAILS(std::move(list).finish(), ErrorKind::Corrupt, "two repositories 'a'");
}

TEST(HostedName, HasPartsOfHarmlessCharacters) {
  for (const char* name : {"a/b", "Group/sub.group/my_project-2", "~ada/x", "-a/-", "a/.b", "a/b..c"})
    EXPECT_TRUE(check_hosted_name(name, 2, 20)) << name;
  for (const char* name : {"", "/", "a/", "/a", "a//b", "a/..", "./a", "a/~", "a/b c", "a/b\nc", "a/%2e", "a/b.git",
                           "a/b\xC3\xA9", "a\\b/c", "a?b/c"})
    EXPECT_FAILS(check_hosted_name(name, 1, 20), ErrorKind::Invalid, "is no name");
  EXPECT_FAILS(check_hosted_name("a/" + std::string(256, 'x'), 2, 2), ErrorKind::Invalid, "is no name");
  EXPECT_FAILS(check_hosted_name("a", 2, 2), ErrorKind::Invalid, "has 1 parts, and names have 2 here");
  EXPECT_FAILS(check_hosted_name("a/b/c", 1, 2), ErrorKind::Invalid, "has 3 parts, and names have 1 to 2 here");
}

TEST(HostedName, HasAnOwnerAndALastPart) {
  EXPECT_EQ(owner_of("a/b/c"), "a/b");
  EXPECT_EQ(last_part_of("a/b/c"), "c");
  EXPECT_EQ(owner_of("c"), "");
  EXPECT_EQ(last_part_of("c"), "c");
}

}  // namespace
}  // namespace packferry
