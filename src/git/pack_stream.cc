#include "git/pack_stream.h"

#include <algorithm>

#include "base/printable.h"

namespace packferry {
namespace {

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

Result<> check_header(std::span<const std::byte> header) {
  if (as_text(header.first(4)) != "PACK")
    return Error(ErrorKind::Corrupt, "not a pack: it begins with '{}'", printable(as_text(header)));
  const std::uint32_t version = big_endian(header.subspan(4, 4));
  if (version != 2 && version != 3) return Error(ErrorKind::Corrupt, "pack version {} is neither 2 nor 3", version);
  return {};
}

}  // namespace

Result<std::unique_ptr<PackStream>> PackStream::open(std::unique_ptr<Reader> from, ObjectFormat format) {
  Header header;
  TRY(read_exactly(*from, header).context("pack header"));
  TRY(check_header(header));
  return std::unique_ptr<PackStream>(new PackStream(std::move(from), format, header));
}

// The header is the first to be held; it leaves with the bytes that push it out.
PackStream::PackStream(std::unique_ptr<Reader> from, ObjectFormat format, const Header& header)
    : from_(std::move(from)),
      trailer_bytes_(oid_bytes(format)),
      object_count_(big_endian(std::span(header).subspan(8))),
      digest_(digest_algorithm(format)),
      held_bytes_(header.size()) {
  std::copy(header.begin(), header.end(), held_.begin());
}

// What is held goes to the front of a window and the next bytes are read in behind it, so a block of the pack lands in
// its final place at once. The window is `into` itself, or a small one of our own where `into` is hardly more than a
// trailer: it never yields more than `into` takes.
Result<std::size_t> PackStream::read(std::span<std::byte> into) {
  std::array<std::byte, 2 * kTrailerBytesMax> small{};
  const bool fits = into.size() > small.size();
  while (!checked_) {
    const std::span<std::byte> window =
        fits ? into : std::span(small).first(held_bytes_ + std::min(into.size(), trailer_bytes_));
    std::copy(held().begin(), held().end(), window.begin());
    const std::size_t more = TRY(from_->read(window.subspan(held_bytes_)));
    if (more == 0) {
      TRY(check_trailer());
      break;
    }
    const std::size_t count = pass_on(window.first(held_bytes_ + more));
    if (!fits) std::copy_n(window.begin(), count, into.begin());
    if (count > 0) return count;
  }
  return hand_out_trailer(into);
}

// Keeps the end of `window`, which may be the trailer, and returns how much before it may go.
std::size_t PackStream::pass_on(std::span<const std::byte> window) {
  held_bytes_ = std::min(window.size(), trailer_bytes_);
  const auto passed = window.first(window.size() - held_bytes_);
  const auto kept = window.last(held_bytes_);
  std::copy(kept.begin(), kept.end(), held_.begin());
  digest_.update(passed);
  bytes_ += passed.size();
  return passed.size();
}

Result<> PackStream::check_trailer() {
  if (bytes_ < kHeaderBytes)
    return Error(ErrorKind::Unavailable, "the pack ended after {} bytes", bytes_ + held_bytes_);
  if (is_empty() && bytes_ != kHeaderBytes)
    return Error(ErrorKind::Corrupt, "a pack of no objects has {} bytes of them", bytes_ - kHeaderBytes);
  const std::vector<std::byte> digest = digest_.finish();
  if (!std::equal(digest.begin(), digest.end(), held().begin(), held().end())) {
    const std::string trailer = to_hex(held());
    held_bytes_ = 0;  // whatever the caller does now, this does not go out
    return Error(ErrorKind::Corrupt, "the pack ends in {}, but the digest of its {} bytes is {}", trailer, bytes_,
                 to_hex(digest));
  }
  checked_ = true;
  return {};
}

std::size_t PackStream::hand_out_trailer(std::span<std::byte> into) {
  const std::size_t count = std::min(into.size(), held_bytes_);
  std::copy_n(held_.begin(), count, into.begin());
  std::copy(held().begin() + static_cast<std::ptrdiff_t>(count), held().end(), held_.begin());
  held_bytes_ -= count;
  bytes_ += count;
  return count;
}

std::vector<std::byte> empty_pack(ObjectFormat format) {
  constexpr std::string_view kHeader("PACK\0\0\0\2\0\0\0\0", 12);
  const std::span<const std::byte> header = as_bytes(kHeader);
  std::vector<std::byte> pack(header.begin(), header.end());
  const std::vector<std::byte> trailer = digest_of(digest_algorithm(format), header);
  pack.insert(pack.end(), trailer.begin(), trailer.end());
  return pack;
}

}  // namespace packferry
