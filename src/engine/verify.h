// Proves snapshots from their own bytes. What each level proves: docs/formats/backup.md. Whatever is found is named,
// with the snapshots that it takes down; the other ones are verified all the same.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/snapshot_log.h"
#include "engine/restore.h"

namespace packferry {

struct VerifyOptions {
  Verification level = Verification::Stored;
  // The n-th of t parts of all bytes: each object belongs to one part, by its key, so t runs read everything. 1/1: all.
  unsigned part = 1;
  unsigned parts = 1;
  std::optional<std::uint64_t> only = std::nullopt;  // one snapshot; else all live ones
  bool record = true;                                // write what was proved beside the manifests
  RestoreOptions restore = {};
};

struct Finding {
  enum class Kind {
    Missing,     // an object that a manifest or a record speaks of is not there
    Damaged,     // another length or digest, or bytes that do not parse
    Foreign,     // an object that nobody of us wrote, or one that lies under another's key
    Broken,      // the link between manifests: `previous` does not fit
    Incomplete,  // a ref whose history is not all there
    Unrecorded,  // no record beside a manifest: its backup was interrupted at the end, or the record is gone
    Fsck,        // what git fsck says of objects that are as the source had them: told, not a failure
    Unreadable,  // the store would not say: not a proof of damage
  };
  Kind kind;
  std::string key;                       // of the object at fault
  std::vector<std::uint64_t> snapshots;  // that need it
  std::string what;                      // a sentence, printable
};
std::string_view to_string(Finding::Kind kind);
// Told, and no failure: what it was found in can be restored.
bool is_harmless(Finding::Kind kind);

struct VerifiedSnapshot {
  std::uint64_t number = 0;
  bool good = false;  // at the level asked for (with parts: as far as this part goes)
};

struct VerifyReport {
  std::string repository;
  std::vector<VerifiedSnapshot> snapshots;  // by number
  std::vector<Finding> findings;
  std::uint64_t bytes_read = 0;
  std::size_t objects_read = 0;
  bool is_good() const;  // no finding but harmless ones
};

// An Error only where nothing can be said at all (the listing fails).
Result<VerifyReport> verify(const SnapshotLog& log, const VerifyOptions& options, const Clock& clock,
                            std::stop_token stop);

}  // namespace packferry
