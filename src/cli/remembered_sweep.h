// A sweep that stands in the catalogue afterwards, with its report.
#pragma once

#include <stop_token>
#include <string>

#include "service/fleet_sweep.h"

namespace packferry {

struct SweepFacts {
  std::string version;        // of the program
  std::string configuration;  // the file
};

// As sweep_fleet(). That the catalogue did not take the report is in the report.
Result<SweepReport> remembered_sweep(const Fleet& fleet, FleetEnds& ends, Catalogue& catalogue,
                                     const SweepOptions& options, const SweepFacts& facts, const Clock& clock,
                                     SweepObserver* observer, std::stop_token stop);

}  // namespace packferry
