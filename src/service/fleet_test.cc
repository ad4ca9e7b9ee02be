#include "service/fleet.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(Fleet, KindsOfHostsHaveNames) {
  for (const HostKind kind : {HostKind::GitLab, HostKind::GitHub, HostKind::Gitea, HostKind::Bitbucket,
                              HostKind::BitbucketServer, HostKind::CodeCommit, HostKind::Directory, HostKind::List})
    EXPECT_EQ(must(parse_host_kind(to_string(kind))), kind);
  EXPECT_EQ(must(parse_host_kind("forgejo")), HostKind::Gitea);
  EXPECT_FALSE(parse_host_kind("sourceforge"));
}

TEST(Fleet, HostsAndStoresAreFoundByName) {
  const Fleet fleet{.hosts = {{.name = "a"}, {.name = "b", .region = "eu-west-1"}}};
  ASSERT_NE(fleet.host("b"), nullptr);
  EXPECT_EQ(fleet.host("b")->region, "eu-west-1");
  EXPECT_EQ(fleet.host("c"), nullptr);
  EXPECT_EQ(fleet.store("a"), nullptr);
}

}  // namespace
}  // namespace packferry
