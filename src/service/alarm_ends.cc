#include "service/alarm_ends.h"

#include "base/check.h"

namespace packferry {

std::string_view to_string(AlarmSettings::Kind kind) {
  switch (kind) {
    case AlarmSettings::Kind::Webhook:
      return "webhook";
    case AlarmSettings::Kind::Slack:
      return "slack";
    case AlarmSettings::Kind::Command:
      return "command";
    case AlarmSettings::Kind::Mail:
      return "mail";
  }
  CHECK(!"an AlarmSettings::Kind has a name");
  return {};
}

Result<Url> secret_address(const Secret& secret) {
  Result<Url> url = Url::parse(secret.reveal());
  if (!url || !url->is_http()) return Error(ErrorKind::Invalid, "the secret is no address of http or https");
  return url;
}

Result<std::unique_ptr<AlarmChannel>> open_alarm_channel(const AlarmSettings& settings, const AlarmWorld& world) {
  const auto secret = [&world](const std::optional<SecretReference>& reference) -> Result<Secret> {
    return reference ? world.ends.secret(*reference) : Secret();
  };
  switch (settings.kind) {
    case AlarmSettings::Kind::Webhook:
    case AlarmSettings::Kind::Slack: {
      const bool is_slack = settings.kind == AlarmSettings::Kind::Slack;
      const Secret address = TRY(secret(settings.secret_url));
      Url url = settings.url ? *settings.url : TRY(secret_address(address));
      return std::make_unique<WebhookChannel>(world.http, std::move(url),
                                              is_slack ? WebhookShape::Slack : WebhookShape::Generic,
                                              TRY(secret(settings.key)));
    }
    case AlarmSettings::Kind::Command:
      return std::make_unique<CommandChannel>(settings.command, world.ends.child_environment(), world.patience);
    case AlarmSettings::Kind::Mail: {
      MailServer server = *settings.server;
      server.password = TRY(secret(settings.password));
      server.ca_file = world.ends.http().ca_file;
      server.patience = world.patience;
      return std::make_unique<MailChannel>(std::move(server), settings.from, settings.to, world.clock);
    }
  }
  CHECK(!"a kind of alarm has a channel");
  return std::unique_ptr<AlarmChannel>();
}

Result<std::optional<Url>> heartbeat_address(const ServeSettings& settings, ServiceEnds& ends) {
  if (!settings.heartbeat) return std::optional<Url>();
  const Secret address = TRY(ends.secret(*settings.heartbeat));
  return std::optional(TRY(secret_address(address)));
}

}  // namespace packferry
