#include "config/circle.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

FleetHost host(std::string name, HostKind kind = HostKind::GitLab) {
  FleetHost made{.name = name, .kind = kind};
  if (kind == HostKind::Directory) made.path = "/" + name;
  if (kind == HostKind::GitLab) made.url = must(Url::parse("https://" + name + ".example"));
  if (kind == HostKind::CodeCommit) made.region = "eu-central-1";
  return made;
}

FleetReplica replica(SourceSelection source, std::vector<ReplicaEnd> destinations) {
  return {.name = "r", .source = std::move(source), .destinations = std::move(destinations)};
}

class CircleTest : public ::testing::Test {
 protected:
  std::vector<std::string> ways() const {
    std::vector<std::string> all;
    for (const ReplicaCircle& circle : find_circles(fleet)) all.push_back(circle.way);
    return all;
  }
  Fleet fleet{.hosts = {host("a"), host("b"), host("c"), host("aws", HostKind::CodeCommit)}};
};

using Ways = std::vector<std::string>;

TEST_F(CircleTest, AChainIsNone) {
  fleet.replicas = {replica({.host = "a"}, {{.host = "b"}}), replica({.host = "b"}, {{.host = "c"}})};
  EXPECT_EQ(ways(), Ways());
}

TEST_F(CircleTest, TwoHostsThatFeedEachOtherAreOneAndToldOnce) {
  fleet.replicas = {replica({.host = "a"}, {{.host = "b"}}), replica({.host = "b"}, {{.host = "a"}})};
  EXPECT_EQ(ways(), Ways{"a/group/name → b/group/name → a/group/name"});
}

TEST_F(CircleTest, HoweverLong) {
  fleet.replicas = {replica({.host = "a"}, {{.host = "b"}}),
                    replica({.host = "b"}, {{.host = "aws", .repository = "${group}-${name}"}, {.host = "c"}}),
                    replica({.host = "c"}, {{.host = "a"}})};
  const std::vector<ReplicaCircle> circles = find_circles(fleet);
  ASSERT_EQ(circles.size(), 1u);
  EXPECT_EQ(circles[0].replicas, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(circles[0].way, "a/group/name → b/group/name → c/group/name → a/group/name");
}

TEST_F(CircleTest, SelectionsThatDoNotMeetAreNone) {
  fleet.replicas = {replica({.host = "a", .owner = "ours"}, {{.host = "b"}}),
                    replica({.host = "b", .include = {"theirs/*"}}, {{.host = "a"}})};
  EXPECT_EQ(ways(), Ways());
  fleet.replicas = {replica({.host = "a", .exclude = {"mirror/*"}}, {{.host = "b", .repository = "mirror/${path}"}}),
                    replica({.host = "b"}, {{.host = "a"}})};
  EXPECT_EQ(ways(), Ways()) << "what comes back is excluded";
}

TEST_F(CircleTest, ANameThatOnlyOneOfThemNamesIsFollowed) {
  fleet.replicas = {replica({.host = "a"}, {{.host = "b"}}),
                    replica({.host = "b", .include = {"app/web"}}, {{.host = "a"}})};
  EXPECT_EQ(ways(), Ways{"b/app/web → a/app/web → b/app/web"});
}

TEST_F(CircleTest, NamesThatGrowWithEachRoundAreOneToo) {
  fleet.replicas = {replica({.host = "a"}, {{.host = "a", .repository = "mirror/${path}"}})};
  EXPECT_EQ(ways(), Ways{"a/group/name → a/mirror/group/name"});
}

TEST_F(CircleTest, TwoNamesOfOneHostAreOneHost) {
  FleetHost again = host("a");
  again.name = "again";
  fleet.hosts.push_back(again);
  fleet.replicas = {replica({.host = "a"}, {{.host = "again"}})};
  EXPECT_EQ(ways(), Ways{"a/group/name → again/group/name"});
}

TEST_F(CircleTest, ManyThatNeverComeBackAreFollowedToAnEnd) {
  fleet.hosts.clear();
  for (int i = 0; i < 200; ++i) fleet.hosts.push_back(host("h" + std::to_string(i)));
  for (int i = 0; i < 199; ++i)
    for (int j = i + 1; j < 200; j += 7)
      fleet.replicas.push_back(
          replica({.host = fleet.hosts[static_cast<std::size_t>(i)].name},
                  {{.host = fleet.hosts[static_cast<std::size_t>(j)].name, .repository = "x/${path}"}}));
  EXPECT_EQ(ways(), Ways());
}

TEST(NameSample, EveryVariableHasAValueWhereThereIsOne) {
  const FleetHost gitlab = host("a"), aws = host("aws", HostKind::CodeCommit);
  EXPECT_EQ(must(sample_of("${host}/${path}/${group}/${name}", gitlab, "g/h/n")), "a/g/h/n/g/h/n");
  EXPECT_EQ(must(sample_of("${account_id}/${region}/${name}", aws, "n")), "111122223333/eu-central-1/n");
  EXPECT_FAILS(sample_of("${group}", aws, "n"), ErrorKind::Invalid, "${group} is empty for the repositories of aws");
  EXPECT_FAILS(sample_of("${region}", gitlab, "g/n"), ErrorKind::Invalid, "${region} is empty");
  EXPECT_FAILS(sample_of("${nmae}", gitlab, "g/n"), ErrorKind::Invalid, "no variable 'nmae'");
}

}  // namespace
}  // namespace packferry
