#include "io/private_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/printable.h"

namespace packferry {
namespace {

bool is_tmpfs(const Fd& fd) {
  struct statfs about {};
  return ::fstatfs(fd.get(), &about) == 0 && (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}

bool is_link(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && S_ISLNK(about.st_mode);
}

}  // namespace

Result<Fd> open_private_file(const std::string& path) {
  const std::string doing = fmt::format("open '{}'", printable(path));
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return errno_error(errno, doing);
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return errno_error(errno, doing);
  const bool is_ours = about.st_uid == ::geteuid();
  const mode_t others = is_ours ? S_IRGRP | S_IROTH : S_IROTH;
  if ((about.st_mode & others) != 0 && !(is_link(path) && is_tmpfs(fd)))
    return Error(ErrorKind::Invalid, "'{}' can be read by others than {}; make it private: chmod {}", printable(path),
                 is_ours ? "its owner" : "its owner and group", is_ours ? "600" : "640");
  return fd;
}

}  // namespace packferry
