#include "engine/bare_repository.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.h"
#include "io/file.h"
#include "io/process.h"

namespace packferry {
namespace {

// git says nothing while it works, and may work for hours: what ends it is the stop token.
constexpr Patience kWhileGitWorks{.stall_ms = std::chrono::hours(7 * 24)};
constexpr std::size_t kOutputBytesMax = 1024u * 1024 * 1024;
constexpr std::size_t kWordsShownMax = 400;

bool is_gits_own(std::string_view variable) {
  return variable.starts_with("GIT_") || variable.starts_with("HOME=") || variable.starts_with("XDG_") ||
         variable.starts_with("LC_") || variable.starts_with("LANG");
}

// Nobody's configuration but the repository's own, which `git init` has just made. Replace refs are refs here, nothing
// more. Whoever wants it on the disk calls sync() in the end.
std::vector<std::string> hermetic(std::vector<std::string> environment, const std::filesystem::path& home) {
  std::erase_if(environment, is_gits_own);
  const std::vector<std::string> ours = {fmt::format("HOME={}", home.native()),
                                         "LC_ALL=C",
                                         "GIT_CONFIG_NOSYSTEM=1",
                                         "GIT_CONFIG_GLOBAL=/dev/null",
                                         "GIT_TERMINAL_PROMPT=0",
                                         "GIT_NO_REPLACE_OBJECTS=1",
                                         "GIT_CONFIG_COUNT=4",
                                         "GIT_CONFIG_KEY_0=core.fsync",
                                         "GIT_CONFIG_VALUE_0=none",
                                         "GIT_CONFIG_KEY_1=gc.auto",
                                         "GIT_CONFIG_VALUE_1=0",
                                         "GIT_CONFIG_KEY_2=core.hooksPath",
                                         "GIT_CONFIG_VALUE_2=/dev/null",
                                         "GIT_CONFIG_KEY_3=maintenance.auto",
                                         "GIT_CONFIG_VALUE_3=false"};
  environment.insert(environment.end(), ours.begin(), ours.end());
  return environment;
}

// What a failed git means. It says so in English, and only so.
Error git_error(std::string_view verb, int code, std::string_view words) {
  const bool is_full = words.find("No space left on device") != std::string_view::npos ||
                       words.find("Disk quota exceeded") != std::string_view::npos;
  const bool is_out_of_memory = words.find("ut of memory") != std::string_view::npos;
  const ErrorKind kind = is_full || is_out_of_memory || code > 128 ? ErrorKind::Exhausted : ErrorKind::Corrupt;
  while (words.ends_with('\n')) words.remove_suffix(1);
  return Error(kind, "git {}: {}", verb,
               words.empty() ? fmt::format("exit {}", code) : printable(words, kWordsShownMax));
}

class ToChild final : public Writer {
 public:
  explicit ToChild(Channel& channel) : channel_(channel) {}
  Result<> write(std::span<const std::byte> bytes) override {
    Result<> written = channel_.write(bytes);
    refused_ = !written && written.error().kind() == ErrorKind::Unavailable;
    return written;
  }
  Result<> finish() override { return {}; }
  bool refused() const { return refused_; }

