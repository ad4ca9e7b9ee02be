#include "config/read_serve.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/printable.h"
#include "base/quantity.h"
#include "config/config_keys.h"
#include "config/read_hosts.h"
#include "service/cron.h"

namespace packferry {
namespace {

constexpr unsigned kWorkersMax = 1'000;

struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
};

// "127.0.0.1:8420", "[::1]:8420"
Result<ListenAddress> parse_listen(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ListenAddress listen{.address = std::string(host)};
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), listen.port);
  if (host.empty() || port.empty() || error != std::errc() || end != port.data() + port.size())
    return Error(ErrorKind::Invalid, "'{}' is no address and port; 127.0.0.1:8420 is one", printable(text, 100));
  return listen;
}

// Which it is, is read when it is needed; here it is only seen that it can be.
Result<std::string> parse_schedule(std::string_view text) {
  TRY(Schedule::parse(text));
  return std::string(text);
}

Result<WebhookKind> parse_kind_of_webhook(std::string_view text) {
  if (const auto kind = parse_webhook_kind(text)) return *kind;
  return Error(ErrorKind::Invalid,
               "'{}' sends no webhooks that we know; there are gitlab, github, gitea, forgejo, bitbucket, "
               "bitbucket-server and generic",
               printable(text, 100));
}

Result<ServeSettings::EmbeddedMetrics> parse_embedded_metrics(std::string_view text) {
  if (text == "none") return ServeSettings::EmbeddedMetrics::None;
  if (text == "service") return ServeSettings::EmbeddedMetrics::Service;
  if (text == "replica") return ServeSettings::EmbeddedMetrics::Replica;
  return Error(ErrorKind::Invalid, "'{}' is not known; there are none, service and replica", printable(text, 100));
}

Result<LogLevel> parse_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::Debug;
  if (text == "info") return LogLevel::Info;
  if (text == "warning") return LogLevel::Warning;
  if (text == "error") return LogLevel::Error;
  return Error(ErrorKind::Invalid, "'{}' is not known; there are debug, info, warning and error", printable(text, 100));
}

Result<AlarmSettings::Kind> parse_alarm_kind(std::string_view text) {
  if (text == "webhook") return AlarmSettings::Kind::Webhook;
  if (text == "slack") return AlarmSettings::Kind::Slack;
  if (text == "command") return AlarmSettings::Kind::Command;
  if (text == "mail") return AlarmSettings::Kind::Mail;
  return Error(ErrorKind::Invalid, "'{}' is not known; there are webhook, slack, command and mail",
               printable(text, 100));
}

Result<Url> parse_web_url(std::string_view text) {
  Url url = TRY(Url::parse(text));
  if (!url.is_http() || !url.user().empty() || !url.password().empty())
    return Error(ErrorKind::Invalid,
                 "an address of http or https without a user is wanted; https://example.com/x is one");
  return url;
}

// "smtp://HOST:PORT", smtps for TLS from the first byte; "smtp+plain" is for a server on this machine.
Result<MailServer> parse_mail_server(std::string_view text) {
  static constexpr struct {
    std::string_view scheme;
    MailServer::Security security;
    std::uint16_t port;
  } kSchemes[] = {{"smtp://", MailServer::Security::StartTls, 587},
                  {"smtps://", MailServer::Security::Tls, 465},
                  {"smtp+plain://", MailServer::Security::Plain, 25}};
  for (const auto& known : kSchemes) {
    if (!text.starts_with(known.scheme)) continue;
    const std::string_view rest = text.substr(known.scheme.size());
    MailServer server{.security = known.security, .host = std::string(rest), .port = known.port};
    if (rest.find(':') != std::string_view::npos) {
      const ListenAddress at = TRY(parse_listen(rest));
      server.host = at.address;
      server.port = at.port;
    }
    if (server.host.empty() || server.host.find_first_of("/@? ") != std::string::npos) break;
    return server;
  }
  return Error(ErrorKind::Invalid, "'{}' is no mail server; smtp://mail.example.com:587 is one, smtps:// too",
               printable(text, 100));
}

class ServeReader {
 public:
  ServeReader(const ConfigValue& value, std::string_view folder, ConfigMistakes& mistakes)
      : table_(value, keys_of(ConfigTable::Serve), mistakes), folder_(folder), mistakes_(mistakes) {}

