#include "host/host_profile.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

std::string name_of(std::string_view url) { return profile_of(must(Url::parse(url))).name; }

TEST(HostProfile, KnowsCodeCommitByEachOfItsAddresses) {
  for (const char* url : {"codecommit://web", "codecommit::eu-central-1://west@web",
                          "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/web",
                          "https://git-codecommit-fips.us-east-1.amazonaws.com/v1/repos/web",
                          "https://vpce-0-a.git-codecommit.us-east-1.vpce.amazonaws.com/v1/repos/web",
                          "https://git-codecommit.cn-north-1.amazonaws.com.cn/v1/repos/web",
                          "ssh://APKAEXAMPLE@git-codecommit.us-east-1.amazonaws.com/v1/repos/web"}) {
    const HostProfile profile = profile_of(must(Url::parse(url)));
    EXPECT_EQ(profile.name, "codecommit") << url;
    EXPECT_EQ(profile.updates_per_push_max, 4000u);
    EXPECT_FALSE(profile.takes_ofs_delta);
  }
}

TEST(HostProfile, KnowsHostsByTheirNameAndNotByWhatLooksLikeIt) {
  EXPECT_EQ(name_of("https://github.com/a/b"), "github");
  EXPECT_EQ(name_of("git@gitlab.com:a/b"), "gitlab");
  EXPECT_EQ(name_of("https://codeberg.org/a/b"), "gitea");
  EXPECT_EQ(name_of("https://notgithub.com/a/b"), "git");
  EXPECT_EQ(name_of("https://git-codecommit.example.com/v1/repos/web"), "git");
  EXPECT_EQ(name_of("/srv/web.git"), "git");
}

}  // namespace
}  // namespace packferry
