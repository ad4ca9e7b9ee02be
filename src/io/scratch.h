// Where large temporary files go, and a directory of our own there.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"

namespace packferry {

// TMPDIR, else /var/tmp, since /tmp may be memory.
std::filesystem::path usual_scratch_place();

// A directory of ours, mode 0700, gone with this object and all that is in it. Only a death without goodbye (kill -9,
// power) leaves one behind: .packferry-scratch-….
class ScratchDirectory {
 public:
  // In `parent` (empty: usual_scratch_place()).
  static Result<std::unique_ptr<ScratchDirectory>> make(const std::filesystem::path& parent = {});
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  const std::filesystem::path path_;
};

}  // namespace packferry
