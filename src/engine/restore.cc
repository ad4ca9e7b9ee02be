#include "engine/restore.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "base/printable.h"
#include "engine/bare_repository.h"
#include "engine/chain_link.h"
#include "io/fd.h"
#include "io/scratch.h"

namespace packferry {
namespace {

namespace fs = std::filesystem;

std::uint64_t bytes_of(const std::vector<DataObject>& chain) {
  std::uint64_t bytes = 0;
  for (const DataObject& link : chain) bytes += link.bytes;
  return bytes;
}

Result<> build(const SnapshotLog& log, const Manifest& manifest, const fs::path& directory, const RefspecSet& selection,
               RebuildCheck check, const RestoreOptions& options, std::stop_token stop) {
  const RefMap refs = selection.is_empty() ? manifest.refs : TRY(selection.map(manifest.refs));
  const BareRepository repository = TRY(BareRepository::make(directory, manifest.format, options.environment, stop));

  const std::uint64_t bytes_all = bytes_of(manifest.chain);
  std::uint64_t bytes_before = 0;
  const auto tell = [&](std::string_view phase, std::uint64_t bytes) {
    if (options.progress) options.progress(phase, bytes, bytes_all);
  };
  for (const DataObject& link : manifest.chain) {
    TRY(add_link(
        log.store(), link,
        {.repository = repository,
         .format = manifest.format,
         .refs = link.snapshot == manifest.number ? &manifest.refs : nullptr},
        options.identities, [&](std::uint64_t bytes) { tell("fetching", bytes_before + std::min(bytes, link.bytes)); },
        stop));
    bytes_before += link.bytes;
    tell("indexing", bytes_before);
  }

  if (check == RebuildCheck::Connected) {
    tell("checking", bytes_all);
    TRY(repository.check_connected(refs, {}, stop)
            .context("snapshot {} of {}", manifest.number, manifest.repository.text()));
  }
  return repository.set_refs(refs, manifest.head, stop);
}

// Nothing at all, or nothing that anybody would miss.
Result<bool> is_free(const fs::path& target) {
  std::error_code failed;
  const fs::file_status status = fs::symlink_status(target, failed);
  if (status.type() == fs::file_type::not_found) return true;
  if (status.type() != fs::file_type::directory) return false;
  const bool empty = fs::is_empty(target, failed);
  if (failed) return errno_error(failed.value(), fmt::format("list '{}'", target.native()));
  return empty;
}

Result<> move(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return errno_error(errno, fmt::format("rename '{}' to '{}'", from.native(), to.native()));
}

Result<> sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(errno, fmt::format("sync '{}'", folder.native()));
  return {};
}

// Beside `target`; "…-2" when there has been one in this second already.
Result<fs::path> free_name(const fs::path& target, const std::string& suffix) {
  for (unsigned number = 1;; ++number) {
    fs::path name = target;
    name += number == 1 ? suffix : fmt::format("{}-{}", suffix, number);
    if (TRY(is_free(name))) return name;
  }
}

// At any moment one of the two is there whole: they change places in one step.
Result<> switch_to(const fs::path& fresh, const fs::path& target, const Clock& clock) {
  if (TRY(is_free(target))) return move(fresh, target);
  const fs::path kept = TRY(free_name(target, fmt::format(".before-restore-{}", to_compact_iso8601(clock.now()))));
  TRY(move(fresh, kept));
  if (::renameat2(AT_FDCWD, kept.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return {};
  const int failure = errno;
  TRY(move(kept, fresh));
  if (failure != EINVAL && failure != ENOSYS)
    return errno_error(failure, fmt::format("put '{}' in the place of '{}'", fresh.native(), target.native()));

  // A file system that cannot: for a moment neither is there.
  TRY(move(target, kept));
  Result<> moved = move(fresh, target);
  if (!moved) TRY(move(kept, target));
  return moved;
}

fs::path without_trailing_slash(const fs::path& path) {
  fs::path whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

}  // namespace

Result<> rebuild(const SnapshotLog& log, const Manifest& manifest, const fs::path& directory,
                 const RefspecSet& selection, RebuildCheck check, const RestoreOptions& options, std::stop_token stop) {
  if (!TRY(is_free(directory))) return Error(ErrorKind::Conflict, "'{}' exists already", directory.native());
  Result<> built = build(log, manifest, fs::absolute(directory), selection, check, options, std::move(stop));
  if (!built) {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  return built;
}

Result<> restore_to_directory(const SnapshotLog& log, const Manifest& manifest, const fs::path& target,
                              const RefspecSet& selection, bool replace, const Clock& clock,
                              const RestoreOptions& options, std::stop_token stop) {
  const fs::path place = without_trailing_slash(target);
  if (!replace && !TRY(is_free(place)))
    return Error(ErrorKind::Invalid,
                 "'{}' exists and is not an empty directory; restore into a new one, or have it moved aside with "
                 "--overwrite",
                 printable(place.native()));
  const std::unique_ptr<ScratchDirectory> beside = TRY(ScratchDirectory::make(place.parent_path()));
  const fs::path fresh = beside->path() / "restored.git";
  TRY(rebuild(log, manifest, fresh, selection, RebuildCheck::Connected, options, stop));
  TRY(BareRepository::sync(fresh));
  if (stop.stop_requested()) return Error(ErrorKind::Cancelled, "interrupted before the target was touched");

  // From here on the target changes, in one step.

  TRY(switch_to(fresh, place, clock));
  return sync_folder(place.parent_path());
}

}  // namespace packferry
