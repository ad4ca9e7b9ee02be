// What a person and a program call the two ends of a replica: which kind of host it is, the host's own id, and where it
// can be seen. Pure; docs/replicas.md.
#pragma once

#include <string>
#include <string_view>

#include "catalogue/replica_records.h"
#include "net/url.h"

namespace packferry {

// What somebody knows of a repository's host that its address does not say.
struct SideFacts {
  std::string type = {};     // what it is, for ReplicaSide::type; empty: as far as its name tells
  std::string region = {};   // of AWS CodeCommit
  std::string account = {};  // the same; twelve digits
};

// Invalid: an address of CodeCommit that is none. Without an account the id is the repository's address there.
Result<ReplicaSide> replica_side(const Url& url, const SideFacts& facts);

// What ReplicaSide::host says of a directory here, and of CodeCommit.
inline constexpr std::string_view kLocalHost = "local";
std::string codecommit_host(const std::string& region, const std::string& account);

// Where a person sees the repository in a browser; empty: nowhere.
Result<std::string> replica_link(const Url& url, const SideFacts& facts);

}  // namespace packferry
