// An unlinked temporary file between a stream and an end that cannot take it yet, such as a host that wants the length of
// a body before the body. Written once, then read once from the start; nobody else can see it and nothing is left of it
// when we die. The only place where a crossing touches a disk; docs/limitations.md says when.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "io/stream.h"

namespace packferry {

class Spool {
 public:
  // In `directory` (empty: TMPDIR, else /var/tmp), mode 0600. A full disk is Exhausted.
  static Result<std::unique_ptr<Spool>> open(const std::filesystem::path& directory = {});
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  Result<> write(std::span<const std::byte> bytes);
  // From here on: reading from the start.
  Result<> rewind();
  Result<std::size_t> read(std::span<std::byte> into);
  std::uint64_t bytes() const { return bytes_; }

 private:
  explicit Spool(int fd) : fd_(fd) {}
  const int fd_;
  std::uint64_t bytes_ = 0;
};

}  // namespace packferry
