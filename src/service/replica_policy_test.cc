#include "service/replica_policy.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr std::string_view kAll =
    "ref refs/heads/*\n"
    "ref ^refs/heads/tmp/*\n"
    "follow fast-forward\n"
    "allow-deletions 10%\n"
    "allow-rewinds 25\n"
    "keep-old-tips no\n"
    "ignore-non-empty-destination yes\n";

TEST(ReplicaPolicyTest, IsTheSameTextAgain) {
  for (const std::string_view text : {kAll, std::string_view(""), std::string_view("allow-deletions 0\n")})
    EXPECT_EQ(must(ReplicaPolicy::parse(text)).text(), text);
  EXPECT_EQ(must(ReplicaPolicy::parse("follow mirror\nkeep-old-tips yes")).text(), "") << "as by default";
}

TEST(ReplicaPolicyTest, BecomesWhatACrossingNeeds) {
  const Policy policy = must(must(ReplicaPolicy::parse(kAll)).policy());
  EXPECT_TRUE(policy.selection.selects(must(RefName::parse("refs/heads/main"))));
  EXPECT_FALSE(policy.selection.selects(must(RefName::parse("refs/heads/tmp/x"))));
  EXPECT_FALSE(policy.selection.selects(must(RefName::parse("refs/tags/v1"))));
  EXPECT_EQ(policy.follow, FollowMode::FastForward);
  EXPECT_EQ(policy.allow_deletions->percent, 10u);
  EXPECT_EQ(policy.allow_rewinds->count, 25u);
  EXPECT_FALSE(policy.keep_old_tips);
  EXPECT_TRUE(policy.ignore_non_empty_destination);
  EXPECT_EQ(must(ReplicaPolicy{}.policy()), Policy{});
}

TEST(ReplicaPolicyTest, RefusesWhatIsNoRule) {
  EXPECT_FAILS(ReplicaPolicy::parse("refs heads"), ErrorKind::Invalid, "'refs' is no rule");
  EXPECT_FAILS(ReplicaPolicy::parse("follow"), ErrorKind::Invalid, "policy, 'follow'");
  EXPECT_FAILS(ReplicaPolicy::parse("\n"), ErrorKind::Invalid, "'' is no rule");
  EXPECT_FAILS(ReplicaPolicy::parse("follow mirror\nfollow additive\n"), ErrorKind::Invalid, "'follow' twice");
  EXPECT_FAILS(ReplicaPolicy::parse("keep-old-tips maybe"), ErrorKind::Invalid, "neither yes nor no");
  EXPECT_FAILS(ReplicaPolicy::parse("ref main"), ErrorKind::Invalid, "main");
  EXPECT_FAILS(ReplicaPolicy::parse("allow-rewinds many"), ErrorKind::Invalid, "many");
}

TEST(ReplicaPolicyTest, RefusesARefThatAnotherOneHides) {
  const ReplicaPolicy policy = must(ReplicaPolicy::parse("ref refs/*:refs/all/*\nref refs/heads/main\n"));
  EXPECT_FAILS(policy.policy(), ErrorKind::Invalid, "refs/heads/main");
}

}  // namespace
}  // namespace packferry
