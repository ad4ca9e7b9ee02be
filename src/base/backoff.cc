#include "base/backoff.h"

#include <algorithm>

namespace packferry {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): a good scramble of a small seed.
std::uint64_t scramble(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

Milliseconds Backoff::delay(unsigned attempt, std::optional<Milliseconds> hint, std::uint64_t seed) const {
  Milliseconds ceiling = first;
  for (unsigned i = 1; i < attempt && ceiling < longest; ++i) ceiling *= 2;
  ceiling = std::min(ceiling, longest);
  const auto half = static_cast<std::uint64_t>(ceiling.count()) / 2;
  const auto jittered = half + scramble(seed ^ attempt) % (half + 1);
  return std::max(Milliseconds(static_cast<Milliseconds::rep>(jittered)), hint.value_or(Milliseconds(0)));
}

}  // namespace packferry
