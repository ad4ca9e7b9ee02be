#include "io/fd.h"

#include <string.h>
#include <unistd.h>

#include <cerrno>

namespace packferry {
namespace {

ErrorKind kind_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::NotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::Denied;
    case EEXIST:
      return ErrorKind::Conflict;
    case EINVAL:
    case EISDIR:
    case EXDEV:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOEXEC:
    case E2BIG:
      return ErrorKind::Invalid;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
      return ErrorKind::Exhausted;  // of fork(2): too many processes
    default:
      return ErrorKind::Unavailable;
  }
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(release());
}

Error errno_error(int number, std::string_view doing) {
  const char* said = strerrordesc_np(number);  // strerror(3) is not for threads
  if (said == nullptr) return Error(kind_of(number), "{}: errno {}", doing, number);
  return Error(kind_of(number), "{}: {}", doing, said);
}

Result<std::size_t> read_some(int fd, std::span<std::byte> into, std::string_view doing) {
  while (true) {
    const ssize_t count = ::read(fd, into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return errno_error(errno, doing);
  }
}

Result<> write_fully(int fd, std::span<const std::byte> bytes, std::string_view doing) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return errno_error(errno, doing);
    }
  }
  return {};
}

}  // namespace packferry
