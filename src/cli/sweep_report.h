// What became of a fleet, for a person, for a program, and as a page. It can be believed: what is called up to date was
// seen to be so, and it is said when, and how.
#pragma once

#include <string>

#include "cli/report.h"
#include "cli/report_json.h"
#include "service/fleet_sweep.h"

namespace packferry {

ExitStatus exit_status_of(const SweepReport& report);

// "gitlab/app/web -> vault/gitlab/app/web: snapshot 3, 1.2 MiB"
std::string leg_line(const LegOutcome& leg, Paint paint);
void print_sweep(Output& output, const SweepReport& report, const RunFacts& facts, TextStyle style);
void print_sweep_json(Output& output, const RunFacts& facts, std::string_view command, const SweepReport& report,
                      bool dry_run);
// One page without scripts or anything from elsewhere: what needs somebody first, then everything, and how fresh it is.
std::string sweep_page(const SweepReport& report, const RunFacts& facts, const std::string& configuration,
                       Clock::WallTime now);

}  // namespace packferry
