#include "service/fleet_sweep.h"

#include <gmock/gmock.h>

#include "testing/fake_fleet.h"

namespace packferry {
namespace {

using testing::commit;
using ::testing::ElementsAre;
using testing::FakeDestination;
using testing::FakeFleetEnds;
using testing::FakeSource;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MemoryCatalogue;
using testing::must;
using testing::refs_at;

class FleetSweepTest : public ::testing::Test {
 protected:
  FleetSweepTest() {
    fleet.hosts = {{.name = "forge"}, {.name = "mirror"}};
    fleet.stores.push_back({.name = "vault", .address = must(StoreAddress::parse("/vault"))});
    fleet.replicas.push_back({.name = "copy", .source = {.host = "forge"}, .destinations = {{.host = "mirror"}}});
    options.backoff = {.first = Milliseconds(1), .longest = Milliseconds(1)};
    for (const char* name : {"one", "two", "three"}) add(name);
  }

  void add(const std::string& name) {
    ends.host_named("forge").add(name);
    source(name).holds = refs_at({{"refs/heads/main", 1}});
  }
  FakeSource& source(const std::string& name) { return ends.sources["forge/" + name]; }
  FakeDestination& destination(const std::string& name) { return ends.destination_named("mirror/" + name); }

  SweepReport sweep() { return must(sweep_fleet(fleet, ends, catalogue, options, clock, nullptr, {})); }
  const LegOutcome& leg(const SweepReport& report, const std::string& name) {
    for (const LegOutcome& outcome : report.legs)
      if (outcome.key.source == "forge/" + name) return outcome;
    ADD_FAILURE() << "no leg of " << name;
    return report.legs.front();
  }
  unsigned listings() {
    unsigned all = 0;
    for (const auto& [name, each] : ends.sources) all += each.listings;
    return all;
  }

