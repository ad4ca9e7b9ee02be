// The real ends of a fleet: each host with its own token, each store with its own identity.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/environment.h"
#include "base/clock.h"
#include "cli/run.h"

namespace packferry {

// `environment` and `clock` outlive what is made. Secrets are read when a host is first asked for: from the variable or
// the file that the configuration names, and from nowhere else.
MakeFleetEnds make_real_fleet_ends(const Environment& environment, std::string version, Clock& clock);

}  // namespace packferry
