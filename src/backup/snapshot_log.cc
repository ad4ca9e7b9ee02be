#include "backup/snapshot_log.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kRoot = "manifests/";
constexpr std::string_view kManifest = "manifest";
constexpr std::string_view kRetired = "retired";
constexpr std::string_view kPruned = "pruned";
constexpr std::size_t kNumberDigits = 10;
constexpr std::size_t kRecordBytesMax = 4096;

constexpr std::array kVerifications = {Verification::Stored, Verification::Parsed, Verification::Connected,
                                       Verification::Drilled};

std::optional<Verification> verification_of(std::string_view word) {
  for (const Verification level : kVerifications)
    if (word == to_string(level)) return level;
  return std::nullopt;
}

// "0000000003.manifest", "0000000003.stored.20261122T134500Z": what stands behind manifests/REPOSITORY/.
struct ObjectName {
  std::uint64_t number = 0;
  std::string_view what = {};
  std::optional<Clock::WallTime> at = std::nullopt;  // none: the manifest itself
};

std::optional<ObjectName> parse_object_name(std::string_view text) {
  const auto number = parse_snapshot_number(text.substr(0, kNumberDigits));
  if (!number || text.substr(kNumberDigits, 1) != ".") return std::nullopt;
  ObjectName name{.number = *number};
  text.remove_prefix(kNumberDigits + 1);
  name.what = text.substr(0, text.find('.'));
  if (text == kManifest) return name;

  if (!verification_of(name.what) && name.what != kRetired && name.what != kPruned) return std::nullopt;
  if (text.size() == name.what.size()) return std::nullopt;
  name.at = from_compact_iso8601(text.substr(name.what.size() + 1));
  return name.at ? std::optional(name) : std::nullopt;
}

std::string record_content(std::string_view sha256) { return std::string(sha256) + '\n'; }

// The first line of nothing else than a digest.
std::optional<std::string> parse_record(std::string_view content) {
  const std::string sha256(content.substr(0, content.find('\n')));
  const bool is_hex = sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  return sha256.size() == 64 && is_hex && content == record_content(sha256) ? std::optional(sha256) : std::nullopt;
}

void keep_latest(std::optional<Clock::WallTime>& latest, Clock::WallTime at) {
  latest = latest ? std::max(*latest, at) : at;
}

void add(SnapshotEntry& entry, const ObjectName& name, std::uint64_t bytes) {
  entry.number = name.number;
  if (!name.at) {
    entry.has_manifest = true;
    entry.manifest_bytes = bytes;
  } else if (name.what == kRetired) {
    keep_latest(entry.retired_at, *name.at);
  } else if (name.what == kPruned) {
    keep_latest(entry.pruned_at, *name.at);
  } else {
    const auto [latest, is_first] = entry.verified.emplace(*verification_of(name.what), *name.at);
    latest->second = std::max(latest->second, *name.at);
  }
}

}  // namespace

std::string_view to_string(Verification level) {
  switch (level) {
    case Verification::Stored:
      return "stored";
    case Verification::Parsed:
      return "parsed";
    case Verification::Connected:
      return "connected";
    case Verification::Drilled:
      return "drilled";
  }
  CHECK(!"a level of verification");
  return {};
}

Result<Verification> parse_verification(std::string_view text) {
  if (const auto level = verification_of(text == "drill" ? "drilled" : text)) return *level;
  return Error(ErrorKind::Invalid, "'{}' is no level of verification: stored, parsed, connected, drill",
               printable(text, 100));
}

SnapshotLog::SnapshotLog(ObjectStore& store, RepositoryName repository)
    : store_(store), repository_(std::move(repository)) {}

std::string SnapshotLog::manifest_key(std::uint64_t number) const { return key(number, kManifest); }

std::string SnapshotLog::key(std::uint64_t number, std::string_view what) const {
  return fmt::format("{}{}/{}.{}", kRoot, repository_.key(), snapshot_number_text(number), what);
}

Result<std::vector<SnapshotEntry>> SnapshotLog::list(std::stop_token stop) const {
  Survey survey = TRY(this->survey(stop));
  if (!survey.foreign.empty())
    return Error(ErrorKind::Corrupt, "{}: '{}' is no object of a backup; move it away", store_.name(),
                 printable(survey.foreign.front()));
  return std::move(survey.entries);
}

Result<SnapshotLog::Survey> SnapshotLog::survey(std::stop_token stop) const {
  const std::string folder = fmt::format("{}{}/", kRoot, repository_.key());
  std::map<std::uint64_t, SnapshotEntry> entries;
  Survey survey;
  for (ObjectInfo& object : TRY(store_.list(folder, stop))) {
    const std::string_view text = std::string_view(object.key).substr(folder.size());
    if (text.find('/') != std::string_view::npos) continue;
    if (const auto name = parse_object_name(text)) {
      add(entries[name->number], *name, object.bytes);
    } else {
      survey.foreign.push_back(std::move(object.key));
    }
  }
  for (auto& [number, entry] : entries) survey.entries.push_back(std::move(entry));
  return survey;
}

Result<ReadManifest> SnapshotLog::read(std::uint64_t number, std::stop_token stop) const {
  const std::string manifest_key = this->manifest_key(number);
  const std::vector<std::byte> bytes = TRY(read_object(store_, manifest_key, kManifestBytesMax, stop));
  const std::string_view text = as_text(bytes);
  Manifest manifest = TRY(parse_manifest(text).context("'{}' in {}", manifest_key, store_.name()));
  if (manifest.repository != repository_ || manifest.number != number)
    return Error(ErrorKind::Corrupt, "'{}' in {} is the manifest of snapshot {} of '{}'", manifest_key, store_.name(),
                 manifest.number, manifest.repository.text());
  return ReadManifest{std::move(manifest), manifest_digest(text)};
}

