// The next delay of something that is tried again: exponential, jittered, and never shorter than the host asked for.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/result.h"

namespace packferry {

// Is what failed so worth another try as it is? (A Conflict is, too, once it has been looked at again.)
inline bool may_pass(const Error& error) {
  return error.kind() == ErrorKind::Throttled || error.kind() == ErrorKind::Unavailable;
}

struct Backoff {
  Milliseconds first{1'000};
  Milliseconds longest{15 * 60 * 1'000};

  // Delay before attempt `attempt` (1 is the first retry). The same seed gives the same delay. "Full jitter" over the
  // upper half: between half of the exponential delay and all of it; the host's hint is a floor, never a ceiling.
  Milliseconds delay(unsigned attempt, std::optional<Milliseconds> hint, std::uint64_t seed) const;
};

}  // namespace packferry
