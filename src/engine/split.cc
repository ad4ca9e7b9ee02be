#include "engine/split.h"

#include <algorithm>
#include <span>
#include <unordered_set>

#include "base/check.h"

namespace packferry {

std::vector<Oid> SplitWalk::next(const History& history, std::size_t count) const {
  const std::span<const Oid> part = std::span(order_).subspan(settled_, std::min(count, remaining()));
  std::unordered_set<Oid> rested_on;
  for (const Oid& oid : part)
    for (const Oid& parent : history.links(oid)) rested_on.insert(parent);
  std::vector<Oid> tips;
  std::copy_if(part.begin(), part.end(), std::back_inserter(tips),
               [&](const Oid& oid) { return !rested_on.contains(oid); });
  return tips;
}

void SplitWalk::settle(std::size_t count) {
  CHECK(count <= remaining());
  settled_ += count;
}

std::size_t next_part(std::size_t count, std::uint64_t bytes, std::uint64_t bytes_max) {
  const double rate = static_cast<double>(std::max<std::uint64_t>(bytes, 1)) / static_cast<double>(count);
  const double fits = 0.75 * static_cast<double>(bytes_max) / rate;
  return std::clamp<std::size_t>(static_cast<std::size_t>(std::min(fits, 1e9)), 1, 4 * count);
}

}  // namespace packferry
