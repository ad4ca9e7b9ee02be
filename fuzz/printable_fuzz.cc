// What is printable is bounded, holds nothing that a terminal obeys or that reorders text, and stays as it is when it
// is made printable again.
#include "base/printable.h"
#include "fuzz.h"

FUZZ(input) {
  using packferry::printable;
  const std::size_t bytes_max = input.block_bytes();
  const std::string shown = printable(input.rest(), bytes_max);

  CHECK(shown.size() < bytes_max + std::string_view("\\u{0000}…").size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    CHECK(byte >= 0x20 && byte != 0x7F);
    // C2 begins U+0080 to U+00BF, of which the first half controls.
    if (byte == 0xC2) CHECK(i + 1 < shown.size() && static_cast<unsigned char>(shown[i + 1]) >= 0xA0);
  }
  CHECK(shown.find("\xE2\x80\xAE") == std::string::npos);  // right-to-left override
  CHECK(printable(shown, shown.size() + 1) == shown);
}
