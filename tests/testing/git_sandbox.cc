#include "testing/git_sandbox.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/check.h"
#include "io/process.h"
#include "testing/must.h"

namespace packferry::testing {
namespace {

constexpr std::size_t kOutputBytesMax = 256 * 1024 * 1024;

}  // namespace

GitSandbox::GitSandbox() {
  const char* path = std::getenv("PATH");
  environment_ = {"PATH=" + std::string(path != nullptr ? path : "/usr/bin:/bin"), "HOME=" + directory_.path().string(),
                  "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=Ada",
                  "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org",
                  // safe.directory: CI may run as another user than the one who owns the sandbox
                  "GIT_CONFIG_COUNT=4", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
                  "GIT_CONFIG_KEY_1=gc.auto", "GIT_CONFIG_VALUE_1=0", "GIT_CONFIG_KEY_2=receive.autoGC",
                  "GIT_CONFIG_VALUE_2=false",
                  // nobody pulls the plug here
                  "GIT_CONFIG_KEY_3=core.fsync", "GIT_CONFIG_VALUE_3=none"};
}

GitSandbox::Outcome GitSandbox::try_git(std::string_view repository, const std::vector<std::string>& words) const {
  std::vector<std::string> argv = {"git", "-C", path(repository).string()};
  argv.insert(argv.end(), words.begin(), words.end());
  std::vector<std::string> environment = environment_;
  environment.push_back("GIT_AUTHOR_DATE=@" + std::to_string(seconds_) + " +0000");
  environment.push_back("GIT_COMMITTER_DATE=@" + std::to_string(seconds_) + " +0000");
  ProcessOutput run = must(
      run_process({.argv = argv, .environment = environment, .directory = {}}, "", kOutputBytesMax, Patience{}, {}));
  return {run.exit.code, run.output + run.exit.stderr_text};
}

std::string GitSandbox::git(std::string_view repository, const std::vector<std::string>& words) const {
  Outcome outcome = try_git(repository, words);
  if (outcome.code != 0) {
    std::string said;
    for (const std::string& word : words) said += " " + word;
    std::fprintf(stderr, "git%s: exit %d: %s\n", said.c_str(), outcome.code, outcome.output.c_str());
    std::abort();
  }
  if (outcome.output.ends_with('\n')) outcome.output.pop_back();
  return outcome.output;
}

std::string GitSandbox::git_fed(std::string_view repository, const std::vector<std::string>& words,
                                std::string_view input) const {
  std::vector<std::string> argv = {"git", "-C", path(repository).string()};
  argv.insert(argv.end(), words.begin(), words.end());
  ProcessOutput run = must(run_process({.argv = argv, .environment = environment_, .directory = {}}, input,
                                       kOutputBytesMax, Patience{}, {}));
  CHECK(run.exit.code == 0);
  return std::move(run.output);
}

void GitSandbox::init(std::string_view repository, std::string_view object_format, std::string_view branch) {
  std::filesystem::create_directories(path(repository));
  git(repository, {"init", "-q", "--bare", "--object-format=" + std::string(object_format),
                   "--initial-branch=" + std::string(branch)});
}

std::string GitSandbox::commit(std::string_view repository, std::string_view branch, std::string_view content) {
  ++seconds_;
  if (!std::filesystem::exists(path(repository) / "HEAD")) init(repository);
  const std::filesystem::path file = path("content");
  must(run_process({.argv = {"tee", file.string()}, .environment = environment_, .directory = {}}, content,
                   kOutputBytesMax, Patience{}, {}));
  const std::string blob = git(repository, {"hash-object", "-w", file.string()});
  // One tree with one file named after the branch: enough for histories, deltas and thin packs.
  const std::string listing = "100644 blob " + blob + "\tcontent\n";
  std::vector<std::string> environment = environment_;
  ProcessOutput tree = must(run_process(
      {.argv = {"git", "-C", path(repository).string(), "mktree"}, .environment = environment, .directory = {}},
      listing, kOutputBytesMax, Patience{}, {}));
  tree.output.pop_back();
  const std::string ref = "refs/heads/" + std::string(branch);
  std::vector<std::string> words = {"commit-tree", tree.output, "-m", std::string(content.substr(0, 40))};
  const Outcome parent = try_git(repository, {"rev-parse", "-q", "--verify", ref});
  if (parent.code == 0) {
    words.push_back("-p");
    words.push_back(parent.output.substr(0, parent.output.find('\n')));
  }
  const std::string id = git(repository, words);
  git(repository, {"update-ref", ref, id});
  return id;
}

}  // namespace packferry::testing
