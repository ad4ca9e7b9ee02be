#include "cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/printable.h"
#include "base/quantity.h"
#include "cli/one_way.h"
#include "cli/replica_words.h"
#include "cli/token_words.h"

namespace packferry {
namespace {

// Replication leaves a host's own refs alone; a backup holds whatever there is.
constexpr std::string_view kBranchesAndTags[] = {"refs/heads/*", "refs/tags/*"};
constexpr std::string_view kEverything[] = {"refs/*"};

constexpr std::string_view kNameInAccount = "${account_id}/${region}/${repo_name}";

Result<RefspecSet> selection_of(const Words& words, std::span<const std::string_view> otherwise) {
  std::vector<Refspec> specs = TRY(refspecs_of(words));
  for (const std::string_view pattern : otherwise)
    if (words.refs.empty()) specs.push_back(TRY(Refspec::parse(pattern)));
  return RefspecSet::from(std::move(specs)).context("--ref");
}

Result<Policy> policy_of(const Words& words, std::span<const std::string_view> otherwise) {
  Policy policy;
  policy.selection = TRY(selection_of(words, otherwise));
  TRY(take_following(words, policy));
  policy.atomic = TRY(parse_atomic_mode(words.atomic).context("--atomic"));
  policy.ignore_non_empty_destination = words.ignore_non_empty_destination;
  return policy;
}

Result<std::vector<Url>> urls_of(const Words& words) {
  std::vector<Url> urls;
  for (const std::string& text : words.words) urls.push_back(TRY(Url::parse(text)));
  return urls;
}

// A session has the same name wherever it is one of ours.
AwsIdentity named(AwsIdentity identity, const Words& words) {
  if (!identity.role_arn.empty()) identity.session_name = words.role_session_name;
  return identity;
}

// Before anything is asked of AWS.
Result<> check_identities(const Words& words) {
  const struct {
    const AwsIdentity& identity;
    std::string_view side;
  } sides[] = {
      {words.source_identity, "source"}, {words.destination_identity, "destination"}, {words.store_identity, "store"}};
  bool any_role = false;
  for (const auto& [identity, side] : sides) {
    any_role = any_role || !identity.role_arn.empty();
    if (identity.role_arn.empty() && !identity.external_id.empty())
      return Error(ErrorKind::Invalid, "--{0}-external-id goes with --{0}-role", side);
  }
  if (!any_role && !words.role_session_name.empty())
    return Error(ErrorKind::Invalid, "--role-session-name goes with a role");
  return {};
}

CommonOptions common_of(const Words& words) {
  CommonOptions common;
  common.ends.source_identity = named(words.source_identity, words);
  common.ends.destination_identity = named(words.destination_identity, words);
  common.ends.store_identity = named(words.store_identity, words);
  common.ends.protocol = words.protocol;
  common.ends.patience.stall_ms = std::chrono::seconds(words.stall_seconds);
  common.ends.credentials_file = words.credentials;
  common.ends.source_credentials_file = words.source_credentials;
  common.ends.destination_credentials_file = words.destination_credentials;
  common.ends.create_destinations = words.create;
  common.ends.allowed_regions = words.allowed_regions;
  common.ends.ca_file = words.ca_file;
  common.color = words.color == "always"  ? ColorMode::Always
                 : words.color == "never" ? ColorMode::Never
                                          : ColorMode::Auto;
  common.json = words.json;
  common.quiet = words.quiet;
  common.verbose = words.verbose;
  return common;
}

Result<CommandLine> replicate_of(const Words& words) {
  if (!words.allowed_regions.empty() && !words.create)
    return Error(ErrorKind::Invalid, "--allowed-regions goes with --create");
  if (words.words.empty()) return Error(ErrorKind::Invalid, "SOURCE and DESTINATION are missing");
  if (words.words.size() == 1) return Error(ErrorKind::Invalid, "DESTINATION is missing: where should it go?");
  std::vector<Url> urls = TRY(urls_of(words));
  Url source = std::move(urls.front());
  urls.erase(urls.begin());
  TRY(check_one_way(source, urls, words.source_identity == words.destination_identity));
  Policy policy = TRY(policy_of(words, kBranchesAndTags));
  const std::uint64_t push_bytes_max =
      words.max_push.empty() ? 0 : TRY(parse_size(words.max_push).context("--max-push"));
  return CommandLine{common_of(words), ReplicateCommand{.source = std::move(source),
                                                        .destinations = std::move(urls),
                                                        .policy = std::move(policy),
                                                        .push_bytes_max = push_bytes_max,
                                                        .dry_run = words.dry_run}};
}

Result<CommandLine> refs_of(const Words& words) {
  if (words.words.empty()) return Error(ErrorKind::Invalid, "URL is missing");
  if (words.words.size() > 1) return Error(ErrorKind::Invalid, "one URL at a time, not {}", words.words.size());
  std::vector<Url> urls = TRY(urls_of(words));
  return CommandLine{common_of(words), RefsCommand{.url = std::move(urls.front())}};
}

Result<CommandLine> compare_of(const Words& words) {
  if (words.words.size() < 2)
    return Error(ErrorKind::Invalid, "two URLs or more are compared, not {}", words.words.size());
  std::vector<Url> urls = TRY(urls_of(words));
  RefspecSet selection = TRY(selection_of(words, kBranchesAndTags));
  return CommandLine{common_of(words), CompareCommand{.urls = std::move(urls), .selection = std::move(selection)}};
}

Result<VaultWords> vault_of(const Words& words, std::string_view store, std::string_view repository) {
  StoreAddress address = TRY(StoreAddress::parse(store));
  VaultWords vault{.store = std::move(address), .store_options = words.store};
  if (!words.object_lock.empty())
    TRY(take_object_lock(words.object_lock, vault.store_options).context("--object-lock"));
  if (!vault.store.s3 && vault.store_options.is_for_s3())
    return Error(ErrorKind::Invalid,
                 "{} is a directory: --sse, --storage-class, --object-lock, --endpoint-url and the like are for s3://",
                 printable(store));
  if (!repository.empty()) vault.repository = TRY(RepositoryName::parse(repository).context("REPO"));
  return vault;
}

// STORE, and a repository in it where one may be named.
Result<VaultWords> vault_of(const Words& words) {
  if (words.words.empty()) return Error(ErrorKind::Invalid, "STORE is missing: s3://BUCKET/PREFIX or a directory");
  if (words.words.size() > 2)
    return Error(ErrorKind::Invalid, "STORE and at most one REPO, not '{}' too", printable(words.words[2]));
  return vault_of(words, words.words.front(), words.words.size() > 1 ? words.words[1] : std::string_view());
}

Result<std::map<std::string, std::string>> key_variables_of(const Words& words) {
  std::map<std::string, std::string> variables;
  for (const std::string& word : words.key_variables) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(ErrorKind::Invalid, "--key-set is NAME=VALUE, not '{}'", printable(word));
    variables.insert_or_assign(word.substr(0, equals), word.substr(equals + 1));
  }
  return variables;
}

// "2/7"
Result<> take_part(const std::string& text, std::string_view option, unsigned& part, unsigned& parts) {
  if (text.empty()) return {};
  const char* const last = text.data() + text.size();
  const auto [slash, first_error] = std::from_chars(text.data(), last, part);
  if (first_error == std::errc() && slash != last && *slash == '/') {
    const auto [end, error] = std::from_chars(slash + 1, last, parts);
    if (error == std::errc() && end == last && part >= 1 && part <= parts) return {};
  }
  return Error(ErrorKind::Invalid, "{} is N/T with N from 1 to T, not '{}'", option, printable(text));
}

// "eu-central-1,us-east-1"
Result<std::vector<std::string>> regions_of(const std::string& text) {
  std::vector<std::string> regions;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (const std::string region(rest.substr(0, comma)); !region.empty() && !std::ranges::count(regions, region))
      regions.push_back(region);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (regions.empty())
    return Error(ErrorKind::Invalid,
                 "--all wants --region: the account's regions, as in --region eu-central-1,us-east-1");
  return regions;
}

Result<WholeAccount> whole_account_of(const Words& words) {
  // Under --all, --include and --exclude choose among repositories.
  std::vector<std::string> regions = TRY(regions_of(words.store.region));
  WholeAccount account{.host = words.all,
                       .regions = std::move(regions),
                       .includes = words.includes,
                       .excludes = words.excludes,
                       .jobs = words.jobs};
  TRY(take_part(words.shard, "--shard", account.shard, account.shards));
  return account;
}

// What may not be said of many repositories at once.
Result<> check_many(const Words& words) {
  if (!words.words.empty())
    return Error(ErrorKind::Invalid, "a SOURCE is named ('{}') and found by {} as well", printable(words.words.front()),
                 words.all.empty() ? "--from-environment" : "--all");
  if (!words.all.empty() && words.from_environment)
    return Error(ErrorKind::Invalid, "--all and --from-environment exclude each other");
  if (!words.put_only.empty() && !words.all.empty())
    return Error(ErrorKind::Invalid, "--put-only keeps a record of one repository: it does not go with --all");
  return {};
}

Result<> check_alone(const Words& words) {
  if (!words.includes.empty() || !words.shard.empty())
    return Error(ErrorKind::Invalid, "--include and --shard choose among the repositories of --all");
  if (words.words.empty()) return Error(ErrorKind::Invalid, "SOURCE is missing");
  if (words.words.size() > 1)
    return Error(ErrorKind::Invalid, "one SOURCE at a time, not '{}' too", printable(words.words[1]));
  return {};
}

Result<std::variant<Url, WholeAccount, NamedByEnvironment>> backup_source_of(const Words& words) {
  using Source = std::variant<Url, WholeAccount, NamedByEnvironment>;
  if (words.all.empty() && !words.from_environment) {
    TRY(check_alone(words));
    return Source(TRY(Url::parse(words.words.front())));
  }
  TRY(check_many(words));
  if (words.from_environment) return Source(NamedByEnvironment());
  return Source(TRY(whole_account_of(words)));
}

Result<CommandLine> backup_of(const Words& words) {
  auto source = TRY(backup_source_of(words));
  const Url* const address = std::get_if<Url>(&source);
  if (words.store_address.empty())
    return Error(ErrorKind::Invalid, "--to STORE is missing: s3://BUCKET/PREFIX or a directory");

  Words for_store = words;
  Words for_refs = words;
  if (!words.store_region.empty() || address == nullptr) for_store.store.region = words.store_region;
  if (std::holds_alternative<WholeAccount>(source)) for_refs.excludes.clear();
  VaultWords vault =
      TRY(vault_of(for_store, words.store_address, address != nullptr ? words.name : std::string_view()));
  if (address != nullptr && !vault.repository) vault.repository = TRY(repository_name_of(*address));

  Policy policy = TRY(policy_of(for_refs, kEverything));
  const BackupFormat format = TRY(parse_backup_format(words.format).context("--format"));
  std::map<std::string, std::string> variables = TRY(key_variables_of(words));
  const bool knows_all = variables.contains("account_id") && variables.contains("region");
  KeyTemplate keys = !words.key_template.empty() ? TRY(KeyTemplate::parse(words.key_template).context("--key"))
                     : address == nullptr        ? KeyTemplate::of_accounts()
                                                 : KeyTemplate::standard(knows_all);
                     BackupCommand command{.source = std::move(source),
                                           .vault = std::move(vault),
                                           .policy = std::move(policy),
                                           .format = format,
                                           .keys = std::move(keys),
                                           .key_variables = std::move(variables),
                                           .limits = {.links_max = words.chain_links,
                                                      .percent_max = words.chain_percent,
                                                      .age_max = std::chrono::hours(24 * words.chain_days)},
                                           .full = words.full,
                                           .record_unchanged = words.record_unchanged,
                                           .put_only_record = words.put_only,
                                           .scratch = words.scratch,
                                           .identity_files = words.identities,
                                           .dry_run = words.dry_run};
                     if (address == nullptr)
                       command.name_template = words.name.empty() ? std::string(kNameInAccount) : words.name;
                     if (!words.metrics.empty())
                       command.metrics = words.metrics == "emf" ? Metrics::Repository : Metrics::Run;
                     if (command.metrics != Metrics::None && words.json)
                       return Error(
                           ErrorKind::Invalid,
                           "--metrics and --json both want standard output; the report of --all is in the store");
                     for (const std::string& text : words.recipients)
                       command.recipients.push_back(TRY(AgeRecipient::parse(text).context("--recipient")));
                     if (!words.level.empty())
                       command.verify = TRY(parse_verification(words.level).context("--verify"));
                     if (command.verify && !command.put_only_record.empty())
                       return Error(ErrorKind::Invalid, "--put-only writers may not read, so they cannot --verify");
                     return CommandLine{common_of(words), std::move(command)};
}

Result<CommandLine> snapshots_of(const Words& words) {
  VaultWords vault = TRY(vault_of(words));
  return CommandLine{common_of(words), SnapshotsCommand{.vault = std::move(vault)}};
}

Result<CommandLine> restore_of(const Words& words) {
  if (words.words.size() != 3)
    return Error(ErrorKind::Invalid, "STORE, REPO and TARGET are wanted, {} words were given", words.words.size());
  VaultWords vault = TRY(vault_of(words, words.words[0], words.words[1]));
  Url target = TRY(Url::parse(words.words[2]));
  if (target.scheme() == Scheme::Git)
    return Error(ErrorKind::Invalid,
                 "git:// can only be read, so {} cannot be restored to; give its ssh or https address", target.text());
  RefspecSet selection = TRY(selection_of(words, kEverything));
  RestoreCommand command{.vault = std::move(vault),
                         .target = std::move(target),
                         .selection = std::move(selection),
                         .overwrite = words.overwrite,
                         .identity_files = words.identities,
                         .scratch = words.scratch};
  if (!words.at.empty()) command.choice = TRY(SnapshotChoice::parse(words.at).context("--at"));
  return CommandLine{common_of(words), std::move(command)};
}

Result<CommandLine> verify_of(const Words& words) {
  VaultWords vault = TRY(vault_of(words));
  VerifyCommand command{.vault = std::move(vault), .identity_files = words.identities, .scratch = words.scratch};
  if (!words.level.empty()) command.level = TRY(parse_verification(words.level).context("--level"));
  if (!words.at.empty()) {
    const SnapshotChoice choice = TRY(SnapshotChoice::parse(words.at).context("--snapshot"));
    command.only = choice.number;
    if (!command.only || !command.vault.repository)
      return Error(ErrorKind::Invalid, "--snapshot takes the number of a snapshot of one REPO");
  }
  TRY(take_part(words.part, "--part", command.part, command.parts));
  if (command.parts > 1 && command.level != Verification::Stored)
    return Error(ErrorKind::Invalid, "--part goes with --level stored: the other levels need the whole chain");
  return CommandLine{common_of(words), std::move(command)};
}

Result<CommandLine> prune_of(const Words& words) {
  VaultWords vault = TRY(vault_of(words));
  PruneCommand command{.vault = std::move(vault), .policy = words.keep, .dry_run = words.dry_run};
  if (!words.keep_within.empty())
    command.policy.keep_within = TRY(parse_keep_within(words.keep_within).context("--keep-within"));
  command.grace = TRY(parse_keep_within(words.grace).context("--grace"));
  if (command.policy.is_empty())
    return Error(ErrorKind::Invalid,
                 "say what to keep: --keep-last, --keep-daily, --keep-weekly, --keep-monthly or --keep-within");
  return CommandLine{common_of(words), std::move(command)};
}

// "team=web"
Result<std::map<std::string, std::string>> tags_of(const Words& words) {
  std::map<std::string, std::string> tags;
  for (const std::string& word : words.tags) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(ErrorKind::Invalid, "--tag is KEY=VALUE, not '{}'", printable(word));
    if (!tags.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
      return Error(ErrorKind::Invalid, "--tag '{}' is given twice", printable(word.substr(0, equals)));
  }
  return tags;
}

Result<CommandLine> create_repository_of(const Words& words) {
  if (words.words.size() != 1)
    return Error(ErrorKind::Invalid, "one URL is wanted, as codecommit::eu-central-1://web; {} were given",
                 words.words.size());
  Url url = TRY(Url::parse(words.words.front()));
  std::map<std::string, std::string> tags = TRY(tags_of(words));
  return CommandLine{
      common_of(words),
      CreateRepositoryCommand{.url = std::move(url), .description = words.description, .tags = std::move(tags)}};
}

Result<CommandLine> credential_of(const Words& words) {
  if (words.words.size() != 1)
    return Error(ErrorKind::Invalid, "one of get, store and erase is wanted, as git says it to its helpers");
  return CommandLine{common_of(words), CredentialCommand{.action = words.words.front()}};
}

Result<CommandLine> setup_of(const Words& words) {
  if (words.words.empty())
    return Error(ErrorKind::Invalid, "DOCUMENT is missing: one of {}", fmt::join(setup_documents(), ", "));
  if (words.words.size() > 1)
    return Error(ErrorKind::Invalid, "one DOCUMENT at a time, not '{}' too", printable(words.words[1]));
  SetupWords given = words.setup;
  std::erase_if(given, [](const auto& option) { return option.second.empty(); });
  std::string text = TRY(make_setup(words.words.front(), given));
  return CommandLine{common_of(words), SetupCommand{.text = std::move(text), .output = words.output}};
}

Result<CommandLine> doctor_of(const Words& words) {
  if (!words.words.empty())
    return Error(ErrorKind::Invalid, "is '{}' a --store, a --source or a --destination?", printable(words.words[0]));
  if (words.store_address.empty() && words.source.empty() && words.destination.empty())
    return Error(ErrorKind::Invalid, "say what to look at: --store, --source or --destination");
  DoctorCommand command{.expected = {.may_read = !words.may_only_put, .may_delete = words.may_delete}};
  if (!words.store_address.empty()) command.vault = TRY(vault_of(words, words.store_address, ""));
  if (!words.source.empty()) command.source = TRY(Url::parse(words.source).context("--source"));
  if (!words.destination.empty()) command.destination = TRY(Url::parse(words.destination).context("--destination"));
  return CommandLine{common_of(words), std::move(command)};
}

Result<CommandLine> config_of(const Words& words) {
  const std::string_view action = words.words.empty() ? std::string_view() : words.words.front();
  const std::string what = words.words.size() > 1 ? words.words[1] : "";
  ConfigCommand command{.secrets = words.secrets, .output = words.output};
  if (action == "check") {
    if (what.empty()) return Error(ErrorKind::Invalid, "FILE is missing: which configuration?");
    if (!words.output.empty()) return Error(ErrorKind::Invalid, "--output goes with example and schema");
    command.file = what;
  } else if (action == "example") {
    command.action = ConfigCommand::Action::Example;
    if (!what.empty()) command.kind = TRY(parse_host_kind(what));
  } else if (action == "schema") {
    command.action = ConfigCommand::Action::Schema;
    if (!what.empty()) return Error(ErrorKind::Invalid, "there is one schema, not '{}'", printable(what));
  } else {
    return Error(ErrorKind::Invalid, "say what to do: check FILE, example [KIND] or schema");
  }
  if (words.words.size() > 2) return Error(ErrorKind::Invalid, "'{}' is too much", printable(words.words[2]));
  if (words.json && action != "check") return Error(ErrorKind::Invalid, "--json goes with check");
  if (words.secrets && action != "check") return Error(ErrorKind::Invalid, "--secrets goes with check");
  return CommandLine{common_of(words), std::move(command)};
}

// The last part of a key is the report's name, and what is before it the place that holds it.
Result<ReportAddress> report_address_of(const std::string& text) {
  ReportAddress report{.is_json = text.ends_with(".json")};
  if (!text.starts_with("s3://")) {
    report.file = text;
    return report;
  }
  S3Location whole = TRY(S3Location::parse(text));
  if (whole.prefix.empty() || text.ends_with('/'))
    return Error(ErrorKind::Invalid, "'{}' names no object; say s3://BUCKET/KEY", printable(text));
  const std::size_t slash = whole.prefix.rfind('/');
  report.key = whole.prefix.substr(slash == std::string::npos ? 0 : slash + 1);
  whole.prefix.resize(slash == std::string::npos ? 0 : slash);
  report.place = std::move(whole);
  return report;
}

Result<CommandLine> sweep_of(const Words& words) {
  if (words.words.empty()) return Error(ErrorKind::Invalid, "CONFIG is missing: which configuration?");
  if (words.words.size() > 1) return Error(ErrorKind::Invalid, "'{}' is too much", printable(words.words[1]));
  SweepCommand command{.file = words.words.front(),
                       .only = words.only,
                       .jobs = words.sweep_jobs,
                       .attempts = words.attempts,
                       .confirm_all = words.confirm_all,
                       .dry_run = words.dry_run};
  if (!words.report.empty()) command.report = TRY(report_address_of(words.report).context("--report"));
  TRY(take_part(words.shard, "--shard", command.shard, command.shards));
  return CommandLine{common_of(words), std::move(command)};
}

Result<CommandLine> serve_of(const Words& words) {
  if (words.words.empty()) return Error(ErrorKind::Invalid, "CONFIG is missing: which configuration?");
  if (words.words.size() > 1) return Error(ErrorKind::Invalid, "'{}' is too much", printable(words.words[1]));
  if (words.try_alarms && (words.no_workers || words.no_lookout))
    return Error(ErrorKind::Invalid, "--try-alarms starts neither workers nor a lookout");
  return CommandLine{common_of(words), ServeCommand{.file = words.words.front(),
                                                    .no_workers = words.no_workers,
                                                    .no_lookout = words.no_lookout,
                                                    .try_alarms = words.try_alarms}};
}

Result<CommandLine> catalogue_of(const Words& words) {
  const std::string_view action = words.words.empty() ? std::string_view() : words.words.front();
  CatalogueCommand command;
  if (action == "forget") {
    command.action = CatalogueCommand::Action::Forget;
  } else if (action != "rebuild") {
    return Error(ErrorKind::Invalid, "say what to do: rebuild CONFIG or forget CONFIG PATTERN");
  }
  if (words.words.size() < 2) return Error(ErrorKind::Invalid, "CONFIG is missing: which configuration?");
  command.file = words.words[1];
  command.forget.assign(words.words.begin() + 2, words.words.end());
  if (command.action == CatalogueCommand::Action::Rebuild && !command.forget.empty())
    return Error(ErrorKind::Invalid, "'{}' is too much", printable(command.forget.front()));
  if (command.action == CatalogueCommand::Action::Forget && command.forget.empty())
    return Error(ErrorKind::Invalid, "PATTERN is missing: forget what? HOST/NAME, with * and ?");
  return CommandLine{common_of(words), std::move(command)};
}

}  // namespace