Result<std::string> SnapshotLog::append(const Manifest& manifest, bool read_back, std::stop_token stop) const {
  const std::string text = TRY(writable_text(manifest));
  const std::string manifest_key = this->manifest_key(manifest.number);
  const Result<> put = store_.put_if_absent(manifest_key, as_bytes(text), stop);
  if (!put && (put.error().kind() != ErrorKind::Conflict || !read_back)) return put.error();
  if (!read_back) return manifest_digest(text);

  const std::vector<std::byte> there = TRY(read_object(store_, manifest_key, kManifestBytesMax, stop));
  if (as_text(there) == text) return manifest_digest(text);
  if (!put) return put.error();
  return Error(ErrorKind::Corrupt, "'{}' in {} is not what was written there", manifest_key, store_.name());
}

// Better not written than not to be read.
Result<std::string> SnapshotLog::writable_text(const Manifest& manifest) const {
  std::string text = to_text(manifest);
  if (text.size() > kManifestBytesMax)
    return Error(ErrorKind::Exhausted, "a manifest of {} bytes: {} are the most", text.size(), kManifestBytesMax);
  if (const auto parsed = parse_manifest(text); !parsed)
    return Error(ErrorKind::Invalid, "a manifest that nobody could read: {}", parsed.error().message());
  if (manifest.repository != repository_)
    return Error(ErrorKind::Invalid, "a manifest of '{}' among those of '{}'", manifest.repository.text(),
                 repository_.text());
  return text;
}

Result<> SnapshotLog::note_verified(std::uint64_t number, const std::string& sha256, Verification level,
                                    Clock::WallTime at, std::stop_token stop) const {
  return note(number, to_string(level), sha256, at, stop);
}

Result<> SnapshotLog::note_retired(std::uint64_t number, const std::string& sha256, Clock::WallTime at,
                                   std::stop_token stop) const {
  return note(number, kRetired, sha256, at, stop);
}

Result<> SnapshotLog::note_pruned(std::uint64_t number, const std::string& sha256, Clock::WallTime at,
                                  std::stop_token stop) const {
  return note(number, kPruned, sha256, at, stop);
}

Result<> SnapshotLog::note(std::uint64_t number, std::string_view what, const std::string& sha256, Clock::WallTime at,
                           std::stop_token stop) const {
  const std::string record_key = key(number, fmt::format("{}.{}", what, to_compact_iso8601(at)));
  const std::string content = record_content(sha256);
  Result<> put = store_.put_if_absent(record_key, as_bytes(content), stop);
  if (!put && put.error().kind() == ErrorKind::Conflict) return {};
  return put;
}

// The objects of one snapshot, by what stands behind the number.
Result<std::vector<ObjectInfo>> SnapshotLog::objects(std::uint64_t number, std::stop_token stop) const {
  std::vector<ObjectInfo> objects = TRY(store_.list(key(number, ""), stop));
  std::erase_if(objects, [&](const ObjectInfo& object) {
    return !parse_object_name(std::string_view(object.key).substr(object.key.rfind('/') + 1));
  });
  return objects;
}

Result<std::optional<std::string>> SnapshotLog::recorded_digest(std::uint64_t number, std::stop_token stop) const {
  std::optional<std::string> digest;
  for (const ObjectInfo& object : TRY(objects(number, stop))) {
    if (object.key == manifest_key(number)) continue;
    const std::vector<std::byte> content = TRY(read_object(store_, object.key, kRecordBytesMax, stop));
    const auto recorded = parse_record(as_text(content));
    if (!recorded || (digest && *digest != *recorded))
      return Error(ErrorKind::Corrupt, "'{}' in {} is {}", object.key, store_.name(),
                   recorded ? "at odds with another record" : "not the record of a snapshot");
    digest = recorded;
  }
  return digest;
}

Result<> SnapshotLog::remove(std::uint64_t number, std::stop_token stop) const {
  TRY(store_.remove(manifest_key(number), stop));
  for (const ObjectInfo& object : TRY(objects(number, stop)))
    if (!object.key.starts_with(key(number, kPruned))) TRY(store_.remove(object.key, stop));
  return {};
}

Result<std::vector<RepositoryName>> list_repositories(ObjectStore& store, std::stop_token stop) {
  std::set<RepositoryName> names;
  std::string last;  // many objects of one repository stand together
  for (const ObjectInfo& object : TRY(store.list(kRoot, stop))) {
    const std::string_view place = std::string_view(object.key).substr(kRoot.size());
    const std::size_t slash = place.rfind('/');
    if (slash == std::string_view::npos)
      return Error(ErrorKind::Corrupt, "{}: '{}' belongs to no repository; move it away", store.name(),
                   printable(object.key));
    const std::string_view repository = place.substr(0, slash);
    if (repository == last) continue;
    last = repository;
    names.insert(TRY(RepositoryName::from_key(repository).context("{}: '{}'", store.name(), printable(object.key))));
  }
  return std::vector<RepositoryName>(names.begin(), names.end());
}

MeasuredWriter::MeasuredWriter(std::unique_ptr<Writer> to) : to_(std::move(to)), digest_(DigestAlgorithm::Sha256) {}

Result<> MeasuredWriter::write(std::span<const std::byte> bytes) {
  TRY(to_->write(bytes));
  digest_.update(bytes);
  bytes_ += bytes.size();
  return {};
}

Result<> MeasuredWriter::finish() {
  TRY(to_->finish());
  sha256_ = to_hex(digest_.finish());
  return {};
}

}  // namespace packferry
