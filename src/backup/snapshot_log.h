// The snapshots of one repository in a store: its manifests and the records beside them. docs/formats/backup.md.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backup/manifest.h"
#include "store/object_store.h"

namespace packferry {

enum class Verification { Stored, Parsed, Connected, Drilled };
std::string_view to_string(Verification level);  // "stored", "parsed", "connected", "drilled"
// "drill" is taken for "drilled" too.
Result<Verification> parse_verification(std::string_view text);

// What one listing tells of one snapshot, without reading it.
struct SnapshotEntry {
  std::uint64_t number = 0;
  bool has_manifest = false;  // false: only records are left
  std::uint64_t manifest_bytes = 0;
  std::map<Verification, Clock::WallTime> verified = {};  // the latest time of each level
  std::optional<Clock::WallTime> retired_at = std::nullopt;
  std::optional<Clock::WallTime> pruned_at = std::nullopt;

  // Listed for people, and a base for the next one.
  bool is_live() const { return has_manifest && !retired_at && !pruned_at; }
};

// A manifest with the digest of its bytes.
struct ReadManifest {
  Manifest manifest;
  std::string sha256;
};

class SnapshotLog {
 public:
  // The store outlives it.
  SnapshotLog(ObjectStore& store, RepositoryName repository);
  const RepositoryName& repository() const { return repository_; }
  ObjectStore& store() const { return store_; }

  // By number, from one listing. Corrupt: an object right below manifests/REPOSITORY/ that nobody of us wrote. What
  // lies deeper belongs to another repository, "app/web" to "app".
  Result<std::vector<SnapshotEntry>> list(std::stop_token stop) const;
  // The same, with the keys of what nobody of us wrote beside it instead of an Error.
  struct Survey {
    std::vector<SnapshotEntry> entries;
    std::vector<std::string> foreign;
  };
  Result<Survey> survey(std::stop_token stop) const;
  // NotFound; Corrupt: damaged, or the manifest of another repository or number.
  Result<ReadManifest> read(std::uint64_t number, std::stop_token stop) const;
  // Put-if-absent, then read back and compared: Conflict when the number is taken, Corrupt when something else lies
  // there now. A put whose answer was lost and that was made again finds its own bytes, which is a success. Without
  // `read_back`, for writers that may not read, only put. Invalid: a manifest that parse_manifest() would not take, or
  // of another repository. The digest.
  Result<std::string> append(const Manifest& manifest, bool read_back, std::stop_token stop) const;

  // The records. One that is there already is no error.
  Result<> note_verified(std::uint64_t number, const std::string& sha256, Verification level, Clock::WallTime at,
                         std::stop_token stop) const;
  Result<> note_retired(std::uint64_t number, const std::string& sha256, Clock::WallTime at,
                        std::stop_token stop) const;
  Result<> note_pruned(std::uint64_t number, const std::string& sha256, Clock::WallTime at, std::stop_token stop) const;
  // The digest that the records of `number` hold; Corrupt when they disagree, nothing where there is none.
  Result<std::optional<std::string>> recorded_digest(std::uint64_t number, std::stop_token stop) const;
  // For prune: the manifest goes, and every record but `pruned`.
  Result<> remove(std::uint64_t number, std::stop_token stop) const;

  std::string manifest_key(std::uint64_t number) const;

 private:
  std::string key(std::uint64_t number, std::string_view what) const;
  Result<std::string> writable_text(const Manifest& manifest) const;
  Result<> note(std::uint64_t number, std::string_view what, const std::string& sha256, Clock::WallTime at,
                std::stop_token stop) const;
  Result<std::vector<ObjectInfo>> objects(std::uint64_t number, std::stop_token stop) const;

  ObjectStore& store_;
  const RepositoryName repository_;
};

// Every repository that has an object below manifests/, sorted. Corrupt: an object there that belongs to none.
Result<std::vector<RepositoryName>> list_repositories(ObjectStore& store, std::stop_token stop);

// SHA-256 and length of everything that passes on to another Writer: what a manifest says of a data object.
class MeasuredWriter final : public Writer {
 public:
  explicit MeasuredWriter(std::unique_ptr<Writer> to);
  Result<> write(std::span<const std::byte> bytes) override;
  Result<> finish() override;
  // After finish().
  const std::string& sha256() const { return sha256_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  const std::unique_ptr<Writer> to_;
  Digest digest_;
  std::uint64_t bytes_ = 0;
  std::string sha256_;
};

}  // namespace packferry
