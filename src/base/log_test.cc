#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

#include "base/check.h"

namespace packferry {
namespace {

std::array<int, 2> open_pipe() {
  std::array<int, 2> fds{};
  CHECK(::pipe2(fds.data(), O_CLOEXEC) == 0);
  return fds;
}

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  // What has been written since the last time.
  std::string said() {
    CHECK(::write(fds[1], "", 1) == 1);  // one NUL, so that reading has an end
    std::string text;
    char next = 0;
    while (::read(fds[0], &next, 1) == 1 && next != '\0') text += next;
    return text;
  }
  const std::array<int, 2> fds = open_pipe();
  const FakeClock clock;
  FdLog log{fds[1], LogLevel::Info, clock};
};

TEST_F(LogTest, WritesAnEventAsALine) {
  log.info("leg.confirmed", {{"destination", "east"}, {"refs", "12"}});
  EXPECT_EQ(said(), "2023-11-14T22:13:20Z info leg.confirmed destination=east refs=12\n");
  log.error("stopped");
  EXPECT_EQ(said(), "2023-11-14T22:13:20Z error stopped\n");
}

TEST_F(LogTest, LeavesOutWhatIsBelowItsLevel) {
  log.debug("a");
  log.info("b");
  log.warning("c");
  EXPECT_EQ(said(), "2023-11-14T22:13:20Z info b\n2023-11-14T22:13:20Z warning c\n");
}

TEST_F(LogTest, LearnsAnotherLevelWhileItIsUsed) {
  log.begin_at(LogLevel::Debug);
  log.debug("a");
  log.begin_at(LogLevel::Error);
  log.warning("b");
  log.error("c");
  EXPECT_EQ(said(), "2023-11-14T22:13:20Z debug a\n2023-11-14T22:13:20Z error c\n");
}

TEST_F(LogTest, QuotesWhatWouldNotStandAlone) {
  const struct {
    const char *value, *written;
  } cases[] = {
      {"plain/ref-1:x", "plain/ref-1:x"}, {"", "\"\""},
      {"two words", "\"two words\""},     {"a=b", "\"a=b\""},
      {"say \"x\"", "\"say \\\"x\\\"\""}, {"back\\slash", "\"back\\\\slash\""},
  };
  for (const auto& c : cases) {
    log.info("e", {{"v", c.value}});
    EXPECT_EQ(said(), std::string("2023-11-14T22:13:20Z info e v=") + c.written + "\n");
  }
}

TEST_F(LogTest, LetsNoValueForgeALineOrAField) {
  log.info("e", {{"v", "x\n2023-11-14T22:13:20Z info forged"}});
  EXPECT_EQ(said(), "2023-11-14T22:13:20Z info e v=\"x\\\\x0a2023-11-14T22:13:20Z info forged\"\n");
  // Were the backslash left alone, it would escape the closing quote, or its own quote would close the value.
  log.info("e", {{"v", "x\\"}, {"w", "y"}});
  EXPECT_EQ(said(), "2023-11-14T22:13:20Z info e v=\"x\\\\\" w=y\n");
  log.info("e", {{"v", "\\\" forged=1 z=\""}});
  EXPECT_EQ(said(), "2023-11-14T22:13:20Z info e v=\"\\\\\\\" forged=1 z=\\\"\"\n");
}

TEST_F(LogTest, KeepsLinesWholeAmongThreads) {
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 4; ++i)
      writers.emplace_back([this] {
        for (int line = 0; line < 50; ++line) log.info("e", {{"v", "value"}});
      });
  }
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += "2023-11-14T22:13:20Z info e v=value\n";
  EXPECT_EQ(said(), expected);
}

TEST(Log, GoesOnWhenItCannotBeWritten) {
  const FakeClock clock;
  FdLog nowhere(-1, LogLevel::Debug, clock);
  nowhere.error("e", {{"v", "x"}});
  NullLog null;
  null.error("e", {{"v", "x"}});
}

}  // namespace
}  // namespace packferry
