// What a person, or a program, reads of backups when it is over: docs/formats/report.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/report.h"
#include "cli/report_json.h"
#include "engine/backup_destination.h"
#include "engine/prune.h"
#include "engine/snapshots.h"
#include "engine/verify.h"

namespace packferry {

struct BackupOutcome {
  CrossingReport crossing;
  std::optional<PublishedSnapshot> snapshot = std::nullopt;  // none: nothing was new
  std::optional<VerifyReport> verification = std::nullopt;
  std::optional<Error> verify_error = std::nullopt;
};

// One repository of a store: what was asked of it, or why nothing can be said.
template <typename What>
struct OfRepository {
  std::string repository;
  std::optional<What> answer = std::nullopt;
  std::optional<Error> error = std::nullopt;
};
using SnapshotsOf = OfRepository<std::vector<SnapshotView>>;
using VerificationOf = OfRepository<VerifyReport>;
using PruningOf = OfRepository<PruneReport>;

struct RestoreOutcome {
  std::string store;
  std::optional<ReadManifest> snapshot = std::nullopt;
  std::string target;
  std::optional<CrossingReport> crossing = std::nullopt;  // when the target was pushed to
  std::optional<Error> error = std::nullopt;
};

void print_backup(Output& output, const BackupOutcome& outcome, ExitStatus status, TextStyle style);
void print_snapshots(Output& output, const std::string& store, const std::vector<SnapshotsOf>& repositories,
                     TextStyle style);
void print_restore(Output& output, const RestoreOutcome& outcome, ExitStatus status, TextStyle style);
void print_verification(Output& output, const std::vector<VerificationOf>& repositories, Verification level,
                        ExitStatus status, TextStyle style);
void print_pruning(Output& output, const std::vector<PruningOf>& repositories, bool dry_run, ExitStatus status,
                   TextStyle style);

void print_backup_json(Output& output, const RunFacts& facts, const BackupOutcome& outcome, FollowMode policy,
                       bool dry_run);
void print_snapshots_json(Output& output, const RunFacts& facts, const std::string& store,
                          const std::vector<SnapshotsOf>& repositories);
void print_restore_json(Output& output, const RunFacts& facts, const RestoreOutcome& outcome);
void print_verification_json(Output& output, const RunFacts& facts, const std::vector<VerificationOf>& repositories,
                             Verification level);
void print_pruning_json(Output& output, const RunFacts& facts, const std::vector<PruningOf>& repositories,
                        bool dry_run);

}  // namespace packferry
