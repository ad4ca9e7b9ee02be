// What the program tells whoever started it. Documented in --help and docs/formats/report.md; never renumbered.
#pragma once

#include <string_view>

#include "engine/crossing.h"

namespace packferry {

enum class ExitStatus {
  Done = 0,     // everything asked for is done and confirmed
  Failed = 1,   // nothing is confirmed; see the error
  Usage = 2,    // the command line or the configuration is wrong; nobody was asked anything
  Held = 3,     // the guard stopped something that a person may allow; the rest is confirmed
  Partial = 4,  // some refs or destinations are confirmed, others are not
  Differs = 5,  // compare: they are not the same
  Damaged = 6,  // verify: something is missing, changed or incomplete; the rest is as it should be
  Interrupted = 130,
};

std::string_view to_string(ExitStatus status);  // "done", "failed", …: part of the JSON report

// `was_stopped`: we were asked to stop before the crossing was over. A dry run counts as if it had been done.
ExitStatus exit_status_of(const CrossingReport& report, bool was_stopped);

}  // namespace packferry
