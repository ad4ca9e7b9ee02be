// The tables [defaults], [[backups]] and [[replicas]]. An inner room of config_file.cc.
#pragma once

#include <string>
#include <vector>

#include "config/read_hosts.h"

namespace packferry {

struct ConfigOrders {
  std::vector<FleetBackup> backups;
  std::vector<FleetReplica> replicas;
  std::vector<ConfigPlace> replica_places;
};
ConfigOrders read_orders(TableReader& file, const ConfigHosts& hosts, const ConfigStores& stores,
                         ConfigMistakes& mistakes);

}  // namespace packferry
