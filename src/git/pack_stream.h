// A Reader of exactly one pack that checks it as it passes: signature, version 2 or 3, object count, and the trailer,
// which is the digest of everything before it (gitformat-pack(5)).
//
// The last 20 or 32 bytes are held back until the source has ended and the digest agrees. So whoever pours this Reader
// into a receiver can never complete a damaged or shortened pack there: without its trailer no Git takes it.
// What is not checked is the inside of the objects; the receiving Git does that, and `verify` for backups.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/digest.h"
#include "git/oid.h"
#include "io/stream.h"

namespace packferry {

class PackStream final : public Reader {
 public:
  // Reads the 12-byte header. Corrupt when it is not a pack.
  static Result<std::unique_ptr<PackStream>> open(std::unique_ptr<Reader> from, ObjectFormat format);

  std::uint32_t object_count() const { return object_count_; }
  bool is_empty() const { return object_count_ == 0; }
  // Bytes handed out so far; after the end, the size of the pack.
  std::uint64_t bytes() const { return bytes_; }

  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  PackStream(std::unique_ptr<Reader> from, ObjectFormat format, std::uint32_t object_count,
             std::vector<std::byte> header);

  std::unique_ptr<Reader> from_;
  const ObjectFormat format_;
  const std::uint32_t object_count_;
  Digest digest_;
  std::vector<std::byte> held_;   // the last bytes seen: perhaps the trailer
  std::vector<std::byte> ready_;  // checked, not yet handed out
  std::size_t ready_at_ = 0;
  std::uint64_t bytes_ = 0;
  bool ended_ = false;
};

// The pack of no objects, with its trailer: 32 bytes (44 with SHA-256). A push that only creates or moves refs to objects
// which the other side has still needs one.
std::vector<std::byte> empty_pack(ObjectFormat format);

}  // namespace packferry
