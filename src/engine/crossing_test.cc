#include "engine/crossing.h"

#include <gtest/gtest.h>

#include "testing/fake_ends.h"

namespace packferry {
namespace {

using testing::commit;
using testing::FakeDestination;
using testing::FakeSource;
using testing::must;
using testing::ref_name;
using testing::refs_at;

class CrossingTest : public ::testing::Test {
 protected:
  CrossingTest() {
    source.holds = refs_at({{"refs/heads/main", 3}, {"refs/tags/v1", 2}});
    for (unsigned i = 2; i <= 20; ++i) source.parents.emplace(commit(i), commit(i - 1));
  }

  CrossingReport cross() { return cross({&east}); }
  CrossingReport cross(std::vector<Destination*> destinations, std::stop_token stop = {}) {
    return Crossing(source, std::move(destinations), {.policy = policy, .dry_run = dry_run}, clock).run(stop);
  }

  static const RefResult& result(const LegReport& leg, std::string_view name) {
    const auto found = std::find_if(leg.refs.begin(), leg.refs.end(),
                                    [&](const RefResult& ref) { return ref.update.name.text() == name; });
    if (found == leg.refs.end()) ADD_FAILURE() << name << " is not in the report";
    return *found;
  }

  FakeClock clock;
  FakeSource source;
  FakeDestination east{"fake://east"};
  FakeDestination west{"fake://west"};
  FakeDestination south{"fake://south"};
  Policy policy;
  bool dry_run = false;
};

#define EXPECT_STATUS(leg, expected) EXPECT_EQ(to_string((leg).status), to_string(expected))

TEST_F(CrossingTest, MakesTheDestinationEqualAndSaysSoFromItsOwnListing) {
  const CrossingReport report = cross();
  ASSERT_EQ(report.legs.size(), 1u);
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  EXPECT_TRUE(report.legs[0].equal_to_source);
  EXPECT_TRUE(report.legs[0].confirmed_at.has_value());
  EXPECT_EQ(east.holds, source.holds);
  EXPECT_EQ(east.head, "refs/heads/main");
  EXPECT_EQ(report.fetches, 1u);
}

TEST_F(CrossingTest, DoesNothingWhenNothingChanged) {
  east.holds = source.holds;
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::UpToDate);
  EXPECT_TRUE(report.legs[0].equal_to_source);
  EXPECT_EQ(report.legs[0].unchanged, 2u);
  EXPECT_TRUE(east.pushes.empty());
  EXPECT_TRUE(source.fetches.empty());
  EXPECT_EQ(source.questions, 0u);
}

TEST_F(CrossingTest, ADryRunMovesNothing) {
  dry_run = true;
  east.exists = false;
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Planned);
  EXPECT_TRUE(east.pushes.empty());
  EXPECT_FALSE(east.exists);
  EXPECT_EQ(report.legs[0].refs.size(), 2u);
}

TEST_F(CrossingTest, MakesARepositoryWhereThereIsNone) {
  east.exists = false;
  EXPECT_STATUS(cross().legs[0], LegStatus::Done);
  EXPECT_TRUE(east.exists);
  EXPECT_EQ(east.holds, source.holds);
}

TEST_F(CrossingTest, OneFetchServesAllThatStandAtTheSameRefs) {
  const CrossingReport report = cross({&east, &west, &south});
  EXPECT_EQ(report.fetches, 1u);
  for (const LegReport& leg : report.legs) EXPECT_STATUS(leg, LegStatus::Done);
  EXPECT_EQ(west.holds, source.holds);
  EXPECT_EQ(south.holds, source.holds);
}

