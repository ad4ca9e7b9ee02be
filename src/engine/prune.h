// Which snapshots may go, and their going. The choice is pure; the deleting can only delete what no kept snapshot
// needs.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/snapshot_log.h"

namespace packferry {

struct RetentionPolicy {
  unsigned keep_last = 0;
  unsigned keep_daily = 0;   // the newest snapshot of each of the N newest days (UTC) that have one, …
  unsigned keep_weekly = 0;  // ISO weeks
  unsigned keep_monthly = 0;
  std::chrono::hours keep_within{0};

  bool is_empty() const;
};
// "30d", "12h", "8w"
Result<std::chrono::hours> parse_keep_within(std::string_view text);

struct KnownSnapshot {
  std::uint64_t number = 0;
  Clock::WallTime created_at;
  bool good = true;  // its manifest can be read and its data is there
};

// What is kept and why ("last", "daily", …); everything else may be retired. The last good snapshot is always kept.
// Nothing goes when `now` is before the newest snapshot, or the policy is empty: Invalid. Snapshots count by their
// order of number, so one with a time in the future, or many in one hour, push nothing out that the rules above keep.
struct Kept {
  std::uint64_t number = 0;
  std::vector<std::string> reasons;
};
Result<std::vector<Kept>> choose_kept(const std::vector<KnownSnapshot>& snapshots, const RetentionPolicy& policy,
                                      Clock::WallTime now);

struct PruneOptions {
  RetentionPolicy policy;
  std::chrono::hours grace{24};
  bool dry_run = false;
};

struct PruneReport {
  std::string repository;
  std::vector<Kept> kept;
  std::vector<std::uint64_t> retired;  // now: to be removed after the grace time
  std::vector<std::uint64_t> waiting;  // retired before, still in their grace time
  std::vector<std::uint64_t> removed;
  std::vector<std::string> removed_objects;  // data that nothing needs any more, unnamed leftovers included
  std::uint64_t removed_bytes = 0;
  std::size_t swept_uploads = 0;  // unfinished ones, older than the grace time, anywhere in the store
  struct Refusal {
    std::string key;
    std::string why;
  };
  std::vector<Refusal> still_there;  // the store keeps them (Object Lock): tried again next time
};

// Stops with an Error, and deletes nothing, when any manifest that is not pruned cannot be read: what it needs is not
// known.
Result<PruneReport> prune(const SnapshotLog& log, const PruneOptions& options, const Clock& clock,
                          std::stop_token stop);

}  // namespace packferry
