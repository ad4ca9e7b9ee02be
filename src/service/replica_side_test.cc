#include "service/replica_side.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

Url url(std::string_view text) { return must(Url::parse(text)); }

TEST(ReplicaSide, NamesKindIdAndWhatThrottlesAsOne) {
  const struct {
    const char *url, *type, *id, *host;
  } cases[] = {
      {"https://gitlab.com/group/web.git", "GitLab", "https://gitlab.com/group/web.git", "https://gitlab.com"},
      {"https://ada:token@git.example/web", "Git", "https://git.example/web", "https://git.example"},
      {"git@github.com:ada/web.git", "GitHub", "git@github.com:ada/web.git", "github.com"},
      {"/srv/git/web.git", "Directory", "/srv/git/web.git", "local"},
  };
  for (const auto& each : cases) {
    const ReplicaSide side = must(replica_side(url(each.url), {}));
    EXPECT_EQ(side.type, each.type) << each.url;
    EXPECT_EQ(side.id, each.id);
    EXPECT_EQ(side.host, each.host);
  }
}

TEST(ReplicaSide, CodeCommitHasAnArn) {
  const SideFacts facts{.region = "eu-central-1", .account = "123456789012"};
  EXPECT_EQ(must(replica_side(url("codecommit://web"), facts)).id, "arn:aws:codecommit:eu-central-1:123456789012:web");
  EXPECT_EQ(must(replica_side(url("codecommit::us-west-2://web"), facts)).id,
            "arn:aws:codecommit:us-west-2:123456789012:web")
      << "the address knows better";
  EXPECT_EQ(must(replica_side(url("codecommit::cn-north-1://web"), facts)).id,
            "arn:aws-cn:codecommit:cn-north-1:123456789012:web");
  const ReplicaSide side = must(replica_side(url("codecommit::us-gov-west-1://web"), facts));
  EXPECT_EQ(side.id, "arn:aws-us-gov:codecommit:us-gov-west-1:123456789012:web");
  EXPECT_EQ(side.type, "CodeCommit");
  EXPECT_EQ(replica_side(url("codecommit://web"), {}).error().kind(), ErrorKind::Invalid) << "in which region?";
}

TEST(ReplicaSide, ALinkIsWhereAPersonSeesIt) {
  EXPECT_EQ(must(replica_link(url("https://ada:token@gitlab.com/group/web.git"), {})), "https://gitlab.com/group/web");
  EXPECT_EQ(must(replica_link(url("git@github.com:ada/web.git"), {})), "");
  EXPECT_EQ(must(replica_link(url("codecommit::us-west-2://web"), {})),
            "https://us-west-2.console.aws.amazon.com/codesuite/codecommit/repositories/web/browse?region=us-west-2");
}

TEST(ReplicaSide, AHostIsWhatSomebodyKnowsItToBe) {
  const Url url = must(Url::parse("https://git.example/app/web.git"));
  EXPECT_EQ(must(replica_side(url, {})).type, "Git");
  EXPECT_EQ(must(replica_side(url, {.type = "GitLab"})).type, "GitLab");
}

}  // namespace
}  // namespace packferry
