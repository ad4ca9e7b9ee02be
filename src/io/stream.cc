#include "io/stream.h"

#include <algorithm>
#include <memory>

namespace packferry {

Result<std::uint64_t> pump(Reader& from, Writer& to, const PumpProgress& progress) {
  const auto block = std::make_unique<std::byte[]>(kBlockBytes);
  std::uint64_t total = 0;
  while (true) {
    const std::size_t count = TRY(from.read({block.get(), kBlockBytes}));
    if (count == 0) return total;
    TRY(to.write({block.get(), count}));
    total += count;
    if (progress) progress(total);
  }
}

Result<> read_exactly(Reader& from, std::span<std::byte> into) {
  while (!into.empty()) {
    const std::size_t count = TRY(from.read(into));
    if (count == 0) return Error(ErrorKind::Unavailable, "the stream ended {} bytes early", into.size());
    into = into.subspan(count);
  }
  return {};
}

Result<std::vector<std::byte>> read_all(Reader& from, std::size_t bytes_max) {
  std::vector<std::byte> all;
  std::vector<std::byte> block(std::min(kBlockBytes - 1, bytes_max) + 1);
  while (true) {
    const std::size_t count = TRY(from.read(block));
    if (count == 0) return all;
    if (all.size() + count > bytes_max) return Error(ErrorKind::Exhausted, "more than {} bytes", bytes_max);
    all.insert(all.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<std::size_t> MemoryReader::read(std::span<std::byte> into) {
  const std::size_t count = std::min(into.size(), bytes_.size() - at_);
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
  at_ += count;
  return count;
}

Result<> MemoryWriter::write(std::span<const std::byte> bytes) {
  CHECK(!finished_);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return {};
}

Result<> MemoryWriter::finish() {
  CHECK(!finished_);
  finished_ = true;
  return {};
}

}  // namespace packferry
