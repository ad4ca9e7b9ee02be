// Names of repositories from a template, and globs that choose among names: what an order says of many repositories.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace packferry {

// ${host}, ${path} (the whole name), ${group} (all but its last part), ${name} (the last part), ${account_id},
// ${region}.
using NameTemplate = std::string;

struct NameParts {
  std::string host;  // as the configuration calls it
  std::string path;
  std::string account_id = {};  // empty: not known
  std::string region = {};
};

// Invalid: a variable that there is not, or that is empty; the message says for whom, with `whose`.
Result<std::string> name_from(const NameTemplate& name_template, const NameParts& parts, std::string_view whose);

// fnmatch(3) without flags: "*" matches "/" too.
bool matches_any(const std::vector<std::string>& globs, const std::string& name);

// From 1 to `shards`: always the same for the same name, whatever other names there are.
unsigned shard_of(const std::string& name, unsigned shards);

}  // namespace packferry
