// A fleet as a file says it: TOML 1.0. docs/configuration.md; docs/formats/packferry.schema.json for editors.
//
// Strict: a key that is not known, a value of another type, a name that leads nowhere are mistakes, and all of them are
// told at once; only where the text is no TOML, or has a key twice, reading ends. Secrets are never values: a token is
// {env = "NAME"} or {file = "PATH"}, and no mistake repeats one.
// A template whose sources would meet in one name, and replicas that form a circle, are told from the file alone as far
// as that can be seen without a listing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/fleet.h"
#include "service/serve_settings.h"

namespace packferry {

struct ConfigMistake {
  unsigned line = 0;  // from 1; 0: the file as a whole
  unsigned column = 0;
  std::string what;         // "unknown key 'tokn'"
  std::string remedy = {};  // "did you mean 'token'?"; may be empty

  friend bool operator==(const ConfigMistake&, const ConfigMistake&) = default;
};

struct ConfigReading {
  std::optional<Fleet> fleet;           // none when there are mistakes
  std::optional<ServeSettings> serve;   // likewise; none when the file has no [serve] either
  std::vector<ConfigMistake> mistakes;  // by line and column
};

// `folder`, absolute: what relative paths in the file are relative to.
ConfigReading read_config(std::string_view text, std::string_view folder);

// A commented file to start from, which read_config() takes as it is. `kind` of the source host; GitLab when none.
std::string config_example(std::optional<HostKind> kind);

// The JSON Schema of the file.
std::string_view config_schema();

}  // namespace packferry
