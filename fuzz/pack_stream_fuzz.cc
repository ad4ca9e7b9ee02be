// A pack comes out whole and unchanged, or its trailer stays in: what came out then is a beginning of it, at least a
// trailer short.
#include "fuzz.h"
#include "git/pack_stream.h"
#include "streams.h"

namespace {

using namespace packferry;

std::string with_digest(std::string pack, ObjectFormat format) {
  pack += as_text(digest_of(digest_algorithm(format), as_bytes(pack)));
  return pack;
}

bool ends_in_its_digest(std::string_view pack, ObjectFormat format) {
  const std::string_view content = pack.substr(0, pack.size() - oid_bytes(format));
  return with_digest(std::string(content), format) == pack;
}

void check_stream(PackStream& stream, std::string_view bytes, ObjectFormat format, std::size_t block_bytes) {
  const fuzz::Drained passed = fuzz::drain(stream, block_bytes);
  CHECK(stream.bytes() == passed.bytes.size());
  if (!passed.failure) {
    CHECK(passed.bytes == bytes && ends_in_its_digest(bytes, format));
    return;
  }
  CHECK(bytes.starts_with(passed.bytes));
  CHECK(passed.bytes.empty() || passed.bytes.size() + oid_bytes(format) <= bytes.size());
  // An error is final.
  CHECK(fuzz::drain(stream, block_bytes).bytes.empty());
}

}  // namespace

FUZZ(input) {
  const ObjectFormat format = input.byte() % 2 == 0 ? ObjectFormat::Sha1 : ObjectFormat::Sha256;
  const bool make_whole = input.byte() % 2 == 0;
  const std::size_t piece_bytes = input.block_bytes();
  const std::size_t block_bytes = input.block_bytes();
  std::string bytes(input.rest());
  if (make_whole) bytes = with_digest(std::move(bytes), format);

  auto stream = PackStream::open(std::make_unique<fuzz::PieceReader>(bytes, piece_bytes), format);
  if (!stream) {
    CHECK(!bytes.starts_with(std::string_view("PACK\0\0\0\2", 8)) || bytes.size() < 12);
    return;
  }
  check_stream(**stream, bytes, format, block_bytes);
}
