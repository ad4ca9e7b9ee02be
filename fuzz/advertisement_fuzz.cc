// However the bytes come, the same is understood; every name and object is whole; and what was understood, written down
// again, is understood in the same way.
#include <fmt/format.h>

#include "fuzz.h"
#include "remote/advertisement.h"
#include "remote/greeting.h"
#include "streams.h"

namespace {

using namespace packferry;

constexpr ListingLimits kLimits{.refs_max = 100, .bytes_max = 10'000};

Result<Advertisement> read(std::string_view bytes, std::size_t piece_bytes, Service service) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  Greeting greeting(reader, service);
  Result<Advertisement> said = read_advertisement(greeting, service, kLimits);
  if (said && said->protocol == 2) CHECK(greeting.speaks_version_2());
  return said;
}

bool is_same(const Listing& a, const Listing& b) {
  return a.format == b.format && a.capabilities.words() == b.capabilities.words() && a.refs == b.refs &&
         a.head == b.head && a.extra_haves == b.extra_haves && a.shallow == b.shallow;
}

// As an old server would list it.
std::string written(const Listing& listing) {
  std::string words;
  for (const std::string& word : listing.capabilities.words()) words += " " + word;
  PktBuffer buffer;
  const auto line = [&](const Oid& oid, std::string_view name) {
    std::string text = fmt::format("{} {}", oid.hex(), name);
    if (buffer.empty()) text += '\0' + words;
    buffer.line(text + "\n");  // a word's own line feed at the end must not be taken for it
  };
  if (listing.head.oid) line(*listing.head.oid, "HEAD");
  for (const Ref& ref : listing.refs) {
    line(ref.oid, ref.name.text());
    if (ref.peeled) line(*ref.peeled, ref.name.text() + "^{}");
  }
  for (const Oid& oid : listing.extra_haves) line(oid, ".have");
  if (buffer.empty()) line(Oid(listing.format), "capabilities^{}");
  if (listing.shallow) buffer.line("shallow " + Oid(listing.format).hex());
  buffer.flush();
  return std::string(as_text(buffer.bytes()));
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  const Service service = input.byte() % 2 == 0 ? Service::UploadPack : Service::ReceivePack;
  const std::string_view bytes = input.rest();
  const Result<Advertisement> said = read(bytes, piece_bytes, service);
  const Result<Advertisement> at_once = read(bytes, bytes.size() + 1, service);
  CHECK(said.has_value() == at_once.has_value());
  if (!said) {
    CHECK(said.error().kind() == at_once.error().kind());
    return;
  }
  const Listing& listing = said->listing;
  CHECK(is_same(listing, at_once->listing));
  CHECK(listing.refs.size() + listing.extra_haves.size() <= kLimits.refs_max);
  if (said->protocol == 2) return;

  MemoryReader again{std::string_view(written(listing))};
  const Result<Advertisement> reread = read_advertisement(again, service);
  CHECK(reread && is_same(listing, reread->listing));
}
