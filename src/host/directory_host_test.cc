#include "host/directory_host.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::must;

class DirectoryHostTest : public ::testing::Test {
 protected:
  DirectoryHostTest() : root_(git_.path("root")), host_(root_, git_.environment()) { fs::create_directory(root_); }

  void add(const std::string& path, std::string_view branch = "main") {
    fs::create_directories((root_ / path).parent_path());
    git_.init("root/" + path, "sha1", branch);
  }
  std::vector<std::string> names(const std::string& owner = "") {
    std::vector<std::string> names;
    for (const HostedRepository& each : must(host_.list(owner, {}))) names.push_back(each.name);
    return names;
  }

  testing::GitSandbox git_;
  const fs::path root_;
  DirectoryHost host_;
};

TEST_F(DirectoryHostTest, ListsBareRepositoriesByTheirPaths) {
  EXPECT_THAT(names(), ElementsAre());
  add("web.git");
  add("app/backend/db.git");
  add("app/api");
  fs::create_directories(root_ / "app/empty/er");
  std::ofstream(root_ / "app/file") << "x";
  EXPECT_THAT(names(), ElementsAre("app/api", "app/backend/db", "web"));
  EXPECT_THAT(names("app"), ElementsAre("app/api", "app/backend/db"));
  EXPECT_EQ(must(host_.find("app/api", {})).url.text(), (root_ / "app/api").native());
  EXPECT_EQ(must(host_.url_of("web")).text(), (root_ / "web.git").native());
  EXPECT_EQ(must(host_.url_of("app/new")).text(), (root_ / "app/new.git").native());
  EXPECT_FAILS(host_.list("nothing", {}), ErrorKind::NotFound, "no directory 'nothing'");
}

TEST_F(DirectoryHostTest, FollowsNoLinksAndPassesOverWhatIsHidden) {
  git_.init("outside.git");
  add("web.git");
  add(".trash/old.git");
  add("web.git/inside.git");
  fs::create_directory_symlink(git_.path("outside.git"), root_ / "linked.git");
  fs::create_directory_symlink(root_, root_ / "loop");
  EXPECT_THAT(names(), ElementsAre("web"));
  EXPECT_FAILS(host_.find("linked", {}), ErrorKind::Invalid, "is a symbolic link");
  EXPECT_FAILS(host_.find("loop/web", {}), ErrorKind::Invalid, "is a symbolic link");
  EXPECT_FAILS(host_.create({.name = "loop/new"}, {}), ErrorKind::Invalid, "is a symbolic link");
  EXPECT_FAILS(host_.list("loop", {}), ErrorKind::NotFound, "no directory 'loop'");
}

TEST_F(DirectoryHostTest, SaysWhereHeadIsIfThereIsSuchABranch) {
  add("empty.git", "trunk");
  EXPECT_EQ(must(host_.find("empty", {})).default_branch, "");
  git_.commit("root/empty.git", "trunk", "x");
  EXPECT_EQ(must(host_.find("empty", {})).default_branch, "trunk");
  git_.git("root/empty.git", {"pack-refs", "--all"});
  EXPECT_EQ(must(host_.find("empty", {})).default_branch, "trunk");
  git_.git("root/empty.git", {"update-ref", "--no-deref", "HEAD", "trunk"});
  EXPECT_EQ(must(host_.find("empty", {})).default_branch, "");
}

TEST_F(DirectoryHostTest, WhatCannotBeListedEndsTheList) {
  add("app/web.git");
  add("app/web");
  EXPECT_FAILS(host_.list("", {}), ErrorKind::Invalid, "'app/web' and 'app/web.git' are both there");
  fs::remove_all(root_ / "app");
  add("a\nb.git");
  EXPECT_FAILS(host_.list("", {}), ErrorKind::Invalid, "rename it");
  fs::remove_all(root_ / "a\nb.git");
  EXPECT_FAILS(DirectoryHost(root_ / "none", {}).list("", {}), ErrorKind::NotFound, "none");
  std::string deep = "x";
  for (int i = 0; i < 40; ++i) deep += "/x";
  fs::create_directories(root_ / deep);
  EXPECT_FAILS(host_.list("", {}), ErrorKind::Exhausted, "deeper than");
}

