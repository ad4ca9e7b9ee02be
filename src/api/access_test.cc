#include "api/access.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "io/stream.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};
constexpr Scope kScopes[] = {Scope::Read, Scope::Operate, Scope::Destroy, Scope::Admin};

ReceivedRequest with_header(const std::string& authorization) {
  ReceivedRequest request;
  request.headers.push_back({"authorization", authorization});
  return request;
}

NewToken token(std::set<Scope> scopes = {Scope::Read}, std::vector<std::string> replicas = {},
               std::optional<Clock::WallTime> expires_at = std::nullopt) {
  return must(make_token("ci of app/web", std::move(scopes), std::move(replicas), expires_at));
}

TEST(Access, EveryActionTakesOneScopeAndNoOtherWillDo) {
  const struct {
    Action action;
    Scope scope;
    bool of_one_replica;
  } table[] = {
      {Action::SeeReplica, Scope::Read, true},       {Action::SeePlan, Scope::Read, true},
      {Action::SeeMetrics, Scope::Read, false},      {Action::CreateReplica, Scope::Operate, true},
      {Action::LookNow, Scope::Operate, true},       {Action::Pause, Scope::Operate, true},
      {Action::Resume, Scope::Operate, true},        {Action::ApproveAdditions, Scope::Operate, true},
      {Action::ApproveLosses, Scope::Destroy, true}, {Action::DeleteReplica, Scope::Destroy, true},
      {Action::SeeTokens, Scope::Admin, false},      {Action::CreateToken, Scope::Admin, false},
      {Action::RevokeToken, Scope::Admin, false},    {Action::SeeAudit, Scope::Admin, false},
  };
  EXPECT_EQ(std::size(table), std::size(kActions));
  for (const auto& [action, scope, of_one_replica] : table) {
    EXPECT_EQ(is_about_one_replica(action), of_one_replica);
    for (const Scope held : kScopes) {
      const Grant all{.id = "1", .digest = "", .bearer = "x", .scopes = {held}};
      EXPECT_EQ(may(all, action, "app/web"), held == scope) << static_cast<int>(action) << to_string(held);
      EXPECT_EQ(may(all, action, ""), held == scope);
      Grant some = all;
      some.replicas = {"app/*", "infra"};
      EXPECT_EQ(may(some, action, "app/web"), held == scope && of_one_replica);
      EXPECT_EQ(may(some, action, "infra"), held == scope && of_one_replica);
      EXPECT_FALSE(may(some, action, "application/web"));
      EXPECT_FALSE(may(some, action, "other"));
      EXPECT_FALSE(may(some, action, ""));
    }
    EXPECT_FALSE(may({.id = "1", .digest = "", .bearer = "x", .scopes = {}}, action, "app/web"));
  }
}

TEST(Access, TokensAreRandomAndOnlyTheirDigestIsKept) {
  const NewToken first = token();
  const NewToken second = token();
  const std::string& text = first.token.reveal();
  EXPECT_NE(text, second.token.reveal());
  EXPECT_NE(first.grant.id, second.grant.id);
  EXPECT_EQ(text.size(), 4 + 8 + 1 + 43U);
  EXPECT_TRUE(text.starts_with("pkf_" + first.grant.id + "_"));
  EXPECT_EQ(first.grant.digest, to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(text))));
}

TEST(Access, TheBearerOfATokenHasItsGrant) {
  const NewToken first = token();
  const NewToken second = token({Scope::Admin});
  const std::vector<Grant> grants{first.grant, second.grant};
  EXPECT_EQ(must(grant_of(with_header("Bearer " + first.token.reveal()), grants, kNow)), &grants[0]);
  EXPECT_EQ(must(grant_of(with_header("bEARER " + second.token.reveal()), grants, kNow)), &grants[1]);
}

