// Every secret that a configuration names, and who wants it: to find out whether all are there before they are needed.
#pragma once

#include <string>
#include <vector>

#include "service/service_ends.h"

namespace packferry {

struct SecretUse {
  std::string wanted_by;  // "hosts.gitlab: token", "serve.alarms 2 (slack): url"; printable
  SecretReference reference;
  enum class Form { Any, Webhook, Address } form = Form::Any;  // what the service wants it to be
};

// In the order of the file; one that several want is there for each of them. `serve` may be null.
std::vector<SecretUse> secrets_of(const Fleet& fleet, const ServeSettings* serve);

// Can it be read here, by us, and is it what is wanted? As ServiceEnds::secret(); the message does not repeat it.
Result<> check_secret(const SecretUse& use, ServiceEnds& ends);

}  // namespace packferry
