// What is meant by the words after `packferry token`. An inner room of words.cc.
#pragma once

#include "cli/words.h"

namespace packferry {

// Invalid: what is missing, too much or not to be understood.
Result<TokenCommand> token_command_of(const Words& words);

}  // namespace packferry
