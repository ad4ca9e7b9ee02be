// What a host takes and refuses, known beforehand. Each figure's source is in docs/hosts.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "git/ref.h"
#include "net/url.h"

namespace packferry {

struct HostProfile {
  std::string name = "git";  // "github", "gitlab", "codecommit", "gitea", …, or "git" when nothing is known
  std::size_t updates_per_push_max = 0;           // 0: no limit known; CodeCommit 4,000
  std::uint64_t pack_bytes_max = 0;               // 0: no limit known; GitHub 2 GiB
  std::uint64_t pack_bytes_advised = 0;           // larger pushes are taken, and often fail; CodeCommit 1 GiB
  std::vector<std::string> hidden_prefixes = {};  // the host's own refs: never pushed there, never expected back
  bool keeps_old_tips = false;                    // by itself: what its refs once named is never lost
  bool takes_kept_refs = true;                    // false: refuses refs/packferry/… (known beforehand)
  bool takes_thin = true;
  bool takes_ofs_delta = true;

  bool is_hidden(const RefName& ref) const;
};

// By host name; an unknown host gets the defaults with every namespace that any forge reserves hidden: refs/pull/,
// refs/merge-requests/, refs/keep-around/, refs/changes/, refs/pipelines/, refs/environments/, refs/for/,
// refs/remotes/, … and our own refs/packferry/.
HostProfile profile_of(const Url& url);

}  // namespace packferry
