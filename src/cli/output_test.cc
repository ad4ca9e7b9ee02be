#include "cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "testing/memory_output.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::MemoryOutput;

TEST(Output, WritesAllOfIt) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  FdOutput output(fds[1], "a pipe");
  output.write("said");
  char text[16];
  EXPECT_EQ(::read(fds[0], text, sizeof text), 4);
  EXPECT_TRUE(output.status().has_value());
  EXPECT_FALSE(output.window().has_value());
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(Output, RemembersThatItCouldNotBeWritten) {
  const int full = ::open("/dev/full", O_WRONLY);
  FdOutput output(full, "standard output");
  output.write("said");
  output.write("more");
  EXPECT_FAILS(output.status(), ErrorKind::Exhausted, "standard output: No space left");
  ::close(full);
}

TEST(Output, IsContentWhenItsReaderHasSeenEnough) {
  struct sigaction before {};
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  ::close(fds[0]);
  FdOutput output(fds[1], "a pipe");
  output.write("said");
  EXPECT_TRUE(output.status().has_value());
  ::close(fds[1]);
  sigaction(SIGPIPE, &before, nullptr);
}

TEST(Output, FollowsItsWindow) {
  int ours = -1;
  int terminal = -1;
  winsize size{.ws_row = 10, .ws_col = 40, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::openpty(&ours, &terminal, nullptr, nullptr, &size), 0);
  const FdOutput output(terminal, "a terminal");
  EXPECT_EQ(output.window()->columns, 40u);
  size.ws_col = 132;
  ::ioctl(ours, TIOCSWINSZ, &size);
  EXPECT_EQ(output.window()->columns, 132u);
  EXPECT_EQ(output.window()->rows, 10u);
  ::close(ours);
  ::close(terminal);
}

TEST(Output, APageIsCompleteWhenItIsClosed) {
  MemoryOutput output;
  std::string expected;
  {
    Page page(output);
    for (int i = 0; i < 10'000; ++i) {
      page.line("a line of text");
      expected += "a line of text\n";
    }
    EXPECT_LT(output.said.size(), expected.size());
    EXPECT_GT(output.said.size(), 0u);
  }
  EXPECT_EQ(output.said, expected);
}

TEST(Output, PaintsOnlyWhenAsked) {
  EXPECT_EQ(Paint(false).bad("x"), "x");
  EXPECT_EQ(Paint(true).bad("x"), "\x1b[1;31mx\x1b[0m");
}

}  // namespace
}  // namespace packferry
