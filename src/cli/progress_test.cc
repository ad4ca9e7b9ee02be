#include "cli/progress.h"

#include <gmock/gmock.h>

#include <thread>

#include "testing/fake_ends.h"
#include "testing/memory_output.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::MemoryOutput;
using testing::must;
using ::testing::Not;
using Kind = CrossingEvent::Kind;

class MemoryLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    said += event;
    for (const LogField& field : fields) said += fmt::format(" {}={}", field.key, field.value);
    said += "\n";
  }
  std::string said;
};

class ProgressTest : public ::testing::Test {
 protected:
  void tell_a_crossing(Progress& progress) {
    Plan plan;
    plan.carry = {{{testing::ref_name("refs/heads/main"), Oid(), testing::commit(1)}, Change::Create}};
    LegReport report;
    report.status = LegStatus::Done;
    progress.on_event({.kind = Kind::LegListed, .leg = 0, .count = 0});
    progress.on_event({.kind = Kind::SourceListed, .count = 12});
    progress.on_event({.kind = Kind::LegPlanned, .leg = 0, .plan = &plan});
    progress.on_event({.kind = Kind::StepStarted, .leg = 0, .text = "carrying", .count = 1});
    progress.on_event({.kind = Kind::RemoteMessage, .text = "Counting objects:  50% (1/2)"});
    progress.on_event({.kind = Kind::RemoteMessage, .text = "Counting objects: 100% (2/2), done."});
    progress.on_event({.kind = Kind::PackStarted, .leg = 0, .objects = 1234});
    for (std::uint64_t i = 1; i <= 25; ++i) {
      clock.advance(Milliseconds(1'000));
      progress.on_event({.kind = Kind::PackMoved, .leg = 0, .bytes = i << 20, .objects = 1234});
    }
    progress.on_event({.kind = Kind::RemoteMessage, .leg = 0, .text = "Create a merge request: https://host/new"});
    progress.on_event({.kind = Kind::LegFinished, .leg = 0, .report = &report});
    progress.end();
  }

  FakeClock clock;
  MemoryOutput output;
  const Labels labels{.source = "web", .legs = {"mirror"}};
};

TEST_F(ProgressTest, OffATerminalItIsALineAnEvent) {
  tell_a_crossing(*make_plain_progress(output, clock, labels));
  EXPECT_EQ(output.said,
            "web -> mirror: 0 refs over there\n"
            "web: 12 refs selected\n"
            "web -> mirror: 1 to create\n"
            "web -> mirror: carrying: 1 ref\n"
            "web: remote: Counting objects: 100% (2/2), done.\n"
            "web -> mirror: 10.0 MiB of 1,234 objects, 1.0 MiB/s\n"
            "web -> mirror: 20.0 MiB of 1,234 objects, 1.0 MiB/s\n"
            "web -> mirror: remote: Create a merge request: https://host/new\n"
            "web -> mirror: done\n");
}

TEST_F(ProgressTest, WithVerboseItIsALog) {
  MemoryLog log;
  tell_a_crossing(*make_log_progress(log, clock, labels));
  EXPECT_THAT(log.said, HasSubstr("source.listed source=web refs=12\n"));
  EXPECT_THAT(log.said, HasSubstr("leg.step destination=mirror step=carrying refs=1\n"));
  EXPECT_THAT(log.said, HasSubstr("remote.message source=web text=Counting objects: 100% (2/2), done.\n"));
  EXPECT_THAT(log.said, HasSubstr("leg.finished destination=mirror status=done"));
  EXPECT_THAT(log.said, Not(HasSubstr("50%")));
}

TEST_F(ProgressTest, OnATerminalALegIsALineThatStaysWhenItIsDone) {
  output.terminal = Window{.columns = 80, .rows = 24};
  tell_a_crossing(*make_terminal_progress(output, Paint(false), clock, labels));
  EXPECT_THAT(output.said, HasSubstr("mirror  carrying: 1 ref  1.0 MiB of 1,234 objects, 1.0 MiB/s"));
  // The last frame takes the live line away and leaves this one.
  EXPECT_THAT(output.said, ::testing::EndsWith("\x1b[?7l\r\x1b[1A\x1b[Jmirror  done\n\x1b[?7h"));
}

TEST_F(ProgressTest, NoLineIsWiderThanTheWindow) {
  output.terminal = Window{.columns = 30, .rows = 24};
  const std::unique_ptr<Progress> progress = make_terminal_progress(output, Paint(false), clock, labels);
  progress->on_event({.kind = Kind::RemoteMessage, .leg = 0, .text = "ä very löng messäge thät does not fit ät äll"});
  EXPECT_THAT(output.said, HasSubstr("mirror  listing  remote: ä ver\n"));
}

TEST_F(ProgressTest, FrequentEventsAreDrawnTenTimesASecond) {
  output.terminal = Window{};
  const std::unique_ptr<Progress> progress = make_terminal_progress(output, Paint(false), clock, labels);
  progress->on_event({.kind = Kind::PackStarted, .leg = 0, .objects = 1});
  const std::size_t before = output.said.size();
  for (int i = 0; i < 1'000; ++i) {
    clock.advance(Milliseconds(1));
    progress->on_event({.kind = Kind::PackMoved, .leg = 0, .bytes = 1});
  }
  std::size_t frames = 0;
  for (std::size_t at = output.said.find("\x1b[?7l", before); at != std::string::npos;
       at = output.said.find("\x1b[?7l", at + 1))
    ++frames;
  EXPECT_EQ(frames, 10u);
}

TEST_F(ProgressTest, AWordOfOursStandsAboveWhatIsRedrawn) {
  output.terminal = Window{};
  const std::unique_ptr<Progress> progress = make_terminal_progress(output, Paint(false), clock, labels);
  progress->on_event({.kind = Kind::SourceListed, .count = 1});
  progress->note("stopping");
  EXPECT_THAT(output.said,
              ::testing::EndsWith("\r\x1b[1A\x1b[Jpackferry: stopping\n\x1b[?7lmirror  listing\n\x1b[?7h"));
}

TEST_F(ProgressTest, LegsThatDoNotFitAreCounted) {
  output.terminal = Window{.columns = 80, .rows = 5};
  Labels many{.source = "web", .legs = {"a", "b", "c", "d", "e", "f"}};
  const std::unique_ptr<Progress> progress = make_terminal_progress(output, Paint(false), clock, many);
  progress->on_event({.kind = Kind::SourceListed, .count = 1});
  EXPECT_THAT(output.said, HasSubstr("c  listing\nand 3 more\n"));
}

TEST_F(ProgressTest, MaySpeakFromManyThreads) {
  output.terminal = Window{};
  const Labels three{.source = "web", .legs = {"a", "b", "c"}};
  const std::unique_ptr<Progress> all[] = {make_terminal_progress(output, Paint(true), clock, three),
                                           make_plain_progress(output, clock, three), make_no_progress()};
  for (const std::unique_ptr<Progress>& progress : all) {
    std::vector<std::jthread> threads;
    for (std::size_t leg = 0; leg < 3; ++leg)
      threads.emplace_back([&progress, leg] {
        progress->on_event({.kind = Kind::PackStarted, .leg = leg, .objects = 5});
        for (std::uint64_t i = 0; i < 100; ++i) progress->on_event({.kind = Kind::PackMoved, .leg = leg, .bytes = i});
      });
    threads.clear();
    progress->end();
  }
}

TEST(Labels, AreShortAndDifferent) {
  const auto url = [](std::string_view text) { return must(Url::parse(text)); };
  Labels labels = labels_of(url("https://host/app/web.git"), {url("/srv/mirrors/web.git"), url("git@b:app/web.git")});
  EXPECT_EQ(labels.source, "host:web.git");
  EXPECT_THAT(labels.legs, ::testing::ElementsAre("web.git", "b:web.git"));
  labels = labels_of(url("/web"), {url("/a/web"), url("/b/web"), url("https://ann:canary@h/web/.git/")});
  EXPECT_THAT(labels.legs, ::testing::ElementsAre(url("/a/web").text(), url("/b/web").text(), "h:web"));
}

}  // namespace
}  // namespace packferry
