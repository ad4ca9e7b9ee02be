#include "config/config_file.h"

#include <fmt/format.h>

#include "base/quantity.h"
#include "config/circle.h"
#include "config/config_keys.h"
#include "config/read_orders.h"
#include "config/read_serve.h"

namespace packferry {
namespace {

constexpr unsigned kJobsMax = 256;

class FileReader {
 public:
  FileReader(const ConfigValue& root, std::string_view folder)
      : file_(root, keys_of(ConfigTable::File), mistakes_), folder_(folder) {}

  ConfigReading read() && {
    Fleet fleet;
    fleet.catalogue = absolute_path(folder_, file_.text("catalogue").value_or("packferry.db"));
    fleet.jobs = file_.number("jobs", 1, kJobsMax).value_or(fleet.jobs);
    fleet.confirm_every = file_.parsed("confirm_every", parse_duration).value_or(fleet.confirm_every);
    fleet.trust_listing = file_.parsed("trust_listing", parse_duration).value_or(fleet.trust_listing);

    ConfigHosts hosts;
    if (const ConfigValue* tables = tables_of("hosts")) hosts = read_hosts(*tables, folder_, mistakes_);
    ConfigStores stores;
    if (const ConfigValue* tables = tables_of("stores")) stores = read_stores(*tables, folder_, mistakes_);
    ConfigOrders orders = read_orders(file_, hosts, stores, mistakes_);
    std::optional<ServeSettings> serve;
    if (const ConfigValue* table = file_.find("serve")) serve = read_serve(*table, folder_, mistakes_);
    if (!file_.has("backups") && !file_.has("replicas") && !serve)
      mistakes_.add({}, "nothing is to be backed up, and nothing to be replicated",
                    "write [[backups]] or [[replicas]]; 'packferry config example' shows both");

    fleet.hosts = std::move(hosts.hosts);
    fleet.stores = std::move(stores.stores);
    fleet.backups = std::move(orders.backups);
    fleet.replicas = std::move(orders.replicas);
    for (const ReplicaCircle& circle : find_circles(fleet)) note(circle, fleet, orders.replica_places);

    ConfigReading reading;
    reading.mistakes = std::move(mistakes_).take();
    if (!reading.mistakes.empty()) return reading;
    reading.fleet = std::move(fleet);
    reading.serve = std::move(serve);
    return reading;
  }

 private:
  // A table of tables.
  const ConfigValue* tables_of(std::string_view key) {
    const ConfigValue* const tables = file_.find(key);
    if (tables == nullptr || tables->kind == ConfigValue::Kind::Table) return tables;
    mistakes_.add(tables->place, fmt::format("{} is {}, not tables", key, words_for(tables->kind)),
                  fmt::format("write [{}.NAME]", key));
    return nullptr;
  }

  void note(const ReplicaCircle& circle, const Fleet& fleet, const std::vector<ConfigPlace>& places) {
    std::vector<std::string> names;
    for (const std::size_t replica : circle.replicas)
      names.push_back(fmt::format("'{}'", fleet.replicas[replica].name));
    const std::string who = names.size() == 1 ? fmt::format("replica {} comes back to its source", names.front())
                                              : fmt::format("replicas {} form a circle", fmt::join(names, ", "));
    mistakes_.add(places[circle.replicas.front()], fmt::format("{}: {}", who, circle.way),
                  "narrow a source, or give other names: a repository travels one way");
  }

  ConfigMistakes mistakes_;
  TableReader file_;
  const std::string_view folder_;
};

}  // namespace

ConfigReading read_config(std::string_view text, std::string_view folder) {
  const std::variant<ConfigValue, ConfigMistake> document = read_document(text);
  if (const auto* mistake = std::get_if<ConfigMistake>(&document))
    return {.fleet = {}, .serve = {}, .mistakes = {*mistake}};
  return FileReader(std::get<ConfigValue>(document), folder).read();
}

}  // namespace packferry
