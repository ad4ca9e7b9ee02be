// Whom a configuration tells of alarms, with their secrets looked up: for the lookout, and for whoever tries them.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "service/alarm_channel.h"
#include "service/service_ends.h"

namespace packferry {

std::string_view to_string(AlarmSettings::Kind kind);  // "webhook", "slack", "command", "mail"

// All of it outlives what is opened with it.
struct AlarmWorld {
  ServiceEnds& ends;
  HttpClient& http;
  const Clock& clock;
  Patience patience = {};
};

// An address that is a secret. Invalid: it is none of http or https; the message does not repeat it.
Result<Url> secret_address(const Secret& secret);

// Nobody is spoken to. As ServiceEnds::secret() and secret_address().
Result<std::unique_ptr<AlarmChannel>> open_alarm_channel(const AlarmSettings& settings, const AlarmWorld& world);
// None: nobody listens for the heartbeat.
Result<std::optional<Url>> heartbeat_address(const ServeSettings& settings, ServiceEnds& ends);

}  // namespace packferry
