#include "cli/exit_status.h"

#include <gtest/gtest.h>

#include "testing/fake_ends.h"

namespace packferry {
namespace {

CrossingReport report_of(const std::vector<LegStatus>& legs) {
  CrossingReport report;
  for (const LegStatus status : legs) {
    LegReport leg;
    leg.status = status;
    report.legs.push_back(std::move(leg));
  }
  return report;
}

TEST(ExitStatus, FollowsFromTheLegs) {
  const struct {
    std::vector<LegStatus> legs;
    ExitStatus status;
  } cases[] = {
      {{LegStatus::Done}, ExitStatus::Done},
      {{LegStatus::Done, LegStatus::UpToDate}, ExitStatus::Done},
      {{LegStatus::Planned}, ExitStatus::Done},
      {{LegStatus::Done, LegStatus::Held}, ExitStatus::Held},
      {{LegStatus::Partial}, ExitStatus::Partial},
      {{LegStatus::Held, LegStatus::Partial}, ExitStatus::Partial},
      {{LegStatus::Failed}, ExitStatus::Failed},
      {{LegStatus::Failed, LegStatus::Failed}, ExitStatus::Failed},
      {{LegStatus::Failed, LegStatus::Done}, ExitStatus::Partial},
      {{LegStatus::Failed, LegStatus::Held}, ExitStatus::Partial},
  };
  for (const auto& c : cases) EXPECT_EQ(to_string(exit_status_of(report_of(c.legs), false)), to_string(c.status));
}

TEST(ExitStatus, SaysInterruptedOnlyWhenSomethingIsMissing) {
  EXPECT_EQ(exit_status_of(report_of({LegStatus::Done, LegStatus::Failed}), true), ExitStatus::Interrupted);
  EXPECT_EQ(exit_status_of(report_of({LegStatus::Done}), true), ExitStatus::Done);
  CrossingReport unlisted;
  unlisted.error = Error(ErrorKind::Cancelled, "stopped");
  EXPECT_EQ(exit_status_of(unlisted, true), ExitStatus::Interrupted);
  EXPECT_EQ(exit_status_of(unlisted, false), ExitStatus::Failed);
}

TEST(ExitStatus, ADryRunIsHeldWhenTheRealOneWouldBe) {
  CrossingReport report = report_of({LegStatus::Planned});
  const RefUpdate update{testing::ref_name("refs/heads/a"), testing::commit(1), Oid()};
  report.legs[0].refs = {{.update = update, .objection = Objection::Diverged, .reason = {}}};
  EXPECT_EQ(exit_status_of(report, false), ExitStatus::Done);
  report.legs[0].refs = {{.update = update, .objection = Objection::MassDeletion, .reason = {}}};
  EXPECT_EQ(exit_status_of(report, false), ExitStatus::Held);
}

}  // namespace
}  // namespace packferry
