// A push that is too large for one: which commits to bring first, so that each part is small. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "git/history.h"

namespace packferry {

// Commits that have been brought but are no ref's yet have these names at a destination, until all of it is there. They
// lie among the tags since every host takes tags.
inline constexpr std::string_view kSplitMarks = "refs/tags/packferry-part/";

class SplitWalk {
 public:
  // All that `tips` reach in `history`: parents before children, a first parent's line before the others.
  SplitWalk(const History& history, const std::vector<Oid>& tips) : order_(history.parents_first(tips)) {}

  std::size_t remaining() const { return order_.size() - settled_; }
  // Of the next `count`, those that no other of them rests on: who wants these, and has all that was settled, gets just
  // the next `count`.
  std::vector<Oid> next(const History& history, std::size_t count) const;
  void settle(std::size_t count);

 private:
  const std::vector<Oid> order_;
  std::size_t settled_ = 0;
};

// How many commits the next part may hold, when `count` of them took `bytes` and a part may have `bytes_max`: three
// quarters of what it would be at the same rate, at most four times as many.
std::size_t next_part(std::size_t count, std::uint64_t bytes, std::uint64_t bytes_max);

}  // namespace packferry
