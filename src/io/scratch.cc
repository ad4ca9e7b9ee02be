#include "io/scratch.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>

#include "io/fd.h"

namespace packferry {

namespace fs = std::filesystem;

fs::path usual_scratch_place() {
  const char* configured = ::getenv("TMPDIR");
  return configured != nullptr && *configured != '\0' ? configured : "/var/tmp";
}

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::make(const fs::path& parent) {
  const fs::path folder = fs::absolute(parent.empty() ? usual_scratch_place() : parent);
  std::string name = folder / ".packferry-scratch-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    return errno_error(errno, fmt::format("make a directory in '{}'", folder.native()));
  return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(name));
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;  // it is scratch, and nobody is left to tell
  fs::remove_all(path_, ignored);
}

}  // namespace packferry
