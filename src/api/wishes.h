// What the bodies of requests ask for, as JSON: docs/formats/openapi.json says the same. What nobody knows is refused
// and not passed over, so that a word with a mistake in it never means its default.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "service/replica_operations.h"

namespace packferry {

// Of createReplica. Invalid: no JSON object, members that there are not or twice, other types, too long, and what the
// command line would refuse, too.
Result<ReplicaWish> read_replica_wish(std::string_view body);
// The way back, for who asks.
std::string replica_wish_json(const ReplicaWish& wish);

// Of createToken.
struct TokenWish {
  std::string bearer;
  std::set<Scope> scopes;
  std::vector<std::string> replicas = {};
  std::optional<Milliseconds> lasts = {};  // none: for good
};
// Invalid: as above.
Result<TokenWish> read_token_wish(std::string_view body);

}  // namespace packferry
