// Where alarms are said: a webhook, a command, a mailbox. And the opposite of an alarm: a heartbeat outward, whose
// absence somebody else notices when this machine cannot say anything any more.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/pace.h"
#include "net/http.h"
#include "net/mail.h"
#include "net/url.h"
#include "service/alarms.h"

namespace packferry {

class AlarmChannel {
 public:
  virtual ~AlarmChannel() = default;
  // For logs and metrics; without secrets.
  virtual std::string name() const = 0;
  // Back when somebody has taken it. Unavailable and Throttled may pass.
  virtual Result<> say(const Notice& notice, std::stop_token stop) = 0;
};

enum class WebhookShape { Generic, Slack };

// POSTs JSON, and takes any answer of 2xx for heard. The address itself may be a secret, as Slack's are: it is never
// printed, only its origin.
class WebhookChannel final : public AlarmChannel {
 public:
  // `key`, if there is one, signs the body: "X-Packferry-Signature: sha256=HEX", HMAC-SHA-256.
  WebhookChannel(HttpClient& http, Url address, WebhookShape shape, Secret key = {})
      : http_(http), address_(std::move(address)), shape_(shape), key_(std::move(key)) {}
  std::string name() const override { return "webhook " + address_.origin(); }
  Result<> say(const Notice& notice, std::stop_token stop) override;

 private:
  HttpClient& http_;
  const Url address_;
  const WebhookShape shape_;
  const Secret key_;
};

// Runs a program: the alarm's text on standard input, its parts in the environment. Exit status 0: heard.
class CommandChannel final : public AlarmChannel {
 public:
  CommandChannel(std::vector<std::string> argv, std::vector<std::string> environment, Patience patience)
      : argv_(std::move(argv)), environment_(std::move(environment)), patience_(patience) {}
  std::string name() const override { return "command " + argv_.front(); }
  Result<> say(const Notice& notice, std::stop_token stop) override;

 private:
  const std::vector<std::string> argv_;
  const std::vector<std::string> environment_;
  const Patience patience_;
};

class MailChannel final : public AlarmChannel {
 public:
  MailChannel(MailServer server, std::string from, std::vector<std::string> to, const Clock& clock)
      : server_(std::move(server)), from_(std::move(from)), to_(std::move(to)), clock_(clock) {}
  std::string name() const override { return "mail " + server_.host; }
  Result<> say(const Notice& notice, std::stop_token stop) override;

 private:
  const MailServer server_;
  const std::string from_;
  const std::vector<std::string> to_;
  const Clock& clock_;
};

// One GET. Whoever is at that address raises the alarm when none has come for a while.
Result<> beat(HttpClient& http, const Url& address, std::stop_token stop);

}  // namespace packferry
