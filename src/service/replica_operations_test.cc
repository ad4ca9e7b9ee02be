#include "service/replica_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_replica_ends.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::commit;
using testing::FakeReplicaEnds;
using ::testing::HasSubstr;
using testing::must;
using testing::refs_at;

Url url(std::string_view text) { return must(Url::parse(text)); }

class ReplicaOperationsTest : public ::testing::Test {
 protected:
  ReplicaOperationsTest() {
    FakeSource& web = ends.sources[kHere];
    for (unsigned i = 2; i <= 20; ++i) web.parents.emplace(commit(i), commit(i - 1));
    web.holds = refs_at({{"refs/heads/main", 3}, {"refs/heads/next", 4}});
  }
  using FakeSource = testing::FakeSource;
  using FakeDestination = testing::FakeDestination;

  FakeDestination& there(const std::string& at = kThere) { return ends.destinations.try_emplace(at, at).first->second; }
  static ReplicaWish wish(std::string_view from = kHere, std::string_view to = kThere) {
    return {.source = url(from), .destination = url(to)};
  }
  Result<ReplicaRecord> create(const ReplicaWish& wish) { return operations.create(wish, "ada", {}); }
  Looked seed(const std::string& name, const ReplicaWish& wish) {
    const auto allow = [&](const std::string& ref) { return wish.may_replace(ref); };
    return must(operations.seed(name, worker, allow, "ada", nullptr, {}));
  }

  static constexpr const char* kHere = "https://gitlab.example/team/web.git";
  static constexpr const char* kThere = "https://git.example/web.git";

  testing::TempDir dir;
  FakeClock clock;
  FakeReplicaEnds ends;
  std::unique_ptr<Replicas> replicas = must(Replicas::open(dir / "catalogue.db"));
  ReplicaOperations operations{*replicas, ends, clock};
  ReplicaWorker worker{*replicas, ends, {.owner = "test"}, clock};
};

TEST_F(ReplicaOperationsTest, CreatesAndSeeds) {
  const ReplicaRecord made = must(create(wish()));
  EXPECT_EQ(made.order.name, "web");
  EXPECT_EQ(made.order.link, "https://git.example/web");
  EXPECT_EQ(seed("web", wish()).look.outcome, LookOutcome::Equal);
  EXPECT_EQ(there().holds, ends.sources[kHere].holds);
  EXPECT_TRUE(must(operations.get("web")).memory.confirmed_at);
  EXPECT_EQ(operations.get("wbe").error().kind(), ErrorKind::NotFound);
}

TEST_F(ReplicaOperationsTest, ADestinationThatHasRefsIsRefusedUnlessToldAndNothingIsCreated) {
  there().holds = refs_at({{"refs/heads/main", 900}});
  const Result<ReplicaRecord> refused = create(wish());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Rejected);
  EXPECT_THAT(refused.error().message(), HasSubstr("refs/heads/main"));
  EXPECT_THAT(refused.error().message(), HasSubstr("--replace-branch"));
  EXPECT_EQ(operations.get("web").error().kind(), ErrorKind::NotFound);

  ReplicaWish allowed = wish();
  allowed.ignore_non_empty_destination = true;
  must(create(allowed));
  EXPECT_EQ(seed("web", allowed).look.outcome, LookOutcome::Equal);
}

TEST_F(ReplicaOperationsTest, ABranchThatIsReplacedKeepsItsOldTip) {
  there().holds = refs_at({{"refs/heads/main", 900}});
  ReplicaWish replacing = wish();
  replacing.replace_branches = {"main"};
  must(create(replacing));
  const Looked seeded = seed("web", replacing);
  EXPECT_EQ(seeded.look.outcome, LookOutcome::Equal) << "what is new there takes nothing from anybody";
  const auto is_kept = [](const Ref& ref) {
    return ref.name.text().ends_with("/heads/main") && ref.oid == commit(900);
  };
  EXPECT_TRUE(std::ranges::any_of(there().holds, is_kept));
}

TEST_F(ReplicaOperationsTest, ACircleIsRefusedByName) {
  must(create(wish(kHere, kThere)));
  ReplicaWish on = wish(kThere, "https://third.example/web");
  on.name = "on";
  must(create(on));
  ReplicaWish back = wish("https://third.example/web.git", "https://gitlab.example/team/web");
  back.name = "back";
  const Result<ReplicaRecord> refused = create(back);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message(), HasSubstr("https://git.example/web -> https://third.example/web"));
  EXPECT_FALSE(create(wish(kHere, "https://gitlab.example/team/web")).has_value()) << "onto itself";
}

