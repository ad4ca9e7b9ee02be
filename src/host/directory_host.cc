#include "host/directory_host.h"

#include <algorithm>

#include "base/printable.h"
#include "git/ref.h"
#include "io/fd.h"
#include "io/file.h"
#include "io/process.h"

namespace packferry {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kDepthMax = 32;
constexpr std::size_t kHeadBytesMax = 8 * 1024;
constexpr std::size_t kPackedRefsBytesMax = 512 * 1024 * 1024;
constexpr std::size_t kNameBytesMax = 1'000;
constexpr std::string_view kSuffix = ".git";
constexpr std::string_view kSymbolic = "ref: ";

// As git's is_git_directory().
bool is_repository(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path / "HEAD", none) && fs::is_directory(path / "objects", none) &&
         fs::is_directory(path / "refs", none);
}

Result<> check_name(std::string_view name) {
  bool is_sound = !name.empty() && name.size() <= kNameBytesMax && printable(name, name.size() + 1) == name;
  for (std::string_view rest = name; is_sound;) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    is_sound = end > 0 && rest.front() != '.';
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  if (is_sound && !name.ends_with(kSuffix)) return {};
  return Error(
      ErrorKind::Invalid,
      "'{}' is no name: a path below the directory, no part of it hidden, without control characters and '.git'",
      printable(name, 200));
}

Result<std::string> content(const fs::path& path, std::size_t bytes_max) {
  const std::unique_ptr<Reader> file = TRY(open_file(path));
  const std::vector<std::byte> bytes = TRY(read_all(*file, bytes_max).context("read '{}'", path.native()));
  return std::string(as_text(bytes));
}

Result<bool> has_ref(const fs::path& repository, const RefName& ref) {
  std::error_code none;
  if (fs::is_regular_file(repository / ref.text(), none)) return true;
  const Result<std::string> packed = content(repository / "packed-refs", kPackedRefsBytesMax);
  if (!packed && packed.error().kind() == ErrorKind::NotFound) return false;
  if (!packed) return packed.error();
  return packed->find(fmt::format(" {}\n", ref.text())) != std::string::npos;
}

// Where HEAD is, if that is a branch that is there.
Result<std::string> default_branch(const fs::path& repository) {
  const std::string head = TRY(content(repository / "HEAD", kHeadBytesMax));
  std::string_view text = head;
  if (!text.starts_with(kSymbolic)) return std::string();
  text.remove_prefix(kSymbolic.size());
  while (text.ends_with('\n')) text.remove_suffix(1);
  const Result<RefName> ref = RefName::parse(text);
  if (!ref || !ref->is_branch() || !TRY(has_ref(repository, *ref))) return std::string();
  return std::string(ref->short_name());
}

Result<> write_file(const fs::path& path, std::string_view text) {
  const std::unique_ptr<Writer> file = TRY(create_file(path, {.mode = 0644}));
  TRY(file->write(as_bytes(text)));
  return file->finish();
}

Error cannot_read(const fs::path& directory, const std::error_code& why) {
  return errno_error(why.value(), fmt::format("look into '{}'", printable(directory.native())));
}

}  // namespace

DirectoryHost::DirectoryHost(fs::path root, std::vector<std::string> environment)
    : root_(root.lexically_normal()), environment_(std::move(environment)) {
  CHECK(root_.is_absolute());
}

std::string DirectoryHost::name() const { return fmt::format("directory {}", root_.native()); }

Result<std::vector<HostedRepository>> DirectoryHost::list(const std::string& owner, std::stop_token stop) {
  if (!owner.empty()) TRY(check_name(owner).context("{}", name()));
  const fs::path start = owner.empty() ? root_ : root_ / owner;
  std::error_code why;
  if (!fs::is_directory(fs::symlink_status(start, why)) && !owner.empty())
    return Error(ErrorKind::NotFound, "{}: there is no directory '{}'", name(), owner);
  std::vector<HostedRepository> all;
  TRY(add_all(start, 0, all, std::move(stop)).context("{}", name()));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twice != all.end())
    return Error(ErrorKind::Invalid, "{}: '{}' and '{}.git' are both there; rename one", name(), twice->name,
                 twice->name);
  return all;
}

Result<> DirectoryHost::add_all(const fs::path& directory, unsigned depth, std::vector<HostedRepository>& all,
                                std::stop_token stop) const {
  if (depth > kDepthMax)
    return Error(ErrorKind::Exhausted, "'{}' is deeper than {} directories", printable(directory.native()), kDepthMax);
  std::error_code why;
  fs::directory_iterator entry(directory, why);
  for (; !why && entry != fs::directory_iterator(); entry.increment(why)) {
    if (stop.stop_requested()) return Error(ErrorKind::Cancelled, "stopped");
    const fs::path& path = entry->path();
    if (path.filename().native().starts_with('.') || entry->symlink_status(why).type() != fs::file_type::directory)
      continue;
    if (!is_repository(path)) {
      TRY(add_all(path, depth + 1, all, stop));
      continue;
    }
    std::string found = path.lexically_relative(root_).native();
    if (found.ends_with(kSuffix)) found.resize(found.size() - kSuffix.size());
    TRY(check_name(found).context("'{}'; rename it", printable(path.native())));
    all.push_back(TRY(described(std::move(found), path)));
  }
  return why ? Result<>(cannot_read(directory, why)) : Result<>();
}