  ServeSettings read() && {
    ServeSettings serve;
    if (const auto listen = table_.parsed("listen", parse_listen)) {
      serve.address = listen->address;
      serve.port = listen->port;
    }
    read_certificate(serve);
    serve.log = table_.parsed("log", parse_log_level).value_or(serve.log);
    serve.workers = table_.number("workers", 1, kWorkersMax).value_or(serve.workers);
    serve.drain = table_.parsed("drain", parse_duration).value_or(serve.drain);
    serve.lease = table_.parsed("lease", parse_duration).value_or(serve.lease);
    if (serve.lease < Milliseconds(1'000))
      mistakes_.add(table_.find("lease")->place, "lease is less than a second", "2m will do");
    serve.sweep = table_.parsed("sweep", parse_schedule).value_or("");
    serve.look_out_every = table_.parsed("look_out_every", parse_duration).value_or(serve.look_out_every);
    if (serve.look_out_every < Milliseconds(1'000))
      mistakes_.add(table_.find("look_out_every")->place, "look_out_every is less than a second", "15s will do");
    serve.raise_after = table_.parsed("raise_after", parse_duration);
    serve.over_after = table_.parsed("over_after", parse_duration);
    serve.backup_age = table_.parsed("backup_age", parse_duration);
    serve.queue_age = table_.parsed("queue_age", parse_duration);
    serve.heartbeat = read_secret(table_, "heartbeat", folder_, mistakes_);
    serve.embedded_metrics = table_.parsed("embedded_metrics", parse_embedded_metrics).value_or(serve.embedded_metrics);
    std::set<std::string> names;
    for (const ConfigValue* value : table_.tables("webhooks"))
      if (auto webhook = webhook_of(*value, names)) serve.webhooks.push_back(*std::move(webhook));
    for (const ConfigValue* value : table_.tables("queues"))
      if (auto queue = queue_of(*value)) serve.queues.push_back(*std::move(queue));
    for (const ConfigValue* value : table_.tables("id_tokens"))
      if (auto tokens = id_tokens_of(*value)) serve.id_tokens.push_back(*std::move(tokens));
    for (const ConfigValue* value : table_.tables("alarms"))
      if (auto alarm = alarm_of(*value)) serve.alarms.push_back(*std::move(alarm));
    for (const ConfigValue* value : table_.tables("objectives")) serve.objectives.push_back(objective_of(*value));
    return serve;
  }

 private:
  void read_certificate(ServeSettings& serve) {
    if (const auto file = table_.text("certificate")) serve.certificate = absolute_path(folder_, *file);
    if (const auto file = table_.text("certificate_key")) serve.certificate_key = absolute_path(folder_, *file);
    if (table_.has("certificate") != table_.has("certificate_key"))
      mistakes_.add(table_.place(), "certificate and certificate_key go together", "write both, or none");
  }

  static std::vector<std::string> texts_of(TableReader& table, std::string_view key) {
    std::vector<std::string> all;
    for (const ConfigValue* value : table.texts(key)) all.push_back(value->text);
    return all;
  }

  std::optional<WebhookSettings> webhook_of(const ConfigValue& value, std::set<std::string>& names) {
    TableReader table(value, keys_of(ConfigTable::Webhook), mistakes_);
    table.require("name", R"("gitlab")");
    table.require("kind", R"("gitlab")");
    table.require("secrets", R"([{ env = "NAME" }])");
    const auto name = table.text("name");
    const auto kind = table.parsed("kind", parse_kind_of_webhook);
    if (name) {
      check_config_name(table.find("name")->place, *name, mistakes_);
      if (!names.insert(*name).second)
        mistakes_.add(table.find("name")->place, fmt::format("two webhooks are named '{}'", printable(*name, 100)),
                      "the name stands in the address that the host posts to");
    }
    std::vector<SecretReference> secrets;
    for (const ConfigValue* secret : table.tables("secrets"))
      if (auto reference = read_secret(*secret, "a secret of a webhook", folder_, mistakes_))
        secrets.push_back(*std::move(reference));
    if (table.has("secrets") && secrets.empty())
      mistakes_.add(table.find("secrets")->place, "a webhook has a secret at least", R"(write [{ env = "NAME" }])");
    if (!name || !kind) return std::nullopt;
    return WebhookSettings{.name = *name, .kind = *kind, .secrets = std::move(secrets)};
  }

  std::optional<EventQueueSettings> queue_of(const ConfigValue& value) {
    TableReader table(value, keys_of(ConfigTable::Queue), mistakes_);
    table.require("url", R"("https://sqs.eu-central-1.amazonaws.com/123456789012/packferry")");
    table.require("region", R"("eu-central-1")");
    auto url = table.parsed("url", parse_web_url);
    const auto region = table.parsed("region", parse_aws_region);
    AwsIdentity identity = read_identity(table, mistakes_);
    if (!url || !region) return std::nullopt;
    return EventQueueSettings{.url = *std::move(url), .region = *region, .identity = std::move(identity)};
  }

  std::optional<IdTokenSettings> id_tokens_of(const ConfigValue& value) {
    TableReader table(value, keys_of(ConfigTable::IdTokens), mistakes_);
    table.require("issuer", R"("https://gitlab.example.com")");
    table.require("audience", R"("https://packferry.example.com")");
    table.require("projects", R"([{ project = "team/*", replicas = ["*"] }])");
    const auto issuer = table.parsed("issuer", parse_web_url);
    const auto audience = table.text("audience");
    auto keys = table.parsed("keys", parse_web_url);
    std::vector<IdTokenSettings::Projects> projects;
    for (const ConfigValue* each : table.tables("projects")) {
      TableReader row(*each, keys_of(ConfigTable::Projects), mistakes_);
      row.require("project", R"("team/*")");
      row.require("replicas", R"(["*"])");
      projects.push_back({.project = row.text("project").value_or(""),
                          .replicas = texts_of(row, "replicas"),
                          .only_protected = row.truth("only_protected").value_or(true)});
    }
    if (!issuer || !audience) return std::nullopt;
    std::string named = table.text("issuer").value_or("");
    while (named.ends_with('/')) named.pop_back();
    if (!keys) keys = table.parsed(*table.find("issuer"), named + "/oauth/discovery/keys", parse_web_url);
    if (!keys) return std::nullopt;
    return IdTokenSettings{
        .issuer = std::move(named), .audience = *audience, .keys = *std::move(keys), .projects = std::move(projects)};
  }

  // An address, or where one is that is a secret itself.
  void read_address(TableReader& table, AlarmSettings& alarm) {
    table.require("url", R"({ env = "NAME" })");
    const ConfigValue* const url = table.find("url");
    if (url == nullptr) return;
    if (url->kind == ConfigValue::Kind::Table) {
      alarm.secret_url = read_secret(table, "url", folder_, mistakes_);
    } else if (alarm.kind == AlarmSettings::Kind::Slack) {
      mistakes_.add(url->place, "the address of a Slack webhook is a secret",
                    R"(write url = { env = "NAME" }, and take another one: this one has been in a file)");
    } else {
      alarm.url = table.parsed("url", parse_web_url);
    }
  }

  void read_mail(TableReader& table, AlarmSettings& alarm) {
    table.require("server", R"("smtp://mail.example.com:587")");
    table.require("from", R"("packferry@example.com")");
    table.require("to", R"(["ops@example.com"])");
    alarm.server = table.parsed("server", parse_mail_server);
    if (alarm.server) alarm.server->username = table.text("user").value_or("");
    alarm.password = read_secret(table, "password", folder_, mistakes_);
    alarm.from = table.text("from").value_or("");
    alarm.to = texts_of(table, "to");
  }

  std::optional<AlarmSettings> alarm_of(const ConfigValue& value) {
    AlarmSettings alarm;
    const ConfigValue* const said = value.find("kind");
    const auto kind = said != nullptr && said->kind == ConfigValue::Kind::Text ? parse_alarm_kind(said->text)
                                                                               : Error(ErrorKind::Invalid, "missing");
    TableReader table(value, kind ? keys_of_alarm(*kind) : keys_of(ConfigTable::Alarm), mistakes_);
    table.require("kind", R"("webhook")");
    if (said == nullptr || !table.parsed("kind", parse_alarm_kind)) return std::nullopt;
    alarm.kind = *kind;
    switch (alarm.kind) {
      case AlarmSettings::Kind::Webhook:
        alarm.key = read_secret(table, "key", folder_, mistakes_);
        read_address(table, alarm);
        break;
      case AlarmSettings::Kind::Slack:
        read_address(table, alarm);
        break;
      case AlarmSettings::Kind::Command:
        table.require("command", R"(["/usr/local/bin/page-me"])");
        alarm.command = texts_of(table, "command");
        if (table.has("command") && alarm.command.empty())
          mistakes_.add(table.find("command")->place, "the command is empty", "a program, and its arguments");
        break;
      case AlarmSettings::Kind::Mail:
        read_mail(table, alarm);
        break;
    }
    return alarm;
  }

  ObjectiveSettings objective_of(const ConfigValue& value) {
    TableReader table(value, keys_of(ConfigTable::Objective), mistakes_);
    return {.replicas = texts_of(table, "replicas"),
            .lag = table.parsed("lag", parse_duration),
            .failing = table.parsed("failing", parse_duration)};
  }

  TableReader table_;
  const std::string_view folder_;
  ConfigMistakes& mistakes_;
};

}  // namespace

ServeSettings read_serve(const ConfigValue& value, std::string_view folder, ConfigMistakes& mistakes) {
  return ServeReader(value, folder, mistakes).read();
}

}  // namespace packferry
