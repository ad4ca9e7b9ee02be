// What one snapshot is, and its bytes: docs/formats/backup.md, "Manifest". Reading checks everything that can be
// checked without the store: the digest at the end, order, names, numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backup/repository_name.h"
#include "base/clock.h"
#include "git/ref.h"

namespace packferry {

enum class BackupFormat { Bundle, Zip };
std::string_view to_string(BackupFormat format);  // "bundle", "zip"
Result<BackupFormat> parse_backup_format(std::string_view text);

// One link of a chain.
struct DataObject {
  std::uint64_t snapshot = 0;  // the number of the snapshot that it was made for
  bool full = true;
  BackupFormat format = BackupFormat::Bundle;
  bool encrypted = false;   // age
  std::uint64_t bytes = 0;  // as stored
  std::string sha256 = {};  // of the bytes as stored: 64 lower-case hexadecimal digits
  std::string key = {};

  friend bool operator==(const DataObject&, const DataObject&) = default;
};

struct PreviousManifest {
  std::uint64_t number = 0;
  std::string sha256;

  friend bool operator==(const PreviousManifest&, const PreviousManifest&) = default;
};

struct Manifest {
  RepositoryName repository;
  std::uint64_t number = 1;         // 1 … kSnapshotNumberMax
  Clock::WallTime created_at = {};  // whole seconds
  std::string source = {};          // for people; written as printable() leaves it
  ObjectFormat format = ObjectFormat::Sha1;
  Head head = {};  // `oid` is written when detached; else it is what `refs` say of the branch, after parsing too
  std::size_t withheld = 0;
  std::optional<PreviousManifest> previous = std::nullopt;
  std::vector<DataObject> chain = {};  // in the order in which it is applied
  RefMap refs = {};

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr std::uint64_t kSnapshotNumberMax = 9'999'999'999;
inline constexpr std::size_t kManifestBytesMax = 512u * 1024 * 1024;

// "0000000003", as it stands in manifests and keys; nothing for another spelling, and for zero.
std::string snapshot_number_text(std::uint64_t number);
std::optional<std::uint64_t> parse_snapshot_number(std::string_view text);

std::string to_text(const Manifest& manifest);
// Corrupt: anything that to_text() would not have written, byte for byte. Unsupported: a later version.
Result<Manifest> parse_manifest(std::string_view text);
// What `previous` and the records hold.
std::string manifest_digest(std::string_view text);

}  // namespace packferry
