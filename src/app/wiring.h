// The one place that names every concrete class: addresses to carriers, credentials and ends.
#pragma once

#include <string>

#include "app/environment.h"
#include "base/clock.h"
#include "cli/ends.h"

namespace packferry {

// The real ends. `environment` and `clock` outlive what is made.
//
// Who we are towards an http(s) host is the first of these that is there: the environment's variables for the side,
// those for both, the credentials file for the side, the one for both, the password in the URL; else git's credential
// helpers are asked. One set of credentials goes to one origin: a second origin that would get it is Invalid.
MakeEnds make_real_ends(const Environment& environment, std::string version, Clock& clock);

}  // namespace packferry
