#include "config/read_orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/printable.h"
#include "base/quantity.h"
#include "config/circle.h"
#include "config/config_keys.h"

namespace packferry {
namespace {

constexpr unsigned kChainLinksMax = 1000;
constexpr unsigned kChainPercentMax = 10'000;
constexpr unsigned kChainDaysMax = 3650;
// Replication leaves a host's own refs alone; a backup holds whatever there is.
constexpr std::string_view kBranchesAndTags[] = {"refs/heads/*", "refs/tags/*"};
constexpr std::string_view kEverything[] = {"refs/*"};

Result<Visibility> parse_visibility(std::string_view text) {
  for (const Visibility visibility : {Visibility::Private, Visibility::Internal, Visibility::Public})
    if (text == to_string(visibility)) return visibility;
  return Error(ErrorKind::Invalid, "'{}' is no visibility; there are private, internal and public",
               printable(text, 100));
}

Result<Refspec> parse_exclusion(std::string_view text) {
  return Refspec::parse_short(text.starts_with('^') ? std::string(text) : fmt::format("^{}", text));
}

// What a selection can choose when nothing else is said of it.
bool is_of_one_repository(const SourceSelection& source, const FleetHost& host) {
  const bool is_one_name =
      source.include.size() == 1 && source.include.front().find_first_of("*?[\\") == std::string::npos;
  const bool is_one_address = host.kind == HostKind::List && host.repositories.size() == 1 && host.file.empty();
  return !source.wikis && (is_one_name || is_one_address);
}

bool has_groups(HostKind kind) {
  return kind != HostKind::CodeCommit && kind != HostKind::Directory && kind != HostKind::List;
}

class OrderReader {
 public:
  OrderReader(TableReader& file, const ConfigHosts& hosts, const ConfigStores& stores, ConfigMistakes& mistakes)
      : file_(file), hosts_(hosts), stores_(stores), mistakes_(mistakes) {}

  ConfigOrders read() && {
    if (const ConfigValue* value = file_.find("defaults")) {
      defaults_.emplace(*value, keys_of(ConfigTable::Defaults), mistakes_);
      // Looked at even when nothing begins with them.
      static_cast<void>(policy_of(*defaults_, kEverything));
      static_cast<void>(push_bytes_max_of(*defaults_));
    }
    ConfigOrders orders;
    for (const ConfigValue* value : file_.tables("backups")) orders.backups.push_back(backup_of(*value));
    for (const ConfigValue* value : file_.tables("replicas")) {
      orders.replicas.push_back(replica_of(*value));
      orders.replica_places.push_back(value->place);
    }
    return orders;
  }

 private:
  FleetBackup backup_of(const ConfigValue& value) {
    TableReader table(value, keys_of(ConfigTable::Backup), mistakes_);
    FleetBackup backup{.name = name_of(table), .source = source_of(table), .store = store_of(table)};
    backup.repository = table.text("repository").value_or(backup.repository);
    check_template(table, backup.repository, backup.source, nullptr);
    backup.policy = policy_of(table, kEverything);
    backup.format = table.parsed("format", parse_backup_format).value_or(backup.format);
    backup.limits = limits_of(table);
    for (const ConfigValue* item : table.texts("recipients"))
      if (auto recipient = table.parsed(*item, item->text, AgeRecipient::parse))
        backup.recipients.push_back(std::move(*recipient));
    backup.keys = table.parsed("keys", KeyTemplate::parse);
    if (backup.keys) check_keys(backup, table.find("keys")->place);
    return backup;
  }

  FleetReplica replica_of(const ConfigValue& value) {
    TableReader table(value, keys_of(ConfigTable::Replica), mistakes_);
    FleetReplica replica{.name = name_of(table), .source = source_of(table), .destinations = {}};
    table.require("destinations", R"([ { host = "NAME" } ])");
    const std::vector<const ConfigValue*> ends = table.tables("destinations");
    if (const ConfigValue* given = table.find("destinations");
        given != nullptr && given->kind == ConfigValue::Kind::List && given->children.empty())
      mistakes_.add(given->place, "a replica without destinations", R"(write destinations = [ { host = "NAME" } ])");
    for (const ConfigValue* end : ends) replica.destinations.push_back(end_of(*end, replica.source));
    replica.policy = policy_of(table, kBranchesAndTags);
    replica.push_bytes_max = push_bytes_max_of(table).value_or(0);
    return replica;
  }

  std::string name_of(TableReader& order) {
    order.require("name", R"("nightly")");
    const std::optional<std::string> name = order.text("name");
    if (!name) return {};
    const ConfigPlace place = order.find("name")->place;
    check_config_name(place, *name, mistakes_);
    const auto [other, is_new] = name_places_.emplace(*name, place);
    if (!is_new)
      mistakes_.add(
          place, fmt::format("two are called '{}'", printable(*name, 100)),
          fmt::format("the other is in line {}; what was done is remembered by these names", other->second.line));
    return *name;
  }

