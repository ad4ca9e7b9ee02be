// A Reader that gives what a test says, read by read, as a pipe would; and counts how often it was asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/stream.h"

namespace packferry::testing {

class ChunkReader final : public Reader {
 public:
  // One read() never gives bytes of two chunks.
  explicit ChunkReader(std::vector<std::string> chunks) : chunks_(std::move(chunks)) {}
  // `bytes` in chunks of `chunk_bytes`.
  ChunkReader(std::string_view bytes, std::size_t chunk_bytes);

  // After the chunks this, not the end.
  void fail_with(Error error) { failure_ = std::move(error); }

  Result<std::size_t> read(std::span<std::byte> into) override;
  std::size_t reads() const { return reads_; }

 private:
  std::vector<std::string> chunks_;
  std::size_t chunk_ = 0;
  std::size_t at_ = 0;
  std::size_t reads_ = 0;
  Result<> failure_;
};

// All that comes out, asked for `block_bytes` at a time; what had come before an error goes to `before_error`.
Result<std::string> drain(Reader& from, std::size_t block_bytes, std::string* before_error = nullptr);

}  // namespace packferry::testing
