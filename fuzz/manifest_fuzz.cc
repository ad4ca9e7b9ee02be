// A manifest that is read is what would have been written, byte for byte: as it comes, and with an `end` put below it
// that agrees, since no fuzzer finds a digest.
#include <fmt/format.h>

#include "backup/manifest.h"
#include "fuzz.h"

namespace {

using namespace packferry;

void check_one_spelling(std::string_view text) {
  const Result<Manifest> manifest = parse_manifest(text);
  if (manifest)
    CHECK(to_text(*manifest) == text);
  else
    CHECK(manifest.error().kind() == ErrorKind::Corrupt || manifest.error().kind() == ErrorKind::Unsupported);
}

}  // namespace

FUZZ(input) {
  const std::string_view text = input.rest();
  check_one_spelling(text);
  check_one_spelling(fmt::format("{}end {}\n", text, manifest_digest(text)));
}
