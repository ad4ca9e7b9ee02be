// Packferry carries one way. A trip whose end is its own beginning, or that reaches one repository twice, is refused.
#pragma once

#include <vector>

#include "base/result.h"
#include "net/url.h"

namespace packferry {

// Do both lead to the same repository, as far as addresses can tell? "web", "web/" and "web.git" on one host are the
// same, over ssh and over https too; paths on this machine are compared after links are followed.
bool is_same_repository(const Url& a, const Url& b);

// Invalid when a destination is the source, is given twice, or can only be read (git://).
Result<> check_one_way(const Url& source, const std::vector<Url>& destinations);

}  // namespace packferry
