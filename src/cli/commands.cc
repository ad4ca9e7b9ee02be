#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>

#include "base/printable.h"
#include "cli/help.h"
#include "cli/words.h"
#include "setup/documents.h"

namespace packferry {
namespace {

constexpr int kJobsMax = 256;
constexpr unsigned kAuditEntriesMax = 100'000;
constexpr unsigned kAttemptsMax = 20;
constexpr int kStallSecondsMax = 24 * 60 * 60;

// Hosts of a fleet name their own credentials.
void add_common_of_fleets(CLI::App& app, Words& words) {
  app.add_option("--protocol", words.protocol)->check(CLI::IsMember({0, 2}));
  app.add_option("--stall-timeout", words.stall_seconds)->check(CLI::Range(1, kStallSecondsMax));
  app.add_option("--ca-file", words.ca_file);
  app.add_option("--color", words.color)->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--json", words.json);
  CLI::Option* quiet = app.add_flag("--quiet,-q", words.quiet);
  app.add_flag("--verbose,-v", words.verbose)->excludes(quiet);
}

void add_common(CLI::App& app, Words& words) {
  add_common_of_fleets(app, words);
  app.add_option("--credentials", words.credentials);
  app.add_option("--source-credentials", words.source_credentials);
  app.add_option("--destination-credentials", words.destination_credentials);
}

// Which of the sides of a command may be at AWS: "source", "destination", "store".
void add_identity(CLI::App& app, Words& words, const std::string& side) {
  AwsIdentity& identity = side == "source"        ? words.source_identity
                          : side == "destination" ? words.destination_identity
                                                  : words.store_identity;
  app.add_option("--" + side + "-profile", identity.profile);
  app.add_option("--" + side + "-role", identity.role_arn);
  app.add_option("--" + side + "-external-id", identity.external_id);
  if (app.get_option_no_throw("--role-session-name") == nullptr)
    app.add_option("--role-session-name", words.role_session_name);
}

void add_selection(CLI::App& app, Words& words) {
  // One pattern a flag: the next word is a repository, not one more pattern.
  app.add_option("--ref", words.refs)->allow_extra_args(false);
  app.add_option("--exclude", words.excludes)->allow_extra_args(false);
}

// From one repository to others: what may cross, and who we are on both sides.
void add_crossing(CLI::App& app, Words& words) {
  add_selection(app, words);
  app.add_option("--policy", words.policy);
  app.add_option("--allow-deletions", words.allow_deletions);
  app.add_option("--allow-rewinds", words.allow_rewinds);
  app.add_flag("--keep-old-tips,!--no-keep-old-tips", words.keep_old_tips);
  app.add_flag("--ignore-non-empty-destination", words.ignore_non_empty_destination);
  app.add_flag("--create", words.create);
  app.add_option("--allowed-regions", words.allowed_regions)->delimiter(',')->allow_extra_args(false);
  add_identity(app, words, "source");
  add_identity(app, words, "destination");
  add_common(app, words);
}

void add_replicate(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("replicate");
  add_crossing(app, words);
  app.add_option("--atomic", words.atomic);
  app.add_option("--max-push", words.max_push);
  app.add_flag("--dry-run,-n", words.dry_run);
  app.add_option("URL", words.words);
}

void add_store(CLI::App& app, Words& words) {
  app.add_option("--endpoint-url", words.store.endpoint);
  app.add_option("--region", words.store.region);
  app.add_option("--addressing", words.store.addressing)->check(CLI::IsMember({"auto", "path", "virtual"}));
  app.add_option("--expected-bucket-owner", words.store.expected_bucket_owner);
}

void add_new_objects(CLI::App& app, Words& words) {
  app.add_option("--sse", words.store.server_side_encryption)
      ->check(CLI::IsMember({"AES256", "aws:kms", "aws:kms:dsse"}));
  app.add_option("--sse-kms-key-id", words.store.kms_key_id);
  app.add_option("--storage-class", words.store.storage_class);
  app.add_flag("--bucket-owner-full-control", words.store.bucket_owner_full_control);
  app.add_option("--object-lock", words.object_lock);
}

void add_scratch(CLI::App& app, Words& words) {
  app.add_option("--identity,-i", words.identities)->allow_extra_args(false);
  app.add_option("--scratch", words.scratch);
}

void add_backup(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("backup");
  app.add_option("--all", words.all)->check(CLI::IsMember({"codecommit"}));
  app.add_option("--include", words.includes)->allow_extra_args(false);
  app.add_option("--shard", words.shard);
  app.add_option("--jobs,-j", words.jobs)->check(CLI::Range(1, kJobsMax));
  app.add_flag("--from-environment", words.from_environment);
  app.add_option("--metrics", words.metrics)->check(CLI::IsMember({"emf", "emf-run"}));
  app.add_option("--store-region", words.store_region);
  app.add_option("--to", words.store_address);
  app.add_option("--name", words.name);
  app.add_option("--format", words.format);
  app.add_option("--key", words.key_template);
  app.add_option("--key-set", words.key_variables)->allow_extra_args(false);
  app.add_flag("--full", words.full);
  app.add_flag("--record-unchanged", words.record_unchanged);
  app.add_option("--chain-links", words.chain_links)->check(CLI::Range(0, 1000));
  app.add_option("--chain-percent", words.chain_percent)->check(CLI::Range(0, 10000));
  app.add_option("--chain-days", words.chain_days)->check(CLI::Range(0, 3650));
  app.add_option("--recipient,-r", words.recipients)->allow_extra_args(false);
  app.add_option("--put-only", words.put_only);
  app.add_option("--verify", words.level);
  app.add_option("--allow-deletions", words.allow_deletions);
  app.add_option("--allow-rewinds", words.allow_rewinds);
  app.add_flag("--ignore-non-empty-destination", words.ignore_non_empty_destination);
  app.add_flag("--dry-run,-n", words.dry_run);
  add_selection(app, words);
  add_scratch(app, words);
  add_store(app, words);
  add_new_objects(app, words);
  add_identity(app, words, "source");
  add_identity(app, words, "store");
  add_common(app, words);
  app.add_option("SOURCE", words.words);
}

void add_restore(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("restore");
  app.add_option("--at", words.at);
  app.add_flag("--overwrite", words.overwrite);
  add_selection(app, words);
  add_scratch(app, words);
  add_store(app, words);
  add_identity(app, words, "store");
  add_identity(app, words, "destination");
  add_common(app, words);
  app.add_option("STORE", words.words);
}

void add_verify(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("verify");
  app.add_option("--level", words.level);
  app.add_option("--snapshot", words.at);
  app.add_option("--part", words.part);
  add_scratch(app, words);
  add_store(app, words);
  add_identity(app, words, "store");
  add_common(app, words);
  app.add_option("STORE", words.words);
}

void add_prune(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("prune");
  app.add_option("--keep-last", words.keep.keep_last);
  app.add_option("--keep-daily", words.keep.keep_daily);
  app.add_option("--keep-weekly", words.keep.keep_weekly);
  app.add_option("--keep-monthly", words.keep.keep_monthly);
  app.add_option("--keep-within", words.keep_within);
  app.add_option("--grace", words.grace);
  app.add_flag("--dry-run,-n", words.dry_run);
  add_store(app, words);
  add_identity(app, words, "store");
  add_common(app, words);
  app.add_option("STORE", words.words);
}

void add_create_repository(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("create-repository");
  app.add_option("--description", words.description);
  app.add_option("--tag", words.tags)->allow_extra_args(false);
  app.add_option("--allowed-regions", words.allowed_regions)->delimiter(',')->allow_extra_args(false);
  add_identity(app, words, "destination");
  add_common(app, words);
  app.add_option("URL", words.words);
}

void add_credential(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("credential");
  app.add_option("--stall-timeout", words.stall_seconds)->check(CLI::Range(1, kStallSecondsMax));
  app.add_option("--ca-file", words.ca_file);
  add_identity(app, words, "source");
  app.add_option("ACTION", words.words);
}

void add_setup(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("setup");
  for (const SetupOption& option : setup_options()) {
    const std::string name = fmt::format("--{}", option.name);
    std::vector<std::string>& values = words.setup[std::string(option.name)];
    if (option.kind == ValueKind::Flag) {
      app.add_flag_callback(name, [&values] { values = {""}; });
    } else {
      app.add_option(name, values)->allow_extra_args(false);
    }
  }
  app.add_option("--output", words.output);
  app.add_option("DOCUMENT", words.words);
}

void add_doctor(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("doctor");
  app.add_option("--store", words.store_address);
  app.add_option("--source", words.source);
  app.add_option("--destination", words.destination);
  app.add_flag("--put-only", words.may_only_put);
  app.add_flag("--may-delete", words.may_delete);
  add_store(app, words);
  add_new_objects(app, words);
  add_common(app, words);
  app.add_option("WHAT", words.words);
}

void add_config(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("config");
  app.add_flag("--json", words.json);
  app.add_flag("--secrets", words.secrets);
  app.add_option("--output", words.output);
  app.add_option("ACTION", words.words);
}

void add_sweep(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("sweep");
  add_common_of_fleets(app, words);
  app.add_option("--only", words.only)->allow_extra_args(false);
  app.add_option("--shard", words.shard);
  app.add_option("--jobs", words.sweep_jobs)->check(CLI::Range(1, kJobsMax));
  app.add_option("--attempts", words.attempts)->check(CLI::Range(1u, kAttemptsMax));
  app.add_flag("--confirm-all", words.confirm_all);
  app.add_flag("--dry-run", words.dry_run);
  app.add_option("--report", words.report);
  app.add_option("CONFIG", words.words);
}

void add_serve(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("serve");
  app.add_option("--protocol", words.protocol)->check(CLI::IsMember({0, 2}));
  app.add_option("--stall-timeout", words.stall_seconds)->check(CLI::Range(1, kStallSecondsMax));
  app.add_option("--ca-file", words.ca_file);
  app.add_flag("--no-workers", words.no_workers);
  app.add_flag("--no-lookout", words.no_lookout);
  app.add_flag("--try-alarms", words.try_alarms);
  app.add_option("CONFIG", words.words);
}

void add_catalogue(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("catalogue");
  add_common_of_fleets(app, words);
  app.add_option("ACTION", words.words);
}

void add_replica(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("replica");
  app.add_option("--catalogue", words.catalogue);
  app.add_option("--name", words.name);
  add_crossing(app, words);
  app.add_option("--replace-branch", words.replace_branches)->allow_extra_args(false);
  app.add_option("--role", words.role);
  app.add_option("--freshness", words.freshness);
  app.add_option("--schedule", words.schedule);
  app.add_option("--status", words.status);
  app.add_option("--last", words.last)->check(CLI::Range(1u, kAuditEntriesMax));
  app.add_option("--server", words.server);
  app.add_option("--token-file", words.token_file);
  app.add_flag("--no-wait", words.no_wait);
  app.add_option("VERB", words.words);
}

void add_token(CLI::App& program, Words& words) {
  CLI::App& app = *program.add_subcommand("token");
  app.add_option("--catalogue", words.catalogue);
  app.add_option("--bearer", words.bearer);
  app.add_option("--scope", words.scopes)->delimiter(',')->allow_extra_args(false);
  app.add_option("--replica", words.replicas)->allow_extra_args(false);
  app.add_option("--expires", words.expires);
  app.add_option("--color", words.color)->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("--json", words.json);
  app.add_option("VERB", words.words);
}

std::unique_ptr<CLI::App> make_parser(Words& words) {
  auto program = std::make_unique<CLI::App>();
  program->add_flag("--version", words.version);
  program->require_subcommand(0, 1);
  add_replicate(*program, words);

  CLI::App& refs = *program->add_subcommand("refs");
  add_identity(refs, words, "source");
  add_common(refs, words);
  refs.add_option("URL", words.words);

  CLI::App& compare = *program->add_subcommand("compare");
  add_selection(compare, words);
  add_identity(compare, words, "source");
  add_identity(compare, words, "destination");
  add_common(compare, words);
  compare.add_option("URL", words.words);

  add_backup(*program, words);
  CLI::App& snapshots = *program->add_subcommand("snapshots");
  add_store(snapshots, words);
  add_identity(snapshots, words, "store");
  add_common(snapshots, words);
  snapshots.add_option("STORE", words.words);
  add_restore(*program, words);
  add_verify(*program, words);
  add_prune(*program, words);
  add_create_repository(*program, words);
  add_credential(*program, words);
  add_setup(*program, words);
  add_doctor(*program, words);
  add_config(*program, words);
  add_sweep(*program, words);
  add_catalogue(*program, words);
  add_replica(*program, words);
  add_token(*program, words);
  add_serve(*program, words);
  return program;
}

std::string chosen_command(const CLI::App& program) {
  const std::vector<CLI::App*> chosen = program.get_subcommands();
  return chosen.empty() ? std::string() : chosen.front()->get_name();
}

Answer usage_error(std::string_view command, std::string_view message) {
  const std::string name = command.empty() ? "packferry" : fmt::format("packferry {}", command);
  return {.status = ExitStatus::Usage,
          .err = fmt::format("{}: {}\nTry '{} --help'.\n", name, printable(message), name)};
}

bool is_unknown_command(const std::vector<std::string>& words) {
  return !words.empty() && !words.front().starts_with('-') && !std::ranges::count(command_names(), words.front());
}

// "help replicate" is "replicate --help".
std::vector<std::string> with_help_first(std::vector<std::string> words) {
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  words.push_back("--help");
  return words;
}

}  // namespace

std::variant<CommandLine, Answer> parse_command_line(const std::vector<std::string>& given, std::string_view version) {
  Words words;
  const std::unique_ptr<CLI::App> program = make_parser(words);
  std::vector<std::string> reversed = with_help_first(given);
  if (is_unknown_command(reversed))
    return usage_error(
        "", fmt::format("there is no command '{}'; there are {}", reversed.front(), fmt::join(command_names(), ", ")));
  try {
    std::reverse(reversed.begin(), reversed.end());  // as CLI11 takes them
    program->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return Answer{.out = std::string(help_text(chosen_command(*program)))};
  } catch (const CLI::ParseError& error) {
    return usage_error(chosen_command(*program), error.what());
  }
  const std::string command = chosen_command(*program);
  if (words.version) return Answer{.out = fmt::format("packferry {}\n", version)};
  if (command.empty()) return Answer{.out = std::string(help_text(""))};

  Result<CommandLine> understood = command_of(command, words);
  if (!understood) return usage_error(command, understood.error().message());
  return std::move(understood).value();
}

const std::vector<std::string_view>& command_names() {
  static const std::vector<std::string_view> kNames = {
      "replicate",  "refs",  "compare", "backup", "snapshots", "restore",   "verify",  "prune", "create-repository",
      "credential", "setup", "doctor",  "config", "sweep",     "catalogue", "replica", "token", "serve"};
  return kNames;
}

std::vector<std::string> option_names(std::string_view command) {
  Words words;
  const std::unique_ptr<CLI::App> program = make_parser(words);
  std::vector<std::string> names;
  for (const CLI::Option* option : program->get_subcommand(std::string(command))->get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace packferry
