// What a person asks a store: which snapshots are there, and which one was meant.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backup/snapshot_log.h"

namespace packferry {

struct SnapshotView {
  SnapshotEntry entry;
  std::optional<Manifest> manifest;  // without its refs where only a listing was asked for
  std::size_t ref_count = 0;
  std::optional<Error> error;  // it has a manifest that cannot be read: it cannot be restored
};

// Every snapshot of the repository, oldest first.
Result<std::vector<SnapshotView>> view_snapshots(const SnapshotLog& log, std::stop_token stop);

// Which snapshot: the newest, the newest not later than a time ("2026-11-22", "2026-11-22T13:45:00Z",
// "20261122T134500Z": UTC; a day means its end), or a number.
struct SnapshotChoice {
  static Result<SnapshotChoice> parse(std::string_view text);
  std::optional<std::uint64_t> number = std::nullopt;
  std::optional<Clock::WallTime> at = std::nullopt;
};
// NotFound, saying what there is. A retired snapshot is found by its number only. Corrupt: the chosen one is damaged;
// the message names the newest that is not.
Result<ReadManifest> choose_snapshot(const SnapshotLog& log, const SnapshotChoice& choice, std::stop_token stop);

}  // namespace packferry
