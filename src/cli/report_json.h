// The same for programs: one JSON document on standard output. Every field is described in docs/formats/report.md;
// names and meanings do not change under "packferry.report/1", fields may be added.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/comparison.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "engine/crossing.h"
#include "engine/policy.h"
#include "host/host.h"
#include "remote/advertisement.h"

namespace packferry {

// What every report begins with.
struct RunFacts {
  std::string version;
  Clock::WallTime started_at;
  Milliseconds duration{0};
  ExitStatus status = ExitStatus::Done;
};

void print_crossing_json(Output& output, const RunFacts& facts, const CrossingReport& report, FollowMode policy,
                         bool dry_run);
void print_refs_json(Output& output, const RunFacts& facts, const std::string& repository, const Listing& listing);
void print_comparison_json(Output& output, const RunFacts& facts, const Comparison& comparison);
void print_created_json(Output& output, const RunFacts& facts, const std::string& host, const HostedRepository& made);
// `command` came to nothing: nobody could be asked, or the one that was asked did not answer.
void print_error_json(Output& output, const RunFacts& facts, std::string_view command, const Error& error);

}  // namespace packferry
