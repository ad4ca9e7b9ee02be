#include "engine/split.h"

#include <gmock/gmock.h>

#include "testing/fake_ends.h"

namespace packferry {
namespace {

using testing::commit;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// 1 ── 2 ── 3 ── 6 ── 7     main
//       └─ 4 ── 5 ─┘
History merged() {
  return History({{commit(1), {}},
                  {commit(2), {commit(1)}},
                  {commit(3), {commit(2)}},
                  {commit(4), {commit(2)}},
                  {commit(5), {commit(4)}},
                  {commit(6), {commit(3), commit(5)}},
                  {commit(7), {commit(6)}}});
}

TEST(SplitWalk, BringsParentsBeforeChildren) {
  const History history = merged();
  SplitWalk walk(history, {commit(7)});
  EXPECT_EQ(walk.remaining(), 7u);
  EXPECT_THAT(walk.next(history, 3), ElementsAre(commit(3)));
  walk.settle(3);
  EXPECT_THAT(walk.next(history, 1), ElementsAre(commit(4)));
  EXPECT_THAT(walk.next(history, 3), ElementsAre(commit(6)));
  walk.settle(3);
  EXPECT_THAT(walk.next(history, 100), ElementsAre(commit(7)));
  walk.settle(1);
  EXPECT_THAT(walk.next(history, 1), IsEmpty());
}

TEST(SplitWalk, APartThatEndsBetweenTwoLinesHasATipOfEach) {
  const History history = merged();
  SplitWalk walk(history, {commit(3), commit(5)});
  EXPECT_EQ(walk.remaining(), 5u);
  EXPECT_THAT(walk.next(history, 4), ElementsAre(commit(3), commit(4)));
}

TEST(SplitWalk, PassesOverWhatTheHistoryDoesNotHold) {
  const History history(History::Links{{commit(9), {commit(8)}}});
  const SplitWalk walk(history, {commit(9), commit(4)});
  EXPECT_EQ(walk.remaining(), 1u);
  EXPECT_THAT(walk.next(history, 5), ElementsAre(commit(9)));
}

TEST(SplitWalk, AVeryLongLineIsNoDeepRecursion) {
  History::Links links;
  for (unsigned i = 1; i < 100'000; ++i) links[commit(i)] = {commit(i - 1)};
  const History history(std::move(links));
  EXPECT_EQ(SplitWalk(history, {commit(99'999)}).remaining(), 99'999u);
}

TEST(SplitWalk, TheNextPartFollowsTheRateOfTheLast) {
  EXPECT_EQ(next_part(1000, 1'000'000, 1'000'000), 750u);
  EXPECT_EQ(next_part(1000, 4'000'000, 1'000'000), 187u);
  EXPECT_EQ(next_part(1000, 10, 1'000'000), 4000u);
  EXPECT_EQ(next_part(1, 1'000'000'000, 1'000), 1u);
  EXPECT_EQ(next_part(5, 0, 1'000), 20u);
}

}  // namespace
}  // namespace packferry
