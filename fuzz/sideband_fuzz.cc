// What was put into band 1 comes out, and nothing else; progress is harmless; and how the bytes come makes no
// difference.
#include <algorithm>

#include "fuzz.h"
#include "git/sideband.h"
#include "streams.h"

namespace {

using namespace packferry;

fuzz::Drained listen(std::string_view bytes, std::size_t piece_bytes, std::size_t block_bytes) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  PktReader packets(reader);
  SidebandReader sideband(packets, [](std::string_view line) {
    CHECK(!line.empty() && line.size() < 1020);
    CHECK(std::none_of(line.begin(), line.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
  });
  return fuzz::drain(sideband, block_bytes);
}

// Packets of bands 1 and 2 and a flush; returns what band 1 says.
std::string some_packets(fuzz::Input& input, PktBuffer& packets) {
  std::string data;
  while (!input.empty()) {
    const char band = input.byte() % 2 == 0 ? '\1' : '\2';
    const std::string_view content = input.take(input.byte());
    packets.line(band + std::string(content));
    if (band == '\1') data += content;
  }
  packets.flush();
  return data;
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  const std::size_t block_bytes = input.block_bytes();
  if (input.byte() % 2 == 0) {
    PktBuffer packets;
    const std::string data = some_packets(input, packets);
    CHECK(listen(as_text(packets.bytes()), piece_bytes, block_bytes) == (fuzz::Drained{data, std::nullopt}));
    return;
  }
  const std::string_view bytes = input.rest();
  const fuzz::Drained heard = listen(bytes, piece_bytes, block_bytes);
  CHECK(heard == listen(bytes, bytes.size() + 1, 4096));
  CHECK(heard.bytes.size() <= bytes.size());
}
