// A Reader of exactly one pack that checks it as it passes: signature, version 2 or 3, object count, and the trailer,
// which is the digest of everything before it (gitformat-pack(5)).
//
// The last 20 or 32 bytes are held back until the source has ended and the digest agrees. So whoever pours this Reader
// into a receiver can never complete a damaged or shortened pack there: without its trailer no Git takes it.
// What is not checked is the inside of the objects; the receiving Git does that, and `verify` for backups.
//
// The last bytes that come are taken for the trailer. So bytes behind it, or a cut that the source took for its end,
// show as a digest that does not agree (Corrupt); one that leaves less than a header and a trailer is Unavailable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/digest.h"
#include "git/oid.h"
#include "io/stream.h"

namespace packferry {

class PackStream final : public Reader {
 public:
  // Reads the 12-byte header and no more. Corrupt when it is not a pack.
  static Result<std::unique_ptr<PackStream>> open(std::unique_ptr<Reader> from, ObjectFormat format);

  std::uint32_t object_count() const { return object_count_; }
  bool is_empty() const { return object_count_ == 0; }
  // Bytes handed out so far; after the end, the size of the pack.
  std::uint64_t bytes() const { return bytes_; }

  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  static constexpr std::size_t kHeaderBytes = 12;
  static constexpr std::size_t kTrailerBytesMax = 32;
  using Header = std::array<std::byte, kHeaderBytes>;

  PackStream(std::unique_ptr<Reader> from, ObjectFormat format, const Header& header);

  std::size_t pass_on(std::span<const std::byte> window);
  Result<> check_trailer();
  std::size_t hand_out_trailer(std::span<std::byte> into);
  std::span<std::byte> held() { return std::span(held_).first(held_bytes_); }

  std::unique_ptr<Reader> from_;
  const std::size_t trailer_bytes_;
  const std::uint32_t object_count_;
  Digest digest_;
  std::array<std::byte, kTrailerBytesMax> held_{};  // the last bytes seen: perhaps the trailer
  std::size_t held_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  bool checked_ = false;  // from here on held_ is the trailer, and may go
};

// The pack of no objects, with its trailer: 32 bytes (44 with SHA-256). A push that only creates or moves refs to
// objects which the other side has still needs one.
std::vector<std::byte> empty_pack(ObjectFormat format);

}  // namespace packferry
