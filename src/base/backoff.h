// When something is tried again: after a delay that is exponential, jittered, and never shorter than the host asked
// for.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>

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

struct RetryLimits {
  unsigned attempts_max = 3;
  Backoff backoff = {};
  std::uint64_t seed = 0;  // of the jitter; another one for each process
  // A host that wants a longer pause than this gets none here: whoever asked knows what else there is to do.
  Milliseconds pause_max = Milliseconds::max();
};

// The pauses between the attempts of one question, or of many. Safe from several threads.
class Retries {
 public:
  Retries(RetryLimits limits, Clock& clock) : limits_(limits), clock_(clock) {}

  // Waits before the next attempt. `error` itself when there is no point in one: it will not pass, these were all the
  // attempts there are, or the pause would be too long. Cancelled when `stop` ended the wait.
  Result<> pause_after(unsigned attempts_made, const Error& error, std::stop_token stop);

 private:
  const RetryLimits limits_;
  Clock& clock_;
  std::atomic<std::uint64_t> pauses_ = 0;
};

}  // namespace packferry
