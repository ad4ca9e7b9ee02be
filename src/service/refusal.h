// Why a leg of a crossing fell short of what was planned, as one Error.
#pragma once

#include <optional>

#include "engine/crossing.h"

namespace packferry {

// The leg's own error; else, in the words of the first ref that was stopped: refused, not done, held by the guard, or
// in the way of another name. What a policy leaves alone was not stopped. Nothing: no ref was.
std::optional<Error> refusal_of(const LegReport& leg);

}  // namespace packferry
