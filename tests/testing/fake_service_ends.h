// What a service reaches, in memory: secrets by name, HTTP to this machine, and no queue.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "service/service_ends.h"

namespace packferry::testing {

class FakeServiceEnds final : public ServiceEnds {
 public:
  Result<Secret> secret(const SecretReference& reference) override {
    const auto found = secrets.find(reference.name);
    if (found != secrets.end()) return Secret(found->second);
    if (reference.kind == SecretReference::Kind::File)
      return Error(ErrorKind::NotFound, "open '{}': No such file or directory", reference.name);
    return Error(ErrorKind::Invalid, "the environment has no {}", reference.name);
  }
  HttpOptions http() const override { return {.user_agent = "test", .ca_file = {}, .patience = {}}; }
  Result<std::unique_ptr<MessageQueue>> queue(const EventQueueSettings&) override {
    return Error(ErrorKind::Unsupported, "there are no queues here");
  }
  const std::vector<std::string>& child_environment() const override { return environment; }

  std::map<std::string, std::string> secrets;
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin"};
};

}  // namespace packferry::testing
