// However the bytes come, the same header is understood, and not a byte behind it is read; written down again, it is
// understood in the same way.
#include "fuzz.h"
#include "git/bundle.h"
#include "streams.h"

namespace {

using namespace packferry;

constexpr std::size_t kBytesMax = 10'000;

struct Understood {
  Result<BundleHeader> header;
  fuzz::Drained rest;
};

Understood understand(std::string_view bytes, std::size_t piece_bytes) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  Result<BundleHeader> header = read_bundle_header(reader, kBytesMax);
  return {std::move(header), fuzz::drain(reader, 1000)};
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  const std::string_view bytes = input.rest();
  const Understood said = understand(bytes, piece_bytes);
  const Understood at_once = understand(bytes, bytes.size() + 1);
  CHECK(said.header.has_value() == at_once.header.has_value() && said.rest == at_once.rest);
  if (!said.header) {
    CHECK(said.header.error().kind() == at_once.header.error().kind());
    return;
  }
  CHECK(*said.header == *at_once.header);
  CHECK(bytes.ends_with(said.rest.bytes));
  CHECK(bytes.substr(0, bytes.size() - said.rest.bytes.size()).ends_with("\n\n"));
  if (bytes.size() > kBytesMax / 2) return;  // prerequisites may be written longer than they were

  const Understood again = understand(to_text(*said.header) + said.rest.bytes, piece_bytes);
  CHECK(again.header && *again.header == *said.header && again.rest == said.rest);
}