 private:
  Channel& channel_;
  bool refused_ = false;
};

std::string one_a_line(const std::vector<Oid>& oids, std::string_view before = "") {
  std::string lines;
  for (const Oid& oid : oids) lines.append(before).append(oid.hex()).append("\n");
  return lines;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Words about what an object says or a ref points at. All else that fsck has to say in anger is about objects that are
// damaged or missing. (Its exit status does not tell: a tree with a name twice counts as an error of its pack.)
bool is_about_content(std::string_view line) {
  return line.starts_with("error in ") || line.starts_with("warning in ") || line.starts_with("notice: ") ||
         line.starts_with("warning: ") || line.ends_with(": not a commit");
}
constexpr int kFsckReachable = 2;

Result<> sync_path(const std::filesystem::path& path) {
  const std::string doing = fmt::format("sync '{}'", path.native());
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(errno, doing);
  return {};
}

}  // namespace

Result<BareRepository> BareRepository::make(std::filesystem::path directory, ObjectFormat format,
                                            const std::vector<std::string>& environment, std::stop_token stop) {
  CHECK(directory.is_absolute());
  BareRepository repository(directory, hermetic(environment, directory.parent_path()));
  const Said said = TRY(repository.git({"init", "--quiet", "--bare", "--template=", "--initial-branch=main",
                                        fmt::format("--object-format={}", to_string(format)), "--", directory.native()},
                                       "", stop));
  if (said.code != 0) {
    Error why = git_error("init", said.code, said.errors);
    return why.kind() == ErrorKind::Corrupt ? Error(ErrorKind::Unavailable, "{}", why.message()) : why;
  }
  return repository;
}

std::vector<std::string> BareRepository::argv(std::vector<std::string> words) const {
  if (words.front() != "init") words.insert(words.begin(), fmt::format("--git-dir={}", directory_.native()));
  words.insert(words.begin(), "git");
  return words;
}

Result<BareRepository::Said> BareRepository::git(std::vector<std::string> words, std::string_view input,
                                                 std::stop_token stop) const {
  ProcessOutput run = TRY(run_process({.argv = argv(std::move(words)), .environment = environment_, .directory = {}},
                                      input, kOutputBytesMax, kWhileGitWorks, stop));
  return Said{run.exit.code, std::move(run.output), std::move(run.exit.stderr_text)};
}

Result<> BareRepository::add_pack(Reader& pack, const PumpProgress& progress, std::stop_token stop) const {
  const std::unique_ptr<Process> git = TRY(Process::start(
      {.argv = argv({"index-pack", "--stdin", "--fix-thin"}), .environment = environment_, .directory = {}},
      kWhileGitWorks, stop));
  ToChild child(git->channel());
  const Result<std::uint64_t> fed = pump(pack, child, progress);
  if (!fed && !child.refused()) return Error(fed.error());
  const ProcessExit exit = TRY(git->wait());
  if (exit.code != 0) return git_error("index-pack", exit.code, exit.stderr_text);
  if (!fed) return Error(ErrorKind::Corrupt, "there are bytes behind the end of the pack");
  return {};
}

Result<> BareRepository::fetch_bundle(const std::filesystem::path& bundle, std::size_t link,
                                      std::stop_token stop) const {
  const Said said = TRY(git({"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", bundle.native(),
                             fmt::format("+refs/*:refs/chain/{}/*", link)},
                            "", stop));
  return said.code == 0 ? Result<>() : git_error("fetch", said.code, said.errors);
}

Result<> BareRepository::unzip(const std::filesystem::path& zip, std::stop_token stop) const {
  const ProcessOutput run = TRY(run_process({.argv = {"unzip", "-q", "-j", "-o", zip.native(), "*/objects/pack/pack-*",
                                                      "-d", (directory_ / "objects/pack").native()},
                                             .environment = environment_,
                                             .directory = {}},
                                            "", kOutputBytesMax, kWhileGitWorks, stop));
  if (run.exit.code == 0) return {};
  return Error(ErrorKind::Corrupt, "unzip: {}", printable(run.exit.stderr_text + run.output, kWordsShownMax));
}

Result<std::vector<Oid>> BareRepository::missing(const std::vector<Oid>& oids, std::stop_token stop) const {
  // git answers while it is asked: no more at once than what a channel keeps for us.
  constexpr std::size_t kAtOnce = 50'000;
  std::vector<Oid> missing;
  for (std::size_t at = 0; at < oids.size(); at += kAtOnce) {
    const std::vector<Oid> some(oids.begin() + static_cast<std::ptrdiff_t>(at),
                                oids.begin() + static_cast<std::ptrdiff_t>(std::min(at + kAtOnce, oids.size())));
    const Said said = TRY(git({"cat-file", "--batch-check"}, one_a_line(some), stop));
    if (said.code != 0) return git_error("cat-file", said.code, said.errors);
    for (const std::string_view line : lines_of(said.output))
      if (line.ends_with(" missing")) missing.push_back(TRY(Oid::parse(line.substr(0, line.find(' ')))));
  }
  return missing;
}

Result<> BareRepository::check_connected(const RefMap& refs, const std::vector<Oid>& known,
                                         std::stop_token stop) const {
  std::vector<Oid> tips;
  for (const Ref& ref : refs) tips.push_back(ref.oid);
  std::sort(tips.begin(), tips.end());
  tips.erase(std::unique(tips.begin(), tips.end()), tips.end());
  if (tips.empty()) return {};
  const Said said =
      TRY(git({"rev-list", "--objects", "--quiet", "--stdin"}, one_a_line(tips) + one_a_line(known, "^"), stop));
  if (said.code == 0) return {};

  const std::vector<Oid> gone = TRY(missing(tips, stop));
  for (const Ref& ref : refs)
    if (std::find(gone.begin(), gone.end(), ref.oid) != gone.end())
      return Error(ErrorKind::Corrupt, "{} stands at {}, which is not there", printable(ref.name.text()),
                   ref.oid.hex());
  return git_error("rev-list", said.code, said.errors);
}

Result<> BareRepository::set_refs(const RefMap& refs, const Head& head, std::stop_token stop) const {
  const std::unique_ptr<Writer> packed = TRY(create_file(directory_ / "packed-refs", {.mode = 0644}));
  std::string expected;
  std::string lines = "# pack-refs with: sorted \n";
  for (const Ref& ref : refs) {
    const std::string line = fmt::format("{} {}\n", ref.oid.hex(), ref.name.text());
    expected += line;
    lines += line;
    if (lines.size() < kBlockBytes) continue;
    TRY(packed->write(as_bytes(lines)));
    lines.clear();
  }
  TRY(packed->write(as_bytes(lines)));
  TRY(packed->finish());

  std::string stands;
  if (head.target) {
    stands = fmt::format("ref: {}\n", head.target->text());
  } else if (head.oid && TRY(missing({*head.oid}, stop)).empty()) {
    stands = head.oid->hex() + "\n";
  }
  if (!stands.empty()) {
    const std::unique_ptr<Writer> file = TRY(create_file(directory_ / "HEAD", {.mode = 0644}));
    TRY(file->write(as_bytes(stands)));
    TRY(file->finish());
  }

  const Said listed = TRY(git({"for-each-ref", "--format=%(objectname) %(refname)"}, "", stop));
  if (listed.code != 0) return git_error("for-each-ref", listed.code, listed.errors);
  std::string there;
  for (const std::string_view line : lines_of(listed.output))
    if (line.find(" refs/chain/") == std::string_view::npos) there.append(line).append("\n");
  if (there != expected)
    return Error(ErrorKind::Corrupt, "git lists other refs than it was given: {}",
                 printable(listed.errors, kWordsShownMax));
  return {};
}

Result<std::vector<std::string>> BareRepository::fsck(std::stop_token stop) const {
  // One stream, and all of it: of standard error alone only the end is kept.
  std::vector<std::string> words = argv({"fsck", "--full", "--no-dangling", "--no-progress"});
  words.insert(words.begin(), {"sh", "-c", "exec \"$@\" 2>&1", "sh"});
  const ProcessOutput run = TRY(run_process({.argv = std::move(words), .environment = environment_, .directory = {}},
                                            "", kOutputBytesMax, kWhileGitWorks, stop));
  std::vector<std::string> told;
  for (const std::string_view line : lines_of(run.output)) {
    if (run.exit.code != 0 && !is_about_content(line)) return git_error("fsck", run.exit.code, line);
    if (!line.starts_with("notice: ")) told.push_back(printable(line));
  }
  if ((run.exit.code & kFsckReachable) != 0 || run.exit.code >= 64) return git_error("fsck", run.exit.code, "");
  return told;
}

Result<> BareRepository::sync(const std::filesystem::path& directory) {
  std::error_code failed;
  std::vector<std::filesystem::path> folders = {directory};
  for (std::filesystem::recursive_directory_iterator at(directory, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (at->is_directory()) {
      folders.push_back(at->path());
    } else {
      TRY(sync_path(at->path()));
    }
  }
  if (failed) return errno_error(failed.value(), fmt::format("list '{}'", directory.native()));
  for (const std::filesystem::path& folder : folders) TRY(sync_path(folder));
  return {};
}

}  // namespace packferry
