#include "service/name_template.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(NameTemplate, HasThePartsOfAName) {
  const NameParts parts{.host = "lab", .path = "a/b/web", .account_id = "111122223333", .region = "eu-west-1"};
  EXPECT_EQ(must(name_from("${host}/${path}", parts, "x")), "lab/a/b/web");
  EXPECT_EQ(must(name_from("${group}-${name}", parts, "x")), "a/b-web");
  EXPECT_EQ(must(name_from("${account_id}/${region}/${name}", parts, "x")), "111122223333/eu-west-1/web");
  EXPECT_EQ(must(name_from("${name}", {.host = "lab", .path = "web"}, "x")), "web");
}

TEST(NameTemplate, WhatIsMissingIsAnError) {
  EXPECT_FAILS(name_from("${group}/x", NameParts{.host = "lab", .path = "web"}, "lab/web"), ErrorKind::Invalid,
               "${group} is empty for lab/web");
  EXPECT_FAILS(name_from("${owner}", NameParts{.host = "lab", .path = "web"}, "lab/web"), ErrorKind::Invalid,
               "there is no variable 'owner'");
}

TEST(NameTemplate, GlobsMatchWholeNames) {
  EXPECT_TRUE(matches_any({"x", "app/*"}, "app/a/b"));
  EXPECT_TRUE(matches_any({"app/?"}, "app/a"));
  EXPECT_FALSE(matches_any({"app/?"}, "my/app/a"));
  EXPECT_FALSE(matches_any({}, "a"));
}

TEST(NameTemplate, ShardsAreAllThereIs) {
  unsigned all = 0;
  for (int i = 0; i < 1'000; ++i) {
    const unsigned shard = shard_of(std::to_string(i), 4);
    ASSERT_GE(shard, 1u);
    ASSERT_LE(shard, 4u);
    EXPECT_EQ(shard, shard_of(std::to_string(i), 4));
    all |= 1u << shard;
  }
  EXPECT_EQ(all, 0b11110u);
}

}  // namespace
}  // namespace packferry
