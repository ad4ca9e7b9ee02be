// The tables [hosts.NAME] and [stores.NAME]. An inner room of config_file.cc.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/table_reader.h"
#include "service/fleet.h"

namespace packferry {

struct ConfigHosts {
  std::vector<FleetHost> hosts;  // whose kind is known, whatever else is wrong
  std::set<std::string, std::less<>> names;
};
ConfigHosts read_hosts(const ConfigValue& tables, std::string_view folder, ConfigMistakes& mistakes);

struct ConfigStores {
  std::vector<FleetStore> stores;
  std::set<std::string, std::less<>> names;
};
ConfigStores read_stores(const ConfigValue& tables, std::string_view folder, ConfigMistakes& mistakes);

// Letters, digits, '.', '_' and '-': it stands in reports, in keys and before a '/'.
void check_config_name(ConfigPlace place, std::string_view name, ConfigMistakes& mistakes);
std::string absolute_path(std::string_view folder, std::string_view path);

}  // namespace packferry
