// From a store back to Git. Everything is verified in a scratch place before the target is touched: each object's
// length and digest as it comes, each pack by git index-pack, every ref's history for completeness. Then the target is
// switched to (a directory) or pushed to by an ordinary Crossing (any other repository), and its refs are compared.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/age.h"
#include "backup/snapshot_log.h"
#include "git/refspec.h"
#include "io/pace.h"

namespace packferry {

struct RestoreOptions {
  std::vector<AgeIdentity> identities = {};
  std::vector<std::string> environment = {};  // what git runs with
  Patience patience = {};
  // Where repositories are built that are not the target; empty: TMPDIR, else /var/tmp.
  std::filesystem::path scratch = {};
  // Told how far it is: a phase ("fetching", "indexing", "checking"), bytes of the chain so far and in all.
  std::function<void(std::string_view phase, std::uint64_t bytes, std::uint64_t bytes_all)> progress = {};
};

// How much is checked on the way. Stored reads only; the others build a repository.
enum class RebuildCheck { Parsed, Connected };

// Builds a bare repository of the snapshot in `directory`, which does not exist yet: its refs exactly those of the
// manifest that `selection` selects (empty: all), HEAD, no hooks, no configuration but git's own for a bare repository.
// On an error nothing is left of it. Corrupt names the object or the ref that is at fault; Denied: encrypted, and no
// identity opens it.
Result<> rebuild(const SnapshotLog& log, const Manifest& manifest, const std::filesystem::path& directory,
                 const RefspecSet& selection, RebuildCheck check, const RestoreOptions& options, std::stop_token stop);

// A restored repository at `target`, built beside it under a temporary name and renamed. Invalid when the target
// exists and is not an empty directory, unless `replace`: then the old one is moved to TARGET.before-restore-TIME
// first, never deleted.
Result<> restore_to_directory(const SnapshotLog& log, const Manifest& manifest, const std::filesystem::path& target,
                              const RefspecSet& selection, bool replace, const Clock& clock,
                              const RestoreOptions& options, std::stop_token stop);

}  // namespace packferry
