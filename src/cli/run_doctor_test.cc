#include <gmock/gmock.h>

#include "testing/run_fixture.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::RunTest;

class RunDoctorTest : public RunTest {
 protected:
  const std::vector<std::string> kAll = {"doctor",  "--store",       "/vault", "--source",
                                         "/source", "--destination", "/east"};
};

TEST_F(RunDoctorTest, WhatIsAsItShouldBeIsReported) {
  stores_are_locked = true;
  expect_golden_reports("doctor_well", kAll, ExitStatus::Done, [&] { stores.clear(); });
}

TEST_F(RunDoctorTest, WhatIsNotIsReportedWithWhatToDo) {
  source.listing_error = Error(ErrorKind::Denied, "list fake://source: HTTP 403; check the role");
  east.capabilities = {"report-status"};
  expect_golden_reports("doctor_ill", kAll, ExitStatus::Failed, [&] { stores.clear(); });
}

TEST_F(RunDoctorTest, WhatCannotBeReachedDoesNotHideTheRest) {
  EXPECT_EQ(run({"doctor", "--source", "/nobody", "--destination", "/west"}), ExitStatus::Failed);
  EXPECT_THAT(out.said, HasSubstr("cannot         reach it"));
  EXPECT_THAT(out.said, HasSubstr("lets a push begin"));
}

TEST_F(RunDoctorTest, QuietSaysOnlyWhatIsWrong) {
  EXPECT_EQ(run({"doctor", "--store", "/vault", "--may-delete", "--quiet"}), ExitStatus::Done);
  EXPECT_EQ(out.said, "all is as it should be\n");
  EXPECT_EQ(run({"doctor", "--store", "/vault", "--quiet"}), ExitStatus::Failed);
  EXPECT_THAT(out.said, HasSubstr("can delete"));
  EXPECT_THAT(out.said, Not(HasSubstr("lists it")));
}

TEST_F(RunDoctorTest, AWrongConfigurationIsReportedBeforeAnybodyIsAsked) {
  ends_error = Error(ErrorKind::Invalid, "--credentials /etc/secret: others can read it; chmod 600 it");
  EXPECT_EQ(run(kAll), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("chmod 600"));
  EXPECT_EQ(out.said, "");
}

TEST_F(RunDoctorTest, WhatItLeavesBehindIsNoBackupAndStaysOutOfTheirWay) {
  stores_are_locked = true;
  ASSERT_EQ(run({"doctor", "--store", "/vault"}), ExitStatus::Done);
  ASSERT_EQ(run({"backup", "/source", "--to", "/vault", "--name", "doctor"}), ExitStatus::Done) << err.said;
  ASSERT_EQ(run({"doctor", "--store", "/vault"}), ExitStatus::Done);
  stores_are_locked = false;
  EXPECT_EQ(run({"snapshots", "/vault"}), ExitStatus::Done);
  EXPECT_THAT(out.said, Not(HasSubstr("Z-2")));
  EXPECT_EQ(run({"verify", "/vault"}), ExitStatus::Done) << out.said;
  clock.advance(std::chrono::hours(100));
  EXPECT_EQ(run({"prune", "/vault", "--keep-last", "1"}), ExitStatus::Done);
  EXPECT_EQ(must(stores.at("/vault").list("doctor/", {})).size(), 2u);
}

}  // namespace
}  // namespace packferry
