#include <algorithm>

#include "base/printable.h"
#include "cli/json_page.h"
#include "cli/vault_report.h"

namespace packferry {
namespace {

Json json(const DataObject& object) {
  return {{"snapshot", object.snapshot},
          {"full", object.full},
          {"format", to_string(object.format)},
          {"encrypted", object.encrypted},
          {"bytes", object.bytes},
          {"sha256", object.sha256},
          {"key", printable(object.key, kKeyBytesMax)}};
}

Json json(const std::vector<DataObject>& chain) {
  Json list = Json::array();
  for (const DataObject& object : chain) list.push_back(json(object));
  return list;
}

Json facts_of(const Manifest& manifest, std::size_t refs) {
  return {{"repository", manifest.repository.text()},
          {"number", manifest.number},
          {"created_at", to_iso8601(manifest.created_at)},
          {"source", manifest.source},
          {"object_format", to_string(manifest.format)},
          {"head", json(manifest.head)},
          {"refs", refs},
          {"withheld", manifest.withheld},
          {"chain", json(manifest.chain)}};
}

Json snapshot_of(const std::optional<PublishedSnapshot>& snapshot) {
  if (!snapshot) return nullptr;
  Json object = facts_of(snapshot->manifest, snapshot->manifest.refs.size());
  object["manifest_sha256"] = snapshot->sha256;
  object["full_because"] = snapshot->full ? Json(printable(snapshot->full_because)) : Json();
  object["read_back"] = snapshot->confirmed;
  return object;
}

Json json(const SnapshotView& view) {
  Json object = {{"number", view.entry.number}, {"error", json(view.error)}};
  if (view.manifest) object.update(facts_of(*view.manifest, view.ref_count));
  Json verified = Json::object();
  for (const auto& [level, at] : view.entry.verified) verified[std::string(to_string(level))] = to_iso8601(at);
  object["verified"] = verified;
  object["retired_at"] = view.entry.retired_at ? Json(to_iso8601(*view.entry.retired_at)) : Json();
  object["pruned_at"] = view.entry.pruned_at ? Json(to_iso8601(*view.entry.pruned_at)) : Json();
  return object;
}

Json json(const Finding& finding) {
  return {{"kind", to_string(finding.kind)},
          {"key", printable(finding.key, kKeyBytesMax)},
          {"snapshots", finding.snapshots},
          {"what", printable(finding.what)}};
}

Json json(const VerifyReport& report) {
  Json snapshots = Json::array();
  for (const VerifiedSnapshot& snapshot : report.snapshots)
    snapshots.push_back({{"number", snapshot.number}, {"good", snapshot.good}});
  Json findings = Json::array();
  for (const Finding& finding : report.findings) findings.push_back(json(finding));
  return {{"good", report.is_good()},
          {"snapshots", snapshots},
          {"findings", findings},
          {"bytes_read", report.bytes_read},
          {"objects_read", report.objects_read}};
}

Json json(const PruneReport& report) {
  Json kept = Json::array();
  for (const Kept& each : report.kept) kept.push_back({{"number", each.number}, {"reasons", each.reasons}});
  Json refusals = Json::array();
  for (const PruneReport::Refusal& refusal : report.still_there)
    refusals.push_back({{"key", printable(refusal.key, kKeyBytesMax)}, {"why", printable(refusal.why)}});
  return {{"kept", kept},
          {"retired", report.retired},
          {"waiting", report.waiting},
          {"removed", report.removed},
          {"removed_objects", report.removed_objects},
          {"removed_bytes", report.removed_bytes},
          {"still_there", refusals}};
}

Json json(const std::vector<SnapshotView>& views) {
  Json list = Json::array();
  for (const SnapshotView& view : views) list.push_back(json(view));
  return list;
}

// `name` says what the answer is called.
template <typename What>
void add_repositories(JsonPage& page, const std::vector<OfRepository<What>>& repositories, std::string_view name) {
  page.open('[', "repositories");
  for (const OfRepository<What>& of : repositories)
    page.item({{"repository", of.repository},
               {"error", json(of.error)},
               {std::string(name), of.answer ? json(*of.answer) : Json()}});
  page.close(']');
}

}  // namespace

void print_backup_json(Output& output, const RunFacts& facts, const BackupOutcome& outcome, FollowMode policy,
                       bool dry_run) {
  JsonPage page(output);
  begin(page, facts, "backup");
  add_crossing(page, outcome.crossing, policy, dry_run);
  page.members({{"snapshot", snapshot_of(outcome.snapshot)},
                {"verification", outcome.verification ? json(*outcome.verification) : Json()},
                {"verify_error", json(outcome.verify_error)}});
  end(page);
}

void print_snapshots_json(Output& output, const RunFacts& facts, const std::string& store,
                          const std::vector<SnapshotsOf>& repositories) {
  JsonPage page(output);
  begin(page, facts, "snapshots");
  page.members({{"error", nullptr}, {"store", store}});
  add_repositories(page, repositories, "snapshots");
  end(page);
}

void print_restore_json(Output& output, const RunFacts& facts, const RestoreOutcome& outcome) {
  JsonPage page(output);
  begin(page, facts, "restore");
  page.members({{"store", outcome.store},
                {"snapshot", facts_of(outcome.snapshot->manifest, outcome.snapshot->manifest.refs.size())},
                {"target", outcome.target}});
  if (outcome.crossing) {
    add_crossing(page, *outcome.crossing, FollowMode::Mirror, false);
  } else {
    page.members({{"error", nullptr}});
  }
  end(page);
}

void print_verification_json(Output& output, const RunFacts& facts, const std::vector<VerificationOf>& repositories,
                             Verification level) {
  JsonPage page(output);
  begin(page, facts, "verify");
  page.members({{"error", nullptr}, {"level", to_string(level)}});
  add_repositories(page, repositories, "verification");
  end(page);
}

void print_pruning_json(Output& output, const RunFacts& facts, const std::vector<PruningOf>& repositories,
                        bool dry_run) {
  JsonPage page(output);
  begin(page, facts, "prune");
  page.members({{"error", nullptr}, {"dry_run", dry_run}});
  add_repositories(page, repositories, "pruning");
  end(page);
}

}  // namespace packferry
