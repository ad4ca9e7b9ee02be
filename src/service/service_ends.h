// What the service reaches besides repositories and stores: secrets, queues, and whoever is told of alarms.
#pragma once

#include <memory>

#include "aws/sqs.h"
#include "net/http.h"
#include "service/serve_settings.h"

namespace packferry {

// Safe from several threads; outlives what it makes.
class ServiceEnds {
 public:
  virtual ~ServiceEnds() = default;
  // Invalid: it is not set, or empty. As read_secret_file() otherwise.
  virtual Result<Secret> secret(const SecretReference& reference) = 0;
  // How we speak HTTP to anybody.
  virtual HttpOptions http() const = 0;
  virtual Result<std::unique_ptr<MessageQueue>> queue(const EventQueueSettings& settings) = 0;
  // What commands run with that are told of alarms.
  virtual const std::vector<std::string>& child_environment() const = 0;
};

}  // namespace packferry
