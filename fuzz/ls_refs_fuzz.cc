// However the bytes come, the same refs are listed, within bounds; and what was listed, written down again, is listed
// again.
#include <fmt/format.h>

#include "fuzz.h"
#include "remote/advertisement.h"
#include "streams.h"

namespace {

using namespace packferry;

constexpr ListingLimits kLimits{.refs_max = 100, .bytes_max = 10'000};

Result<Listing> read(std::string_view bytes, std::size_t piece_bytes, ObjectFormat format) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  PktReader packets(reader);
  Listing listing;
  listing.format = format;
  TRY(read_ls_refs(packets, listing, kLimits));
  return listing;
}

std::string written(const Listing& listing) {
  PktBuffer buffer;
  const std::string target =
      listing.head.target ? fmt::format(" symref-target:{}", listing.head.target->text()) : std::string();
  if (listing.head.oid || listing.head.target)
    buffer.line(fmt::format("{} HEAD{}\n", listing.head.oid ? listing.head.oid->hex() : "unborn", target));
  for (const Ref& ref : listing.refs) {
    const std::string peeled = ref.peeled ? fmt::format(" peeled:{}", ref.peeled->hex()) : std::string();
    buffer.line(fmt::format("{} {}{}\n", ref.oid.hex(), ref.name.text(), peeled));
  }
  buffer.flush();
  return std::string(as_text(buffer.bytes()));
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  const ObjectFormat format = input.byte() % 2 == 0 ? ObjectFormat::Sha1 : ObjectFormat::Sha256;
  const std::string_view bytes = input.rest();
  const Result<Listing> listing = read(bytes, piece_bytes, format);
  const Result<Listing> at_once = read(bytes, bytes.size() + 1, format);
  CHECK(listing.has_value() == at_once.has_value());
  if (!listing) {
    CHECK(listing.error().kind() == at_once.error().kind());
    return;
  }
  CHECK(listing->refs == at_once->refs && listing->head == at_once->head);
  CHECK(listing->refs.size() <= kLimits.refs_max);
  for (const Ref& ref : listing->refs) CHECK(ref.oid.format() == format && !ref.oid.is_zero());

  const std::string again = written(*listing);
  const Result<Listing> reread = read(again, again.size(), format);
  CHECK(reread || reread.error().kind() == ErrorKind::Exhausted);
  if (reread) CHECK(reread->refs == listing->refs && reread->head == listing->head);
}
