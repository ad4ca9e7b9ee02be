// An unlinked temporary file between a stream and an end that cannot take it yet, such as a host that wants the length
// of a body before the body. Written once, then read once from the start; nobody else can see it and nothing is left of
// it when we die. The only place where a crossing touches a disk; docs/limitations.md says when.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "io/fd.h"
#include "io/stream.h"

namespace packferry {

class Spool {
 public:
  // In `directory` (empty: usual_scratch_place()), mode 0600. A full disk is Exhausted.
  static Result<std::unique_ptr<Spool>> open(const std::filesystem::path& directory = {});
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Before rewind().
  Result<> write(std::span<const std::byte> bytes);
  // From here on: reading from the start.
  Result<> rewind();
  // After rewind(): at least one byte, or 0 at the end.
  Result<std::size_t> read(std::span<std::byte> into);
  std::uint64_t bytes() const { return bytes_; }

 private:
  Spool(Fd fd, std::string directory) : fd_(std::move(fd)), directory_(std::move(directory)) {}

  const Fd fd_;
  const std::string directory_;
  std::uint64_t bytes_ = 0;
  bool reading_ = false;
};

}  // namespace packferry
