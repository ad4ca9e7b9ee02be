#include "service/secret_uses.h"

#include <fmt/format.h>

#include <optional>

#include "base/printable.h"
#include "service/alarm_ends.h"
#include "service/webhook.h"

namespace packferry {
namespace {

class Uses {
 public:
  void add(std::string wanted_by, const std::optional<SecretReference>& reference,
           SecretUse::Form form = SecretUse::Form::Any) {
    if (reference) all_.push_back({.wanted_by = std::move(wanted_by), .reference = *reference, .form = form});
  }
  std::vector<SecretUse> take() && { return std::move(all_); }

 private:
  std::vector<SecretUse> all_;
};

void add_service(Uses& uses, const ServeSettings& serve) {
  for (const WebhookSettings& webhook : serve.webhooks)
    for (const SecretReference& secret : webhook.secrets)
      uses.add(fmt::format("serve.webhooks '{}'", webhook.name), secret, SecretUse::Form::Webhook);
  for (std::size_t i = 0; i < serve.alarms.size(); ++i) {
    const AlarmSettings& alarm = serve.alarms[i];
    const std::string name = fmt::format("serve.alarms {} ({})", i + 1, to_string(alarm.kind));
    uses.add(name + ": url", alarm.secret_url, SecretUse::Form::Address);
    uses.add(name + ": key", alarm.key);
    uses.add(name + ": password", alarm.password);
  }
  uses.add("serve: heartbeat", serve.heartbeat, SecretUse::Form::Address);
}

}  // namespace

std::vector<SecretUse> secrets_of(const Fleet& fleet, const ServeSettings* serve) {
  Uses uses;
  for (const FleetHost& host : fleet.hosts) {
    uses.add(fmt::format("hosts.{}: token", host.name), host.token);
    if (host.app) uses.add(fmt::format("hosts.{}: the key of its app", host.name), host.app->key);
  }
  if (serve != nullptr) add_service(uses, *serve);
  return std::move(uses).take();
}

Result<> check_secret(const SecretUse& use, ServiceEnds& ends) {
  const Secret secret = TRY(ends.secret(use.reference));
  const std::string place = printable(use.reference.name);
  if (use.form == SecretUse::Form::Webhook) TRY(check_webhook_secret(secret).context("{}", place));
  if (use.form == SecretUse::Form::Address) TRY(secret_address(secret).context("{}", place));
  return {};
}

}  // namespace packferry
