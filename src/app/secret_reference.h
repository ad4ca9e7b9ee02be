// Where a configuration says that a secret is, looked up.
#pragma once

#include "app/environment.h"
#include "service/fleet.h"

namespace packferry {

// Invalid: the environment has no such variable, or it is empty. As read_secret_file() otherwise.
Result<Secret> look_up(const SecretReference& reference, const Environment& environment);

}  // namespace packferry
