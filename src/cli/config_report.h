// What `packferry config check` says: mistakes, or what would run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/report_json.h"
#include "config/config_file.h"
#include "service/secret_uses.h"

namespace packferry {

struct CheckedSecret {
  SecretUse use;
  std::optional<Error> error = std::nullopt;  // why it is not what is wanted
};

// "FILE:LINE:COLUMN: what; remedy", a line each.
std::string mistakes_text(const std::string& file, const std::vector<ConfigMistake>& mistakes);
// Every backup and replica in words, and the service, if there is one.
void print_fleet(Output& output, const std::string& file, const Fleet& fleet, const std::optional<ServeSettings>& serve,
                 const Paint& paint);
// `secrets`: null when nobody asked for them.
void print_config_json(Output& output, const RunFacts& facts, const std::string& file, const ConfigReading& reading,
                       const std::vector<CheckedSecret>* secrets);

}  // namespace packferry
