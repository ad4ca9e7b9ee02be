// Whoever does not have the keys can make nothing that opens: what does open is what the corpus was made of. However
// the bytes come, it ends in the same way. Recipients have one spelling.
#include "backup/age.h"
#include "fuzz.h"
#include "streams.h"

namespace {

using namespace packferry;

// A key that everybody knows: 32 times 0x42.
constexpr std::string_view kIdentity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
constexpr std::string_view kPlain = "plain";

const std::vector<AgeIdentity>& identities() {
  static const std::vector<AgeIdentity> kIdentities = {AgeIdentity::parse(kIdentity).value()};
  return kIdentities;
}

fuzz::Drained open(std::string_view bytes, std::size_t piece_bytes, std::size_t block_bytes) {
  Result<std::unique_ptr<Reader>> reader =
      open_age_reader(identities(), std::make_unique<fuzz::PieceReader>(bytes, piece_bytes));
  if (!reader) return {.bytes = {}, .failure = reader.error().kind()};
  return fuzz::drain(**reader, block_bytes);
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  const std::size_t block_bytes = input.block_bytes();
  const std::string_view bytes = input.rest();
  const fuzz::Drained opened = open(bytes, piece_bytes, block_bytes);
  CHECK(opened == open(bytes, bytes.size() + 1, 1000));
  if (opened.failure)
    CHECK(opened.bytes.empty() && (*opened.failure == ErrorKind::Corrupt || *opened.failure == ErrorKind::Denied));
  else
    CHECK(opened.bytes == kPlain);
  if (const auto recipient = AgeRecipient::parse(bytes)) CHECK(recipient->text() == bytes);
}
