// Text from a peer, made harmless for a terminal, a log and an error message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace packferry {

// Valid UTF-8 stays; control characters (C0, DEL, C1), bidirectional overrides and stray bytes become \xNN or \u{NNNN};
// what is longer than `bytes_max` is cut and ends in "…".
std::string printable(std::string_view text, std::size_t bytes_max = 1000);

}  // namespace packferry
