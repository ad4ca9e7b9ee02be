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
// {env = "NAME"} or {file = "PATH"}; `key` is what messages call it. Nothing when it is wrong, or not there.
std::optional<SecretReference> read_secret(const ConfigValue& value, std::string_view key, std::string_view folder,
                                           ConfigMistakes& mistakes);
std::optional<SecretReference> read_secret(TableReader& owner, std::string_view key, std::string_view folder,
                                           ConfigMistakes& mistakes);
// The keys profile, role, external_id and session_name.
AwsIdentity read_identity(TableReader& owner, ConfigMistakes& mistakes);
Result<std::string> parse_aws_region(std::string_view text);
std::string absolute_path(std::string_view folder, std::string_view path);

}  // namespace packferry
