#include "api/wishes.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr std::string_view kEnds =
    R"("source": "https://gitlab.example/team/web.git", "destination": "https://git.example/web.git")";

std::string body(std::string_view more) { return fmt::format("{{{}{}}}", kEnds, more); }

TEST(Wishes, HaveWhatTheCommandLineHas) {
  const ReplicaWish wish = must(read_replica_wish(body(R"(,
    "name": "web", "refs": ["main", "tags/*", "^refs/heads/tmp/*"], "follow": "fast-forward", "allowDeletions": "10%",
    "allowRewinds": "25", "keepOldTips": false, "ignoreNonEmptyDestination": true, "replaceBranches": ["main"],
    "allowedRegions": ["us-west-2"], "schedule": "every 5m", "role": "arn:aws:iam::123456789012:role/x",
    "freshness": "30m")")));
  EXPECT_EQ(wish.name, "web");
  EXPECT_EQ(wish.policy.text(),
            "ref refs/heads/main\nref refs/tags/*\nref ^refs/heads/tmp/*\nfollow fast-forward\n"
            "allow-deletions 10%\nallow-rewinds 25\nkeep-old-tips no\n");
  EXPECT_TRUE(wish.ignore_non_empty_destination);
  EXPECT_EQ(wish.replace_branches, std::vector<std::string>{"main"});
  EXPECT_EQ(wish.allowed_regions, std::vector<std::string>{"us-west-2"});
  EXPECT_EQ(wish.schedule, "every 5m");
  EXPECT_EQ(wish.role, "arn:aws:iam::123456789012:role/x");
  EXPECT_EQ(wish.freshness, std::chrono::minutes(30));
  EXPECT_EQ(replica_wish_json(must(read_replica_wish(replica_wish_json(wish)))), replica_wish_json(wish));
}

TEST(Wishes, NeedTwoEndsAndNoMore) {
  const ReplicaWish wish = must(read_replica_wish(body("")));
  EXPECT_EQ(wish.source.text(), "https://gitlab.example/team/web.git");
  EXPECT_EQ(wish.policy, ReplicaPolicy{});
  EXPECT_EQ(wish.freshness, std::chrono::hours(1));
  EXPECT_EQ(replica_wish_json(must(read_replica_wish(replica_wish_json(wish)))), replica_wish_json(wish));
}

TEST(Wishes, AreReadStrictly) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "no JSON object"},
      {"[]", "no JSON object"},
      {"{", "no JSON object"},
      {"{} {}", "no JSON object"},
      {"{}", "'source' is missing"},
      {R"({"source": "https://a.example/b"})", "'destination' is missing"},
      {body(R"(, "polcy": "mirror")"), "there is no 'polcy' here"},
      {body(R"(, "source": "https://a.example/b")"), "is there twice"},
      {body(R"(, "name": 1)"), "'name' is plain text"},
      {body(R"(, "name": null)"), "'name' is plain text"},
      {body(R"(, "name": "a\u0000b")"), "'name' is plain text"},
      {body(R"(, "name": ")" + std::string(3'000, 'x') + "\""), "'name' is plain text"},
      {body(R"(, "refs": "main")"), "'refs' is a list"},
      {body(R"(, "refs": [["main"]])"), "'refs' is plain text"},
      {body(R"(, "refs": [""])"), "refs"},
      {body(R"(, "keepOldTips": "no")"), "'keepOldTips' is true or false"},
      {body(R"(, "follow": "blindly")"), "follow"},
      {body(R"(, "freshness": "soon")"), "freshness"},
      {body(R"(, "allowDeletions": "many")"), "allowDeletions"},
      {R"({"source": "https://me:secret@a.example/b", "destination": "https://c.example/d"})", "passwords are not"},
      {R"({"source": "ext::sh", "destination": "https://c.example/d"})", "source"},
  };
  for (const auto& [text, why] : cases) EXPECT_FAILS(read_replica_wish(text), ErrorKind::Invalid, why);
}

TEST(Wishes, OfTokens) {
  const TokenWish wish = must(
      read_token_wish(R"({"bearer": "ci", "scopes": ["read", "operate"], "replicas": ["app/*"], "expires": "90d"})"));
  EXPECT_EQ(wish.bearer, "ci");
  EXPECT_EQ(wish.scopes, (std::set{Scope::Read, Scope::Operate}));
  EXPECT_EQ(wish.replicas, std::vector<std::string>{"app/*"});
  EXPECT_EQ(wish.lasts, std::chrono::hours(90 * 24));
  EXPECT_FAILS(read_token_wish(R"({"scopes": ["read"]})"), ErrorKind::Invalid, "'bearer' is missing");
  EXPECT_FAILS(read_token_wish(R"({"bearer": "x", "scopes": ["all"]})"), ErrorKind::Invalid, "'all' is no scope");
  EXPECT_FAILS(read_token_wish(R"({"bearer": "x", "scope": "read"})"), ErrorKind::Invalid, "no 'scope' here");
}

}  // namespace
}  // namespace packferry
