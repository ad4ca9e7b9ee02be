// How often somebody may ask: a bucket of tokens for each, which fills at a steady rate. Pure but for its clock; safe
// from several threads.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"

namespace packferry {

struct RateLimits {
  double per_second = 10;
  double burst = 50;                 // what a full bucket holds, and everybody begins with
  std::size_t askers_max = 100'000;  // buckets that are kept
};

class RateLimit {
 public:
  RateLimit(RateLimits limits, const Clock& clock) : limits_(limits), clock_(clock) {}

  // How long `asker`, a token's id or an address, has to wait for the next one; none: not at all, and one was taken.
  // One that is refused costs nothing.
  std::optional<Milliseconds> take(const std::string& asker);
  std::size_t askers() const;

 private:
  struct Bucket {
    double held = 0;
    Clock::SteadyTime at;  // when that was so
  };
  double held_now(const Bucket& bucket, Clock::SteadyTime now) const;
  void make_room(Clock::SteadyTime now);

  const RateLimits limits_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace packferry
