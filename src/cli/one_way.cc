#include "cli/one_way.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "aws/codecommit_address.h"

namespace packferry {
namespace {

std::string local_address(const std::string& path) {
  std::error_code failed;
  std::filesystem::path real = std::filesystem::weakly_canonical(path, failed);
  if (failed) real = std::filesystem::absolute(path, failed).lexically_normal();
  std::string text = real.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  // git takes a work tree for the repository in it.
  if (text.ends_with("/.git")) text.resize(text.size() - 5);
  return text;
}

std::string served_path(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  return std::string(path);
}

// What an address of CodeCommit says, whichever form it has.
struct CodeCommitPlace {
  std::string region;  // empty: the profile's
  std::string profile;
  std::string path;

  friend bool operator==(const CodeCommitPlace&, const CodeCommitPlace&) = default;
};

std::optional<CodeCommitPlace> codecommit_place(const Url& url) {
  if (url.scheme() == Scheme::CodeCommit)
    return CodeCommitPlace{.region = url.region(), .profile = url.user(), .path = served_path(url.path())};
  const std::optional<std::string> region = region_of_codecommit_host(url.host());
  if (!region) return std::nullopt;
  return CodeCommitPlace{.region = *region, .profile = "", .path = served_path(url.path())};
}

}  // namespace

bool is_same_repository(const Url& a, const Url& b) {
  if (a.is_local() || b.is_local())
    return a.is_local() && b.is_local() && local_address(a.path()) == local_address(b.path());
  const std::optional<CodeCommitPlace> place = codecommit_place(a);
  if (place && place == codecommit_place(b)) return true;
  if (a.scheme() == Scheme::CodeCommit || b.scheme() == Scheme::CodeCommit) return false;
  if (a.host() != b.host() || a.query() != b.query() || served_path(a.path()) != served_path(b.path())) return false;
  if (a.scheme() == b.scheme()) return a.port() == b.port();
  // https://h/x and git@h:x are one repository; with ports of their own they may be two servers on one machine.
  return !a.has_explicit_port() && !b.has_explicit_port();
}

Result<> check_one_way(const Url& source, const std::vector<Url>& destinations, bool one_identity) {
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    const Url& destination = destinations[i];
    if (destination.scheme() == Scheme::Git)
      return Error(ErrorKind::Invalid, "destination '{}': git:// can only be read; push over https or ssh",
                   destination.text());
    const bool may_be_another = !one_identity && codecommit_place(source);
    if (is_same_repository(source, destination) && !may_be_another)
      return Error(ErrorKind::Invalid, "destination '{}' is the source; packferry carries one way", destination.text());
    for (std::size_t j = 0; j < i; ++j)
      if (is_same_repository(destinations[j], destination))
        return Error(ErrorKind::Invalid, "destination '{}' is given twice", destination.text());
  }
  return {};
}

}  // namespace packferry