  SourceSelection source_of(TableReader& order) {
    SourceSelection source;
    order.require("source", R"({ host = "NAME" })");
    const ConfigValue* const value = order.find("source");
    if (value == nullptr) return source;
    TableReader table(*value, keys_of(ConfigTable::Source), mistakes_);
    source.host = host_of(table);
    source.owner = table.text("owner").value_or("");
    for (const ConfigValue* item : table.texts("include")) source.include.push_back(item->text);
    for (const ConfigValue* item : table.texts("exclude")) source.exclude.push_back(item->text);
    for (const ConfigValue* item : table.texts("visibility"))
      if (const auto visibility = table.parsed(*item, item->text, parse_visibility))
        source.visibility.push_back(*visibility);
    source.archived = table.truth("archived").value_or(source.archived);
    source.forks = table.truth("forks").value_or(source.forks);
    source.wikis = table.truth("wikis").value_or(source.wikis);
    const FleetHost* const host = find_host(source.host);
    if (host != nullptr && !source.owner.empty() &&
        (host->kind == HostKind::CodeCommit || host->kind == HostKind::List))
      mistakes_.add(table.find("owner")->place, fmt::format("a {} host has no owners", to_string(host->kind)),
                    R"(choose by name, with include = ["…"])");
    return source;
  }

  ReplicaEnd end_of(const ConfigValue& value, const SourceSelection& source) {
    TableReader table(value, keys_of(ConfigTable::Destination), mistakes_);
    ReplicaEnd end{.host = host_of(table)};
    end.repository = table.text("repository").value_or(end.repository);
    end.create = table.truth("create").value_or(end.create);
    end.visibility = table.parsed("visibility", parse_visibility).value_or(end.visibility);
    const FleetHost* const host = find_host(end.host);
    check_template(table, end.repository, source, host);
    if (host != nullptr && host->kind == HostKind::List && end.create)
      mistakes_.add(table.find("create")->place, "nothing can be made on a list of addresses", "leave create out");
    return end;
  }

  std::string host_of(TableReader& table) {
    table.require("host", R"("NAME")");
    return leading_somewhere(table, "host", hosts_.names);
  }
  std::string store_of(TableReader& table) {
    table.require("store", R"("NAME")");
    return leading_somewhere(table, "store", stores_.names);
  }
  std::string leading_somewhere(TableReader& table, std::string_view key,
                                const std::set<std::string, std::less<>>& names) {
    const std::optional<std::string> name = table.text(key);
    if (!name || names.contains(*name)) return name.value_or("");
    const std::vector<std::string_view> known(names.begin(), names.end());
    std::string remedy = did_you_mean(*name, known);
    if (remedy.empty()) remedy = fmt::format("write a table [{}s.NAME]", key);
    mistakes_.add(table.find(key)->place, fmt::format("there is no {} '{}'", key, printable(*name, 100)),
                  std::move(remedy));
    return *name;
  }
  const FleetHost* find_host(std::string_view name) const {
    const auto found = std::ranges::find(hosts_.hosts, name, &FleetHost::name);
    return found == hosts_.hosts.end() ? nullptr : &*found;
  }

  // The repository of `table`, or what it is when nothing is said, for the repositories of `source`.
  void check_template(const TableReader& table, const NameTemplate& name_template, const SourceSelection& source,
                      const FleetHost* destination) {
    const FleetHost* const host = find_host(source.host);
    if (host == nullptr) return;
    const ConfigValue* const said = table.find("repository");
    const ConfigPlace place = said == nullptr ? table.place() : said->place;
    const bool is_in_group = host->kind != HostKind::CodeCommit;
    const Result<std::string> sample = sample_of(name_template, *host, is_in_group ? "group/name" : "name");
    const Result<RepositoryName> name = sample ? RepositoryName::parse(*sample) : sample.error();
    if (!name) return mistakes_.add(place, "repository", name.error());
    const bool differs =
        name_template.find("${name}") != std::string::npos || name_template.find("${path}") != std::string::npos;
    if (!differs && !is_of_one_repository(source, *host))
      mistakes_.add(place, "repository is one name for many repositories", "put ${path} or ${name} into it");
    if (destination != nullptr && destination->kind == HostKind::CodeCommit && has_groups(host->kind) &&
        sample->find('/') != std::string::npos)
      mistakes_.add(place,
                    fmt::format("repository '{}' has a '/', which no name of CodeCommit has", printable(name_template)),
                    R"(write "${group}-${name}", or "${name}")");
  }

