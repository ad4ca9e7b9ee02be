#include "service/fleet_plan.h"

#include <gmock/gmock.h>

#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::must;

HostedRepository hosted(const std::string& host, const std::string& name) {
  return {.name = name, .url = must(Url::parse("https://" + host + ".example/" + name + ".git"))};
}

Result<Url> url_at(const FleetHost& host, std::string_view name) {
  return Url::parse("https://" + host.name + ".example/" + std::string(name) + ".git");
}

class FleetPlanTest : public ::testing::Test {
 protected:
  FleetPlanTest() {
    for (const char* name : {"a", "b", "c"}) fleet.hosts.push_back({.name = name});
    fleet.stores.push_back({.name = "vault", .address = must(StoreAddress::parse("/vault"))});
  }

  FleetReplica& replicate(const std::string& name, const std::string& from, const std::string& to,
                          const std::string& as = "${path}") {
    return fleet.replicas.emplace_back(
        FleetReplica{.name = name, .source = {.host = from}, .destinations = {{.host = to, .repository = as}}});
  }
  FleetBackup& back_up(const std::string& name, const std::string& from) {
    return fleet.backups.emplace_back(FleetBackup{.name = name, .source = {.host = from}, .store = "vault"});
  }
  void lists(const std::string& host, const std::vector<std::string>& names) {
    std::vector<HostedRepository>& all = listings[{host, ""}];
    for (const std::string& name : names) all.push_back(hosted(host, name));
  }
  Result<FleetPlan> plan() { return plan_fleet(fleet, listings, known, url_at); }
  // "a/x -> vault/a/x"
  std::vector<std::string> legs() {
    std::vector<std::string> all;
    for (const FleetItem& item : must(plan()).items)
      for (const FleetLeg& leg : item.legs) all.push_back(item.name() + " -> " + leg.key.destination);
    return all;
  }

  Fleet fleet;
  FleetListings listings;
  std::vector<DeliveryKey> known;
};

TEST_F(FleetPlanTest, ARepositoryHasAllItsLegs) {
  lists("a", {"g/x", "y"});
  back_up("nightly", "a");
  replicate("copy", "a", "b");
  EXPECT_THAT(legs(), ElementsAre("a/g/x -> vault/a/g/x", "a/g/x -> b/g/x", "a/y -> vault/a/y", "a/y -> b/y"));
  EXPECT_THAT(listings_of(fleet), ElementsAre(ListingKey{"a", ""}));
}

TEST_F(FleetPlanTest, NamesAreMadeFromTheirParts) {
  lists("a", {"g/h/x", "y"});
  replicate("copy", "a", "b", "${host}-${group}-${name}");
  const FleetPlan made = must(plan());
  ASSERT_EQ(made.items.size(), 1u);
  EXPECT_EQ(made.items[0].legs[0].key.destination, "b/a-g/h-x");
  ASSERT_EQ(made.refused.size(), 1u) << "y has no group; the others go on";
  EXPECT_EQ(made.refused[0].source, "a/y");
}

TEST_F(FleetPlanTest, WhatIsNotSelectedIsPassedOver) {
  lists("a", {"g/x", "g/fork", "g/old", "g/open", "h/y"});
  std::vector<HostedRepository>& all = listings[{"a", ""}];
  all[1].fork = true;
  all[2].archived = true;
  all[3].visibility = Visibility::Public;
  FleetBackup& backup = back_up("nightly", "a");
  backup.source = {.host = "a",
                   .include = {"g/*"},
                   .exclude = {"*z"},
                   .visibility = {Visibility::Private},
                   .archived = false,
                   .forks = false};
  EXPECT_THAT(legs(), ElementsAre("a/g/x -> vault/a/g/x"));
  EXPECT_EQ(must(plan()).passed_over, 4u);
}

TEST_F(FleetPlanTest, AWikiIsARepositoryOfItsOwn) {
  lists("a", {"x"});
  listings[{"a", ""}][0].wiki = must(Url::parse("https://a.example/x.wiki.git"));
  back_up("nightly", "a").source.wikis = true;
  EXPECT_THAT(legs(), ElementsAre("a/x -> vault/a/x", "a/x.wiki -> vault/a/x.wiki"));
}

TEST_F(FleetPlanTest, TwoSourcesOfOneNameAreRefusedBeforeAnythingMoves) {
  lists("a", {"g/x", "h/x"});
  replicate("copy", "a", "b", "${name}");
  EXPECT_FAILS(plan(), ErrorKind::Invalid, "'copy' of a/g/x and 'copy' of a/h/x would both be b/x");
}

TEST_F(FleetPlanTest, CirclesAreRefusedByName) {
  lists("a", {"x"});
  lists("b", {"x"});
  lists("c", {"x"});
  replicate("one", "a", "b");
  replicate("two", "b", "c");
  EXPECT_EQ(legs().size(), 2u) << "a chain is fine";
  replicate("three", "c", "a");
  EXPECT_FAILS(plan(), ErrorKind::Invalid,
               "https://a.example/x -> https://b.example/x -> https://c.example/x -> https://a.example/x");
}

TEST_F(FleetPlanTest, ItsOwnDestinationIsACircleToo) {
  lists("a", {"x"});
  replicate("same", "a", "a");
  EXPECT_FAILS(plan(), ErrorKind::Invalid, "circle");
}

TEST_F(FleetPlanTest, WhatIsInNoListingAnyMoreIsMissing) {
  lists("a", {"x"});
  back_up("nightly", "a");
  known.push_back({"nightly", "a/gone", "vault/a/gone"});
  known.push_back({"nightly", "a/x", "vault/a/x"});
  known.push_back({"nightly", "a/x", "vault/elsewhere"});     // as it was called once
  known.push_back({"given-up", "a/gone", "vault/given-up"});  // no order any more
  EXPECT_THAT(must(plan()).missing, ElementsAre(DeliveryKey{"nightly", "a/gone", "vault/a/gone"}));
  listings.clear();
  EXPECT_THAT(must(plan()).missing, IsEmpty()) << "a host that was not listed says nothing";
}

TEST_F(FleetPlanTest, ShardsDivideItAndGlobsSelect) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("r" + std::to_string(i));
  lists("a", names);
  back_up("nightly", "a");
  std::size_t all = 0;
  for (unsigned shard = 1; shard <= 3; ++shard) {
    FleetPlan part = must(plan());
    select_items(part, {}, shard, 3);
    EXPECT_GT(part.items.size(), 15u);
    EXPECT_EQ(part.items.size() + part.passed_over, 100u);
    all += part.items.size();
  }
  EXPECT_EQ(all, 100u);
  FleetPlan some = must(plan());
  select_items(some, {"a/r1?"}, 1, 1);
  EXPECT_EQ(some.items.size(), 10u);
}

}  // namespace
}  // namespace packferry
