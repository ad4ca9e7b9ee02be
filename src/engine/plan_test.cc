#include "engine/plan.h"

#include <gtest/gtest.h>

#include "testing/fake_ends.h"

namespace packferry {
namespace {

using testing::commit;
using testing::must;
using testing::ref_name;
using testing::refs_at;

using Tips = std::map<std::string, unsigned>;

// One situation, said in few words; everything unsaid is ordinary.
struct Situation {
  Tips source;
  Tips destination;
  Policy policy = {};
  HostProfile profile = {};
  std::vector<std::string> rewound = {};                                   // the other updates are fast-forwards
  std::optional<std::vector<unsigned>> unknown = std::vector<unsigned>();  // to the source; nullopt: cannot be asked
  std::string head = "refs/heads/main";
  std::string approved = {};
};

Plan plan_of(const Situation& now) {
  const RefMap offered = refs_at(now.source);
  const RefMap held = refs_at(now.destination);
  std::vector<AncestryAnswer> ancestry;
  for (const RefUpdate& update : questions_for(offered, held, now.policy)) {
    const bool rewound = std::find(now.rewound.begin(), now.rewound.end(), update.name.text()) != now.rewound.end();
    ancestry.push_back({update.name, rewound ? Ancestry::Rewind : Ancestry::FastForward});
  }
  std::optional<std::unordered_set<Oid>> known;
  if (now.unknown) {
    known.emplace();
    for (const Oid& oid : overwritten_by(offered, held, now.policy, ancestry)) known->insert(oid);
    for (const unsigned number : *now.unknown) known->erase(commit(number));
  }
  return plan_leg({.offered = offered,
                   .head = Head{.target = ref_name(now.head), .oid = std::nullopt},
                   .held = held,
                   .policy = now.policy,
                   .profile = now.profile,
                   .ancestry = ancestry,
                   .known_to_source = known,
                   .kept_stamp = "20261122T134500Z",
                   .approved = now.approved});
}

// "create refs/heads/main, …": a list of updates in one line.
std::string said(const std::vector<PlannedUpdate>& updates) {
  std::string text;
  for (const PlannedUpdate& planned : updates)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(planned.change), planned.update.name.text());
  return text;
}

std::string said(const std::vector<Withheld>& updates) {
  std::string text;
  for (const Withheld& withheld : updates)
    text += fmt::format("{}{} {}: {}", text.empty() ? "" : ", ", to_string(withheld.change),
                        withheld.update.name.text(), to_string(withheld.objection));
  return text;
}

Tips many(std::string_view prefix, unsigned count, unsigned first = 100) {
  Tips tips;
  for (unsigned i = 0; i < count; ++i) tips[fmt::format("{}{:04}", prefix, i)] = first + i;
  return tips;
}

Tips with(Tips tips, const Tips& more) {
  tips.insert(more.begin(), more.end());
  return tips;
}

TEST(Plan, EqualSidesNeedNothing) {
  const Plan plan = plan_of({.source = {{"refs/heads/main", 1}}, .destination = {{"refs/heads/main", 1}}});
  EXPECT_TRUE(plan.is_empty());
  EXPECT_EQ(plan.unchanged, 1u);
  EXPECT_FALSE(plan.is_held());
}

TEST(Plan, FollowsTheSource) {
  const struct {
    const char* what;
    Situation now;
    const char *keep, *clear, *carry, *remove, *withheld;
  } cases[] = {
      {"first time",
       {.source = {{"refs/heads/main", 1}, {"refs/tags/v1", 2}}, .destination = {}},
       "",
       "",
       "create refs/heads/main, create refs/tags/v1",
       "",
       ""},
      {"one new commit",
       {.source = {{"refs/heads/main", 2}}, .destination = {{"refs/heads/main", 1}}},
       "",
       "",
       "fast-forward refs/heads/main",
       "",
       ""},
      {"a branch that went away",
       {.source = {{"refs/heads/main", 1}}, .destination = {{"refs/heads/main", 1}, {"refs/heads/old", 2}}},
       "keep refs/packferry/kept/20261122T134500Z/heads/old",
       "",
       "",
       "delete refs/heads/old",
       ""},
      {"a force-push",
       {.source = {{"refs/heads/main", 2}}, .destination = {{"refs/heads/main", 1}}, .rewound = {"refs/heads/main"}},
       "keep refs/packferry/kept/20261122T134500Z/heads/main",
       "",
       "rewind refs/heads/main",
       "",
       ""},
      {"a ref of the destination's own, outside the selection",
       {.source = {{"refs/heads/main", 1}}, .destination = {{"refs/heads/main", 1}, {"refs/notes/commits", 2}}},
       "",
       "",
       "",
       "",
       ""},
      {"a directory where a branch was",
       {.source = {{"refs/heads/a/b", 1}, {"refs/heads/main", 2}},
        .destination = {{"refs/heads/a", 1}, {"refs/heads/main", 2}}},
       "keep refs/packferry/kept/20261122T134500Z/heads/a",
       "delete refs/heads/a",
       "create refs/heads/a/b",
       "",
       ""},
      {"a branch where a directory was",
       {.source = {{"refs/heads/a", 1}, {"refs/heads/main", 2}},
        .destination = {{"refs/heads/a/b", 1}, {"refs/heads/a/c", 2}, {"refs/heads/main", 2}}},
       "keep refs/packferry/kept/20261122T134500Z/heads/a/b, keep refs/packferry/kept/20261122T134500Z/heads/a/c",
       "delete refs/heads/a/b, delete refs/heads/a/c",
       "create refs/heads/a",
       "",
       ""},
      {"fast-forward leaves a diverged ref alone, the rest goes on",
       {.source = {{"refs/heads/main", 2}, {"refs/heads/new", 3}},
        .destination = {{"refs/heads/main", 1}},
        .policy = {.follow = FollowMode::FastForward},
        .rewound = {"refs/heads/main"}},
       "",
       "",
       "create refs/heads/new",
       "",
       "rewind refs/heads/main: diverged"},
      {"additive deletes nothing",
       {.source = {{"refs/heads/main", 2}},
        .destination = {{"refs/heads/main", 1}, {"refs/heads/theirs", 5}},
        .policy = {.follow = FollowMode::Additive}},
       "",
       "",
       "fast-forward refs/heads/main",
       "",
       "delete refs/heads/theirs: destination-only"},
      {"what additive does not delete can stand in the way",
       {.source = {{"refs/heads/a/b", 1}, {"refs/heads/main", 2}},
        .destination = {{"refs/heads/a", 1}, {"refs/heads/main", 2}},
        .policy = {.follow = FollowMode::Additive}},
       "",
       "",
       "",
       "",
       "delete refs/heads/a: destination-only, create refs/heads/a/b: name-conflict"},
      {"old tips are given up when told so",
       {.source = {{"refs/heads/main", 1}},
        .destination = {{"refs/heads/main", 1}, {"refs/heads/old", 2}},
        .policy = {.keep_old_tips = false}},
       "",
       "",
       "",
       "delete refs/heads/old",
       ""},
      {"a destination that never loses any needs no names for them",
       {.source = {{"refs/heads/main", 1}},
        .destination = {{"refs/heads/main", 1}, {"refs/heads/old", 2}},
        .profile = {.keeps_old_tips = true}},
       "",
       "",
       "",
       "delete refs/heads/old",
       ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const Plan plan = plan_of(c.now);
    EXPECT_EQ(said(plan.keep), c.keep);
    EXPECT_EQ(said(plan.clear), c.clear);
    EXPECT_EQ(said(plan.carry), c.carry);
    EXPECT_EQ(said(plan.remove), c.remove);
    EXPECT_EQ(said(plan.withheld), c.withheld);
    EXPECT_FALSE(plan.is_held());
  }
}

TEST(Plan, HoldsWhatIsDangerousAndLetsTheRestGo) {
  const Tips hundred = many("refs/heads/b", 100);
  const struct {
    const char* what;
    Situation now;
    const char* carry;
    Objection objection;
    std::size_t withheld;
  } cases[] = {
      {"an empty source", {.source = {}, .destination = {{"refs/heads/main", 1}}}, "", Objection::EmptySource, 1},
      {"the default branch gone",
       {.source = {{"refs/heads/x", 1}}, .destination = {{"refs/heads/main", 1}, {"refs/heads/x", 1}}},
       "",
       Objection::DefaultBranchGone,
       1},
      {"eleven of a hundred deleted",
       {.source = with(many("refs/heads/b", 89), {{"refs/heads/new", 7}}), .destination = hundred},
       "create refs/heads/new",
       Objection::MassDeletion,
       11},
      {"six of six, though few",
       {.source = {{"refs/heads/main", 1}}, .destination = with({{"refs/heads/main", 1}}, many("refs/heads/b", 6))},
       "",
       Objection::MassDeletion,
       6},
      {"another repository",
       {.source = {{"refs/heads/main", 1}},
        .destination = {{"refs/heads/main", 2}},
        .rewound = {"refs/heads/main"},
        .unknown = std::vector<unsigned>{2}},
       "",
       Objection::FirstContact,
       1},
      {"another repository, and the source cannot be asked",
       {.source = {{"refs/heads/main", 1}}, .destination = {{"refs/heads/theirs", 2}}, .unknown = std::nullopt},
       "",
       Objection::FirstContact,
       2},
      {"a branch that somebody else made",
       {.source = {{"refs/heads/main", 1}},
        .destination = {{"refs/heads/main", 1}, {"refs/heads/theirs", 9}},
        .unknown = std::vector<unsigned>{9}},
       "",
       Objection::ForeignRef,
       1},
      {"a host that cannot keep the old tip",
       {.source = {{"refs/heads/main", 1}},
        .destination = {{"refs/heads/main", 1}, {"refs/heads/old", 2}},
        .profile = {.takes_kept_refs = false}},
       "",
       Objection::KeptNameRefused,
       1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const Plan plan = plan_of(c.now);
    EXPECT_EQ(said(plan.carry), c.carry);
    EXPECT_EQ(said(plan.keep), "");
    EXPECT_EQ(said(plan.remove), "");
    ASSERT_EQ(plan.withheld.size(), c.withheld);
    for (const Withheld& withheld : plan.withheld) EXPECT_EQ(to_string(withheld.objection), to_string(c.objection));
    EXPECT_TRUE(plan.is_held());
    EXPECT_NE(plan.withheld.front().remedy.find("--"), std::string::npos) << "names the flag that allows it";
  }
}

TEST(Plan, HoldsAMassRewind) {
  Situation now{.source = many("refs/heads/b", 60, 500), .destination = many("refs/heads/b", 60, 100)};
  for (unsigned i = 0; i < 7; ++i) now.rewound.push_back(fmt::format("refs/heads/b{:04}", i));
  Plan plan = plan_of(now);
  EXPECT_EQ(plan.withheld.size(), 7u);
  EXPECT_EQ(to_string(plan.withheld.front().objection), to_string(Objection::MassRewind));
  EXPECT_EQ(plan.carry.size(), 53u);
  now.policy.allow_rewinds = must(Allowance::parse("7"));
  plan = plan_of(now);
  EXPECT_FALSE(plan.is_held());
  EXPECT_EQ(plan.carry.size(), 60u);
  EXPECT_EQ(plan.keep.size(), 7u);
}

TEST(Plan, TheFlagThatAHoldNamesReleasesIt) {
  Situation now{.source = {}, .destination = many("refs/heads/b", 12)};
  Plan plan = plan_of(now);
  ASSERT_TRUE(plan.is_held());
  const std::string& remedy = plan.withheld.front().remedy;
  const std::string flag = "--allow-deletions ";
  const std::size_t at = remedy.find(flag);
  ASSERT_NE(at, std::string::npos) << remedy;
  now.policy.allow_deletions = must(Allowance::parse(remedy.substr(at + flag.size())));
  plan = plan_of(now);
  EXPECT_FALSE(plan.is_held());
  EXPECT_EQ(plan.remove.size(), 12u);
  EXPECT_EQ(plan.keep.size(), 12u);
}

TEST(Plan, AnAllowanceIsNoMoreThanItSays) {
  Situation now{.source = many("refs/heads/b", 80), .destination = many("refs/heads/b", 100)};
  now.policy.allow_deletions = must(Allowance::parse("19"));
  EXPECT_TRUE(plan_of(now).is_held());
  now.policy.allow_deletions = must(Allowance::parse("20"));
  EXPECT_FALSE(plan_of(now).is_held());
  now.policy.allow_deletions = must(Allowance::parse("19%"));
  EXPECT_TRUE(plan_of(now).is_held());
  now.policy.allow_deletions = must(Allowance::parse("20%"));
  EXPECT_FALSE(plan_of(now).is_held());
  now.policy.allow_deletions = must(Allowance::parse("0"));
  now.source = many("refs/heads/b", 99);
  EXPECT_TRUE(plan_of(now).is_held());
}

TEST(Plan, NeverTouchesTheHostsOwnNamespaces) {
  Situation now{.source = {{"refs/heads/main", 1}, {"refs/pull/1/head", 2}},
                .destination = {{"refs/heads/main", 1}, {"refs/pull/9/head", 3}}};
  now.policy.selection = must(RefspecSet::from({must(Refspec::parse("refs/*"))}));
  now.profile.hidden_prefixes = {"refs/pull/"};
  const Plan plan = plan_of(now);
  EXPECT_TRUE(plan.is_empty());
  EXPECT_EQ(said(plan.withheld), "create refs/pull/1/head: hosts-own, delete refs/pull/9/head: hosts-own");
  EXPECT_FALSE(plan.is_held());
}

TEST(Plan, AForcedFirstContactKeepsWhatItOverwrites) {
  Situation now{.source = {{"refs/heads/main", 1}},
                .destination = {{"refs/heads/main", 2}},
                .rewound = {"refs/heads/main"},
                .unknown = std::vector<unsigned>{2}};
  now.policy.ignore_non_empty_destination = true;
  const Plan plan = plan_of(now);
  EXPECT_EQ(said(plan.keep), "keep refs/packferry/kept/20261122T134500Z/heads/main");
  EXPECT_EQ(plan.keep.front().update.new_oid, commit(2));
  EXPECT_EQ(said(plan.carry), "rewind refs/heads/main");
}

Situation mass_deletion() {
  Situation now{.source = {{"refs/heads/main", 1}}, .destination = {{"refs/heads/main", 1}}};
  for (unsigned i = 0; i < 20; ++i) now.destination[fmt::format("refs/heads/b{}", i)] = 100 + i;
  return now;
}

TEST(Plan, WhatAPersonAllowedGoesThroughAndIsKept) {
  Situation now = mass_deletion();
  now.approved = plan_of(now).held_digest();
  EXPECT_EQ(now.approved.size(), 64u);
  const Plan plan = plan_of(now);
  EXPECT_FALSE(plan.is_held());
  EXPECT_EQ(plan.remove.size(), 20u);
  EXPECT_EQ(plan.keep.size(), 20u);
}

TEST(Plan, AnAllowanceIsForOnePlanOnly) {
  Situation now = mass_deletion();
  now.approved = plan_of(now).held_digest();
  Situation more = now;
  more.destination["refs/heads/another"] = 200;
  EXPECT_TRUE(plan_of(more).is_held());
  Situation moved = now;
  moved.destination["refs/heads/b0"] = 300;
  EXPECT_TRUE(plan_of(moved).is_held());
  Situation fewer = now;
  fewer.destination.erase("refs/heads/b0");
  EXPECT_TRUE(plan_of(fewer).is_held());
  EXPECT_EQ(plan_of(fewer).held_digest().size(), 64u);
  Situation nothing = now;
  nothing.destination = nothing.source;
  EXPECT_EQ(plan_of(nothing).held_digest(), "");
}

TEST(Plan, AnAllowanceDoesNotGiveUpOldTips) {
  Situation now = mass_deletion();
  now.profile.takes_kept_refs = false;
  now.approved = plan_of(now).held_digest();
  const Plan plan = plan_of(now);
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_EQ(plan.withheld.front().objection, Objection::KeptNameRefused);
}

TEST(Plan, AnUnansweredQuestionCountsAsARewind) {
  const RefMap offered = refs_at({{"refs/heads/main", 2}});
  const RefMap held = refs_at({{"refs/heads/main", 1}});
  const Policy policy;
  const HostProfile profile;
  const Plan plan = plan_leg({.offered = offered,
                              .head = {},
                              .held = held,
                              .policy = policy,
                              .profile = profile,
                              .ancestry = {},
                              .known_to_source = {},
                              .kept_stamp = "x"});
  // Nothing shows that the two belong together, either.
  EXPECT_EQ(said(plan.withheld), "rewind refs/heads/main: first-contact");
}

TEST(Plan, EveryUpdateNamesTheValueThatWasListed) {
  const Plan plan = plan_of({.source = {{"refs/heads/main", 2}, {"refs/heads/new", 3}},
                             .destination = {{"refs/heads/main", 1}, {"refs/heads/old", 4}}});
  ASSERT_EQ(plan.carry.size(), 2u);
  EXPECT_EQ(plan.carry[0].update, (RefUpdate{ref_name("refs/heads/main"), commit(1), commit(2)}));
  EXPECT_EQ(plan.carry[1].update, (RefUpdate{ref_name("refs/heads/new"), Oid(), commit(3)}));
  ASSERT_EQ(plan.remove.size(), 1u);
  EXPECT_EQ(plan.remove[0].update, (RefUpdate{ref_name("refs/heads/old"), commit(4), Oid()}));
}

TEST(Plan, KeptNamesAreRecognised) {
  const RefName kept = kept_name(ref_name("refs/heads/a/b"), "20261122T134500Z");
  EXPECT_EQ(kept.text(), "refs/packferry/kept/20261122T134500Z/heads/a/b");
  EXPECT_TRUE(is_kept_name_of(kept, ref_name("refs/heads/a/b")));
  EXPECT_FALSE(is_kept_name_of(kept, ref_name("refs/heads/b")));
  EXPECT_FALSE(is_kept_name_of(ref_name("refs/heads/a/b"), ref_name("refs/heads/a/b")));
}

TEST(Haves, NameOldValuesFirstThenWhatBothSidesListThenTheRest) {
  const RefMap offered = refs_at({{"refs/heads/a", 2}, {"refs/heads/t/b", 3}});
  const RefMap held = refs_at({{"refs/heads/a", 1}, {"refs/heads/t/a", 8}, {"refs/heads/t/b", 3}});
  const std::vector<RefUpdate> carry = {{ref_name("refs/heads/a"), commit(1), commit(2)}};
  EXPECT_EQ(choose_haves(carry, offered, held, {commit(9), commit(8)}, 100).all,
            (std::vector<Oid>{commit(1), commit(3), commit(8), commit(9)}));
  EXPECT_EQ(choose_haves(carry, offered, held, {}, 2).all, (std::vector<Oid>{commit(1), commit(3)}));
}

TEST(Haves, TheFewAreOldValuesAndForWhatIsNewTrunks) {
  const RefMap held =
      refs_at({{"refs/heads/main", 5}, {"refs/heads/t/a", 1}, {"refs/heads/t/b", 3}, {"refs/tags/v1", 4}});
  std::vector<RefUpdate> carry = {{ref_name("refs/heads/t/a"), commit(1), commit(2)}};
  EXPECT_EQ(choose_haves(carry, {}, held, {}, 100).few, (std::vector<Oid>{commit(1)}));
  carry.push_back({ref_name("refs/heads/t/c"), Oid(), commit(2)});
  const Haves haves = choose_haves(carry, {}, held, {}, 100);
  EXPECT_EQ(haves.few, (std::vector<Oid>{commit(1), commit(5)}));
  EXPECT_EQ(haves.all.size(), 4u);
}

TEST(Haves, OfSeveralReceiversAreWhatAllHave) {
  Haves haves{.few = {commit(1), commit(2)}, .all = {commit(1), commit(2), commit(3)}};
  haves.keep_common({.few = {commit(2)}, .all = {commit(2), commit(3), commit(4)}});
  EXPECT_EQ(haves.few, (std::vector<Oid>{commit(2)}));
  EXPECT_EQ(haves.all, (std::vector<Oid>{commit(2), commit(3)}));
}

TEST(Haves, NameAnnotatedTagsByTheirCommits) {
  const RefMap held = must(RefMap::from({{ref_name("refs/tags/v1"), commit(5), std::nullopt}}));
  const RefMap offered = must(RefMap::from({{ref_name("refs/tags/v1"), commit(5), commit(4)}}));
  EXPECT_EQ(choose_haves({}, offered, held, {}, 100).all, (std::vector<Oid>{commit(4)}));
}

TEST(Batches, CutAtTheHostsLimit) {
  std::vector<PlannedUpdate> updates;
  for (unsigned i = 0; i < 10; ++i)
    updates.push_back({RefUpdate{ref_name(fmt::format("refs/heads/b{}", i)), Oid(), commit(i)}, Change::Create});
  const auto batches = in_batches(updates, 4);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[2].size(), 2u);
  EXPECT_EQ(in_batches(updates, 0).size(), 1u);
  EXPECT_TRUE(in_batches({}, 4).empty());
}

}  // namespace
}  // namespace packferry
