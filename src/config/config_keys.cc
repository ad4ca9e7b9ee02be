#include "config/config_keys.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace packferry {
namespace {

constexpr auto kFile = std::to_array<std::string_view>(
    {"catalogue", "jobs", "confirm_every", "trust_listing", "hosts", "stores", "defaults", "backups", "replicas"});
constexpr auto kApp = std::to_array<std::string_view>({"id", "installation", "key"});
constexpr auto kSecret = std::to_array<std::string_view>({"env", "file"});
constexpr auto kStore =
    std::to_array<std::string_view>({"address", "endpoint_url", "region", "addressing", "sse", "sse_kms_key_id",
                                     "storage_class", "expected_bucket_owner", "bucket_owner_full_control",
                                     "object_lock", "profile", "role", "external_id", "session_name"});
constexpr auto kDefaults =
    std::to_array<std::string_view>({"refs", "exclude_refs", "allow_deletions", "allow_rewinds",
                                     "ignore_non_empty_destination", "policy", "keep_old_tips", "atomic", "max_push"});
constexpr auto kBackup = std::to_array<std::string_view>(
    {"name", "source", "store", "repository", "format", "keys", "chain", "recipients", "refs", "exclude_refs",
     "allow_deletions", "allow_rewinds", "ignore_non_empty_destination"});
constexpr auto kChain = std::to_array<std::string_view>({"links", "percent", "days"});
constexpr auto kReplica = std::to_array<std::string_view>(
    {"name", "source", "destinations", "refs", "exclude_refs", "allow_deletions", "allow_rewinds",
     "ignore_non_empty_destination", "policy", "keep_old_tips", "atomic", "max_push"});
constexpr auto kSource = std::to_array<std::string_view>(
    {"host", "owner", "include", "exclude", "visibility", "archived", "forks", "wikis"});
constexpr auto kDestination = std::to_array<std::string_view>({"host", "repository", "create", "visibility"});

constexpr auto kHostOfAnyKind = std::to_array<std::string_view>({"kind", "jobs"});

struct HostKeys {
  HostKind kind;
  std::vector<std::string_view> keys;  // besides those
};

const std::vector<HostKeys>& host_keys() {
  static const std::vector<HostKeys> kHostKeys = {
      {HostKind::GitLab, {"url", "token", "user", "ca_file"}},
      {HostKind::GitHub, {"url", "token", "app", "user", "ca_file"}},
      {HostKind::Gitea, {"url", "token", "user", "ca_file"}},
      {HostKind::Bitbucket, {"url", "token", "user", "ca_file"}},
      {HostKind::BitbucketServer, {"url", "token", "user", "ca_file"}},
      {HostKind::CodeCommit, {"region", "profile", "role", "external_id", "session_name", "ca_file"}},
      {HostKind::Directory, {"path"}},
      {HostKind::List, {"repositories", "file", "token", "user", "ca_file"}},
  };
  return kHostKeys;
}

}  // namespace

std::span<const std::string_view> keys_of(ConfigTable table) {
  switch (table) {
    case ConfigTable::File:
      return kFile;
    case ConfigTable::App:
      return kApp;
    case ConfigTable::Secret:
      return kSecret;
    case ConfigTable::Store:
      return kStore;
    case ConfigTable::Defaults:
      return kDefaults;
    case ConfigTable::Backup:
      return kBackup;
    case ConfigTable::Chain:
      return kChain;
    case ConfigTable::Replica:
      return kReplica;
    case ConfigTable::Source:
      return kSource;
    case ConfigTable::Destination:
      return kDestination;
  }
  CHECK(!"a table has keys");
  return {};
}

std::vector<std::string_view> keys_of_host(std::optional<HostKind> kind) {
  std::vector<std::string_view> keys(kHostOfAnyKind.begin(), kHostOfAnyKind.end());
  for (const HostKeys& each : host_keys()) {
    if (kind && each.kind != *kind) continue;
    for (const std::string_view key : each.keys)
      if (std::ranges::count(keys, key) == 0) keys.push_back(key);
  }
  return keys;
}

}  // namespace packferry
