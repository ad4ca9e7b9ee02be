#include "io/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "io/fd.h"

namespace packferry {
namespace {

std::string doing(std::string_view what, const std::filesystem::path& path) {
  return fmt::format("{} '{}'", what, path.native());
}

class FileReader final : public Reader {
 public:
  FileReader(Fd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    CHECK(!into.empty());
    return read_some(fd_.get(), into, doing("read", path_));
  }

 private:
  const Fd fd_;
  const std::filesystem::path path_;
};

class FileWriter final : public Writer {
 public:
  FileWriter(Fd fd, Fd directory, std::string temporary, std::filesystem::path path, bool replace)
      : fd_(std::move(fd)),
        directory_(std::move(directory)),
        temporary_(std::move(temporary)),
        path_(std::move(path)),
        replace_(replace) {}

  ~FileWriter() override {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  Result<> write(std::span<const std::byte> bytes) override {
    CHECK(fd_);
    return write_fully(fd_.get(), bytes, doing("write", path_));
  }

  Result<> finish() override {
    CHECK(fd_);
    const Fd fd = std::move(fd_);
    if (::fsync(fd.get()) != 0) return errno_error(errno, doing("sync", path_));
    TRY(replace_ ? move_over_target() : link_to_target());
    // The file has its name now, but only in memory: a crash could still take the name away.
    if (::fsync(directory_.get()) != 0) return errno_error(errno, doing("sync the directory of", path_));
    return {};
  }

 private:
  Result<> move_over_target() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return errno_error(errno, doing("rename to", path_));
    temporary_.clear();
    return {};
  }

  // link(2) fails where a name is taken, on network file systems too, which know no RENAME_NOREPLACE. The temporary
  // name goes away with this Writer.
  Result<> link_to_target() {
    if (::link(temporary_.c_str(), path_.c_str()) != 0) return errno_error(errno, doing("create", path_));
    return {};
  }

  Fd fd_;
  const Fd directory_;
  std::string temporary_;  // empty: gone
  const std::filesystem::path path_;
  const bool replace_;
};

}  // namespace

Result<std::unique_ptr<Reader>> open_file(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(errno, doing("open", path));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return errno_error(errno, doing("open", path));
  if (S_ISDIR(status.st_mode)) return errno_error(EISDIR, doing("open", path));
  return std::make_unique<FileReader>(std::move(fd), path);
}

Result<std::unique_ptr<Writer>> create_file(const std::filesystem::path& path, FileWriterOptions options) {
  // Opened first: a directory that cannot be synced shall not be found out after a long transfer.
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno_error(errno, doing("open the directory", folder));

  // A name that does not grow with the target's: that may be as long as a name can be.
  std::string temporary = folder / ".packferry-XXXXXX";
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return errno_error(errno, doing("create a file in", folder));
  const int file = fd.get();
  auto writer =
      std::make_unique<FileWriter>(std::move(fd), std::move(directory), std::move(temporary), path, options.replace);
  if (::fchmod(file, options.mode) != 0) return errno_error(errno, doing("set the mode of", path));
  return writer;
}

}  // namespace packferry
