#include "io/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

#include "io/scratch.h"

namespace packferry {

Result<std::unique_ptr<Spool>> Spool::open(const std::filesystem::path& directory) {
  const std::filesystem::path folder = directory.empty() ? usual_scratch_place() : directory;
  std::string name = folder / ".packferry-spool-XXXXXX";
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return errno_error(errno, fmt::format("create a spool file in '{}'", folder.native()));
  if (::unlink(name.c_str()) != 0) return errno_error(errno, fmt::format("unlink '{}'", name));
  return std::unique_ptr<Spool>(new Spool(std::move(fd), folder));
}

Result<> Spool::write(std::span<const std::byte> bytes) {
  CHECK(!reading_);
  TRY(write_fully(fd_.get(), bytes, fmt::format("write the spool file in '{}'", directory_)));
  bytes_ += bytes.size();
  return {};
}

Result<> Spool::rewind() {
  if (::lseek(fd_.get(), 0, SEEK_SET) != 0)
    return errno_error(errno, fmt::format("rewind the spool file in '{}'", directory_));
  reading_ = true;
  return {};
}

Result<std::size_t> Spool::read(std::span<std::byte> into) {
  CHECK(reading_ && !into.empty());
  return read_some(fd_.get(), into, fmt::format("read the spool file in '{}'", directory_));
}

}  // namespace packferry
