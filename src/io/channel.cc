#include "io/channel.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace packferry {
namespace {

constexpr std::size_t kEarlyReadBytes = 64 * 1024;

void make_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  CHECK(flags >= 0);
  CHECK(::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

// write(2) that cannot kill us. Pipes know no MSG_NOSIGNAL, so SIGPIPE is blocked in this thread meanwhile, and taken
// back when it came. A thread that blocks it anyway keeps what was pending.
ssize_t write_without_sigpipe(int fd, std::span<const std::byte> bytes) {
  sigset_t sigpipe;
  sigset_t before;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, &before);

  const ssize_t count = ::write(fd, bytes.data(), bytes.size());
  const int number = errno;
  if (count < 0 && number == EPIPE && sigismember(&before, SIGPIPE) == 0) {
    const timespec at_once{};
    while (sigtimedwait(&sigpipe, nullptr, &at_once) < 0 && errno == EINTR) continue;
  }

  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = number;
  return count;
}

}  // namespace

Channel::Channel(int in, int out, std::string peer, Patience patience, std::stop_token stop)
    : in_(in), out_(out), peer_(std::move(peer)), stall_(patience.stall_ms), stop_(std::move(stop)) {
  waiter_.emplace(stop_);
  make_non_blocking(in_);
  make_non_blocking(out_);
}

Channel::~Channel() {
  if (in_ == out_ || !write_closed_) ::close(out_);
  if (in_ != out_) ::close(in_);
}

Result<std::size_t> Channel::read(std::span<std::byte> into) {
  CHECK(!into.empty());
  TRY(check_stop());
  if (!early_.empty()) return read_early(into);
  while (!in_ended_) {
    const ssize_t count = ::read(in_, into.data(), into.size());
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) {
      in_ended_ = true;
    } else if (would_block(errno)) {
      TRY(wait(in_, -1));
    } else if (errno != EINTR) {
      return failed(errno, "read");
    }
  }
  return std::size_t{0};
}

Result<> Channel::write(std::span<const std::byte> bytes) {
  CHECK(!write_closed_);
  TRY(check_stop());
  while (!bytes.empty()) {
    const ssize_t count = write_without_sigpipe(out_, bytes);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (would_block(errno)) {
      const Readiness ready = TRY(wait(in_ended_ ? -1 : in_, out_));
      if (ready.in) TRY(take_early());
    } else if (errno != EINTR) {
      return failed(errno, "write");
    }
  }
  return {};
}

void Channel::close_write() {
  if (write_closed_) return;
  write_closed_ = true;
  if (in_ == out_) {
    ::shutdown(out_, SHUT_WR);
  } else {
    ::close(out_);
  }
}

void Channel::hurry(Milliseconds stall) {
  stall_ = std::min(stall_, stall);
  stop_ = {};
  waiter_.emplace(stop_);
}

Result<Readiness> Channel::wait(int in, int out) { return waiter_->wait(in, out, stall_).context("{}", peer_); }

// A peer that never makes us wait must not keep us from stopping.
Result<> Channel::check_stop() const {
  if (stop_.stop_requested()) return Error(ErrorKind::Cancelled, "{}: asked to stop", peer_);
  return {};
}

Result<std::size_t> Channel::read_early(std::span<std::byte> into) {
  const std::span<const std::byte> unread = std::span<const std::byte>(early_).subspan(early_at_);
  const std::size_t count = std::min(into.size(), unread.size());
  std::copy_n(unread.begin(), count, into.begin());
  early_at_ += count;
  if (early_at_ == early_.size()) {
    early_ = {};
    early_at_ = 0;
  }
  return count;
}

Result<> Channel::take_early() {
  early_.erase(early_.begin(), early_.begin() + static_cast<std::ptrdiff_t>(early_at_));
  early_at_ = 0;

  const std::size_t held = early_.size();
  early_.resize(held + kEarlyReadBytes);
  const ssize_t count = ::read(in_, early_.data() + held, kEarlyReadBytes);
  const int number = errno;
  early_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));

  if (count == 0) in_ended_ = true;
  if (count < 0 && !would_block(number) && number != EINTR) return failed(number, "read");
  if (early_.size() > kEarlyBytesMax)
    return Error(ErrorKind::Corrupt, "{}: said more than {} bytes before we had finished asking", peer_,
                 kEarlyBytesMax);
  return {};
}

Error Channel::failed(int number, std::string_view doing) const {
  return errno_error(number, fmt::format("{}: {}", peer_, doing));
}

}  // namespace packferry