TEST_F(CrossingTest, ALaggardGetsAFetchOfItsOwn) {
  east.holds = refs_at({{"refs/heads/main", 2}, {"refs/tags/v1", 2}});
  west.holds = refs_at({{"refs/heads/main", 2}, {"refs/tags/v1", 2}});
  const CrossingReport report = cross({&east, &west, &south});
  EXPECT_EQ(report.fetches, 2u);
  EXPECT_EQ(source.fetches[0].haves, (std::vector<Oid>{commit(2)}));
  EXPECT_TRUE(source.fetches[1].haves.empty());
}

TEST_F(CrossingTest, NamesTheBoundaryOfTheChangeWhereTheSourceShowsItsHistory) {
  std::map<std::string, unsigned> tips = {{"refs/heads/main", 9}, {"refs/tags/v1", 2}};
  for (unsigned i = 0; i < 500; ++i) tips[fmt::format("refs/heads/topic/{}", i)] = 1000 + i;
  source.holds = refs_at(tips);
  tips["refs/heads/main"] = 3;
  tips["refs/heads/topic/0"] = 6;  // which main has merged since
  const RefMap before = refs_at(tips);

  // main brings 9 down to 4, of which 6 is there.
  east.holds = before;
  EXPECT_STATUS(cross().legs[0], LegStatus::Done);
  ASSERT_EQ(source.fetches.size(), 1u);
  EXPECT_EQ(source.fetches[0].haves, (std::vector<Oid>{commit(6)}));
  EXPECT_EQ(source.histories.size(), 1u) << "one answer serves the plan and the fetch";
}

TEST_F(CrossingTest, NamesAllThatIsThereWhereTheSourceDoesNotShowItsHistory) {
  std::map<std::string, unsigned> tips = {{"refs/heads/main", 3}};
  for (unsigned i = 0; i < 500; ++i) tips[fmt::format("refs/heads/topic/{}", i)] = 1000 + i;
  source.holds = refs_at(tips);
  tips["refs/heads/main"] = 2;
  for (const ErrorKind kind : {ErrorKind::Unsupported, ErrorKind::Exhausted, ErrorKind::Rejected, ErrorKind::Corrupt}) {
    east.holds = refs_at(tips);
    source.history_error = Error(kind, "no");
    EXPECT_STATUS(cross().legs[0], LegStatus::Done);
    EXPECT_EQ(source.fetches.back().haves.size(), 501u);
    EXPECT_EQ(source.fetches.back().haves[0], commit(2));
  }
}

TEST_F(CrossingTest, NamesAllThatIsThereWhereTheBoundaryIsFarAway) {
  for (unsigned i = 21; i <= 2000; ++i) source.parents.emplace(commit(i), commit(i - 1));
  source.holds = refs_at({{"refs/heads/main", 1999}});
  east.holds = refs_at({{"refs/heads/main", 3}, {"refs/tags/only-there", 2000}});
  policy.follow = FollowMode::Additive;
  EXPECT_STATUS(cross().legs[0], LegStatus::Done);
  EXPECT_EQ(source.fetches.back().haves, (std::vector<Oid>{commit(3), commit(2000)}));
}

TEST_F(CrossingTest, ASourceThatIsGoneIsNotAskedOtherwise) {
  east.holds = refs_at({{"refs/heads/main", 2}, {"refs/tags/v1", 2}});
  source.history_error = Error(ErrorKind::Unavailable, "the connection was cut");
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  EXPECT_EQ(source.questions, 0u);
  EXPECT_TRUE(source.fetches.empty());
}

// A tag is made on what both sides have: the source shows no new history, so what it left out must be named.
TEST_F(CrossingTest, WhatTheHistoryDoesNotShowIsLeftOutByTheHavesItWasAskedWith) {
  source.holds = refs_at({{"refs/heads/main", 5}, {"refs/tags/v2", 1}});
  east.holds = refs_at({{"refs/heads/main", 3}});
  EXPECT_STATUS(cross().legs[0], LegStatus::Done);
  EXPECT_EQ(source.fetches.back().haves, (std::vector<Oid>{commit(3)}));
}

