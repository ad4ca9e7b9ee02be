// Ends for targets that read streams.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/stream.h"

namespace packferry::fuzz {

// Bytes that come in pieces, as from a slow peer.
class PieceReader final : public Reader {
 public:
  PieceReader(std::string_view bytes, std::size_t piece_bytes) : bytes_(as_bytes(bytes)), piece_bytes_(piece_bytes) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    CHECK(!into.empty());
    const std::size_t count = std::min({into.size(), piece_bytes_, bytes_.size()});
    std::copy_n(bytes_.begin(), count, into.begin());
    bytes_ = bytes_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::size_t piece_bytes_;
};

// All that came out of a Reader, and how it ended.
struct Drained {
  std::string bytes;
  std::optional<ErrorKind> failure;

  friend bool operator==(const Drained&, const Drained&) = default;
};

inline Drained drain(Reader& from, std::size_t block_bytes) {
  Drained drained;
  std::vector<std::byte> block(block_bytes);
  while (true) {
    const Result<std::size_t> count = from.read(block);
    if (!count) drained.failure = count.error().kind();
    if (!count || *count == 0) return drained;
    CHECK(*count <= block_bytes);
    drained.bytes += as_text(std::span(block).first(*count));
  }
}

}  // namespace packferry::fuzz
