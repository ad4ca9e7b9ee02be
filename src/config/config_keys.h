// Which keys each table of the file has; held against the JSON Schema by a test.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "service/fleet.h"
#include "service/serve_settings.h"

namespace packferry {

enum class ConfigTable {
  File,
  App,
  Secret,
  Store,
  Defaults,
  Backup,
  Chain,
  Replica,
  Source,
  Destination,
  Serve,
  Webhook,
  Queue,
  IdTokens,
  Projects,
  Alarm,  // all that any kind has
  Objective
};

std::span<const std::string_view> keys_of(ConfigTable table);
// Of a host it depends on its kind; without one, all that any kind has.
std::vector<std::string_view> keys_of_host(std::optional<HostKind> kind);
std::span<const std::string_view> keys_of_alarm(AlarmSettings::Kind kind);

}  // namespace packferry
