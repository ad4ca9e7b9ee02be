// What a person wants of the service, said once: where it listens, what may wake it, whom it tells. A configuration
// file says it ([serve], config/read_serve.h); nothing here has been looked up yet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aws/aws_identity.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/mail.h"
#include "net/url.h"
#include "service/fleet.h"
#include "service/webhook.h"

namespace packferry {

// Whose posts are listened to at /v1/webhooks/NAME.
struct WebhookSettings {
  std::string name;
  WebhookKind kind = WebhookKind::Generic;
  std::vector<SecretReference> secrets;  // any one of them proves it
};

// A queue of SQS, into which a rule of EventBridge puts what happens at CodeCommit.
struct EventQueueSettings {
  Url url;  // as AWS shows it; the region stands in it
  std::string region;
  AwsIdentity identity = {};
};

// Somebody who is told when an alarm is raised, and when it is over.
struct AlarmSettings {
  enum class Kind { Webhook, Slack, Command, Mail } kind = Kind::Webhook;
  // Webhook, Slack: one of the two.
  std::optional<Url> url = {};
  std::optional<SecretReference> secret_url = {};
  std::optional<SecretReference> key = {};  // Webhook: signs what is posted
  std::vector<std::string> command = {};    // Command: a program and its arguments
  std::optional<MailServer> server = {};    // Mail: without its password
  std::optional<SecretReference> password = {};
  std::string from = {};
  std::vector<std::string> to = {};
};

// What counts as wrong; what is not set is as service/lookout.h says.
struct ObjectiveSettings {
  std::vector<std::string> replicas = {};  // globs of names; none: all
  std::optional<Milliseconds> lag = {};
  std::optional<Milliseconds> failing = {};
};

// A CI job of a GitLab server may ask for a look with the token that the server gave it.
struct IdTokenSettings {
  std::string issuer;
  std::string audience;
  Url keys;  // where the issuer's public keys are
  struct Projects {
    std::string project;                // a glob of paths: "team/*"
    std::vector<std::string> replicas;  // globs of the names of replicas that it may ask for
    bool only_protected = true;         // only jobs for refs that the project protects
  };
  std::vector<Projects> projects;
};

struct ServeSettings {
  std::string address = "127.0.0.1";  // as numbers
  std::uint16_t port = 8420;
  std::string certificate = {};  // files, absolute; both or none
  std::string certificate_key = {};
  LogLevel log = LogLevel::Info;  // and what is worse
  unsigned workers = 16;          // looks at work at a time
  Milliseconds drain{30'000};
  Milliseconds lease{2 * 60'000};  // so long nobody else looks after a kill -9
  std::string sweep = {};          // service/cron.h: when this file's backups and replicas are swept; empty: never
  std::vector<WebhookSettings> webhooks = {};
  std::vector<EventQueueSettings> queues = {};
  std::vector<IdTokenSettings> id_tokens = {};

  Milliseconds look_out_every{15'000};
  std::optional<Milliseconds> raise_after = {};  // how long a trouble stays before somebody hears of it
  std::optional<Milliseconds> over_after = {};   // and is gone before it is said to be over
  std::vector<AlarmSettings> alarms = {};
  std::vector<ObjectiveSettings> objectives = {};  // the first that fits a replica counts
  std::optional<Milliseconds> backup_age = {};     // of the newest snapshot of each backup
  std::optional<Milliseconds> queue_age = {};      // of what waits for a worker
  std::optional<SecretReference> heartbeat = {};   // an address: who has it can speak for us
  // Lines for CloudWatch on standard output, once a minute: one of the service, and if wanted one of each replica.
  enum class EmbeddedMetrics { None, Service, Replica } embedded_metrics = EmbeddedMetrics::None;
};

}  // namespace packferry
