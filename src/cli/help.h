// What --help says. Written by hand, so that it reads well; a test holds it against the options there are.
#pragma once

#include <string>
#include <string_view>

namespace packferry {

// "" is the overview; else a command.
std::string_view help_text(std::string_view command);

}  // namespace packferry
