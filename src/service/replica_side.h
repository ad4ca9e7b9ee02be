// What a person and a program call the two ends of a replica: which kind of host it is, the host's own id, and where it
// can be seen. Pure; docs/replicas.md.
#pragma once

#include <string>
#include <string_view>

#include "catalogue/replica_records.h"
#include "net/url.h"

namespace packferry {

// What somebody found out about a repository at AWS CodeCommit, whose address says less than that.
struct CodeCommitFacts {
  std::string region = {};
  std::string account = {};  // twelve digits
};

// Invalid: an address of CodeCommit that is none. `facts` are for CodeCommit alone; without an account the id is the
// repository's address there.
Result<ReplicaSide> replica_side(const Url& url, const CodeCommitFacts& facts);

// What ReplicaSide::host says of a directory here, and of CodeCommit.
inline constexpr std::string_view kLocalHost = "local";
std::string codecommit_host(const std::string& region, const std::string& account);

// Where a person sees the repository in a browser; empty: nowhere.
Result<std::string> replica_link(const Url& url, const CodeCommitFacts& facts);

}  // namespace packferry