TEST_F(CrossingTest, OnlyWhatAllReceiversTakeIsAskedOfTheSource) {
  west.capabilities = {"report-status", "no-thin"};
  static_cast<void>(cross({&east, &west}));
  ASSERT_EQ(source.fetches.size(), 1u);
  EXPECT_FALSE(source.fetches[0].thin);
  EXPECT_FALSE(source.fetches[0].ofs_delta);
}

TEST_F(CrossingTest, ABrokenLegDoesNotSinkTheOthers) {
  source.pack_bytes = 2'000'000;
  west.break_after = 64 * 1024;
  const CrossingReport report = cross({&east, &west});
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  EXPECT_STATUS(report.legs[1], LegStatus::Failed);
  ASSERT_TRUE(report.legs[1].error.has_value());
  EXPECT_EQ(to_string(report.legs[1].error->kind()), to_string(ErrorKind::Unavailable));
  EXPECT_TRUE(west.holds.empty());
  EXPECT_EQ(east.holds, source.holds);
}

TEST_F(CrossingTest, ASourceThatDiesInMidPackMovesNothingAnywhere) {
  for (std::size_t at = 0; at < 1032; at += 7) {
    FakeDestination a("fake://a");
    FakeDestination b("fake://b");
    source.break_at = at;
    const CrossingReport report = cross({&a, &b});
    for (const LegReport& leg : report.legs) {
      EXPECT_STATUS(leg, LegStatus::Failed) << at;
      EXPECT_TRUE(leg.error && leg.error->message().find("fake://source") != std::string::npos) << at;
    }
    EXPECT_TRUE(a.holds.empty() && b.holds.empty()) << at;
  }
}

TEST_F(CrossingTest, ASecondRunConverges) {
  source.break_at = 500;
  EXPECT_STATUS(cross().legs[0], LegStatus::Failed);
  EXPECT_STATUS(cross().legs[0], LegStatus::Done);
  EXPECT_EQ(east.holds, source.holds);
}

TEST_F(CrossingTest, ALostReportIsSettledByListing) {
  east.loses_report = true;
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  EXPECT_FALSE(report.legs[0].error.has_value());
  EXPECT_EQ(east.pushes.size(), 1u) << "never pushed again blindly";
}

TEST_F(CrossingTest, AHostThatLiesIsFoundOut) {
  east.lies = true;
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  EXPECT_FALSE(report.legs[0].equal_to_source);
  EXPECT_NE(result(report.legs[0], "refs/heads/main").reason.find("does not show"), std::string::npos);
}

TEST_F(CrossingTest, ARefusedRefDoesNotStopTheOthers) {
  east.refuses = {{"refs/tags/", "tags are protected"}};
  for (const AtomicMode mode : {AtomicMode::Auto, AtomicMode::Never}) {
    policy.atomic = mode;
    east.holds = refs_at({{"refs/heads/main", 2}});
    const CrossingReport report = cross();
    EXPECT_STATUS(report.legs[0], LegStatus::Partial);
    EXPECT_EQ(to_string(result(report.legs[0], "refs/tags/v1").outcome), to_string(RefOutcome::Rejected));
    EXPECT_EQ(result(report.legs[0], "refs/tags/v1").reason, "tags are protected");
    EXPECT_EQ(to_string(result(report.legs[0], "refs/heads/main").outcome), to_string(RefOutcome::Confirmed));
  }
  policy.atomic = AtomicMode::Always;
  east.holds = refs_at({{"refs/heads/main", 2}});
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  EXPECT_EQ(east.holds, refs_at({{"refs/heads/main", 2}}));
}

TEST_F(CrossingTest, ARewindKeepsTheOldTipFirst) {
  east.holds = refs_at({{"refs/heads/main", 9}, {"refs/tags/v1", 2}});
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  const Ref* kept = east.holds.find(ref_name("refs/packferry/kept/20231114T221320Z/heads/main"));
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->oid, commit(9));
  ASSERT_EQ(east.pushes.size(), 2u);
  EXPECT_TRUE(east.pushes[0].updates[0].is_create());
}

