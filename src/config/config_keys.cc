#include "config/config_keys.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace packferry {
namespace {

constexpr auto kFile = std::to_array<std::string_view>({"catalogue", "jobs", "confirm_every", "trust_listing", "hosts",
                                                        "stores", "defaults", "backups", "replicas", "serve"});
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
constexpr auto kServe = std::to_array<std::string_view>(
    {"listen", "certificate", "certificate_key", "log",       "workers",        "drain",           "lease",
     "sweep",  "webhooks",    "queues",          "id_tokens", "look_out_every", "raise_after",     "over_after",
     "alarms", "objectives",  "backup_age",      "queue_age", "heartbeat",      "embedded_metrics"});
constexpr auto kWebhook = std::to_array<std::string_view>({"name", "kind", "secrets"});
constexpr auto kQueue =
    std::to_array<std::string_view>({"url", "region", "profile", "role", "external_id", "session_name"});
constexpr auto kIdTokens = std::to_array<std::string_view>({"issuer", "audience", "keys", "projects"});
constexpr auto kProjects = std::to_array<std::string_view>({"project", "replicas", "only_protected"});
constexpr auto kAlarm =
    std::to_array<std::string_view>({"kind", "url", "key", "command", "server", "user", "password", "from", "to"});
constexpr auto kAlarmWebhook = std::to_array<std::string_view>({"kind", "url", "key"});
constexpr auto kAlarmSlack = std::to_array<std::string_view>({"kind", "url"});
constexpr auto kAlarmCommand = std::to_array<std::string_view>({"kind", "command"});
constexpr auto kAlarmMail = std::to_array<std::string_view>({"kind", "server", "user", "password", "from", "to"});
constexpr auto kObjective = std::to_array<std::string_view>({"replicas", "lag", "failing"});

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
    case ConfigTable::Serve:
      return kServe;
    case ConfigTable::Webhook:
      return kWebhook;
    case ConfigTable::Queue:
      return kQueue;
    case ConfigTable::IdTokens:
      return kIdTokens;
    case ConfigTable::Projects:
      return kProjects;
    case ConfigTable::Alarm:
      return kAlarm;
    case ConfigTable::Objective:
      return kObjective;
  }
  CHECK(!"a table has keys");
  return {};
}

std::span<const std::string_view> keys_of_alarm(AlarmSettings::Kind kind) {
  switch (kind) {
    case AlarmSettings::Kind::Webhook:
      return kAlarmWebhook;
    case AlarmSettings::Kind::Slack:
      return kAlarmSlack;
    case AlarmSettings::Kind::Command:
      return kAlarmCommand;
    case AlarmSettings::Kind::Mail:
      return kAlarmMail;
  }
  CHECK(!"an alarm has keys");
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
