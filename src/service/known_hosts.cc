#include "service/known_hosts.h"

#include <algorithm>
#include <filesystem>

#include "aws/codecommit_address.h"
#include "base/check.h"
#include "service/replica_side.h"

namespace packferry {
namespace {

// "/git" has "/git/app/web.git", and "/gitlab/x" it has not.
bool is_below(std::string_view path, std::string_view folder) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/';
}

bool is_at(const Url& web, const Url& url) {
  if (url.is_http()) return url.same_origin(web) && is_below(url.path(), web.path());
  return url.scheme() == Scheme::Ssh && url.host() == web.host();
}

bool is_at(const FleetHost& host, const Url& url) {
  switch (host.kind) {
    case HostKind::CodeCommit:
      return is_codecommit(url) && (region_of_codecommit(url).empty() || region_of_codecommit(url) == host.region);
    case HostKind::Directory: {
      if (!url.is_local()) return false;
      const std::filesystem::path path = std::filesystem::path(url.path()).lexically_normal();
      return path.is_absolute() && is_below(path.string(), host.path);
    }
    case HostKind::List:
      return std::ranges::any_of(host.repositories, [&url](const Url& listed) {
        return listed.is_local() ? url.is_local() && url.path() == listed.path()
                                 : !url.is_local() && url.scheme() != Scheme::CodeCommit &&
                                       listed.scheme() != Scheme::CodeCommit && url.same_origin(listed);
      });
    case HostKind::GitLab:
    case HostKind::GitHub:
    case HostKind::Gitea:
    case HostKind::Bitbucket:
    case HostKind::BitbucketServer: {
      const std::optional<Url> web = web_address_of(host);
      return web && is_at(*web, url);
    }
  }
  CHECK(!"a HostKind is one of these");
  return false;
}

// By replica_side(): an origin, a name over ssh, "codecommit REGION ACCOUNT", "local".
bool is_called(const Url& url, const std::string& host) {
  if (url.is_local()) return host == kLocalHost;
  return host == url.host() || (url.is_http() && host == url.origin());
}

bool is_called(const FleetHost& known, const std::string& host) {
  switch (known.kind) {
    case HostKind::CodeCommit:
      return host.starts_with(codecommit_host(known.region, ""));
    case HostKind::Directory:
      return host == kLocalHost;
    case HostKind::List:
      return std::ranges::any_of(known.repositories, [&host](const Url& listed) { return is_called(listed, host); });
    case HostKind::GitLab:
    case HostKind::GitHub:
    case HostKind::Gitea:
    case HostKind::Bitbucket:
    case HostKind::BitbucketServer: {
      const std::optional<Url> web = web_address_of(known);
      return web && is_called(*web, host);
    }
  }
  CHECK(!"a HostKind is one of these");
  return false;
}

}  // namespace

std::optional<Url> web_address_of(const FleetHost& host) {
  if (host.url) return host.url;
  const char* const text = host.kind == HostKind::GitHub      ? "https://github.com"
                           : host.kind == HostKind::Bitbucket ? "https://bitbucket.org"
                           : host.kind == HostKind::GitLab    ? "https://gitlab.com"
                                                              : "";
  Result<Url> url = Url::parse(text);
  return url ? std::optional(std::move(url).value()) : std::nullopt;
}

std::size_t width_of(const Fleet& fleet, const std::string& host) {
  std::optional<std::size_t> width;
  for (const FleetHost& each : fleet.hosts)
    if (is_called(each, host)) width = std::max<std::size_t>(width.value_or(0), each.jobs);
  return width.value_or(FleetHost().jobs);
}

const FleetHost* host_of(const Fleet& fleet, const Url& url) {
  const auto found = std::ranges::find_if(fleet.hosts, [&url](const FleetHost& host) { return is_at(host, url); });
  return found == fleet.hosts.end() ? nullptr : &*found;
}

}  // namespace packferry
