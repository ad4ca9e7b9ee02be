#include "io/pace.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr Milliseconds kLong{60'000};
constexpr Milliseconds kShort{1};

class PaceTest : public ::testing::Test {
 protected:
  PaceTest() {
    std::array<int, 2> fds{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    ours = Fd(fds[0]);
    theirs = Fd(fds[1]);
  }
  void they_say(std::string_view text) {
    CHECK(::write(theirs.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  Fd ours;
  Fd theirs;
};

TEST_F(PaceTest, SaysWhichDirectionIsReady) {
  const Readiness before = must(wait_ready(ours.get(), ours.get(), kLong, {}));
  EXPECT_FALSE(before.in);
  EXPECT_TRUE(before.out);
  they_say("x");
  EXPECT_TRUE(must(wait_ready(ours.get(), -1, kLong, {})).in);
  EXPECT_FALSE(must(wait_ready(-1, ours.get(), kLong, {})).in);
}

TEST_F(PaceTest, CountsAHangUpAsReady) {
  theirs.reset();
  EXPECT_TRUE(must(wait_ready(ours.get(), -1, kLong, {})).in);
}

TEST_F(PaceTest, IsUnavailableWhenNothingMoves) {
  EXPECT_FAILS(wait_ready(ours.get(), -1, kShort, {}), ErrorKind::Unavailable, "no progress for 1 ms");
}

TEST_F(PaceTest, WaitsForTheLongestTimeThereIs) {
  they_say("x");
  EXPECT_TRUE(must(wait_ready(ours.get(), -1, Milliseconds::max(), {})).in);
}

TEST_F(PaceTest, IsCancelledWhenTheStopCameBefore) {
  std::stop_source source;
  source.request_stop();
  they_say("x");
  EXPECT_FAILS(wait_ready(ours.get(), -1, kLong, source.get_token()), ErrorKind::Cancelled, "stop");
}

TEST_F(PaceTest, IsWokenByAStop) {
  std::stop_source source;
  Waiter waiter(source.get_token());
  they_say("x");
  ASSERT_TRUE(must(waiter.wait(ours.get(), -1, kLong)).in);
  char taken = 0;
  ASSERT_EQ(::read(ours.get(), &taken, 1), 1);
  const std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FAILS(waiter.wait(ours.get(), -1, kLong), ErrorKind::Cancelled, "stop");
  EXPECT_FAILS(waiter.wait(ours.get(), -1, kLong), ErrorKind::Cancelled, "stop");
}

TEST(Pace, SaysWhatAWaitOnNoDescriptorIs) {
  EXPECT_FAILS(wait_ready(-1, -1, kShort, {}), ErrorKind::Unavailable, "no progress");
}

}  // namespace
}  // namespace packferry
