// File descriptors: who closes them, blocking reads and writes on files, and what an errno asks of the caller.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace packferry {

// Closes what it holds; -1 is nothing.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// "open '/srv/x': Permission denied", of the kind that says what to do next: Denied for permissions, Exhausted for a
// full disk or too many descriptors, Conflict for what is there already, … and Unavailable where nothing better is
// known.
Error errno_error(int number, std::string_view doing);

// read(2) and write(2) on a file: an interrupted call is made again, a short write is completed. `doing` as above.
Result<std::size_t> read_some(int fd, std::span<std::byte> into, std::string_view doing);
Result<> write_fully(int fd, std::span<const std::byte> bytes, std::string_view doing);

}  // namespace packferry
