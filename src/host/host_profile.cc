#include "host/host_profile.h"

#include <algorithm>
#include <array>

#include "aws/codecommit_address.h"

namespace packferry {
namespace {

// Namespaces that some host keeps for itself. On a host that we know only its own are hidden; on one that we do not,
// all. Where each was read is in docs/hosts.md.
constexpr std::array<std::string_view, 1> kGitHub = {"refs/pull/"};
constexpr std::array<std::string_view, 5> kGitLab = {"refs/merge-requests/", "refs/keep-around/", "refs/pipelines/",
                                                     "refs/environments/", "refs/tmp/"};
constexpr std::array<std::string_view, 1> kGitea = {"refs/pull/"};
constexpr std::array<std::string_view, 2> kBitbucket = {"refs/pull-requests/", "refs/pull/"};
constexpr std::array<std::string_view, 6> kGerrit = {"refs/changes/",         "refs/for/",   "refs/meta/",
                                                     "refs/cache-automerge/", "refs/users/", "refs/starred-changes/"};
// Nobody wants these pushed anywhere: another clone's remotes, and what we keep ourselves.
constexpr std::array<std::string_view, 3> kEverywhere = {"refs/remotes/", "refs/packferry/",
                                                         "refs/tags/packferry-part/"};

template <std::size_t n>
void hide(HostProfile& profile, const std::array<std::string_view, n>& prefixes) {
  for (const std::string_view prefix : prefixes)
    if (std::find(profile.hidden_prefixes.begin(), profile.hidden_prefixes.end(), prefix) ==
        profile.hidden_prefixes.end())
      profile.hidden_prefixes.emplace_back(prefix);
}

bool is_host(std::string_view host, std::string_view domain) {
  return host == domain ||
         (host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
}

}  // namespace

bool HostProfile::is_hidden(const RefName& ref) const {
  return std::any_of(hidden_prefixes.begin(), hidden_prefixes.end(),
                     [&](const std::string& prefix) { return ref.starts_with(prefix); });
}

HostProfile profile_of(const Url& url) {
  HostProfile profile;
  hide(profile, kEverywhere);
  const std::string& host = url.host();
  if (is_host(host, "github.com")) {
    profile.name = "github";
    profile.pack_bytes_max = 2ull * 1024 * 1024 * 1024;
    hide(profile, kGitHub);
  } else if (is_host(host, "gitlab.com")) {
    profile.name = "gitlab";
    profile.pack_bytes_max = 5ull * 1024 * 1024 * 1024;
    hide(profile, kGitLab);
  } else if (is_host(host, "bitbucket.org")) {
    profile.name = "bitbucket";
    hide(profile, kBitbucket);
  } else if (is_host(host, "codeberg.org") || is_host(host, "gitea.com")) {
    profile.name = "gitea";
    hide(profile, kGitea);
  } else if (url.scheme() == Scheme::CodeCommit || region_of_codecommit_host(host)) {
    profile.name = "codecommit";
    profile.updates_per_push_max = 4000;
    profile.pack_bytes_advised = 1024ull * 1024 * 1024;
    profile.takes_ofs_delta = false;
  } else {
    hide(profile, kGitHub);
    hide(profile, kGitLab);
    hide(profile, kBitbucket);
    hide(profile, kGerrit);
  }
  return profile;
}

}  // namespace packferry