Result<HostedRepository> DirectoryHost::described(std::string name, const fs::path& path) const {
  Url url = TRY(Url::parse(path.native()));
  std::string branch = TRY(default_branch(path));
  return HostedRepository{.name = std::move(name), .url = std::move(url), .default_branch = std::move(branch)};
}

Result<fs::path> DirectoryHost::path_of(std::string_view repository) const {
  TRY(check_name(repository).context("{}", name()));
  // A link on the way would lead out of what list() shows.
  fs::path path = root_;
  std::error_code none;
  for (const fs::path& part : fs::path(repository)) {
    path /= part;
    if (fs::is_symlink(path, none))
      return Error(ErrorKind::Invalid, "{}: '{}' is a symbolic link, and none is followed", name(),
                   printable(path.native()));
  }
  if (is_repository(path)) return path;
  path += kSuffix;
  if (fs::is_symlink(path, none))
    return Error(ErrorKind::Invalid, "{}: '{}' is a symbolic link, and none is followed", name(),
                 printable(path.native()));
  return path;
}

Result<HostedRepository> DirectoryHost::find(std::string_view repository, std::stop_token) {
  const fs::path path = TRY(path_of(repository));
  if (!is_repository(path)) return Error(ErrorKind::NotFound, "{}: there is no '{}'", name(), repository);
  return described(std::string(repository), path);
}

Result<Url> DirectoryHost::url_of(std::string_view repository) const {
  const fs::path path = TRY(path_of(repository));
  return Url::parse(path.native());
}

Result<HostedRepository> DirectoryHost::create(const NewRepository& wanted, std::stop_token stop) {
  const fs::path path = TRY(path_of(wanted.name));
  if (wanted.visibility != Visibility::Private)
    return Error(ErrorKind::Unsupported, "{}: '{}': who may read it is the file system's to say", name(), wanted.name);
  if (!wanted.tags.empty())
    return Error(ErrorKind::Unsupported, "{}: '{}': a directory has no tags", name(), wanted.name);
  if (printable(wanted.description, wanted.description.size() + 1) != wanted.description)
    return Error(ErrorKind::Invalid, "{}: '{}': the description has control characters, or is not UTF-8", name(),
                 wanted.name);
  const Error taken(ErrorKind::Conflict, "{}: '{}' is there already", name(), wanted.name);
  std::error_code why;
  if (is_repository(path)) return taken;
  fs::create_directories(path.parent_path(), why);
  if (why) return errno_error(why.value(), fmt::format("make '{}'", path.parent_path().native()));

  // Under a hidden name first. rename(2) replaces an empty directory and no other one.
  const fs::path unfinished = path.parent_path() / fmt::format(".packferry-new-{}", path.filename().native());
  if (!fs::create_directory(unfinished, why))
    return why ? errno_error(why.value(), fmt::format("make '{}'", unfinished.native()))
               : Error(ErrorKind::Conflict, "{}: somebody is making '{}'; if nobody is, remove '{}'", name(),
                       wanted.name, unfinished.native());
  Result<> made = git({"init", "--quiet", "--bare", "--initial-branch=main",
                       fmt::format("--object-format={}", to_string(wanted.format)), "--", unfinished.native()},
                      std::move(stop));
  if (made && !wanted.description.empty()) made = write_file(unfinished / "description", wanted.description + "\n");
  if (made) {
    fs::rename(unfinished, path, why);
    if (why)
      made = why == std::errc::directory_not_empty || why == std::errc::file_exists
                 ? taken
                 : errno_error(why.value(), fmt::format("make '{}'", path.native()));
  }
  if (!made) {
    std::error_code ignored;  // the first trouble is the one to tell
    fs::remove_all(unfinished, ignored);
    return made.error();
  }
  return described(wanted.name, path);
}

Result<> DirectoryHost::set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) {
  const fs::path path = TRY(path_of(repository));
  if (!is_repository(path)) return Error(ErrorKind::NotFound, "{}: there is no '{}'", name(), repository);
  const RefName ref = TRY(RefName::parse(fmt::format("refs/heads/{}", branch)));
  if (!TRY(has_ref(path, ref)))
    return Error(ErrorKind::Invalid, "{}: '{}' has no branch '{}'", name(), repository, printable(branch, 200));
  return git({fmt::format("--git-dir={}", path.native()), "symbolic-ref", "HEAD", ref.text()}, std::move(stop));
}

Result<> DirectoryHost::git(std::vector<std::string> words, std::stop_token stop) const {
  constexpr std::size_t kOutputBytesMax = 64 * 1024;
  words.insert(words.begin(), "git");
  const ProcessOutput run = TRY(run_process({.argv = std::move(words), .environment = environment_, .directory = {}},
                                            "", kOutputBytesMax, Patience{}, std::move(stop)));
  if (run.exit.code == 0) return {};
  return Error(ErrorKind::Rejected, "{}: git: {}", name(), printable(run.exit.stderr_text, 400));
}

}  // namespace packferry
