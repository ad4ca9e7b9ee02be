#include "app/interrupts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace packferry {
namespace {

void wait_for_stop(const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, token, [] { return false; });
}

// Each in a process of its own, since what becomes of signals is a process's.
TEST(InterruptsDeathTest, AskToStopFirst) {
  EXPECT_EXIT(
      {
        const Interrupts interrupts;
        ::kill(::getpid(), SIGTERM);
        wait_for_stop(interrupts.token());
        ::_exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(InterruptsDeathTest, EndTheProgramTheSecondTime) {
  EXPECT_EXIT(
      {
        const Interrupts interrupts;
        ::kill(::getpid(), SIGINT);
        wait_for_stop(interrupts.token());
        ::kill(::getpid(), SIGINT);
        while (true) ::pause();
      },
      ::testing::ExitedWithCode(130), "");
}

TEST(InterruptsDeathTest, AHangupDoesWhatIsSetForIt) {
  EXPECT_EXIT(
      {
        Interrupts interrupts;
        std::stop_source reloaded;
        interrupts.on_hangup([&reloaded] { reloaded.request_stop(); });
        ::kill(::getpid(), SIGHUP);
        wait_for_stop(reloaded.get_token());
        if (interrupts.token().stop_requested()) ::_exit(8);
        interrupts.on_hangup(nullptr);
        ::kill(::getpid(), SIGHUP);
        wait_for_stop(interrupts.token());
        ::_exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(InterruptsDeathTest, AreOverWithTheirObject) {
  EXPECT_EXIT(
      {
        { const Interrupts interrupts; }
        ::_exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace packferry