TEST_F(CrossingTest, AHostThatRefusesKeptNamesHoldsTheLossAndLetsTheRestGo) {
  east.holds = refs_at({{"refs/heads/main", 9}, {"refs/heads/old", 8}});
  for (const bool hidden : {false, true}) {
    SCOPED_TRACE(hidden ? "hidden" : "refused");
    east.refuses.clear();
    if (hidden) {
      east.hides = "refs/packferry/";
    } else {
      east.refuses = {{"refs/packferry/", "deny updating a hidden ref"}};
    }
    east.holds = refs_at({{"refs/heads/main", 9}, {"refs/heads/old", 8}});
    const CrossingReport report = cross();
    EXPECT_STATUS(report.legs[0], LegStatus::Held);
    EXPECT_EQ(to_string(result(report.legs[0], "refs/heads/main").outcome), to_string(RefOutcome::Withheld));
    EXPECT_EQ(to_string(result(report.legs[0], "refs/tags/v1").outcome), to_string(RefOutcome::Confirmed));
    EXPECT_EQ(east.holds.find(ref_name("refs/heads/main"))->oid, commit(9));
    EXPECT_TRUE(east.holds.contains(ref_name("refs/heads/old")));
  }
}

TEST_F(CrossingTest, AnotherHandsChangeIsNeverOverwrittenUnseen) {
  east.holds = refs_at({{"refs/heads/main", 2}, {"refs/tags/v1", 2}});
  east.before_push = [&] { east.holds = refs_at({{"refs/heads/main", 1}, {"refs/tags/v1", 2}}); };
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Done) << "planned again, on what is there now";
  EXPECT_EQ(east.pushes.back().updates[0].old_oid, commit(1));
  EXPECT_EQ(east.holds, source.holds);
}

TEST_F(CrossingTest, ADestinationThatKeepsMovingIsAConflict) {
  east.holds = refs_at({{"refs/heads/main", 2}, {"refs/tags/v1", 2}});
  unsigned other = 10;
  std::function<void()> move = [&] {
    east.holds = refs_at({{"refs/heads/main", ++other}, {"refs/tags/v1", 2}});
    east.before_push = move;
  };
  east.before_push = move;
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  ASSERT_TRUE(report.legs[0].error.has_value());
  EXPECT_EQ(to_string(report.legs[0].error->kind()), to_string(ErrorKind::Conflict));
}

TEST_F(CrossingTest, AWantThatVanishedIsListedAgain) {
  source.fetch_error = Error(ErrorKind::Conflict, "not our ref");
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  EXPECT_EQ(source.listings, 2u);
}

TEST_F(CrossingTest, AnEmptySourceWipesNothing) {
  east.holds = source.holds;
  source.holds = {};
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Held);
  EXPECT_TRUE(east.pushes.empty());
  EXPECT_EQ(east.holds.size(), 2u);
}

TEST_F(CrossingTest, AHeldDestinationKeepsItsHead) {
  east.holds = refs_at({{"refs/heads/other", 900}});
  east.head = "refs/heads/other";
  EXPECT_STATUS(cross().legs[0], LegStatus::Held);
  EXPECT_EQ(east.head, "refs/heads/other");
}

TEST_F(CrossingTest, ASourceThatCannotBeListedTouchesNothing) {
  east.holds = refs_at({{"refs/heads/main", 1}});
  source.listing_error = Error(ErrorKind::Unavailable, "down");
  const CrossingReport report = cross();
  ASSERT_TRUE(report.error.has_value());
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  EXPECT_TRUE(east.pushes.empty());
}

TEST_F(CrossingTest, AnUnreachableDestinationDoesNotStopTheOther) {
  west.listing_error = Error(ErrorKind::Unavailable, "down");
  const CrossingReport report = cross({&west, &east});
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  EXPECT_STATUS(report.legs[1], LegStatus::Done);
}

