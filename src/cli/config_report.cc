#include "cli/config_report.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/json_page.h"

namespace packferry {
namespace {

std::string listed(const std::vector<std::string>& globs) {
  return printable(fmt::format("{}", fmt::join(globs, ", ")));
}

// "2 min", "24 h", "7 d": as a person would have written it.
std::string in_words(Milliseconds duration) {
  using namespace std::chrono_literals;
  if (duration % 24h == 0ms && duration > 48h) return fmt::format("{} days", duration / 24h);
  if (duration % 1h == 0ms) return fmt::format("{} h", duration / 1h);
  if (duration % 1min == 0ms) return fmt::format("{} min", duration / 1min);
  return fmt::format("{} s", duration / 1s);
}

// "the repositories of platform on gitlab, named platform/*, but not */tmp; only private; without forks"
std::string in_words(const SourceSelection& source) {
  std::string words = source.owner.empty()
                          ? fmt::format("the repositories on {}", source.host)
                          : fmt::format("the repositories of {} on {}", printable(source.owner), source.host);
  if (!source.include.empty()) words += fmt::format(", named {}", listed(source.include));
  if (!source.exclude.empty()) words += fmt::format(", but not {}", listed(source.exclude));
  std::vector<std::string_view> visible;
  for (const Visibility visibility : source.visibility) visible.push_back(to_string(visibility));
  if (!visible.empty()) words += fmt::format("; only {}", fmt::join(visible, ", "));
  if (!source.archived) words += "; without archived ones";
  if (!source.forks) words += "; without forks";
  if (source.wikis) words += "; with their wikis";
  return words;
}

std::string in_words(const FleetBackup& backup, const Fleet& fleet) {
  const FleetStore* const store = fleet.store(backup.store);
  CHECK(store != nullptr);
  return fmt::format("to {}, each as {}, in {}s{}", store->address.text(), printable(backup.repository),
                     to_string(backup.format), backup.recipients.empty() ? "" : ", encrypted");
}

std::string in_words(const ReplicaEnd& end) {
  return fmt::format("to {}, each as {}{}", end.host, printable(end.repository),
                     end.create ? ", made where it is missing" : "");
}

void print_service(Page& page, const ServeSettings& serve, const Paint& paint) {
  page.line(paint.bold("service"));
  page.line(fmt::format("  listens at {}:{}, {}", printable(serve.address), serve.port,
                        serve.certificate.empty() ? "without TLS" : "with TLS"));
  for (const WebhookSettings& webhook : serve.webhooks)
    page.line(fmt::format("  hears the webhooks of {} at /v1/webhooks/{}", to_string(webhook.kind), webhook.name));
  for (const EventQueueSettings& queue : serve.queues) page.line(fmt::format("  hears the queue {}", queue.url.text()));
  for (const IdTokenSettings& tokens : serve.id_tokens)
    page.line(fmt::format("  hears the jobs of {}", printable(tokens.issuer)));
  page.line(serve.sweep.empty() ? "  sweeps nothing of this file by itself"
                                : fmt::format("  sweeps what is above: {}", printable(serve.sweep)));
  page.line(serve.alarms.empty() ? "  tells nobody of alarms"
                                 : fmt::format("  tells {} of alarms", counted(serve.alarms.size(), "listener")));
}

Json json(const SourceSelection& source) {
  return {{"host", source.host},
          {"owner", source.owner.empty() ? Json() : Json(printable(source.owner))},
          {"include", source.include},
          {"exclude", source.exclude}};
}

Json json(const FleetBackup& backup, const Fleet& fleet) {
  const FleetStore* const store = fleet.store(backup.store);
  CHECK(store != nullptr);
  return {{"name", backup.name},
          {"source", json(backup.source)},
          {"store", store->address.text()},
          {"repository", backup.repository},
          {"format", to_string(backup.format)}};
}

Json json(const FleetReplica& replica) {
  Json destinations = Json::array();
  for (const ReplicaEnd& end : replica.destinations)
    destinations.push_back({{"host", end.host}, {"repository", end.repository}, {"create", end.create}});
  return {{"name", replica.name},
          {"source", json(replica.source)},
          {"policy", to_string(replica.policy.follow)},
          {"destinations", std::move(destinations)}};
}

Json json(const CheckedSecret& secret) {
  const bool is_file = secret.use.reference.kind == SecretReference::Kind::File;
  return {{"wanted_by", secret.use.wanted_by},
          {is_file ? "file" : "env", printable(secret.use.reference.name)},
          {"error", json(secret.error)}};
}

}  // namespace

std::string mistakes_text(const std::string& file, const std::vector<ConfigMistake>& mistakes) {
  std::string text;
  for (const ConfigMistake& mistake : mistakes) {
    text += printable(file);
    if (mistake.line > 0) text += fmt::format(":{}:{}", mistake.line, mistake.column);
    text += fmt::format(": {}{}{}\n", mistake.what, mistake.remedy.empty() ? "" : "; ", mistake.remedy);
  }
  return text;
}

void print_fleet(Output& output, const std::string& file, const Fleet& fleet, const std::optional<ServeSettings>& serve,
                 const Paint& paint) {
  Page page(output);
  for (const FleetBackup& backup : fleet.backups) {
    page.line(paint.bold(fmt::format("backup {}", backup.name)));
    page.line("  " + in_words(backup.source));
    page.line("  " + in_words(backup, fleet));
  }
  for (const FleetReplica& replica : fleet.replicas) {
    page.line(paint.bold(fmt::format("replica {}", replica.name)));
    page.line("  " + in_words(replica.source));
    for (const ReplicaEnd& end : replica.destinations) page.line("  " + in_words(end));
    page.line(fmt::format("  policy: {}", to_string(replica.policy.follow)));
  }
  if (serve) print_service(page, *serve, paint);
  page.line(fmt::format("{} at a time; destinations are listed again every {}; a listing is believed for {}",
                        counted(fleet.jobs, "repository"), in_words(fleet.confirm_every),
                        in_words(fleet.trust_listing)));
  page.line(fmt::format("what was done is remembered in {}", printable(fleet.catalogue)));
  page.line(fmt::format("{} {}: {}, {}", paint.good("fine"), printable(file), counted(fleet.backups.size(), "backup"),
                        counted(fleet.replicas.size(), "replica")));
}

void print_config_json(Output& output, const RunFacts& facts, const std::string& file, const ConfigReading& reading,
                       const std::vector<CheckedSecret>* secrets) {
  JsonPage page(output);
  begin(page, facts, "config");
  page.members({{"error", nullptr}, {"file", file}});
  page.open('[', "mistakes");
  for (const ConfigMistake& mistake : reading.mistakes)
    page.item({{"line", mistake.line == 0 ? Json() : Json(mistake.line)},
               {"column", mistake.line == 0 ? Json() : Json(mistake.column)},
               {"what", mistake.what},
               {"remedy", mistake.remedy.empty() ? Json() : Json(mistake.remedy)}});
  page.close(']');
  if (reading.fleet) {
    page.open('[', "backups");
    for (const FleetBackup& backup : reading.fleet->backups) page.item(json(backup, *reading.fleet));
    page.close(']');
    page.open('[', "replicas");
    for (const FleetReplica& replica : reading.fleet->replicas) page.item(json(replica));
    page.close(']');
  }
  if (secrets != nullptr) {
    page.open('[', "secrets");
    for (const CheckedSecret& secret : *secrets) page.item(json(secret));
    page.close(']');
  }
  end(page);
}

}  // namespace packferry