  FakeClock clock;
  FakeFleetEnds ends{clock};
  MemoryCatalogue catalogue;
  Fleet fleet;
  SweepOptions options;
};

TEST_F(FleetSweepTest, TheFirstOneDeliversAndTheNextOneOnlyLooks) {
  const SweepReport first = sweep();
  EXPECT_EQ(first.count(LegState::Done), 3u);
  EXPECT_EQ(destination("two").holds, source("two").holds);
  EXPECT_EQ(catalogue.kept.size(), 3u);

  const unsigned before = listings();
  for (const char* name : {"one", "two", "three"})
    destination(name).listing_error = Error(ErrorKind::Unavailable, "not to be asked");
  const SweepReport second = sweep();
  EXPECT_EQ(second.count(LegState::UpToDate), 3u);
  EXPECT_EQ(leg(second, "two").proof, Proof::Source);
  EXPECT_EQ(listings() - before, 3u) << "one question for each";
  EXPECT_EQ(second.source_listings, 3u);
}

TEST_F(FleetSweepTest, WhatChangedIsCarriedAndNothingElse) {
  sweep();
  source("two").parents[commit(2)] = commit(1);
  source("two").holds = refs_at({{"refs/heads/main", 2}});
  const SweepReport report = sweep();
  EXPECT_EQ(report.count(LegState::UpToDate), 2u);
  EXPECT_EQ(leg(report, "two").state, LegState::Done);
  EXPECT_EQ(report.fetches, 1u);
  EXPECT_EQ(destination("two").holds, source("two").holds);
}

TEST_F(FleetSweepTest, ADestinationsWordIsGoodForAWhile) {
  sweep();
  destination("two").holds = refs_at({});  // somebody emptied it
  EXPECT_EQ(leg(sweep(), "two").proof, Proof::Source);
  clock.advance(fleet.confirm_every);
  const SweepReport report = sweep();
  EXPECT_EQ(leg(report, "one").proof, Proof::Confirmed);
  EXPECT_EQ(leg(report, "two").state, LegState::Done);
  EXPECT_EQ(destination("two").holds, source("two").holds);
}

TEST_F(FleetSweepTest, WhatTheHostsListingProvesIsNotAskedAtAll) {
  for (auto& [name, hosted] : ends.host_named("forge").repositories) hosted.last_push = "monday";
  sweep();
  const unsigned before = listings();
  EXPECT_EQ(leg(sweep(), "one").proof, Proof::Listing);
  EXPECT_EQ(listings(), before);
  ends.host_named("forge").repositories.at("one").last_push = "tuesday";
  EXPECT_EQ(leg(sweep(), "one").proof, Proof::Source);
  clock.advance(fleet.trust_listing);
  EXPECT_EQ(leg(sweep(), "two").proof, Proof::Source) << "hosts' words are believed for a while only";
}

TEST_F(FleetSweepTest, ABadOneDoesNotStopTheOthers) {
  source("two").listing_error = Error(ErrorKind::Denied, "no");
  const SweepReport report = sweep();
  EXPECT_EQ(report.count(LegState::Done), 2u);
  EXPECT_EQ(leg(report, "two").state, LegState::Failed);
  EXPECT_EQ(leg(report, "two").attempts, 1u);
  EXPECT_EQ(catalogue.kept.at(leg(report, "two").key).failures, 1u);
}

TEST_F(FleetSweepTest, WhatMayPassIsTriedAgain) {
  source("two").fetch_error = Error(ErrorKind::Unavailable, "cut");  // once
  const SweepReport report = sweep();
  EXPECT_EQ(leg(report, "two").state, LegState::Done);
  EXPECT_EQ(leg(report, "two").attempts, 2u);
}

// New tips go in one push and deletions in the next: that one does not get through.
TEST_F(FleetSweepTest, OfALegThatBroughtSomeRefsTheOthersAreTriedAgainWhereThatMayHelp) {
  fleet.replicas.front().policy.keep_old_tips = false;
  source("two").holds = refs_at({{"refs/heads/main", 1}, {"refs/heads/a", 1}, {"refs/heads/b", 1}});
  sweep();
  source("two").parents[commit(2)] = commit(1);
  source("two").holds = refs_at({{"refs/heads/main", 2}, {"refs/heads/a", 1}});
  FakeDestination& two = destination("two");
  two.before_push = [&] { two.before_push = [&] { two.push_error = Error(ErrorKind::Unavailable, "cut"); }; };
  const SweepReport report = sweep();
  EXPECT_EQ(leg(report, "two").state, LegState::Done);
  EXPECT_EQ(leg(report, "two").attempts, 2u);
  EXPECT_EQ(leg(report, "two").refs_changed, 2u);
  EXPECT_FALSE(leg(report, "two").error);
  EXPECT_EQ(two.holds, source("two").holds);
}

TEST_F(FleetSweepTest, NotForEver) {
  fleet.replicas.front().policy.keep_old_tips = false;
  source("two").holds = refs_at({{"refs/heads/main", 1}, {"refs/heads/a", 1}, {"refs/heads/b", 1}});
  sweep();
  source("two").parents[commit(2)] = commit(1);
  source("two").holds = refs_at({{"refs/heads/main", 2}, {"refs/heads/a", 1}});
  FakeDestination& two = destination("two");
  const std::function<void()> cut = [&] {
    two.push_error = Error(ErrorKind::Unavailable, "cut");
    two.before_push = cut;
  };
  two.before_push = [&] { two.before_push = cut; };
  const SweepReport report = sweep();
  EXPECT_EQ(leg(report, "two").state, LegState::Partial) << "of all attempts together";
  EXPECT_EQ(leg(report, "two").attempts, options.attempts_max);
  EXPECT_EQ(leg(report, "two").refs_changed, 1u);
  EXPECT_EQ(catalogue.kept.at(leg(report, "two").key).outcome, "partial");
}

TEST_F(FleetSweepTest, RefsThatAreRefusedForGoodAreNotTriedAgain) {
  source("two").holds = refs_at({{"refs/heads/main", 1}, {"refs/heads/protected", 1}});
  destination("two").refuses["refs/heads/protected"] = "protected branch";
  const SweepReport report = sweep();
  EXPECT_EQ(leg(report, "two").state, LegState::Partial);
  EXPECT_EQ(leg(report, "two").attempts, 1u);
  EXPECT_THAT(leg(report, "two").error->message(), HasSubstr("protected branch"));
  EXPECT_EQ(leg(report, "two").refs_changed, 1u);
}

TEST_F(FleetSweepTest, WhatIsHeldIsBehindSinceItWasFirstSeen) {
  sweep();
  destination("two").holds = refs_at({{"refs/heads/main", 1}, {"refs/heads/a", 1}});
  source("two").holds = refs_at({});
  const Clock::WallTime since = clock.now();
  EXPECT_EQ(leg(sweep(), "two").state, LegState::Held);
  clock.advance(std::chrono::hours(2));
  const SweepReport report = sweep();
  EXPECT_EQ(leg(report, "two").state, LegState::Held);
  EXPECT_EQ(leg(report, "two").behind_since, since);
  EXPECT_EQ(destination("two").holds.size(), 2u);
  source("two").holds = refs_at({{"refs/heads/main", 1}, {"refs/heads/a", 1}});
  EXPECT_EQ(leg(sweep(), "two").behind_since, std::nullopt);
}

TEST_F(FleetSweepTest, ARepositoryThatVanishesLosesNothingAndIsNamed) {
  sweep();
  ends.host_named("forge").repositories.erase("two");
  const SweepReport report = sweep();
  EXPECT_EQ(leg(report, "two").state, LegState::Missing);
  ASSERT_EQ(report.alarms.size(), 1u);
  EXPECT_THAT(report.alarms[0], HasSubstr("lists 2 repositories; last time there were 3"));
  EXPECT_EQ(destination("two").holds.size(), 1u);
  EXPECT_TRUE(catalogue.kept.at(leg(report, "two").key).missing_since);

  ends.host_named("forge").add("two");
  EXPECT_EQ(leg(sweep(), "two").proof, Proof::Source);
  EXPECT_FALSE(catalogue.kept.at(leg(report, "two").key).missing_since) << "it is back";
}

TEST_F(FleetSweepTest, AHostThatListsNothingIsSaid) {
  ends.host_named("forge").repositories.clear();
  const SweepReport report = sweep();
  ASSERT_EQ(report.alarms.size(), 1u);
  EXPECT_THAT(report.alarms[0], HasSubstr("forge lists no repository"));
}

TEST_F(FleetSweepTest, AHostThatCannotBeListedIsNoEmptyHost) {
  sweep();
  ends.host_named("forge").list_errors.assign(1, Error(ErrorKind::Denied, "no"));
  const SweepReport report = sweep();
  EXPECT_THAT(report.legs, IsEmpty());
  ASSERT_EQ(report.unlisted.size(), 1u);
  EXPECT_EQ(report.unlisted[0].key.host, "forge");
  ends.host_named("forge").list_errors.assign(2, Error(ErrorKind::Unavailable, "a page failed"));
  EXPECT_EQ(sweep().count(LegState::UpToDate), 3u) << "asked again";
}

TEST_F(FleetSweepTest, AnotherRepositoryUnderTheSameNameIsHeld) {
  sweep();
  ends.host_named("forge").repositories.at("two").id = "another";
  source("two").holds = refs_at({{"refs/heads/main", 9}});
  EXPECT_EQ(leg(sweep(), "two").state, LegState::Held);
  EXPECT_EQ(destination("two").holds, refs_at({{"refs/heads/main", 1}}));
}

TEST_F(FleetSweepTest, AnotherRepositoryAtTheDestinationIsHeldToo) {
  ends.host_named("mirror").add("two");
  sweep();
  ends.host_named("mirror").repositories.at("two").id = "another";
  source("two").parents[commit(2)] = commit(1);
  source("two").holds = refs_at({{"refs/heads/main", 2}});
  EXPECT_EQ(leg(sweep(), "two").state, LegState::Held);
  EXPECT_EQ(destination("two").holds, refs_at({{"refs/heads/main", 1}}));
}

TEST_F(FleetSweepTest, ADryRunRemembersNothingAndMovesNothing) {
  options.dry_run = true;
  EXPECT_EQ(sweep().count(LegState::Planned), 3u);
  EXPECT_THAT(catalogue.kept, IsEmpty());
  EXPECT_TRUE(destination("two").holds.empty());
}

TEST_F(FleetSweepTest, ALostCatalogueCostsOnlyTime) {
  sweep();
  catalogue.kept.clear();
  const SweepReport report = sweep();
  EXPECT_EQ(report.count(LegState::UpToDate), 3u);
  EXPECT_EQ(leg(report, "one").proof, Proof::Confirmed);
  EXPECT_EQ(report.fetches, 0u);
  catalogue.kept.clear();
  catalogue.error = Error(ErrorKind::Exhausted, "disk full");
  EXPECT_TRUE(sweep().catalogue_error);
}

TEST_F(FleetSweepTest, WithoutWhatIsKnownOfItNothingIsDone) {
  sweep();
  source("two").parents[commit(2)] = commit(1);
  source("two").holds = refs_at({{"refs/heads/main", 2}});
  catalogue.find_error = Error(ErrorKind::Corrupt, "damaged");
  const SweepReport report = sweep();
  EXPECT_EQ(report.count(LegState::Failed), 3u);
  EXPECT_EQ(leg(report, "two").error->message(), "damaged");
  EXPECT_EQ(destination("two").holds, refs_at({{"refs/heads/main", 1}}));
  catalogue.find_error.reset();
  EXPECT_EQ(sweep().count(LegState::Done), 1u);
}

TEST_F(FleetSweepTest, ABackupAndAReplicaOfOneSourceShareItsListing) {
  fleet.backups.push_back({.name = "nightly", .source = {.host = "forge"}, .store = "vault"});
  fleet.backups.front().policy.selection = must(RefspecSet::from({}));
  const SweepReport report = sweep();
  EXPECT_EQ(report.count(LegState::Done), 6u);
  EXPECT_EQ(report.source_listings, 3u);
  EXPECT_EQ(sweep().count(LegState::UpToDate), 6u);
  source("two").parents[commit(2)] = commit(1);
  source("two").holds = refs_at({{"refs/heads/main", 2}});
  EXPECT_EQ(sweep().count(LegState::Done), 2u);
  fleet.backups.front().policy = fleet.replicas.front().policy;
  fleet.backups.front().limits.percent_max = 1000;  // commits are small here, and packs are not
  sweep();
  source("two").parents[commit(3)] = commit(2);
  source("two").holds = refs_at({{"refs/heads/main", 3}});
  EXPECT_EQ(sweep().fetches, 1u) << "with one policy, one pack for both";
}

TEST_F(FleetSweepTest, AFirstBackupAndAFirstReplicaShareOnePack) {
  fleet.backups.push_back({.name = "nightly", .source = {.host = "forge"}, .store = "vault"});
  const SweepReport report = sweep();
  EXPECT_EQ(report.count(LegState::Done), 6u);
  EXPECT_EQ(report.source_listings, 3u);
  EXPECT_EQ(report.fetches, 3u);
  EXPECT_EQ(sweep().count(LegState::UpToDate), 6u);
}

TEST_F(FleetSweepTest, AWikiThatIsNotThereIsNoFailureUnlessItWas) {
  fleet.replicas.front().source.wikis = true;
  ends.host_named("forge").repositories.at("two").wiki = must(Url::parse("https://forge.example/two.wiki.git"));
  source("two.wiki").listing_error = Error(ErrorKind::NotFound, "no such repository");
  EXPECT_EQ(leg(sweep(), "two.wiki").state, LegState::Absent);
  source("two.wiki").listing_error.reset();
  source("two.wiki").holds = refs_at({{"refs/heads/main", 5}});
  EXPECT_EQ(leg(sweep(), "two.wiki").state, LegState::Done);
  source("two.wiki").listing_error = Error(ErrorKind::NotFound, "no such repository");
  EXPECT_EQ(leg(sweep(), "two.wiki").state, LegState::Failed);
  EXPECT_EQ(destination("two.wiki").holds.size(), 1u);
}

TEST_F(FleetSweepTest, StoppedItSaysWhatWasNotBegun) {
  std::stop_source stop;
  stop.request_stop();
  const SweepReport report = must(sweep_fleet(fleet, ends, catalogue, options, clock, nullptr, stop.get_token()));
  EXPECT_TRUE(report.was_stopped);
  EXPECT_EQ(report.count(LegState::Done), 0u);
}

TEST_F(FleetSweepTest, TheStateOfASourceIsWhatItsDestinationIsToHold) {
  Listing listing;
  listing.refs = refs_at({{"refs/heads/main", 1}, {"refs/pull/1/head", 2}});
  const Policy policy;
  const std::string state = state_of(listing, policy);
  listing.refs = refs_at({{"refs/heads/main", 1}, {"refs/pull/1/head", 3}});
  EXPECT_EQ(state_of(listing, policy), state) << "what is not selected does not count";
  listing.refs = refs_at({{"refs/heads/main", 2}});
  EXPECT_NE(state_of(listing, policy), state);
  listing.refs = refs_at({{"refs/heads/main", 1}});
  listing.head.target = testing::ref_name("refs/heads/main");
  EXPECT_NE(state_of(listing, policy), state) << "HEAD counts";
}

}  // namespace
}  // namespace packferry
