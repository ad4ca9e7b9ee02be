// Packferry carries one way. A trip whose end is its own beginning, or that reaches one repository twice, is refused.
#pragma once

#include <vector>

#include "base/result.h"
#include "net/url.h"

namespace packferry {

// Do both lead to the same repository, as far as addresses can tell? "web", "web/" and "web.git" on one host are the
// same, over ssh and over https too; paths on this machine are compared after links are followed. A repository of
// CodeCommit is the same by each of its addresses.
bool is_same_repository(const Url& a, const Url& b);

// Invalid when a destination is the source, is given twice, or can only be read (git://). An address of CodeCommit
// names no account: where the sides go there as two identities, `one_identity` is false, and one address may be two
// repositories.
Result<> check_one_way(const Url& source, const std::vector<Url>& destinations, bool one_identity = true);

}  // namespace packferry