TEST_F(CrossingTest, BatchesAreWhatTheHostTakes) {
  std::map<std::string, unsigned> tips;
  for (unsigned i = 1; i <= 10; ++i) tips[fmt::format("refs/heads/b{}", i)] = i;
  source.holds = refs_at(tips);
  east.host.updates_per_push_max = 4;
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  EXPECT_EQ(east.pushes.size(), 3u);
  EXPECT_EQ(report.fetches, 3u);
  EXPECT_EQ(source.fetches[1].haves.size(), 4u) << "what the first batch brought is there for the second";
}

TEST_F(CrossingTest, APackThatTheHostWouldRefuseEndsWithItsLimit) {
  west.host.pack_bytes_max = 1000;
  const CrossingReport report = cross({&east, &west});
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  EXPECT_STATUS(report.legs[1], LegStatus::Failed);
  EXPECT_NE(report.legs[1].error->message().find("at most 1000 bytes"), std::string::npos);
  EXPECT_TRUE(west.holds.empty());
}

TEST_F(CrossingTest, RefsToObjectsThatAreThereNeedNoFetch) {
  east.holds = source.holds;
  source.holds = refs_at({{"refs/heads/copy", 3}, {"refs/heads/main", 3}, {"refs/tags/v1", 2}});
  const CrossingReport report = cross();
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
  EXPECT_EQ(report.fetches, 0u);
}

TEST_F(CrossingTest, DeletionsComeLastAndNotAtAllAfterAFailure) {
  east.holds = refs_at({{"refs/heads/main", 2}, {"refs/heads/old", 1}});
  source.break_at = 100;
  const CrossingReport failed = cross();
  EXPECT_TRUE(east.holds.contains(ref_name("refs/heads/old")));
  EXPECT_EQ(to_string(result(failed.legs[0], "refs/heads/old").outcome), to_string(RefOutcome::NotDone));
  const CrossingReport report = cross();
  EXPECT_FALSE(east.holds.contains(ref_name("refs/heads/old")));
  EXPECT_TRUE(east.pushes.back().updates[0].is_delete());
  EXPECT_STATUS(report.legs[0], LegStatus::Done);
}

TEST_F(CrossingTest, AStopIsReportedAndNothingIsClaimed) {
  std::stop_source stop;
  source.on_listing = [&] { stop.request_stop(); };
  source.fetch_error = Error(ErrorKind::Cancelled, "interrupted");
  const CrossingReport report = cross({&east}, stop.get_token());
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  EXPECT_TRUE(east.holds.empty());
}

TEST_F(CrossingTest, SourceAndDestinationMustShareAnObjectFormat) {
  // A SHA-256 destination that has nothing yet.
  class Sha256Destination final : public Destination {
   public:
    std::string name() const override { return "fake://sha256"; }
    const HostProfile& profile() const override { return profile_; }
    Result<std::optional<Listing>> refs(std::stop_token) override {
      Listing listing;
      listing.format = ObjectFormat::Sha256;
      return std::optional(std::move(listing));
    }
    Result<> create(ObjectFormat, const Head&, std::stop_token) override { return {}; }
    Result<std::unique_ptr<PushWriter>> open(PushRequest, RemoteMessages, std::stop_token) override {
      ADD_FAILURE() << "nothing may be pushed";
      return Error(ErrorKind::Rejected, "no");
    }
    Result<bool> set_head(const RefName&, std::stop_token) override { return false; }

   private:
    HostProfile profile_;
  } other;
  const CrossingReport report = cross({&other});
  EXPECT_STATUS(report.legs[0], LegStatus::Failed);
  EXPECT_NE(report.legs[0].error->message().find("--object-format=sha1"), std::string::npos);
}

}  // namespace
}  // namespace packferry
