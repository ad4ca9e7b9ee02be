// Many repositories backed up in one run: what became of each, in few words, and of all of them together. The report
// grows with the number of repositories and not with that of their refs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/report.h"
#include "cli/report_json.h"
#include "cli/vault_report.h"
#include "host/host.h"

namespace packferry {

struct FleetMember {
  HostedRepository hosted;
  std::string name;  // in the store
  unsigned attempts = 0;
  ExitStatus status = ExitStatus::Interrupted;  // until it was its turn
  std::optional<Error> error = std::nullopt;
  bool is_planned = false;  // dry run
  std::size_t refs = 0;     // selected ones at the source
  std::size_t withheld = 0;
  std::optional<std::uint64_t> snapshot = std::nullopt;  // the new one; none: the last one holds all of it
  bool full = false;
  std::uint64_t bytes = 0;  // of packs
  Milliseconds duration{0};

  bool is_good() const { return status == ExitStatus::Done; }
};

// Takes what is worth telling out of a backup.
void note_outcome(FleetMember& member, const BackupOutcome& outcome, ExitStatus status);

struct FleetOutcome {
  std::string store;
  std::vector<FleetMember> members = {};  // by region and name
  // Regions, or whole hosts, that could not be listed: what they hold was not backed up.
  struct Unlisted {
    std::string host;
    Error error;
  };
  std::vector<Unlisted> unlisted = {};
  std::size_t passed_over = 0;  // by --include, --exclude and --shard
  std::optional<std::string> report_key = std::nullopt;
  std::optional<Error> report_error = std::nullopt;

  std::size_t count(ExitStatus status) const;
  std::size_t failed() const;  // neither good nor held
};

ExitStatus exit_status_of(const FleetOutcome& outcome, bool was_stopped);

// "eu-central-1/billing: snapshot 3, incremental, 1.2 MiB"
std::string member_line(const FleetMember& member, Paint paint);
void print_fleet(Output& output, const FleetOutcome& outcome, const RunFacts& facts, TextStyle style);
void print_fleet_json(Output& output, const RunFacts& facts, const FleetOutcome& outcome, bool dry_run);

// CloudWatch's embedded metric format, a JSON object on a line of its own: CloudWatch User Guide, "Specification:
// Embedded metric format". Namespace "Packferry"; of a run by Store, of a repository by Account, Region, Repository.
std::string run_metrics(const FleetOutcome& outcome, const RunFacts& facts, Clock::WallTime now);
std::string member_metrics(const FleetMember& member, Clock::WallTime now);

}  // namespace packferry
