#include "host/repository_list.h"

#include <algorithm>

#include "base/printable.h"

namespace packferry {
namespace {

// GitLab's paths have 255 bytes a part, and 20 groups in groups; the others are shorter.
constexpr std::size_t kPartBytesMax = 255;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-").find(c) != std::string_view::npos;
}

bool is_part(std::string_view part) {
  // Personal projects of Bitbucket Data Center: "~ada".
  if (part.starts_with('~')) part.remove_prefix(1);
  return !part.empty() && part.size() <= kPartBytesMax && part != "." && part != ".." &&
         std::all_of(part.begin(), part.end(), is_name_character);
}

}  // namespace

Result<> RepositoryList::add(ListedPage page) {
  total_ = std::max(total_, page.total.value_or(0));
  std::size_t known = 0;
  for (const HostedRepository& repository : page.repositories)
    if (!seen_.insert(repository.id.empty() ? repository.name : repository.id).second) ++known;
  if (known > 0 && known == page.repositories.size())
    return Error(ErrorKind::Corrupt, "the list has a page twice: nothing on it is new");
  if (known > 0)
    return Error(ErrorKind::Unavailable, "the list changed while it was read: {} of a page were listed before", known);
  if (all_.size() + page.repositories.size() > kRepositoriesMax)
    return Error(ErrorKind::Exhausted, "the list has more than {} repositories", kRepositoriesMax);
  std::move(page.repositories.begin(), page.repositories.end(), std::back_inserter(all_));
  return {};
}

Result<std::vector<HostedRepository>> RepositoryList::finish() && {
  if (all_.size() < total_)
    return Error(ErrorKind::Unavailable, "the list has {} repositories, and there are {} by the host's own count",
                 all_.size(), total_);
  std::sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twice != all_.end()) return Error(ErrorKind::Corrupt, "the list has two repositories '{}'", twice->name);
  return std::move(all_);
}

Result<> check_hosted_name(std::string_view name, std::size_t parts_min, std::size_t parts_max) {
  std::size_t parts = 0;
  for (std::string_view rest = name; !rest.empty() || parts == 0; ++parts) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    if (!is_part(rest.substr(0, end)) || (end < rest.size() && end + 1 == rest.size()))
      return Error(ErrorKind::Invalid, "'{}' is no name: parts of letters, digits and '._-', with '/' between them",
                   printable(name, 200));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (name.ends_with(".git"))
    return Error(ErrorKind::Invalid, "'{}' is no name: leave the '.git' out", printable(name, 200));
  if (parts >= parts_min && parts <= parts_max) return {};
  const std::string wanted =
      parts_min == parts_max ? fmt::format("{}", parts_min) : fmt::format("{} to {}", parts_min, parts_max);
  return Error(ErrorKind::Invalid, "'{}' has {} parts, and names have {} here", printable(name, 200), parts, wanted);
}

std::string_view owner_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

std::string_view last_part_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

}  // namespace packferry
