#include "catalogue/tokens.h"

#include <gtest/gtest.h>

#include "catalogue/replicas.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;

constexpr Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};

TokenRecord token(const std::string& id) {
  return {.id = id,
          .digest = std::string(64, 'd'),
          .bearer = "ci of app/web",
          .scopes = "operate read",
          .replicas = {"app/*", "infra"},
          .created_at = kNow,
          .expires_at = kNow + std::chrono::hours(1)};
}

class TokensTest : public ::testing::Test {
 protected:
  const testing::TempDir dir;
  const std::string file = dir / "catalogue.db";
  std::unique_ptr<Tokens> tokens = must(Tokens::open(file));
  const NamedRequest request{.asker = "3f9c02d1", .key = "k", .digest = "of the request"};
};

TEST_F(TokensTest, AreKeptAsTheyWere) {
  TokenRecord for_good = token("00000002");
  for_good.expires_at = std::nullopt;
  for_good.replicas = {};
  must(tokens->create(token("00000001"), "ada"));
  must(tokens->create(for_good, "ada"));
  const std::unique_ptr<Tokens> later = must(Tokens::open(file));
  EXPECT_EQ(must(later->find("00000001")), token("00000001"));
  EXPECT_EQ(must(later->find("00000002")), for_good);
  EXPECT_EQ(must(later->find("00000003")), std::nullopt);
  EXPECT_EQ(must(later->list("", 10)), (std::vector{token("00000001"), for_good}));
  EXPECT_EQ(must(later->list("", 1)), std::vector{token("00000001")});
  EXPECT_EQ(must(later->list("00000001", 10)), std::vector{for_good});
}

TEST_F(TokensTest, AreOneForEachId) {
  must(tokens->create(token("00000001"), "ada"));
  EXPECT_FAILS(tokens->create(token("00000001"), "eve"), ErrorKind::Conflict, "already");
}

TEST_F(TokensTest, AreRevokedForAllProgramsAtOnce) {
  must(tokens->create(token("00000001"), "ada"));
  const std::unique_ptr<Tokens> other = must(Tokens::open(file));
  ASSERT_TRUE(must(other->find("00000001")));
  must(tokens->revoke("00000001", "ada", kNow));
  EXPECT_EQ(must(other->find("00000001")), std::nullopt);
  EXPECT_FAILS(tokens->revoke("00000001", "ada", kNow), ErrorKind::NotFound, "no token '00000001'");
}

TEST_F(TokensTest, WhoMadeAndRevokedThemIsInTheAuditLogOfTheReplicas) {
  must(tokens->create(token("00000001"), "ada"));
  must(tokens->revoke("00000001", "bob", kNow));
  must(tokens->note({.at = kNow, .who = "ci of app/web", .what = "sync", .replica = "web"}));
  const auto log = must(must(Replicas::open(file))->audit("", 0, 10));
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log[0].who, "ada");
  EXPECT_EQ(log[0].what, "create-token 00000001 (operate read) for ci of app/web");
  EXPECT_EQ(log[1].who, "bob");
  EXPECT_EQ(log[1].what, "revoke-token 00000001 of ci of app/web");
  EXPECT_EQ(log[2].what, "sync");
  EXPECT_EQ(log[2].replica, "web");
}

TEST_F(TokensTest, ARequestIsDoneOnceAndAnsweredEachTime) {
  EXPECT_EQ(must(tokens->begin(request, kNow)), std::nullopt);
  EXPECT_FAILS(tokens->begin(request, kNow), ErrorKind::Conflict, "still being worked on");
  const KeptAnswer answer{
      .status = 201, .type = "application/json", .location = "/v1/replicas/web", .body = "{\"ü\": \"\n\"}"};
  must(tokens->answer(request, answer));
  EXPECT_EQ(must(tokens->begin(request, kNow)), answer);
  EXPECT_EQ(must(must(Tokens::open(file))->begin(request, kNow)), answer);
}

TEST_F(TokensTest, AKeyIsForOneRequestOfOneAsker) {
  must(tokens->begin(request, kNow));
  NamedRequest other = request;
  other.digest = "of another";
  EXPECT_FAILS(tokens->begin(other, kNow), ErrorKind::Rejected, "take another one");
  other.asker = "00000000";
  EXPECT_EQ(must(tokens->begin(other, kNow)), std::nullopt);
}

TEST_F(TokensTest, WhatIsDroppedMayBeBegunAnew) {
  must(tokens->begin(request, kNow));
  must(tokens->drop(request));
  EXPECT_EQ(must(tokens->begin(request, kNow)), std::nullopt);
  must(tokens->answer(request, {.status = 200}));
  must(tokens->drop(request));
  EXPECT_EQ(must(tokens->begin(request, kNow))->status, 200) << "what was answered stays answered";
}

TEST_F(TokensTest, AnswersAreKeptForADay) {
  must(tokens->begin(request, kNow));
  must(tokens->answer(request, {.status = 200}));
  EXPECT_TRUE(must(tokens->begin(request, kNow + Tokens::kAnswersKept - Milliseconds(1))));
  EXPECT_FALSE(must(tokens->begin(request, kNow + Tokens::kAnswersKept)));
}

TEST_F(TokensTest, WhoeverDiedAtItIsNotWaitedForLong) {
  must(tokens->begin(request, kNow));
  EXPECT_FALSE(tokens->begin(request, kNow + Tokens::kInFlightMax - Milliseconds(1)).has_value());
  EXPECT_EQ(must(tokens->begin(request, kNow + Tokens::kInFlightMax)), std::nullopt);
}

TEST_F(TokensTest, OnlySoManyAnswersOfEachAskerAreKept) {
  const std::unique_ptr<Tokens> in_memory = must(Tokens::open_in_memory());
  NamedRequest mine = request;
  mine.asker = "mine";
  must(in_memory->begin(mine, kNow));
  must(in_memory->answer(mine, {.status = 200}));
  NamedRequest each = request;
  for (std::size_t i = 0; i <= Tokens::kAnswersPerAskerMax; ++i) {
    each.key = std::to_string(i);
    must(in_memory->begin(each, kNow));
    must(in_memory->answer(each, {.status = 200}));
  }
  EXPECT_TRUE(must(in_memory->begin(each, kNow)));
  EXPECT_TRUE(must(in_memory->begin(mine, kNow))) << "others have their own";
  each.key = "0";
  EXPECT_FALSE(must(in_memory->begin(each, kNow))) << "the oldest went first";
}

}  // namespace
}  // namespace packferry
