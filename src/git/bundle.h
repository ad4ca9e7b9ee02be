// The header of a Git bundle: gitformat-bundle(5), versions 2 and 3. The pack follows it to the end of the file.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "git/ref.h"
#include "io/stream.h"

namespace packferry {

struct BundleHeader {
  ObjectFormat format = ObjectFormat::Sha1;
  std::vector<Oid> prerequisites = {};  // commits that the receiver must have; none: a full bundle
  RefMap refs = {};
  std::optional<Oid> head = std::nullopt;  // the line "OID HEAD": where HEAD stands, when it stands anywhere

  friend bool operator==(const BundleHeader&, const BundleHeader&) = default;
};

// Version 2 for SHA-1, version 3 with @object-format for SHA-256: what git itself writes.
std::string to_text(const BundleHeader& header);

inline constexpr std::size_t kBundleHeaderBytesMax = 512u * 1024 * 1024;

// Reads the header and not a byte more: in small reads, some twenty for a line, for which `from` had better have its
// bytes at hand. Corrupt: not a bundle, a capability other than object-format (a filtered bundle does not hold
// everything), a bad line or name, a name twice. Unavailable: it ends before the empty line. Exhausted: more than
// `bytes_max` of it.
Result<BundleHeader> read_bundle_header(Reader& from, std::size_t bytes_max = kBundleHeaderBytesMax);

}  // namespace packferry
