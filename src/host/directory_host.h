// A directory of bare repositories, at any depth. Stock git makes new ones.
#pragma once

#include <filesystem>
#include <string>

#include "host/host.h"

namespace packferry {

class DirectoryHost final : public Host {
 public:
  // `root` is absolute. `environment`: what git runs with.
  DirectoryHost(std::filesystem::path root, std::vector<std::string> environment);

  std::string name() const override;
  // Names are paths from the root, without ".git". Symbolic links are not followed and hidden directories are passed
  // over; nothing is looked for inside of a repository. A directory that may not be read is Denied, and then there is
  // no list; a name with control characters in it, or two of one name ("web" and "web.git"), are Invalid. `owner`: a
  // directory below the root.
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  // NAME.git, or NAME where that is a repository.
  Result<Url> url_of(std::string_view repository) const override;
  // Shows up whole or not at all. Access is what the file system makes of the directory, so there is no visibility to
  // be told.
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  Result<std::filesystem::path> path_of(std::string_view repository) const;
  Result<HostedRepository> described(std::string name, const std::filesystem::path& path) const;
  Result<> add_all(const std::filesystem::path& directory, unsigned depth, std::vector<HostedRepository>& all,
                   std::stop_token stop) const;
  Result<> git(std::vector<std::string> words, std::stop_token stop) const;

  const std::filesystem::path root_;
  const std::vector<std::string> environment_;
};

}  // namespace packferry
