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

Result<> Retries::pause_after(unsigned attempts_made, const Error& error, std::stop_token stop) {
  if (!may_pass(error) || attempts_made >= limits_.attempts_max) return error;
  const Milliseconds delay = limits_.backoff.delay(attempts_made, error.retry_after(), limits_.seed + pauses_++);
  if (delay > limits_.pause_max) return error;
  if (!clock_.sleep(delay, std::move(stop))) return Error(ErrorKind::Cancelled, "stopped");
  return {};
}

}  // namespace packferry
