#include "cli/comparison.h"

#include <gtest/gtest.h>

#include "testing/fake_ends.h"

namespace packferry {
namespace {

using testing::commit;
using testing::ref_name;
using testing::refs_at;

TEST(Comparison, FindsWhatIsMissingAdditionalAndDifferent) {
  const RefMap first = refs_at({{"refs/heads/a", 1}, {"refs/heads/b", 2}, {"refs/heads/d", 4}});
  const RefMap second = refs_at({{"refs/heads/b", 3}, {"refs/heads/c", 3}, {"refs/heads/d", 4}, {"refs/heads/e", 5}});
  const std::vector<Difference> expected = {{ref_name("refs/heads/a"), commit(1), std::nullopt},
                                            {ref_name("refs/heads/b"), commit(2), commit(3)},
                                            {ref_name("refs/heads/c"), std::nullopt, commit(3)},
                                            {ref_name("refs/heads/e"), std::nullopt, commit(5)}};
  EXPECT_EQ(differences(first, second), expected);
}

TEST(Comparison, FindsNothingBetweenEquals) {
  const RefMap some = refs_at({{"refs/heads/a", 1}, {"refs/tags/v1", 2}});
  EXPECT_TRUE(differences(some, some).empty());
  EXPECT_TRUE(differences({}, {}).empty());
  EXPECT_EQ(differences(some, {}).size(), 2u);
  EXPECT_EQ(differences({}, some).size(), 2u);
}

}  // namespace
}  // namespace packferry
