// Real git on real repositories, out of reach of the user's configuration: the judge in tests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "testing/temp_dir.h"

namespace packferry::testing {

class GitSandbox {
 public:
  GitSandbox();

  // The environment that git runs with here: "NAME=value", complete.
  const std::vector<std::string>& environment() const { return environment_; }
  std::filesystem::path path(std::string_view name) const { return directory_ / name; }

  // `git -C <repository> words…`; aborts the test on failure and returns standard output without its last line feed.
  std::string git(std::string_view repository, const std::vector<std::string>& words) const;
  // The same, allowed to fail.
  struct Outcome {
    int code;
    std::string output;  // standard output and standard error
  };
  Outcome try_git(std::string_view repository, const std::vector<std::string>& words) const;

  // The same with something to read; returns exactly what stands on standard output, which may be a pack.
  std::string git_fed(std::string_view repository, const std::vector<std::string>& words, std::string_view input) const;

  // A bare repository without commits.
  void init(std::string_view repository, std::string_view object_format = "sha1", std::string_view branch = "main");
  // Adds one commit to a branch of a bare repository (creating both as needed) and returns its id. Commit ids depend on
  // the arguments and the order of calls only: the clock of the sandbox ticks once a commit.
  std::string commit(std::string_view repository, std::string_view branch, std::string_view content);

 private:
  TempDir directory_;
  std::vector<std::string> environment_;
  long seconds_ = 1'700'000'000;
};

}  // namespace packferry::testing
