// A bare repository that stock git makes for us, out of reach of anybody's configuration, hooks and templates. The work
// is git's; what is here is how it is asked, and what its answers mean.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "git/ref.h"
#include "io/stream.h"

namespace packferry {

class BareRepository {
 public:
  // In `directory`, which does not exist yet or is empty. Of `environment` git gets what is not git's own (PATH, …).
  static Result<BareRepository> make(std::filesystem::path directory, ObjectFormat format,
                                     const std::vector<std::string>& environment, std::stop_token stop);

  const std::filesystem::path& directory() const { return directory_; }

  // Indexes a pack, thin or not. Not strict: history that git would refuse today comes back as it was. Corrupt: git
  // says that it is damaged, or that it does not fit. An Error of `pack` is passed on; then the repository is not to be
  // used.
  Result<> add_pack(Reader& pack, const PumpProgress& progress, std::stop_token stop) const;
  // Fetches all refs of a bundle into refs/chain/LINK/. Corrupt: git refuses it.
  Result<> fetch_bundle(const std::filesystem::path& bundle, std::size_t link, std::stop_token stop) const;

  // Takes the objects of a zipped bare repository, with unzip(1). Corrupt: that refuses it.
  Result<> unzip(const std::filesystem::path& zip, std::stop_token stop) const;

  // Which of `oids` are not there.
  Result<std::vector<Oid>> missing(const std::vector<Oid>& oids, std::stop_token stop) const;
  // Is everything there that the refs reach? What `known` reaches was found to be there before. Corrupt: no, and what
  // is missing.
  Result<> check_connected(const RefMap& refs, const std::vector<Oid>& known, std::stop_token stop) const;

  // Exactly these refs, and HEAD, whatever git thinks of their names and values; a detached HEAD only where its commit
  // is there. Corrupt: git lists other refs afterwards. What fetch_bundle() left below refs/chain/ does not count.
  Result<> set_refs(const RefMap& refs, const Head& head, std::stop_token stop) const;

  // Everything that `git fsck --full` has to say. Corrupt: an object is damaged or missing. What is only unusual, and
  // was so at the source, is returned, line by line.
  Result<std::vector<std::string>> fsck(std::stop_token stop) const;

  // All of the repository in `directory` is on the disk.
  static Result<> sync(const std::filesystem::path& directory);

 private:
  BareRepository(std::filesystem::path directory, std::vector<std::string> environment)
      : directory_(std::move(directory)), environment_(std::move(environment)) {}

  struct Said {
    int code = 0;
    std::string output;
    std::string errors;
  };
  std::vector<std::string> argv(std::vector<std::string> words) const;
  Result<Said> git(std::vector<std::string> words, std::string_view input, std::stop_token stop) const;

  std::filesystem::path directory_;
  std::vector<std::string> environment_;
};

}  // namespace packferry
