#include "host/list_host.h"

#include <algorithm>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kCodeCommitPath = "/v1/repos/";

// Empty where there is none to be had.
std::string name_in(const Url& url) {
  std::string_view path = url.path();
  if (url.scheme() == Scheme::CodeCommit) path.remove_prefix(kCodeCommitPath.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(std::string_view(".git").size());
  const std::string parts = fmt::format("/{}/", path);
  const bool leads_out = parts.find("/../") != std::string::npos || parts.find("/./") != std::string::npos ||
                         parts.find("//") != std::string::npos;
  return leads_out || printable(path, path.size() + 1) != path ? std::string() : std::string(path);
}

}  // namespace

Result<std::unique_ptr<ListHost>> ListHost::make(const std::vector<Url>& repositories) {
  std::map<std::string, Url, std::less<>> urls;
  for (const Url& url : repositories) {
    const std::string name = name_in(url);
    if (name.empty()) return Error(ErrorKind::Invalid, "'{}' has no name in it for its repository", url.text());
    const auto [found, is_new] = urls.emplace(name, url);
    if (!is_new)
      return Error(ErrorKind::Invalid, "'{}' and '{}' are both called '{}'; put them on two lists",
                   found->second.text(), url.text(), name);
  }
  return std::unique_ptr<ListHost>(new ListHost(std::move(urls)));
}

Result<std::vector<HostedRepository>> ListHost::list(const std::string& owner, std::stop_token) {
  if (!owner.empty()) return Error(ErrorKind::Unsupported, "a list of addresses has no owners; choose by names");
  std::vector<HostedRepository> all;
  all.reserve(urls_.size());
  for (const auto& [name, url] : urls_) all.push_back({.name = name, .url = url});
  return all;
}

Result<HostedRepository> ListHost::find(std::string_view repository, std::stop_token) {
  const Url url = TRY(url_of(repository));
  return HostedRepository{.name = std::string(repository), .url = url};
}

Result<Url> ListHost::url_of(std::string_view repository) const {
  const auto found = urls_.find(repository);
  if (found == urls_.end()) return Error(ErrorKind::NotFound, "'{}' is not on the list", printable(repository, 200));
  return found->second;
}

Result<HostedRepository> ListHost::create(const NewRepository& wanted, std::stop_token) {
  return Error(ErrorKind::Unsupported, "'{}': a list of addresses makes no repositories", printable(wanted.name, 200));
}

Result<> ListHost::set_default_branch(std::string_view repository, std::string_view, std::stop_token) {
  return Error(ErrorKind::Unsupported, "'{}': a list of addresses sets no default branches",
               printable(repository, 200));
}

}  // namespace packferry
