#include "service/refusal.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

RefResult ref(const std::string& name, RefOutcome outcome, std::optional<Objection> objection = {}) {
  return {.update = {.name = must(RefName::parse("refs/heads/" + name)), .old_oid = Oid(), .new_oid = Oid()},
          .change = Change::Create,
          .outcome = outcome,
          .objection = objection,
          .reason = "why of " + name};
}

std::string refusal(std::vector<RefResult> refs) {
  LegReport leg;
  leg.refs = std::move(refs);
  const std::optional<Error> why = refusal_of(leg);
  return why ? why->message() : "";
}

TEST(Refusal, IsSaidInTheWordsOfTheFirstRefThatWasStopped) {
  const RefResult done = ref("a", RefOutcome::Confirmed);
  EXPECT_EQ(refusal({done}), "");
  EXPECT_EQ(refusal({done, ref("b", RefOutcome::Rejected)}), "refs/heads/b: why of b");
  EXPECT_EQ(refusal({ref("b", RefOutcome::NotDone), done, ref("c", RefOutcome::Rejected)}),
            "refs/heads/b: why of b; and 1 more ref");
  EXPECT_EQ(refusal({ref("b", RefOutcome::NotDone), ref("c", RefOutcome::Rejected), ref("d", RefOutcome::Rejected)}),
            "refs/heads/b: why of b; and 2 more refs");
}

TEST(Refusal, WhatThePolicyLeavesAloneIsNone) {
  EXPECT_EQ(refusal({ref("a", RefOutcome::Withheld, Objection::Diverged),
                     ref("b", RefOutcome::Withheld, Objection::DestinationOnly)}),
            "");
  EXPECT_EQ(refusal({ref("a", RefOutcome::Withheld, Objection::Diverged),
                     ref("b", RefOutcome::Withheld, Objection::MassDeletion)}),
            "refs/heads/b: why of b");
  EXPECT_EQ(refusal({ref("a", RefOutcome::Withheld, Objection::NameConflict)}), "refs/heads/a: why of a");
}

TEST(Refusal, TheLegsOwnErrorGoesFirst) {
  LegReport leg;
  leg.error = Error(ErrorKind::Unavailable, "cut");
  leg.refs = {ref("a", RefOutcome::Rejected)};
  EXPECT_EQ(refusal_of(leg)->kind(), ErrorKind::Unavailable);
}

}  // namespace
}  // namespace packferry
