// Sizes and lengths of time as people write them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace packferry {

// "500M", "2G", "4096": bytes, or K, M, G of 1,024. Invalid: nothing, 0, another unit, or more than there can be.
Result<std::uint64_t> parse_size(std::string_view text);

// "90s", "30m", "12h", "30d", "8w"; at most five digits. "0h" is a length too.
Result<Milliseconds> parse_duration(std::string_view text);

}  // namespace packferry
