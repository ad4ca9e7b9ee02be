// Files as Readers and Writers. A FileWriter writes beside its target under a temporary name; finish() syncs it,
// renames it over the target and syncs the directory. An fsync that fails is final for that file. Errors name the path.
#pragma once

#include <filesystem>
#include <memory>

#include "io/stream.h"

namespace packferry {

// NotFound when there is no such file; a directory is Invalid.
Result<std::unique_ptr<Reader>> open_file(const std::filesystem::path& path);

struct FileWriterOptions {
  bool replace = true;   // false: finish() fails with Conflict when the target exists by then
  unsigned mode = 0600;  // as it is said here, whatever the umask
};
// Denied, NotFound, … when the directory does not take a file; a full disk, then or later, is Exhausted.
Result<std::unique_ptr<Writer>> create_file(const std::filesystem::path& path, FileWriterOptions options = {});

}  // namespace packferry
