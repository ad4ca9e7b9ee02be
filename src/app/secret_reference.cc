#include "app/secret_reference.h"

#include "base/printable.h"
#include "net/credentials.h"

namespace packferry {

Result<Secret> look_up(const SecretReference& reference, const Environment& environment) {
  if (reference.kind == SecretReference::Kind::File) return read_secret_file(reference.name);
  const std::optional<std::string> value = environment.named(reference.name);
  if (!value || value->empty())
    return Error(ErrorKind::Invalid, "the environment has no {}", printable(reference.name));
  return Secret(*value);
}

}  // namespace packferry