Result<std::vector<Refspec>> refspecs_of(const Words& words) {
  std::vector<Refspec> specs;
  for (const std::string& pattern : words.refs) specs.push_back(TRY(Refspec::parse_short(pattern).context("--ref")));
  for (const std::string& pattern : words.excludes) {
    const std::string negative = pattern.starts_with('^') ? pattern : "^" + pattern;
    specs.push_back(TRY(Refspec::parse_short(negative).context("--exclude")));
  }
  return specs;
}

Result<RepositoryName> repository_name_of(const Url& url) {
  constexpr std::string_view kCodeCommit = "/v1/repos/";
  const std::string decoded = percent_decode(url.path()).value_or(url.path());
  std::string_view path = decoded;
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.starts_with(kCodeCommit)) path.remove_prefix(kCodeCommit.size());
  if (url.is_local()) path = path.substr(path.rfind('/') + 1);
  while (path.starts_with('/') || path.starts_with('~')) path.remove_prefix(1);
  return RepositoryName::parse(path).context("{}: the address gives no name for the repository; say --name",
                                             url.text());
}

Result<CommandLine> command_of(std::string_view command, const Words& words) {
  TRY(check_identities(words));
  if (command == "replicate") return replicate_of(words);
  if (command == "refs") return refs_of(words);
  if (command == "compare") return compare_of(words);
  if (command == "backup") return backup_of(words);
  if (command == "snapshots") return snapshots_of(words);
  if (command == "restore") return restore_of(words);
  if (command == "verify") return verify_of(words);
  if (command == "prune") return prune_of(words);
  if (command == "create-repository") return create_repository_of(words);
  if (command == "credential") return credential_of(words);
  if (command == "setup") return setup_of(words);
  if (command == "doctor") return doctor_of(words);
  if (command == "config") return config_of(words);
  if (command == "sweep") return sweep_of(words);
  if (command == "catalogue") return catalogue_of(words);
  if (command == "serve") return serve_of(words);
  if (command == "token") return CommandLine {
      common_of(words), TRY(token_command_of(words))
    };
  CHECK(command == "replica");
  return CommandLine { common_of(words), TRY(replica_command_of(words)) };
}

}  // namespace packferry
