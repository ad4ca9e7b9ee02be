#include "remote/ancestry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remote/process_transport.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using testing::GitSandbox;
using ::testing::IsEmpty;
using testing::must;

RefName name(std::string_view text) { return must(RefName::parse(text)); }
Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }

// main: one - two - three; side: one - four (made by a rewind of a copy of main)
class AncestryTest : public ::testing::Test {
 protected:
  GitSandbox git;
  Oid one, two, three, four;
  History known;

  AncestryTest() {
    one = oid(git.commit("r", "main", "one"));
    two = oid(git.commit("r", "main", "two"));
    three = oid(git.commit("r", "main", "three"));
    git.git("r", {"branch", "side", one.hex()});
    four = oid(git.commit("r", "side", "four"));
  }

  std::vector<Ancestry> ask(std::vector<std::pair<Oid, Oid>> moves, AncestryDetail detail, int protocol = 2) {
    std::vector<RefUpdate> updates;
    for (std::size_t i = 0; i < moves.size(); ++i)
      updates.push_back({name("refs/heads/" + std::to_string(i)), moves[i].first, moves[i].second});
    Remote source(make_local_transport(must(Url::parse(git.path("r").string())), git.environment(), Patience{}),
                  protocol);
    std::vector<Ancestry> answers;
    for (const AncestryAnswer& answer : must(ask_ancestry(source, updates, detail, known, {})))
      answers.push_back(answer.ancestry);
    return answers;
  }
};

constexpr Ancestry kForward = Ancestry::FastForward;
constexpr Ancestry kRewind = Ancestry::Rewind;

TEST_F(AncestryTest, AgreesWithMergeBase) {
  const Oid all[] = {one, two, three, four};
  for (const Oid& from : all) {
    for (const Oid& to : all) {
      const bool forward = git.try_git("r", {"merge-base", "--is-ancestor", from.hex(), to.hex()}).code == 0;
      for (const int protocol : {2, 0}) {
        EXPECT_THAT(ask({{from, to}}, AncestryDetail::EachRef, protocol), ElementsAre(forward ? kForward : kRewind))
            << from.hex() << " to " << to.hex() << ", protocol " << protocol;
      }
    }
  }
}

TEST_F(AncestryTest, WhatTwoBranchesExchangeIsNotLost) {
  const std::vector<std::pair<Oid, Oid>> swapped = {{three, four}, {four, three}};
  EXPECT_THAT(ask(swapped, AncestryDetail::NothingLost), ElementsAre(kForward, kForward));
  EXPECT_THAT(ask(swapped, AncestryDetail::EachRef), ElementsAre(kRewind, kRewind));
}

TEST_F(AncestryTest, FindsTheLossyOnesAmongMany) {
  std::vector<std::pair<Oid, Oid>> moves(9, {one, two});
  moves[2] = {three, two};
  moves[7] = {four, two};
  for (const AncestryDetail detail : {AncestryDetail::NothingLost, AncestryDetail::EachRef}) {
    EXPECT_THAT(ask(moves, detail),
                ElementsAre(kForward, kForward, kRewind, kForward, kForward, kForward, kForward, kRewind, kForward));
  }
}

TEST_F(AncestryTest, WhatTheSourceDoesNotHaveIsUnknown) {
  const Oid gone = oid("1111111111111111111111111111111111111111");
  EXPECT_THAT(ask({{gone, three}, {one, three}}, AncestryDetail::NothingLost),
              ElementsAre(Ancestry::Unknown, kForward));
}

TEST_F(AncestryTest, AnObjectThatNoRefReachesIsAnsweredFor) {
  git.git("r", {"update-ref", "refs/heads/main", two.hex()});
  for (const int protocol : {2, 0}) {
    EXPECT_THAT(ask({{three, two}}, AncestryDetail::EachRef, protocol), ElementsAre(kRewind));
    EXPECT_THAT(ask({{one, two}}, AncestryDetail::EachRef, protocol), ElementsAre(kForward));
  }
}

TEST_F(AncestryTest, AMovedTagIsARewindOfItsOldTag) {
  git.git("r", {"tag", "-a", "-m", "first", "v1", "main"});
  const Oid old = oid(git.git("r", {"rev-parse", "v1"}));
  git.git("r", {"tag", "-f", "-a", "-m", "second", "v1", "main"});
  const Oid now = oid(git.git("r", {"rev-parse", "v1"}));
  EXPECT_THAT(ask({{old, now}}, AncestryDetail::NothingLost), ElementsAre(kRewind));
}

// Nobody is asked what is known: here the source could not say, since it has neither.
TEST_F(AncestryTest, WhatHistoryShowsIsNotAsked) {
  const Oid gone = oid("1111111111111111111111111111111111111111");
  const Oid never = oid("2222222222222222222222222222222222222222");
  known = History(History::Links{{never, {gone}}});
  for (const AncestryDetail detail : {AncestryDetail::NothingLost, AncestryDetail::EachRef}) {
    EXPECT_THAT(ask({{gone, never}}, detail), ElementsAre(kForward));
    EXPECT_THAT(ask({{gone, never}, {three, two}, {one, two}}, detail), ElementsAre(kForward, kRewind, kForward));
  }
}

// What one branch loses may be in the new value of another, also of one that is not asked about.
TEST_F(AncestryTest, WhatHistoryShowsCountsForTheOthers) {
  known = History(History::Links{{three, {two}}});
  EXPECT_THAT(ask({{two, three}, {two, one}}, AncestryDetail::NothingLost), ElementsAre(kForward, kForward));
  EXPECT_THAT(ask({{two, three}, {two, one}}, AncestryDetail::EachRef), ElementsAre(kForward, kRewind));
}

TEST_F(AncestryTest, CreationsAndDeletionsAreNoQuestion) {
  EXPECT_THAT(ask({{Oid(), one}, {one, Oid()}}, AncestryDetail::NothingLost), IsEmpty());
  EXPECT_THAT(ask({{Oid(), one}, {one, two}}, AncestryDetail::NothingLost), ElementsAre(kForward));
}

}  // namespace
}  // namespace packferry
