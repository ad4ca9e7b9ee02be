// Bytes move in one direction. A Reader is pulled, a Writer is pushed, pump() joins the two.
//
// A Writer is a promise that is cheap to break: until finish() succeeds, what was written exists for nobody else. A
// file has a temporary name, an upload has no key, a push has moved no ref. Destroying an unfinished Writer abandons it
// and leaves nothing behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace packferry {

// What moves at once between two ends; also the most that a Reader has to hold back for its caller.
inline constexpr std::size_t kBlockBytes = 256 * 1024;

class Reader {
 public:
  virtual ~Reader() = default;

  // At least one byte, or 0 at the end; waits for it. After an error the Reader is spent. `into` is not empty.
  virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
};

class Writer {
 public:
  virtual ~Writer() = default;

  // Takes all of `bytes`, waiting as long as the other end needs. After an error the Writer is spent.
  virtual Result<> write(std::span<const std::byte> bytes) = 0;

  // Makes what was written visible. The last call, and made once.
  virtual Result<> finish() = 0;
};

// Told of every block that went through; `bytes` is the total so far.
using PumpProgress = std::function<void(std::uint64_t bytes)>;

// Moves everything from `from` to `to` and returns how much that was. Does not finish(): whoever knows that the bytes
// are the right ones does.
Result<std::uint64_t> pump(Reader& from, Writer& to, const PumpProgress& progress = {});

// Fills `into` completely. An end before that is Unavailable: the other side went away.
Result<> read_exactly(Reader& from, std::span<std::byte> into);

// All that is left, but not more than `bytes_max` (Exhausted).
Result<std::vector<std::byte>> read_all(Reader& from, std::size_t bytes_max);

std::span<const std::byte> as_bytes(std::string_view text);
std::string_view as_text(std::span<const std::byte> bytes);

// Ends in memory.
class MemoryReader final : public Reader {
 public:
  explicit MemoryReader(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  explicit MemoryReader(std::string_view text) : MemoryReader({as_bytes(text).begin(), as_bytes(text).end()}) {}
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

class MemoryWriter final : public Writer {
 public:
  Result<> write(std::span<const std::byte> bytes) override;
  Result<> finish() override;
  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::string_view text() const { return as_text(bytes_); }
  bool finished() const { return finished_; }

 private:
  std::vector<std::byte> bytes_;
  bool finished_ = false;
};

}  // namespace packferry