TEST(Access, WhateverIsWrongIsDeniedInTheSameWords) {
  const NewToken good = token();
  const std::vector<Grant> grants{good.grant};
  const std::string& text = good.token.reveal();
  std::string changed = text;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Bearer pkf_"), text, "Basic " + text,
        "Bearer  " + text, "Bearer " + text + " ", "Bearer " + text.substr(0, text.size() - 1), "Bearer " + changed,
        "Bearer " + good.grant.digest, "Bearer " + good.grant.id, "Bearer pkf_" + std::string(10'000, 'x')})
    EXPECT_FAILS(grant_of(with_header(header), grants, kNow), ErrorKind::Denied, "no token that is good here");
  ReceivedRequest twice = with_header("Bearer " + text);
  twice.headers.push_back(twice.headers.front());
  EXPECT_FAILS(grant_of(twice, grants, kNow), ErrorKind::Denied, "no token that is good here");
  EXPECT_FAILS(grant_of({}, grants, kNow), ErrorKind::Denied, "no token that is good here");
  EXPECT_FAILS(grant_of(with_header("Bearer " + text), {}, kNow), ErrorKind::Denied, "no token that is good here");
  // The digest of nothing, kept by mistake, lets nobody in who shows nothing.
  const Grant nothing{.id = "0", .digest = to_hex(digest_of(DigestAlgorithm::Sha256, {})), .bearer = "x", .scopes = {}};
  EXPECT_FAILS(grant_of({}, {nothing}, kNow), ErrorKind::Denied, "no token that is good here");
}

TEST(Access, EndsWhenItWasSaidTo) {
  const NewToken brief = token({Scope::Read}, {}, kNow + std::chrono::seconds(1));
  const std::vector<Grant> grants{brief.grant};
  const ReceivedRequest request = with_header("Bearer " + brief.token.reveal());
  must(grant_of(request, grants, kNow));
  EXPECT_FAILS(grant_of(request, grants, kNow + std::chrono::seconds(1)), ErrorKind::Denied, "no token");
}

TEST(Access, MakesNoTokenThatMeansNothing) {
  EXPECT_FAILS(make_token("x", {}, {}, std::nullopt), ErrorKind::Invalid, "name one");
  EXPECT_FAILS(make_token("", {Scope::Read}, {}, std::nullopt), ErrorKind::Invalid, "who gets the token");
  EXPECT_FAILS(make_token("a\nb", {Scope::Read}, {}, std::nullopt), ErrorKind::Invalid, "who gets the token");
  EXPECT_FAILS(make_token("x", {Scope::Read}, {"app/*", ""}, std::nullopt), ErrorKind::Invalid, "empty pattern");
  EXPECT_FAILS(make_token("x", {Scope::Read}, {"a\nb"}, std::nullopt), ErrorKind::Invalid, "plain text");
  EXPECT_FAILS(make_token("x", {Scope::Read}, std::vector<std::string>(101, "a"), std::nullopt), ErrorKind::Invalid,
               "up to 100");
}

TEST(Access, AGrantIsKeptAndComesBack) {
  const Grant grant = token({Scope::Read, Scope::Destroy}, {"app/*", "infra"}, kNow).grant;
  const TokenRecord record = to_record(grant, kNow);
  EXPECT_EQ(record.scopes, "read destroy");
  EXPECT_EQ(to_grant(record), grant);
  TokenRecord newer = record;
  newer.scopes = "read fly destroyer";
  EXPECT_EQ(to_grant(newer).scopes, std::set{Scope::Read});
}

TEST(Access, ATokenNamesItsGrant) {
  const NewToken good = token();
  EXPECT_EQ(token_id_of(with_header("Bearer " + good.token.reveal())), good.grant.id);
  EXPECT_EQ(token_id_of(with_header("Bearer pkf_" + std::string(100, 'x')))->size(), 8U);
  EXPECT_EQ(token_id_of(with_header("Bearer eyJ.eyJ.x")), std::nullopt);
  EXPECT_EQ(token_id_of({}), std::nullopt);
}

TEST(Access, APlanThatLosesNothingIsLessToApprove) {
  EXPECT_EQ(approval_of("create refs/heads/a 0 -> 1: first-contact: x\nfast-forward refs/heads/b 1 -> 2: y: z\n"),
            Action::ApproveAdditions);
  for (const char* plan : {"rewind refs/heads/a 1 -> 2: x: y\n", "create refs/heads/a\ndelete refs/heads/b\n",
                           "create refs/heads/a\nand 3 more\n", "created\n", "\n"})
    EXPECT_EQ(approval_of(plan), Action::ApproveLosses) << plan;
}

TEST(Access, ScopesHaveWords) {
  for (const Scope scope : kScopes) EXPECT_EQ(parse_scope(to_string(scope)), scope);
  EXPECT_EQ(parse_scope("Read"), std::nullopt);
  EXPECT_EQ(parse_scope(""), std::nullopt);
}

}  // namespace
}  // namespace packferry
