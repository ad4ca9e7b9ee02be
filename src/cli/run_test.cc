#include "cli/run.h"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "testing/fake_ends.h"
#include "testing/golden.h"
#include "testing/memory_output.h"

namespace packferry {
namespace {

using testing::commit;
using testing::expect_golden;
using testing::FakeDestination;
using testing::FakeSource;
using ::testing::HasSubstr;
using testing::MemoryOutput;
using ::testing::Not;
using testing::ref_name;
using testing::refs_at;

// What the program makes is its own; these are ours and looked at afterwards.
class BorrowedSource final : public Source {
 public:
  BorrowedSource(Source& source, std::string name) : source_(source), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  Result<Listing> refs(const RefspecSet& selection, std::stop_token stop) override {
    return source_.refs(selection, stop);
  }
  Result<std::unique_ptr<PackStream>> pack(FetchRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    return source_.pack(std::move(request), std::move(messages), stop);
  }
  Result<History> history(std::vector<Oid> wants, std::vector<Oid> haves, std::stop_token stop) override {
    return source_.history(std::move(wants), std::move(haves), stop);
  }
  Result<std::vector<AncestryAnswer>> ancestry(const std::vector<RefUpdate>& updates, AncestryDetail detail,
                                               const History& known, std::stop_token stop) override {
    return source_.ancestry(updates, detail, known, stop);
  }
  Result<std::vector<Oid>> known(const std::vector<Oid>& tips, const std::vector<Oid>& candidates,
                                 std::stop_token stop) override {
    return source_.known(tips, candidates, stop);
  }

 private:
  Source& source_;
  const std::string name_;
};

class BorrowedDestination final : public Destination {
 public:
  explicit BorrowedDestination(Destination& destination) : destination_(destination) {}
  std::string name() const override { return destination_.name(); }
  const HostProfile& profile() const override { return destination_.profile(); }
  Result<std::optional<Listing>> refs(std::stop_token stop) override { return destination_.refs(stop); }
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override {
    return destination_.create(format, head, stop);
  }
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    return destination_.open(std::move(request), std::move(messages), stop);
  }
  Result<bool> set_head(const RefName& branch, std::stop_token stop) override {
    return destination_.set_head(branch, stop);
  }

 private:
  Destination& destination_;
};

class RunTest : public ::testing::Test {
 protected:
  RunTest() {
    source.holds = refs_at({{"refs/heads/main", 3}, {"refs/tags/v1", 2}});
    for (unsigned i = 2; i <= 20; ++i) source.parents.emplace(commit(i), commit(i - 1));
  }

  class FakeEnds final : public Ends {
   public:
    explicit FakeEnds(RunTest& test) : test_(test) {}
    Result<std::unique_ptr<Source>> source(const Url& url, Side) override {
      const auto found = test_.sources.find(url.path());
      if (found == test_.sources.end()) return Error(ErrorKind::Invalid, "credentials for {} are missing", url.text());
      return std::make_unique<BorrowedSource>(*found->second, "fake:/" + url.path());
    }
    Result<std::unique_ptr<Destination>> destination(const Url& url) override {
      const auto found = test_.destinations.find(url.path());
      if (found == test_.destinations.end())
        return Error(ErrorKind::Invalid, "credentials for {} are missing", url.text());
      return std::make_unique<BorrowedDestination>(found->second);
    }

   private:
    RunTest& test_;
  };

  ExitStatus run(const std::vector<std::string>& words) {
    out.said.clear();
    err.said.clear();
    const Surroundings around{.out = out,
                              .err = err,
                              .log = log,
                              .clock = clock,
                              .make_ends = [this](const EndOptions& options) -> Result<std::unique_ptr<Ends>> {
                                asked = options;
                                if (ends_error) return Error(*ends_error);
                                return std::make_unique<FakeEnds>(*this);
                              },
                              .version = "1.2.3"};
    return run_packferry(words, around, stop.get_token());
  }
  ExitStatus replicate(std::vector<std::string> words) {
    words.insert(words.begin(), {"replicate", "/source"});
    return run(words);
  }
  // Progress comes from several threads and in any order; errors come at the end.
  std::string errors() const {
    const std::size_t first = err.said.find("packferry: ");
    return first == std::string::npos ? "" : err.said.substr(first);
  }
  // Once for a person and once for a program, each time on the world as `prepare` makes it.
  template <typename Prepare>
  void expect_golden_reports(const std::string& name, const std::vector<std::string>& words, ExitStatus status,
                             const Prepare& prepare) {
    prepare();
    EXPECT_EQ(to_string(run(words)), to_string(status));
    expect_golden("--- standard error\n" + errors() + "--- standard output\n" + out.said, name + ".txt");
    prepare();
    std::vector<std::string> json_words = words;
    json_words.push_back("--json");
    EXPECT_EQ(to_string(run(json_words)), to_string(status));
    expect_golden(out.said, name + ".json");
    EXPECT_EQ(nlohmann::json::parse(out.said).at("exit_status"), static_cast<int>(status));
  }

  MemoryOutput out;
  MemoryOutput err;
  NullLog log;
  FakeClock clock;
  std::stop_source stop;
  FakeSource source;
  FakeSource copy;
  std::map<std::string, FakeSource*, std::less<>> sources = {{"/source", &source}, {"/copy", &copy}};
  std::map<std::string, FakeDestination, std::less<>> destinations = [] {
    std::map<std::string, FakeDestination, std::less<>> made;
    for (const char* name : {"east", "west"})
      made.emplace(std::string("/") + name, FakeDestination(std::string("fake://") + name));
    return made;
  }();
  FakeDestination& east = destinations.at("/east");
  FakeDestination& west = destinations.at("/west");
  std::optional<Error> ends_error;
  EndOptions asked;
};

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

}  // namespace
}  // namespace packferry
