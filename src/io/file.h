// Files as Readers and Writers. A FileWriter writes beside its target under a temporary name; finish() syncs it, renames
// it over the target and syncs the directory. An fsync that fails is final for that file.
#pragma once

#include <filesystem>
#include <memory>

#include "io/stream.h"

namespace packferry {

// NotFound when there is no such file.
Result<std::unique_ptr<Reader>> open_file(const std::filesystem::path& path);

struct FileWriterOptions {
  bool replace = true;  // false: finish() fails with Conflict when the target exists by then
  unsigned mode = 0600;
};
Result<std::unique_ptr<Writer>> create_file(const std::filesystem::path& path, FileWriterOptions options = {});

}  // namespace packferry
