// Children of fork(2) that end as kill -9 ends a program. No thread may be alive in the parent at that moment.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <ctime>

#include "base/check.h"

namespace packferry::testing {

template <typename Work>
pid_t in_a_process(Work work) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  work();
  ::_exit(0);
}

inline int status_of(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

// Ends this process as kill -9 does, wherever it then is.
inline void die_within(std::chrono::microseconds delay) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer{};
  CHECK(::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay);
  const itimerspec once{.it_interval = {},
                        .it_value = {.tv_sec = seconds.count(), .tv_nsec = (delay - seconds).count() * 1000}};
  CHECK(::timer_settime(timer, 0, &once, nullptr) == 0);
}

}  // namespace packferry::testing