  // Its variables, and an extension that is not the format's.
  void check_keys(const FleetBackup& backup, ConfigPlace place) {
    const FleetHost* const host = find_host(backup.source.host);
    if (host == nullptr) return;
    std::map<std::string, std::string> variables;
    if (host->kind == HostKind::CodeCommit) variables = {{"account_id", "111122223333"}, {"region", "eu-central-1"}};
    const Result<RepositoryName> repository = RepositoryName::parse("name");
    CHECK(repository.has_value());
    const Result<std::string> key =
        backup.keys->key(*repository, Clock::WallTime(), backup.format, !backup.recipients.empty(), variables);
    if (!key) mistakes_.add(place, "keys", key.error());
  }

  ChainLimits limits_of(TableReader& backup) {
    ChainLimits limits;
    const ConfigValue* const value = backup.find("chain");
    if (value == nullptr) return limits;
    TableReader chain(*value, keys_of(ConfigTable::Chain), mistakes_);
    if (const auto links = chain.number("links", 0, kChainLinksMax)) limits.links_max = *links;
    if (const auto percent = chain.number("percent", 0, kChainPercentMax)) limits.percent_max = *percent;
    if (const auto days = chain.number("days", 0, kChainDaysMax)) limits.age_max = std::chrono::hours(24 * *days);
    return limits;
  }

  // Each key by itself: what the order says, else what [defaults] says, else what is usual.
  Policy policy_of(TableReader& order, std::span<const std::string_view> usual_refs) {
    Policy policy;
    if (defaults_) take_policy(policy, *defaults_);
    take_policy(policy, order);
    policy.selection = selection_of(order, usual_refs);
    return policy;
  }

  void take_policy(Policy& policy, TableReader& from) {
    policy.follow = from.parsed("policy", parse_follow_mode).value_or(policy.follow);
    policy.atomic = from.parsed("atomic", parse_atomic_mode).value_or(policy.atomic);
    policy.keep_old_tips = from.truth("keep_old_tips").value_or(policy.keep_old_tips);
    policy.ignore_non_empty_destination =
        from.truth("ignore_non_empty_destination").value_or(policy.ignore_non_empty_destination);
    take_allowance(policy.allow_deletions, from, "allow_deletions");
    take_allowance(policy.allow_rewinds, from, "allow_rewinds");
  }

  void take_allowance(std::optional<Allowance>& allowance, TableReader& from, std::string_view key) {
    if (const auto text = from.text_or_number(key))
      if (const auto parsed = from.parsed(*from.find(key), *text, Allowance::parse)) allowance = parsed;
  }

  std::optional<std::uint64_t> push_bytes_max_of(TableReader& order) {
    TableReader& from = order.has("max_push") || !defaults_ ? order : *defaults_;
    const std::optional<std::string> text = from.text_or_number("max_push");
    return text ? from.parsed(*from.find("max_push"), *text, parse_size) : std::nullopt;
  }

  RefspecSet selection_of(TableReader& order, std::span<const std::string_view> usual_refs) {
    TableReader& refs = order.has("refs") || !defaults_ ? order : *defaults_;
    TableReader& excluded = order.has("exclude_refs") || !defaults_ ? order : *defaults_;
    std::vector<Refspec> specs;
    for (const ConfigValue* item : refs.texts("refs"))
      if (auto spec = refs.parsed(*item, item->text, Refspec::parse_short)) specs.push_back(std::move(*spec));
    if (!refs.has("refs"))
      for (const std::string_view usual : usual_refs)
        if (auto spec = Refspec::parse(usual)) specs.push_back(std::move(spec).value());
    for (const ConfigValue* item : excluded.texts("exclude_refs"))
      if (auto spec = excluded.parsed(*item, item->text, parse_exclusion)) specs.push_back(std::move(*spec));
    Result<RefspecSet> selection = RefspecSet::from(std::move(specs));
    if (selection) return std::move(selection).value();
    const ConfigValue* const said = refs.find("refs");
    mistakes_.add(said == nullptr ? order.place() : said->place, "refs", selection.error());
    return {};
  }

  TableReader& file_;
  const ConfigHosts& hosts_;
  const ConfigStores& stores_;
  ConfigMistakes& mistakes_;
  std::optional<TableReader> defaults_;
  std::map<std::string, ConfigPlace, std::less<>> name_places_;
};

}  // namespace

ConfigOrders read_orders(TableReader& file, const ConfigHosts& hosts, const ConfigStores& stores,
                         ConfigMistakes& mistakes) {
  return OrderReader(file, hosts, stores, mistakes).read();
}

}  // namespace packferry
