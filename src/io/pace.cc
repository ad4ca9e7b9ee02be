#include "io/pace.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace packferry {
namespace {

constexpr Milliseconds kPollMax{std::numeric_limits<int>::max()};

}  // namespace

void Waiter::Wake::operator()() const {
  // Fails only when the counter is full, and then the wait has long been woken.
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
}

Result<> Waiter::listen_for_stop() {
  if (wake_fd_ || !stop_.stop_possible()) return {};
  wake_fd_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_fd_) return errno_error(errno, "eventfd");
  on_stop_.emplace(stop_, Wake{wake_fd_.get()});
  return {};
}

Result<Readiness> Waiter::wait(int in, int out, Milliseconds stall) {
  TRY(listen_for_stop());
  const auto deadline = std::chrono::steady_clock::now() + std::min(stall, kPollMax);
  while (true) {
    if (stop_.stop_requested()) return Error(ErrorKind::Cancelled, "asked to stop");
    // Rounded up: a poll that ends early would look like a stall.
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd polled[] = {{in, POLLIN, 0}, {out, POLLOUT, 0}, {wake_fd_.get(), POLLIN, 0}};
    const int count = ::poll(polled, std::size(polled), static_cast<int>(std::max(left, Milliseconds(0)).count()));
    if (count < 0 && errno != EINTR) return errno_error(errno, "poll");
    if (count == 0) return Error(ErrorKind::Unavailable, "no progress for {} ms", stall.count());
    if (count > 0 && polled[2].revents == 0) return Readiness{polled[0].revents != 0, polled[1].revents != 0};
  }
}

Result<Readiness> wait_ready(int in, int out, Milliseconds stall, std::stop_token stop) {
  return Waiter(std::move(stop)).wait(in, out, stall);
}

}  // namespace packferry
