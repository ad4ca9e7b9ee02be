#include "engine/destination.h"

#include <filesystem>

#include "base/printable.h"
#include "io/process.h"

namespace packferry {
namespace {

HostProfile local_profile() {
  HostProfile profile = profile_of(*Url::parse("/"));
  profile.name = "local git";
  return profile;
}

}  // namespace

RemoteDestination::RemoteDestination(std::unique_ptr<Remote> remote, HostProfile profile)
    : remote_(std::move(remote)), profile_(std::move(profile)) {}

Result<std::optional<Listing>> RemoteDestination::refs(std::stop_token stop) {
  return std::optional(TRY(remote_->list_for_push(stop)));
}

Result<> RemoteDestination::create(ObjectFormat, const Head&, std::stop_token) {
  return Error(ErrorKind::Unsupported, "the repository has to be created at the host first");
}

Result<std::unique_ptr<PushWriter>> RemoteDestination::open(PushRequest request, RemoteMessages messages,
                                                            std::stop_token stop) {
  return remote_->push(std::move(request), std::move(messages), stop);
}

LocalDestination::LocalDestination(std::unique_ptr<Remote> remote, std::string path,
                                   std::vector<std::string> environment)
    : remote_(std::move(remote)),
      path_(std::move(path)),
      environment_(std::move(environment)),
      profile_(local_profile()) {
  CHECK(path_.starts_with('/'));
}

bool LocalDestination::is_absent() const {
  std::error_code unreadable;  // not ours to judge: git will say what is wrong with it
  if (!std::filesystem::exists(path_, unreadable)) return !unreadable;
  return std::filesystem::is_directory(path_, unreadable) && std::filesystem::is_empty(path_, unreadable) &&
         !unreadable;
}

Result<std::string> LocalDestination::git(std::vector<std::string> words, std::stop_token stop) const {
  const std::string verb = words.front();
  words.insert(words.begin(), "git");
  if (verb != "init") words.insert(words.begin() + 1, {"-C", path_});
  constexpr std::size_t kOutputBytesMax = 64 * 1024;
  const ProcessOutput run = TRY(run_process({.argv = words, .environment = environment_, .directory = {}}, "",
                                            kOutputBytesMax, Patience{}, stop));
  if (run.exit.code != 0) return Error(ErrorKind::Rejected, "git {}: {}", verb, printable(run.exit.stderr_text, 400));
  return run.output;
}

Result<std::optional<Listing>> LocalDestination::refs(std::stop_token stop) {
  if (is_absent()) return std::optional<Listing>();
  return std::optional(TRY(remote_->list_for_push(stop)));
}

Result<> LocalDestination::create(ObjectFormat format, const Head& head, std::stop_token stop) {
  std::vector<std::string> words = {"init", "--quiet", "--bare", fmt::format("--object-format={}", to_string(format))};
  if (head.target && head.target->is_branch())
    words.push_back(fmt::format("--initial-branch={}", head.target->short_name()));
  words.insert(words.end(), {"--", path_});
  TRY(git(std::move(words), stop));
  return {};
}

Result<std::unique_ptr<PushWriter>> LocalDestination::open(PushRequest request, RemoteMessages messages,
                                                           std::stop_token stop) {
  return remote_->push(std::move(request), std::move(messages), stop);
}

Result<bool> LocalDestination::set_head(const RefName& branch, std::stop_token stop) {
  Result<std::string> now = git({"symbolic-ref", "-q", "HEAD"}, stop);
  if (now && *now == branch.text() + "\n") return true;
  // A repository with a work tree has HEAD for the person who works in it.
  const std::string bare = TRY(git({"rev-parse", "--is-bare-repository"}, stop));
  if (bare != "true\n") return false;
  TRY(git({"symbolic-ref", "HEAD", branch.text()}, stop));
  return true;
}

}  // namespace packferry
