// What ought to cross, and what must not happen silently.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "git/refspec.h"

namespace packferry {

// How far the destination may follow the source.
enum class FollowMode {
  Mirror,       // equal on the selected refs: rewinds and deletions are followed (within the guard)
  FastForward,  // as Mirror, but a ref that diverged is left alone and reported
  Additive,     // nothing is deleted; diverged refs are left alone as in FastForward
};
Result<FollowMode> parse_follow_mode(std::string_view text);
std::string_view to_string(FollowMode mode);

// How many at once pass without a person: a count, or a share of the destination's selected refs.
struct Allowance {
  // "25" or "10%"
  static Result<Allowance> parse(std::string_view text);
  std::size_t of(std::size_t total) const;

  std::size_t count = 5;
  unsigned percent = 10;  // the larger of the two counts

  friend bool operator==(const Allowance&, const Allowance&) = default;
};

enum class AtomicMode { Auto, Always, Never };
Result<AtomicMode> parse_atomic_mode(std::string_view text);

struct Policy {
  RefspecSet selection = RefspecSet::branches_and_tags();
  FollowMode follow = FollowMode::Mirror;
  // Unset: the guard of docs/guarantees.md, max(5, 10 %), and never the default branch nor the last ref. Set by a
  // person: exactly that many, the default branch included.
  std::optional<Allowance> allow_deletions = std::nullopt;
  std::optional<Allowance> allow_rewinds = std::nullopt;
  bool keep_old_tips = true;
  bool ignore_non_empty_destination = false;
  AtomicMode atomic = AtomicMode::Auto;

  friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace packferry
