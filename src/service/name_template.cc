#include "service/name_template.h"

#include <fnmatch.h>

#include <algorithm>

#include "backup/key_layout.h"
#include "base/digest.h"
#include "base/printable.h"
#include "io/stream.h"

namespace packferry {

Result<std::string> name_from(const NameTemplate& name_template, const NameParts& parts, std::string_view whose) {
  const std::size_t slash = parts.path.rfind('/');
  const std::string group = slash == std::string::npos ? std::string() : parts.path.substr(0, slash);
  const std::string last = parts.path.substr(slash + 1);  // npos + 1 is 0
  return expand_variables(name_template, [&](std::string_view variable) -> Result<std::string> {
    const std::string* value = variable == "host"         ? &parts.host
                               : variable == "path"       ? &parts.path
                               : variable == "group"      ? &group
                               : variable == "name"       ? &last
                               : variable == "account_id" ? &parts.account_id
                               : variable == "region"     ? &parts.region
                                                          : nullptr;
    if (value == nullptr)
      return Error(ErrorKind::Invalid,
                   "there is no variable '{}'; there are host, path, group, name, account_id, region",
                   printable(variable, 100));
    if (value->empty())
      return Error(ErrorKind::Invalid, "${{{}}} is empty for {}; write it out, or leave it out", variable,
                   printable(whose));
    return *value;
  });
}

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
  return std::ranges::any_of(globs,
                             [&](const std::string& glob) { return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0; });
}

unsigned shard_of(const std::string& name, unsigned shards) {
  const std::vector<std::byte> digest = digest_of(DigestAlgorithm::Sha256, as_bytes(name));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | std::to_integer<std::uint64_t>(digest[i]);
  return static_cast<unsigned>(number % shards) + 1;
}

}  // namespace packferry
