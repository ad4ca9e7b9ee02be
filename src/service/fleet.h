// What a person wants for many repositories, said once: which hosts and stores there are, what is backed up, what is
// replicated, and where to. A configuration file says it (config/config_file.h); nothing here has been looked up yet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aws/aws_identity.h"
#include "backup/age.h"
#include "backup/key_layout.h"
#include "backup/manifest.h"
#include "base/clock.h"
#include "engine/backup_destination.h"
#include "engine/policy.h"
#include "host/host.h"
#include "net/url.h"
#include "service/name_template.h"
#include "store/store_address.h"

namespace packferry {

// Where a secret is; never the secret.
struct SecretReference {
  enum class Kind { Environment, File } kind = Kind::Environment;
  std::string name;  // of the variable; or an absolute path

  friend bool operator==(const SecretReference&, const SecretReference&) = default;
};

enum class HostKind { GitLab, GitHub, Gitea, Bitbucket, BitbucketServer, CodeCommit, Directory, List };
std::string_view to_string(HostKind kind);  // "gitlab", …, "bitbucket-server", "codecommit", "directory", "list"
Result<HostKind> parse_host_kind(std::string_view text);  // "forgejo" is Gitea

// A GitHub App: its key signs for a token of an hour.
struct AppIdentity {
  std::string id;
  std::string installation;  // its number; empty: the only one
  SecretReference key;       // PEM

  friend bool operator==(const AppIdentity&, const AppIdentity&) = default;
};

struct FleetHost {
  std::string name;  // how the file calls it
  HostKind kind = HostKind::List;
  std::optional<Url> url = {};         // of a forge: where a person would open it; none: the kind's public one
  std::string path = {};               // Directory: absolute
  std::vector<Url> repositories = {};  // List
  std::string file = {};               // List: more of them, one a line, read at each sweep; absolute
  std::string user = {};               // for Git over HTTP; empty: what the kind wants with a token
  std::optional<SecretReference> token = {};
  std::optional<AppIdentity> app = {};  // GitHub
  std::string region = {};              // CodeCommit
  AwsIdentity identity = {};            // CodeCommit
  std::string ca_file = {};
  unsigned jobs = 8;  // repositories of it at work at a time, as source or destination
};

struct FleetStore {
  std::string name;
  StoreAddress address;
  StoreOptions options = {};
  AwsIdentity identity = {};
};

// Which repositories of a host.
struct SourceSelection {
  std::string host;
  std::string owner = {};                 // see Host::list()
  std::vector<std::string> include = {};  // globs of whole names, fnmatch(3) without flags; none: all
  std::vector<std::string> exclude = {};
  std::vector<Visibility> visibility = {};  // none: any; what says none passes
  bool archived = true;
  bool forks = true;
  bool wikis = false;  // theirs too, as repositories of their own named NAME.wiki
};

struct FleetBackup {
  std::string name;
  SourceSelection source;
  std::string store;
  NameTemplate repository = "${host}/${path}";
  Policy policy = {};
  BackupFormat format = BackupFormat::Bundle;
  std::optional<KeyTemplate> keys = {};
  ChainLimits limits = {};
  std::vector<AgeRecipient> recipients = {};
};

struct ReplicaEnd {
  std::string host;
  NameTemplate repository = "${path}";
  bool create = false;
  Visibility visibility = Visibility::Private;  // of what is made
};

struct FleetReplica {
  std::string name;
  SourceSelection source;
  std::vector<ReplicaEnd> destinations;
  Policy policy = {};
  std::uint64_t push_bytes_max = 0;  // 0: what each host's profile says
};

struct Fleet {
  std::vector<FleetHost> hosts = {};
  std::vector<FleetStore> stores = {};
  std::vector<FleetBackup> backups = {};
  std::vector<FleetReplica> replicas = {};
  std::string catalogue = {};  // the file; absolute
  unsigned jobs = 16;          // repositories at work at a time, all hosts together
  // How long a destination's own word is good for: after that it is listed again even though its source did not change.
  Milliseconds confirm_every{24 * 3'600'000};
  // How long a host's listing is believed when it says that nothing was pushed. 0: never.
  Milliseconds trust_listing{6 * 3'600'000};

  const FleetHost* host(std::string_view name) const;
  const FleetStore* store(std::string_view name) const;
};

}  // namespace packferry
