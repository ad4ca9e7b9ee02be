// The real world of a service: environment, files, HTTP, SQS.
#pragma once

#include <string>

#include "app/environment.h"
#include "base/clock.h"
#include "cli/run.h"

namespace packferry {

// What is passed in outlives what it makes.
MakeServiceEnds make_real_service_ends(const Environment& environment, std::string version, Clock& clock);

}  // namespace packferry