TEST_F(ReplicaOperationsTest, APlaceHasOneSource) {
  must(create(wish()));
  ReplicaWish other = wish("https://gitlab.example/other", "https://git.example/web");
  const Result<ReplicaRecord> refused = create(other);
  EXPECT_EQ(refused.error().kind(), ErrorKind::Rejected);
  EXPECT_THAT(refused.error().message(), HasSubstr("'web' writes to it"));
  for (const char* end : {".git", "/", ".git/", "//"}) {
    const Result<ReplicaRecord> same =
        create(wish("https://gitlab.example/other", "https://git.example/web" + std::string(end)));
    ASSERT_FALSE(same.has_value()) << end;
    EXPECT_THAT(same.error().message(), HasSubstr("'web' writes to it")) << end;
  }
}

TEST_F(ReplicaOperationsTest, OthersAreNotNamedToThoseWhoMayNotHearOfThem) {
  must(create(wish()));
  ReplicaWish other = wish("https://gitlab.example/other", "https://git.example/web");
  other.may_hear_of = [](const std::string& name) { return name != "web"; };
  EXPECT_THAT(create(other).error().message(), HasSubstr("another replica writes to it"));
  ReplicaWish back = wish("https://git.example/web", kHere);
  back.name = "back";
  back.may_hear_of = other.may_hear_of;
  EXPECT_THAT(create(back).error().message(), HasSubstr("from https://git.example/web back to there"));
}

TEST_F(ReplicaOperationsTest, ARegionThatIsNotAllowedIsRefused) {
  ReplicaWish west = wish(kHere, "codecommit::eu-central-1://web");
  west.allowed_regions = {"us-west-2"};
  EXPECT_THAT(create(west).error().message(), HasSubstr("only us-west-2 is allowed"));
  west.destination = url("codecommit::us-west-2://web");
  west.destination_facts.account = "123456789012";
  EXPECT_EQ(must(create(west)).order.destination.id, "arn:aws:codecommit:us-west-2:123456789012:web");
  ReplicaWish elsewhere = wish();
  elsewhere.allowed_regions = {"us-west-2"};
  EXPECT_EQ(create(elsewhere).error().kind(), ErrorKind::Invalid);
}

TEST_F(ReplicaOperationsTest, WhatIsNoNameIsRefused) {
  for (const char* name : {"-rf", "a b", "web\n", "grün"}) {
    ReplicaWish named = wish();
    named.name = name;
    EXPECT_EQ(create(named).error().kind(), ErrorKind::Invalid) << name;
  }
}

TEST_F(ReplicaOperationsTest, AScheduleIsReadBeforeItIsRemembered) {
  ReplicaWish often = wish();
  often.schedule = "every now and then";
  EXPECT_EQ(create(often).error().kind(), ErrorKind::Invalid);
  often.schedule = "every 5m";
  must(create(often));
  seed("web", often);
  const Clock::WallTime next = *must(operations.get("web")).memory.next_look_at;
  EXPECT_GT(next, clock.now());
  EXPECT_LE(next, clock.now() + std::chrono::minutes(5));
}

TEST_F(ReplicaOperationsTest, AnApprovalIsForThePlanThatIsHeld) {
  must(create(wish()));
  seed("web", wish());
  EXPECT_EQ(operations.approve("web", "0123456789ab", "ada").error().kind(), ErrorKind::Rejected) << "nothing is held";

  std::map<std::string, unsigned> tips = {{"refs/heads/main", 3}, {"refs/heads/next", 4}};
  for (unsigned i = 0; i < 20; ++i) tips[fmt::format("refs/heads/b{}", i)] = 2;
  there().holds = refs_at(tips);
  must(replicas->trigger("web", LookReason::Sync, clock.now()));
  const std::string digest = must(worker.work("web", nullptr, {}))->look.held->digest;
  EXPECT_EQ(operations.approve("web", "0123456789ab", "ada").error().kind(), ErrorKind::Rejected);
  EXPECT_EQ(operations.approve("web", digest.substr(0, 4), "ada").error().kind(), ErrorKind::Rejected) << "too short";
  must(operations.approve("web", digest.substr(0, 12), "ada"));
  EXPECT_EQ(must(worker.work("web", nullptr, {}))->look.outcome, LookOutcome::Equal);
  EXPECT_EQ(there().holds.find(must(RefName::parse("refs/heads/b0"))), nullptr);
}

TEST_F(ReplicaOperationsTest, AChainIsShownFromItsBeginning) {
  must(create(wish(kHere, kThere)));
  ReplicaWish second = wish("https://git.example/web", "https://third.example/web");
  second.name = "third";
  must(create(second));
  const std::vector<ReplicaRecord> chain = must(operations.chain("third"));
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[0].order.name, "web");
  EXPECT_EQ(must(operations.chain("web")).size(), 1u);
}

}  // namespace
}  // namespace packferry
