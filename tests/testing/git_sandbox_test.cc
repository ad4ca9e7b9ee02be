#include "testing/git_sandbox.h"

#include <gtest/gtest.h>

namespace packferry::testing {
namespace {

TEST(GitSandbox, MakesHistoriesThatGitFindsSound) {
  GitSandbox sandbox;
  const std::string first = sandbox.commit("a.git", "main", "one\n");
  const std::string second = sandbox.commit("a.git", "main", "two\n");
  EXPECT_EQ(sandbox.git("a.git", {"rev-parse", "main~1"}), first);
  EXPECT_EQ(sandbox.git("a.git", {"rev-parse", "main"}), second);
  EXPECT_EQ(sandbox.git("a.git", {"show", "main:content"}), "two");
  sandbox.git("a.git", {"fsck", "--strict"});
}

TEST(GitSandbox, GivesTheSameCallsTheSameCommitIds) {
  GitSandbox one;
  GitSandbox other;
  EXPECT_EQ(one.commit("a.git", "main", "text\n"), other.commit("a.git", "main", "text\n"));
}

TEST(GitSandbox, MakesRepositoriesOfEitherObjectFormat) {
  GitSandbox sandbox;
  sandbox.init("new.git", "sha256", "trunk");
  EXPECT_EQ(sandbox.commit("new.git", "trunk", "text\n").size(), 64u);
  EXPECT_EQ(sandbox.git("new.git", {"symbolic-ref", "HEAD"}), "refs/heads/trunk");
}

TEST(GitSandbox, LetsGitFailWhereATestWantsIt) {
  GitSandbox sandbox;
  sandbox.init("a.git");
  const GitSandbox::Outcome outcome = sandbox.try_git("a.git", {"rev-parse", "--verify", "nowhere"});
  EXPECT_NE(outcome.code, 0);
  EXPECT_NE(outcome.output.find("fatal"), std::string::npos) << outcome.output;
}

TEST(GitSandbox, DoesNotSeeTheUsersConfiguration) {
  GitSandbox sandbox;
  sandbox.init("a.git");
  const std::string origins = sandbox.git("a.git", {"config", "--list", "--show-scope"});
  EXPECT_EQ(origins.find("system\t"), std::string::npos) << origins;
  EXPECT_EQ(origins.find("global\t"), std::string::npos) << origins;
}

}  // namespace
}  // namespace packferry::testing