TEST_F(DirectoryHostTest, ADirectoryThatMayNotBeReadEndsTheList) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  add("app/web.git");
  fs::permissions(root_ / "app", fs::perms::none);
  EXPECT_FAILS(host_.list("", {}), ErrorKind::Denied, "app");
  fs::permissions(root_ / "app", fs::perms::owner_all);
}

TEST_F(DirectoryHostTest, MakesRepositoriesWithGit) {
  const HostedRepository made = must(host_.create({.name = "app/new", .description = "what is new"}, {}));
  std::string description;
  std::getline(std::ifstream(root_ / "app/new.git/description"), description);
  EXPECT_EQ(description, "what is new");
  EXPECT_EQ(made.url.text(), (root_ / "app/new.git").native());
  EXPECT_EQ(git_.git("root/app/new.git", {"rev-parse", "--is-bare-repository", "--show-object-format"}), "true\nsha1");
  must(host_.create({.name = "app/newer", .format = ObjectFormat::Sha256}, {}));
  EXPECT_EQ(git_.git("root/app/newer.git", {"rev-parse", "--show-object-format"}), "sha256");
  EXPECT_THAT(names(), ElementsAre("app/new", "app/newer"));
  EXPECT_FAILS(host_.create({.name = "app/new"}, {}), ErrorKind::Conflict, "'app/new' is there already");

  // An empty directory is taken, one with something in it is not.
  fs::create_directory(root_ / "free.git");
  must(host_.create({.name = "free"}, {}));
  fs::create_directories(root_ / "full.git/x");
  EXPECT_FAILS(host_.create({.name = "full"}, {}), ErrorKind::Conflict, "'full' is there already");
  fs::create_directory(root_ / ".packferry-new-busy.git");
  EXPECT_FAILS(host_.create({.name = "busy"}, {}), ErrorKind::Conflict, "somebody is making 'busy'");
  EXPECT_FALSE(fs::exists(root_ / ".packferry-new-full.git"));
}

TEST_F(DirectoryHostTest, RefusesWhatADirectoryCannot) {
  EXPECT_FAILS(host_.create({.name = "x", .tags = {{"a", "b"}}}, {}), ErrorKind::Unsupported, "tags");
  EXPECT_FAILS(host_.create({.name = "x", .visibility = Visibility::Public}, {}), ErrorKind::Unsupported,
               "file system");
  for (const char* name : {"", "/x", "a//b", "../x", "a/../b", "a/./b", ".x", "a/", "x.git", "a\nb"})
    EXPECT_FAILS(host_.create({.name = name}, {}), ErrorKind::Invalid, "is no name");
}

TEST_F(DirectoryHostTest, SetsTheDefaultBranch) {
  add("web.git");
  git_.commit("root/web.git", "trunk", "x");
  must(host_.set_default_branch("web", "trunk", {}));
  EXPECT_EQ(git_.git("root/web.git", {"symbolic-ref", "HEAD"}), "refs/heads/trunk");
  EXPECT_FAILS(host_.set_default_branch("web", "main", {}), ErrorKind::Invalid, "no branch 'main'");
  EXPECT_FAILS(host_.set_default_branch("web", "a b", {}), ErrorKind::Invalid, "");
  EXPECT_FAILS(host_.set_default_branch("none", "main", {}), ErrorKind::NotFound, "no 'none'");
}

TEST_F(DirectoryHostTest, StopsWhenAskedTo) {
  add("web.git");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FAILS(host_.list("", stop.get_token()), ErrorKind::Cancelled, "stopped");
}

}  // namespace
}  // namespace packferry
