#include "cli/run.h"

#include <gmock/gmock.h>

#include <map>

#include "io/file.h"
#include "testing/run_fixture.h"

namespace packferry {
namespace {

using testing::commit;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using testing::refs_at;
using testing::RunTest;

TEST_F(RunTest, AFirstReplicationIsReported) {
  expect_golden_reports("replicate_first", {"replicate", "/source", "/east", "/west"}, ExitStatus::Done, [&] {
    east.holds = {};
    west.holds = {};
  });
}

TEST_F(RunTest, NothingToDoIsReported) {
  expect_golden_reports("replicate_up_to_date", {"replicate", "/source", "/east"}, ExitStatus::Done,
                        [&] { east.holds = source.holds; });
}

TEST_F(RunTest, EveryKindOfChangeIsReported) {
  source.holds = refs_at({{"refs/heads/main", 7},
                          {"refs/heads/back", 2},
                          {"refs/heads/new", 7},
                          {"refs/heads/same", 1},
                          {"refs/tags/v1", 2}});
  expect_golden_reports("replicate_changes", {"replicate", "/source", "/east"}, ExitStatus::Done, [&] {
    east.holds = refs_at({{"refs/heads/main", 5},
                          {"refs/heads/back", 6},
                          {"refs/heads/gone", 4},
                          {"refs/heads/same", 1},
                          {"refs/tags/v1", 2}});
  });
}

TEST_F(RunTest, ADryRunIsReportedAndChangesNothing) {
  source.holds = refs_at({{"refs/heads/main", 7}, {"refs/heads/back", 2}});
  expect_golden_reports("replicate_dry_run", {"replicate", "/source", "/east", "--dry-run"}, ExitStatus::Done, [&] {
    east.holds = refs_at({{"refs/heads/main", 5}, {"refs/heads/back", 6}, {"refs/heads/gone", 4}});
  });
  EXPECT_TRUE(east.pushes.empty());
}

TEST_F(RunTest, WhatTheGuardHoldsIsReportedWithTheFlagThatAllowsIt) {
  std::map<std::string, unsigned> many = {{"refs/heads/main", 3}};
  for (unsigned i = 0; i < 30; ++i) many.emplace(fmt::format("refs/heads/topic-{:02}", i), 2);
  expect_golden_reports("replicate_held", {"replicate", "/source", "/east"}, ExitStatus::Held,
                        [&] { east.holds = refs_at(many); });
  EXPECT_THAT(out.said, HasSubstr("--allow-deletions 30"));
}

TEST_F(RunTest, AForeignDestinationIsHeld) {
  expect_golden_reports("replicate_foreign", {"replicate", "/source", "/east"}, ExitStatus::Held, [&] {
    east.holds = refs_at({{"refs/heads/main", 100}, {"refs/heads/other", 101}});
  });
}

TEST_F(RunTest, DivergedRefsAreLeftAloneAndReported) {
  source.holds = refs_at({{"refs/heads/main", 7}, {"refs/heads/back", 2}});
  expect_golden_reports(
      "replicate_diverged", {"replicate", "/source", "/east", "--policy", "additive"}, ExitStatus::Done, [&] {
        east.holds = refs_at({{"refs/heads/main", 5}, {"refs/heads/back", 6}, {"refs/heads/gone", 4}});
      });
}

TEST_F(RunTest, RefsThatTheHostRefusesAreReportedWithItsWords) {
  expect_golden_reports("replicate_refused", {"replicate", "/source", "/east"}, ExitStatus::Partial, [&] {
    east.holds = {};
    east.refuses = {{"refs/tags/", "pre-receive hook declined \x1b[31m"}};
  });
  EXPECT_THAT(out.said + err.said, Not(HasSubstr("\x1b")));
}

TEST_F(RunTest, ADestinationThatFailsIsReportedAndTheOthersAreDone) {
  expect_golden_reports("replicate_one_fails", {"replicate", "/source", "/east", "/west"}, ExitStatus::Partial, [&] {
    east.holds = {};
    west.listing_error =
        Error(ErrorKind::Denied, "fake://west: the host answered 401; give credentials in PACKFERRY_TOKEN_DESTINATION");
  });
}

TEST_F(RunTest, ASourceThatCannotBeListedIsReported) {
  source.listing_error = Error(ErrorKind::Throttled, "429 Too Many Requests").retry_after(Milliseconds(30'000));
  expect_golden_reports("replicate_no_source", {"replicate", "/source", "/east"}, ExitStatus::Failed, [] {});
}

TEST_F(RunTest, AWrongConfigurationIsReportedBeforeAnybodyIsAsked) {
  ends_error = Error(ErrorKind::Invalid, "--credentials /etc/secret: others can read it; chmod 600 it");
  expect_golden_reports("replicate_configuration", {"replicate", "/source", "/east"}, ExitStatus::Usage, [] {});
  ends_error.reset();
  EXPECT_EQ(replicate({"/unknown"}), ExitStatus::Usage);
  EXPECT_EQ(source.listings, 0u);
}

TEST_F(RunTest, AnInterruptIsAnExitStatusOfItsOwn) {
  source.on_listing = [&] {
    stop.request_stop();
    source.listing_error = Error(ErrorKind::Cancelled, "stopped");
  };
  EXPECT_EQ(replicate({"/east"}), ExitStatus::Interrupted);
  EXPECT_THAT(out.said, HasSubstr("interrupted"));
  EXPECT_THAT(err.said, HasSubstr("packferry: stopping; once more to stop at once\n"));
  EXPECT_EQ(run({"refs", "/source"}), ExitStatus::Interrupted);
  EXPECT_EQ(run({"compare", "/source", "/copy"}), ExitStatus::Interrupted);
}

TEST_F(RunTest, QuietSaysOnlyTheLastLineAndErrors) {
  EXPECT_EQ(replicate({"/east", "--quiet"}), ExitStatus::Done);
  EXPECT_EQ(out.said, "done: 1 of 1 destination confirmed\n");
  EXPECT_EQ(err.said, "");
  west.listing_error = Error(ErrorKind::Unavailable, "connection refused");
  EXPECT_EQ(replicate({"/west", "--quiet"}), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("packferry: error: fake://west: list refs: connection refused\n"));
}

TEST_F(RunTest, ColorIsForTerminalsUnlessAskedFor) {
  EXPECT_EQ(replicate({"/east"}), ExitStatus::Done);
  EXPECT_THAT(out.said, Not(HasSubstr("\x1b[")));
  EXPECT_EQ(replicate({"/east", "--color", "always"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("\x1b[32mup to date\x1b[0m"));
  out.terminal = Window{};
  EXPECT_EQ(replicate({"/east"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("\x1b[32m"));
  EXPECT_EQ(replicate({"/east", "--color", "never"}), ExitStatus::Done);
  EXPECT_THAT(out.said, Not(HasSubstr("\x1b[")));
}

TEST_F(RunTest, ATerminalShowsLinesThatAreRedrawn) {
  err.terminal = Window{};
  EXPECT_EQ(replicate({"/east"}), ExitStatus::Done);
  EXPECT_THAT(err.said, HasSubstr("\x1b[?7l"));
  EXPECT_THAT(err.said, HasSubstr("east  \x1b[32mdone\x1b[0m\n"));
}

TEST_F(RunTest, APasswordInAnAddressIsWarnedOfAndNeverShown) {
  EXPECT_EQ(run({"refs", "https://ann:canary@host/source"}), ExitStatus::Done);
  EXPECT_THAT(err.said, HasSubstr("warning: the password in "));
  EXPECT_THAT(out.said + err.said, Not(HasSubstr("canary")));
}

TEST_F(RunTest, AReportThatCannotBeWrittenIsAFailure) {
  out.error = Error(ErrorKind::Exhausted, "standard output: No space left on device");
  EXPECT_EQ(replicate({"/east"}), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("write the report: standard output: No space left on device"));
}

TEST_F(RunTest, RefsShowsWhatAHostShows) {
  expect_golden_reports("refs", {"refs", "/source"}, ExitStatus::Done, [] {});
  EXPECT_EQ(run({"refs", "/source", "--quiet"}), ExitStatus::Done);
  EXPECT_EQ(out.said, commit(3).hex() + "\trefs/heads/main\n" + commit(2).hex() + "\trefs/tags/v1\n");
  source.listing_error = Error(ErrorKind::NotFound, "no such repository");
  expect_golden_reports("refs_failed", {"refs", "/source"}, ExitStatus::Failed, [] {});
}

TEST_F(RunTest, CompareSaysWhetherTheyAreTheSame) {
  copy.holds = source.holds;
  expect_golden_reports("compare_same", {"compare", "/source", "/copy"}, ExitStatus::Done, [] {});
  copy.holds = refs_at({{"refs/heads/main", 2}, {"refs/heads/more", 1}, {"refs/pull/1/head", 9}});
  expect_golden_reports("compare_differs", {"compare", "/source", "/copy"}, ExitStatus::Differs, [] {});
  EXPECT_EQ(run({"compare", "/source", "/copy", "--ref", "tags/none"}), ExitStatus::Done);
  EXPECT_EQ(run({"compare", "/source", "/copy", "--ref", "other:main", "--quiet"}), ExitStatus::Differs);
  EXPECT_EQ(out.said, "they differ\n");
  copy.listing_error = Error(ErrorKind::Unavailable, "connection refused");
  expect_golden_reports("compare_failed", {"compare", "/source", "/copy"}, ExitStatus::Failed, [] {});
}

TEST_F(RunTest, AJsonReportEscapesWhatIsNoText) {
  source.holds = refs_at({{"refs/heads/caf\xc3\xa9", 1}, {"refs/heads/\xff", 2}});
  EXPECT_EQ(run({"refs", "/source", "--json"}), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("\"refs/heads/café\""));
  EXPECT_THAT(out.said, HasSubstr(R"("refs/heads/\\xff")"));
}

TEST_F(RunTest, ADocumentGoesToStandardOutputOrIntoAFile) {
  const std::vector<std::string> words = {"setup", "event-rule", "--document", "schedule"};
  EXPECT_EQ(run(words), ExitStatus::Done);
  EXPECT_THAT(out.said, HasSubstr("\"ScheduleExpression\": \"rate(1 day)\""));
  const std::string printed = out.said;

  const auto into = [&](const std::string& path) {
    std::vector<std::string> more = words;
    more.insert(more.end(), {"--output", path});
    return run(more);
  };
  const std::string path = sandbox.path("rule.json").string();
  EXPECT_EQ(into(path), ExitStatus::Done);
  EXPECT_EQ(out.said, "");
  EXPECT_EQ(as_text(must(read_all(*must(open_file(path)), 10'000))), printed);

  EXPECT_EQ(into(sandbox.path("none/rule.json").string()), ExitStatus::Failed);
  EXPECT_THAT(err.said, HasSubstr("none"));
}

}  // namespace
}  // namespace packferry
