#include "api/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace packferry {

std::optional<Milliseconds> RateLimit::take(const std::string& asker) {
  const Clock::SteadyTime now = clock_.steady();
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= limits_.askers_max && !buckets_.contains(asker)) make_room(now);
  Bucket& bucket = buckets_.try_emplace(asker, Bucket{.held = limits_.burst, .at = now}).first->second;
  bucket = {.held = held_now(bucket, now), .at = now};
  if (bucket.held < 1) return Milliseconds(std::llround(std::ceil((1 - bucket.held) * 1000 / limits_.per_second)));
  bucket.held -= 1;
  return std::nullopt;
}

std::size_t RateLimit::askers() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

double RateLimit::held_now(const Bucket& bucket, Clock::SteadyTime now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  return std::min(limits_.burst, bucket.held + seconds * limits_.per_second);
}

// A full bucket is as good as none. When there are none of these, those who ask under ever new names make all begin
// anew: better than memory without a bound, or a stranger who keeps the others out.
void RateLimit::make_room(Clock::SteadyTime now) {
  std::erase_if(buckets_, [&](const auto& each) { return held_now(each.second, now) >= limits_.burst; });
  if (buckets_.size() >= limits_.askers_max) buckets_.clear();
}

}  // namespace packferry
