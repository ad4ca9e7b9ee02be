#include "service/fleet.h"

#include <algorithm>
#include <array>

#include "base/printable.h"

namespace packferry {
namespace {

struct KindName {
  HostKind kind;
  std::string_view name;
};

constexpr std::array<KindName, 8> kKindNames{{{HostKind::GitLab, "gitlab"},
                                              {HostKind::GitHub, "github"},
                                              {HostKind::Gitea, "gitea"},
                                              {HostKind::Bitbucket, "bitbucket"},
                                              {HostKind::BitbucketServer, "bitbucket-server"},
                                              {HostKind::CodeCommit, "codecommit"},
                                              {HostKind::Directory, "directory"},
                                              {HostKind::List, "list"}}};

template <typename Named>
const Named* find_named(const std::vector<Named>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Named::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string_view to_string(HostKind kind) { return std::ranges::find(kKindNames, kind, &KindName::kind)->name; }

Result<HostKind> parse_host_kind(std::string_view text) {
  if (text == "forgejo") return HostKind::Gitea;
  const auto* const found = std::ranges::find(kKindNames, text, &KindName::name);
  if (found != kKindNames.end()) return found->kind;
  return Error(ErrorKind::Invalid,
               "'{}' is no kind of host; there are gitlab, github, gitea, forgejo, bitbucket, bitbucket-server, "
               "codecommit, directory and list",
               printable(text));
}

const FleetHost* Fleet::host(std::string_view name) const { return find_named(hosts, name); }
const FleetStore* Fleet::store(std::string_view name) const { return find_named(stores, name); }

}  // namespace packferry
