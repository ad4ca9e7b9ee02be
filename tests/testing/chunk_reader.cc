#include "testing/chunk_reader.h"

#include <algorithm>

namespace packferry::testing {

ChunkReader::ChunkReader(std::string_view bytes, std::size_t chunk_bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += chunk_bytes) chunks_.emplace_back(bytes.substr(at, chunk_bytes));
}

Result<std::size_t> ChunkReader::read(std::span<std::byte> into) {
  CHECK(!into.empty());
  ++reads_;
  if (chunk_ == chunks_.size()) {
    if (!failure_) return failure_.error();
    return std::size_t{0};
  }
  const auto rest = as_bytes(chunks_[chunk_]).subspan(at_);
  const std::size_t count = std::min(into.size(), rest.size());
  std::copy_n(rest.begin(), count, into.begin());
  at_ += count;
  if (count == rest.size()) {
    ++chunk_;
    at_ = 0;
  }
  return count;
}

Result<std::string> drain(Reader& from, std::size_t block_bytes, std::string* before_error) {
  std::string all;
  std::vector<std::byte> block(block_bytes);
  while (true) {
    Result<std::size_t> count = from.read(block);
    if (!count && before_error != nullptr) *before_error = all;
    if (TRY(std::move(count)) == 0) return all;
    all += as_text(std::span(block).first(*count));
  }
}

}  // namespace packferry::testing
