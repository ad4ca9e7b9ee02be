#include "service/topology.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace packferry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Topology, ChainsAndForksAreNoCircles) {
  EXPECT_THAT(find_circle({}), IsEmpty());
  EXPECT_THAT(find_circle({{"a", "b"}, {"b", "c"}, {"a", "c"}, {"d", "c"}}), IsEmpty());
}

TEST(Topology, ACircleIsNamedWhole) {
  EXPECT_THAT(find_circle({{"a", "a"}}), ElementsAre("a", "a"));
  EXPECT_THAT(find_circle({{"b", "a"}, {"a", "b"}}), ElementsAre("a", "b", "a"));
  EXPECT_THAT(find_circle({{"x", "a"}, {"c", "a"}, {"b", "c"}, {"b", "y"}, {"a", "b"}}),
              ElementsAre("a", "b", "c", "a"));
}

TEST(Topology, TheOrderOfTheEdgesSaysNothing) {
  std::vector<ReplicaEdge> edges{{"a", "b"}, {"b", "c"}, {"c", "b"}, {"z", "y"}, {"y", "z"}};
  const std::vector<std::string> circle = find_circle(edges);
  std::ranges::reverse(edges);
  EXPECT_EQ(find_circle(edges), circle);
  EXPECT_THAT(circle, ElementsAre("b", "c", "b"));
}

TEST(Topology, HoweverLong) {
  std::vector<ReplicaEdge> edges;
  for (int i = 0; i < 3'000; ++i) edges.push_back({fmt::format("{:06}", i), fmt::format("{:06}", i + 1)});
  EXPECT_THAT(find_circle(edges), IsEmpty());
  edges.push_back({"003000", "000000"});
  EXPECT_EQ(find_circle(edges).size(), 3'002u);
}

}  // namespace
}  // namespace packferry
