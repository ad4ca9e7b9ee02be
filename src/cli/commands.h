// The command line, understood: words to one of the commands, or to the text that answers them at once (--help,
// --version, a usage error). Pure: nothing is opened, looked up or asked here.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/access.h"
#include "cli/ends.h"
#include "cli/exit_status.h"
#include "engine/backup_destination.h"
#include "engine/doctor.h"
#include "engine/policy.h"
#include "engine/prune.h"
#include "engine/snapshots.h"
#include "net/url.h"
#include "service/fleet.h"
#include "service/replica.h"
#include "service/replica_operations.h"
#include "store/store_address.h"

namespace packferry {

enum class ColorMode { Auto, Always, Never };

// What every command takes.
struct CommonOptions {
  EndOptions ends;
  ColorMode color = ColorMode::Auto;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
};

struct ReplicateCommand {
  Url source;
  std::vector<Url> destinations;
  Policy policy;
  std::uint64_t push_bytes_max = 0;  // 0: what each host's profile says
  bool dry_run = false;
};

struct RefsCommand {
  Url url;
};

struct CompareCommand {
  std::vector<Url> urls;  // two or more; the first is what the others are compared with
  RefspecSet selection;
};

// Where backups are, and of which repository; every one of them where none is named.
struct VaultWords {
  StoreAddress store;
  StoreOptions store_options = {};
  std::optional<RepositoryName> repository = std::nullopt;
};

// Every repository of an account that a host lists.
struct WholeAccount {
  std::string host;                   // "codecommit"
  std::vector<std::string> regions;   // not empty
  std::vector<std::string> includes;  // globs of names; none: all
  std::vector<std::string> excludes;
  unsigned shard = 1;
  unsigned shards = 1;
  unsigned jobs = 8;
};

// The one repository that REPOSITORY_NAME, REPO_REGION and REFERENCE_NAME name, as an event gives them to a build job.
struct NamedByEnvironment {};

enum class Metrics {
  None,
  Run,         // one line for all of it
  Repository,  // and one for each repository, which CloudWatch bills one by one
};

struct BackupCommand {
  std::variant<Url, WholeAccount, NamedByEnvironment> source;
  VaultWords vault;  // the repository is always named where the source is an address
  // How repositories are called in the store where the source is none: ${account_id}, ${region}, ${repo_name}.
  std::string name_template = {};
  Policy policy;
  BackupFormat format = BackupFormat::Bundle;
  KeyTemplate keys;
  std::map<std::string, std::string> key_variables = {};
  ChainLimits limits = {};
  bool full = false;
  bool record_unchanged = false;
  std::vector<AgeRecipient> recipients = {};
  std::string put_only_record = {};
  std::string scratch = {};
  std::vector<std::string> identity_files = {};       // for verify
  std::optional<Verification> verify = std::nullopt;  // the new snapshot, at once
  Metrics metrics = Metrics::None;
  bool dry_run = false;
};

struct SnapshotsCommand {
  VaultWords vault;
};

struct RestoreCommand {
  VaultWords vault;  // the repository is always named
  Url target;
  SnapshotChoice choice = {};
  RefspecSet selection = {};
  bool overwrite = false;
  std::vector<std::string> identity_files = {};
  std::string scratch = {};
};

struct VerifyCommand {
  VaultWords vault;
  Verification level = Verification::Stored;
  std::optional<std::uint64_t> only = std::nullopt;
  unsigned part = 1;
  unsigned parts = 1;
  std::vector<std::string> identity_files = {};
  std::string scratch = {};
};

struct PruneCommand {
  VaultWords vault;
  RetentionPolicy policy = {};
  std::chrono::hours grace{24};
  bool dry_run = false;
};

// Makes an empty repository at a host that has a way to be asked.
struct CreateRepositoryCommand {
  Url url;
  std::string description = {};
  std::map<std::string, std::string> tags = {};
};

// What git asks a credential helper to do; what is asked about stands on standard input.
struct CredentialCommand {
  std::string action;  // "get"; whatever else there is has nothing to do
};

// A document that is made already: making it decides whether the words were right.
struct SetupCommand {
  std::string text;
  std::string output = {};  // a file; empty: standard output
};

// What can be said of a configuration without asking anybody.
struct ConfigCommand {
  enum class Action { Check, Example, Schema } action = Action::Check;
  std::string file = {};                        // to check
  std::optional<HostKind> kind = std::nullopt;  // of the example
  bool secrets = false;                         // with Check: can each be read
  std::string output = {};                      // a file; empty: standard output
};

// Where a report goes besides: a file, which is replaced, or an object in a bucket, which never is.
struct ReportAddress {
  std::string file = {};
  std::optional<S3Location> place = {};  // instead of a file: the bucket, and its folder
  std::string key = {};                  // in there: "sweep.html"
  bool is_json = false;                  // by its ending; else a page of HTML
};

// Every order of a configuration, brought up to date.
struct SweepCommand {
  std::string file;
  std::vector<std::string> only = {};  // globs of HOST/NAME; none: all
  unsigned shard = 1;
  unsigned shards = 1;
  unsigned jobs = 0;         // 0: what the configuration says
  unsigned attempts = 4;     // of one repository
  bool confirm_all = false;  // ask every destination, whatever is remembered
  bool dry_run = false;
  std::optional<ReportAddress> report = {};
};

// What is remembered about the orders of a configuration.
struct CatalogueCommand {
  enum class Action { Rebuild, Forget } action = Action::Rebuild;
  std::string file;
  std::vector<std::string> forget = {};  // globs of HOST/NAME of sources; not empty with Forget
};

// A standing order: one source, one destination, until further notice.
struct ReplicaCommand {
  enum class Action {
    Create,
    Get,
    List,
    Pause,
    Resume,
    Sync,
    Delete,
    History,
    Audit,
    Approve,
    Parity
  } action = Action::Get;
  std::string catalogue = {};           // a file; empty: the one of this account
  std::vector<std::string> names = {};  // one; with Parity one or more; with Create and List none; with Audit none: all
  std::optional<ReplicaWish> wish = {};      // with Create
  std::string plan = {};                     // with Approve: a digest, or the first of its digits
  std::optional<ReplicaStatus> status = {};  // with List: only these
  std::size_t last = 0;                      // with Audit: so many
  std::string server = {};                   // a service that is asked instead
  std::string token_file = {};               // what it is shown
  bool no_wait = false;                      // for the look that a service was asked for
};

// Who may ask a service.
struct TokenCommand {
  enum class Action { Create, List, Revoke } action = Action::List;
  std::string catalogue = {};  // a file; empty: the one of this account
  // With Create.
  std::string bearer = {};
  std::set<Scope> scopes = {};
  std::vector<std::string> replicas = {};
  std::optional<Milliseconds> lasts = {};
  std::string id = {};  // with Revoke
};

// Stays, and keeps replicas true.
struct ServeCommand {
  std::string file;         // the configuration
  bool no_workers = false;  // leaves the looks to another program
  bool no_lookout = false;  // leaves the alarms to another program
  bool try_alarms = false;  // does nothing but tell everybody once, to see who hears
};

// At least one of the three.
struct DoctorCommand {
  std::optional<VaultWords> vault = std::nullopt;
  std::optional<Url> source = std::nullopt;
  std::optional<Url> destination = std::nullopt;
  StoreExpectations expected = {};
};

struct CommandLine {
  CommonOptions common;
  std::variant<ReplicateCommand, RefsCommand, CompareCommand, BackupCommand, SnapshotsCommand, RestoreCommand,
               VerifyCommand, PruneCommand, CreateRepositoryCommand, CredentialCommand, SetupCommand, DoctorCommand,
               ConfigCommand, SweepCommand, CatalogueCommand, ReplicaCommand, TokenCommand, ServeCommand>
      command;
};

struct Answer {
  ExitStatus status = ExitStatus::Done;
  std::string out = {};
  std::string err = {};
};

// `words` without the program's own name.
std::variant<CommandLine, Answer> parse_command_line(const std::vector<std::string>& words, std::string_view version);

// Every command there is, in the order in which a person meets them.
const std::vector<std::string_view>& command_names();

// The long option names of a command, so that help, manual page and completion can be
// held against what is really understood.
std::vector<std::string> option_names(std::string_view command);

}  // namespace packferry
