#include "io/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "io/stream.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Fd, ClosesWhatItHolds) {
  const int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    const Fd fd(number);
    EXPECT_TRUE(fd);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, HasOneOwner) {
  Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = first.get();
  Fd second(std::move(first));
  EXPECT_EQ(second.get(), number);
  Fd third(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_EQ(third.release(), number);
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(Fd, TurnsAnErrnoIntoWhatToDoNext) {
  const struct {
    int number;
    ErrorKind kind;
    const char* text;
  } cases[] = {
      {ENOENT, ErrorKind::NotFound, "open 'x': No such file or directory"},
      {EACCES, ErrorKind::Denied, "Permission denied"},
      {EROFS, ErrorKind::Denied, "Read-only file system"},
      {EEXIST, ErrorKind::Conflict, "File exists"},
      {EISDIR, ErrorKind::Invalid, "Is a directory"},
      {ENOSPC, ErrorKind::Exhausted, "No space left on device"},
      {EDQUOT, ErrorKind::Exhausted, "Disk quota exceeded"},
      {EMFILE, ErrorKind::Exhausted, "Too many open files"},
      {EIO, ErrorKind::Unavailable, "Input/output error"},
      {ECONNRESET, ErrorKind::Unavailable, "Connection reset by peer"},
      {12345, ErrorKind::Unavailable, "open 'x': errno 12345"},
  };
  for (const auto& c : cases) EXPECT_FAILS(Result<>(errno_error(c.number, "open 'x'")), c.kind, c.text);
}

TEST(Fd, FullDisksAreExhausted) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_FAILS(write_fully(full.get(), as_bytes("x"), "write 'x'"), ErrorKind::Exhausted, "write 'x': No space left");
}

TEST(Fd, SaysWhatItCouldNotRead) {
  const Fd directory(::open("/", O_RDONLY | O_CLOEXEC));
  std::array<std::byte, 4> into{};
  EXPECT_FAILS(read_some(directory.get(), into, "read '/'"), ErrorKind::Invalid, "read '/': Is a directory");
}

}  // namespace
}  // namespace packferry
