#include "service/replica_look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_ends.h"

namespace packferry {
namespace {

using testing::commit;
using testing::FakeDestination;
using testing::FakeSource;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::refs_at;

#define EXPECT_OUTCOME(look, expected) EXPECT_EQ(to_string((look).outcome), to_string(LookOutcome::expected))

class ReplicaLook : public ::testing::Test {
 protected:
  ReplicaLook() {
    for (unsigned i = 2; i <= 20; ++i) source.parents.emplace(commit(i), commit(i - 1));
    source.holds = refs_at({{"refs/heads/main", 3}});
  }
  Look look() { return must(look_at(source, destination, options, clock, nullptr, {})).look; }

  FakeClock clock;
  FakeSource source;
  FakeDestination destination{"fake://there"};
  LookOptions options;
};

TEST_F(ReplicaLook, WhatItCarriedIsConfirmedAndTold) {
  const Look first = look();
  EXPECT_OUTCOME(first, Equal);
  EXPECT_FALSE(first.is_behind);
  EXPECT_EQ(first.changes, (std::vector<RefChange>{{"refs/heads/main", "", commit(3).hex()}}));
  EXPECT_GT(first.pack_bytes, 0u);

  const Look second = look();
  EXPECT_OUTCOME(second, Equal);
  EXPECT_TRUE(second.changes.empty());
  EXPECT_EQ(second.source_state, first.source_state);
}

TEST_F(ReplicaLook, TellsWhatTheSourceOffersBeforeAnythingMoves) {
  std::vector<std::string> told;
  options.on_listed = [&](const std::string& state) {
    EXPECT_TRUE(destination.pushes.empty());
    told.push_back(state);
  };
  const std::string state = look().source_state;
  EXPECT_EQ(told, (std::vector<std::string>{state}));
}

TEST_F(ReplicaLook, APlanThatIsHeldIsShownAndTheApprovedOneIsCarried) {
  std::map<std::string, unsigned> there = {{"refs/heads/main", 3}};
  for (unsigned i = 0; i < 20; ++i) there[fmt::format("refs/heads/b{}", i)] = 2;
  destination.holds = refs_at(there);
  const Look held = look();
  EXPECT_OUTCOME(held, Held);
  EXPECT_TRUE(held.is_behind);
  EXPECT_THAT(held.held->text, HasSubstr("delete refs/heads/b0"));
  EXPECT_THAT(held.held->text, HasSubstr("mass-deletion"));
  EXPECT_THAT(held.held->text, Not(HasSubstr("--"))) << "what allows it here is an approval, not an option";
  EXPECT_EQ(held.held->expires_at, clock.now() + std::chrono::hours(24));

  options.approved = held.held->digest;
  const Look carried = look();
  EXPECT_OUTCOME(carried, Equal);
  EXPECT_EQ(carried.plan_digest, held.held->digest);
  EXPECT_EQ(carried.changes.size(), 40u) << "20 deletions and 20 kept names";
}

TEST_F(ReplicaLook, AnotherPlanThanTheApprovedOneIsHeldAgain) {
  std::map<std::string, unsigned> there = {{"refs/heads/main", 3}};
  for (unsigned i = 0; i < 20; ++i) there[fmt::format("refs/heads/b{}", i)] = 2;
  destination.holds = refs_at(there);
  options.approved = look().held->digest;
  there["refs/heads/one-more"] = 2;
  destination.holds = refs_at(there);
  const Look again = look();
  EXPECT_OUTCOME(again, Held);
  EXPECT_NE(again.held->digest, options.approved);
  EXPECT_EQ(again.plan_digest, "");
}

TEST_F(ReplicaLook, ALongPlanIsCutForReading) {
  std::map<std::string, unsigned> there = {{"refs/heads/main", 3}};
  for (unsigned i = 0; i < 300; ++i) there[fmt::format("refs/heads/b{}", i)] = 2;
  destination.holds = refs_at(there);
  EXPECT_THAT(look().held->text, HasSubstr("and 100 more\n"));
}

TEST_F(ReplicaLook, WhatThePolicyLeavesAloneIsDiverged) {
  options.policy.follow = FollowMode::FastForward;
  destination.holds = refs_at({{"refs/heads/main", 9}});
  const Look diverged = look();
  EXPECT_OUTCOME(diverged, Diverged);
  EXPECT_TRUE(diverged.is_behind);
  EXPECT_FALSE(diverged.failure);
}

TEST_F(ReplicaLook, WhatAnAdditivePolicyLeavesOverThereIsWantedThere) {
  options.policy.follow = FollowMode::Additive;
  destination.holds = refs_at({{"refs/heads/main", 3}, {"refs/heads/gone", 2}});
  EXPECT_OUTCOME(look(), Equal);
}

TEST_F(ReplicaLook, AFailureSaysWhyAndWhatToDo) {
  source.listing_error = Error(ErrorKind::Denied, "401");
  const Look failed = look();
  EXPECT_OUTCOME(failed, Failed);
  EXPECT_EQ(failed.failure->kind, ErrorKind::Denied);
  EXPECT_THAT(failed.failure->remedy, HasSubstr("credentials"));
  EXPECT_FALSE(failed.is_behind) << "nobody knows what it offers";
  EXPECT_EQ(failed.source_state, "");
}

TEST_F(ReplicaLook, APackThatBreaksLeavesItBehind) {
  source.break_at = 100;
  const Look failed = look();
  EXPECT_OUTCOME(failed, Failed);
  EXPECT_TRUE(failed.is_behind);
  EXPECT_EQ(failed.failure->remedy, "") << "it is tried again by itself";
  EXPECT_OUTCOME(look(), Equal);
}

TEST_F(ReplicaLook, OneThatIsStoppedSaysNothing) {
  std::stop_source stop;
  stop.request_stop();
  source.listing_error = Error(ErrorKind::Cancelled, "stopped");
  const Result<Looked> stopped = look_at(source, destination, options, clock, nullptr, stop.get_token());
  EXPECT_EQ(stopped.error().kind(), ErrorKind::Cancelled);
}

}  // namespace
}  // namespace packferry
