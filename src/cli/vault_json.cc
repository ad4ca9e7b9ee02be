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

// What has just been made was not read yet, and says only which branch it is.
Head head_of(const Manifest& manifest) {
  Head head = manifest.head;
  const Ref* branch = head.target ? manifest.refs.find(*head.target) : nullptr;
  if (branch != nullptr) head.oid = branch->oid;
  return head;
}

Json facts_of(const Manifest& manifest, std::size_t refs) {
  return {{"repository", manifest.repository.text()},
          {"number", manifest.number},
          {"created_at", to_iso8601(manifest.created_at)},
          {"source", manifest.source},
          {"object_format", to_string(manifest.format)},
          {"head", json(head_of(manifest))},
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

Json json(const VerifiedSnapshot& snapshot) { return {{"number", snapshot.number}, {"good", snapshot.good}}; }

Json json(const Kept& kept) { return {{"number", kept.number}, {"reasons", kept.reasons}}; }

Json json(const PruneReport::Refusal& refusal) {
  return {{"key", printable(refusal.key, kKeyBytesMax)}, {"why", printable(refusal.why)}};
}

template <typename Item>
void print_list(JsonPage& page, std::string_view name, const std::vector<Item>& items) {
  page.open('[', name);
  for (const Item& item : items) page.item(json(item));
  page.close(']');
}

void print(JsonPage& page, std::string_view name, const std::vector<SnapshotView>& views) {
  print_list(page, name, views);
}

void print(JsonPage& page, std::string_view name, const VerifyReport& report) {
  page.open('{', name);
  page.members({{"good", report.is_good()}, {"bytes_read", report.bytes_read}, {"objects_read", report.objects_read}});
  print_list(page, "snapshots", report.snapshots);
  print_list(page, "findings", report.findings);
  page.close('}');
}

void print(JsonPage& page, std::string_view name, const PruneReport& report) {
  page.open('{', name);
  page.members({{"retired", report.retired},
                {"waiting", report.waiting},
                {"removed", report.removed},
                {"removed_bytes", report.removed_bytes},
                {"swept_uploads", report.swept_uploads}});
  print_list(page, "kept", report.kept);
  page.open('[', "removed_objects");
  for (const std::string& key : report.removed_objects) page.item(printable(key, kKeyBytesMax));
  page.close(']');
  print_list(page, "still_there", report.still_there);
  page.close('}');
}

// `name` says what the answer is called.
template <typename What>
void print_repositories(JsonPage& page, const std::vector<OfRepository<What>>& repositories, std::string_view name) {
  page.open('[', "repositories");
  for (const OfRepository<What>& of : repositories) {
    page.open('{');
    page.members({{"repository", of.repository}, {"error", json(of.error)}});
    if (of.answer) {
      print(page, name, *of.answer);
    } else {
      page.members({{std::string(name), nullptr}});
    }
    page.close('}');
  }
  page.close(']');
}

}  // namespace

void print_backup_json(Output& output, const RunFacts& facts, const BackupOutcome& outcome, FollowMode policy,
                       bool dry_run) {
  JsonPage page(output);
  begin(page, facts, "backup");
  add_crossing(page, outcome.crossing, policy, dry_run);
  page.members({{"snapshot", snapshot_of(outcome.snapshot)}, {"verify_error", json(outcome.verify_error)}});
  if (outcome.verification) {
    print(page, "verification", *outcome.verification);
  } else {
    page.members({{"verification", nullptr}});
  }
  end(page);
}

void print_snapshots_json(Output& output, const RunFacts& facts, const std::string& store,
                          const std::vector<SnapshotsOf>& repositories) {
  JsonPage page(output);
  begin(page, facts, "snapshots");
  page.members({{"error", nullptr}, {"store", store}});
  print_repositories(page, repositories, "snapshots");
  end(page);
}

void print_restore_json(Output& output, const RunFacts& facts, const RestoreOutcome& outcome) {
  JsonPage page(output);
  begin(page, facts, "restore");
  if (outcome.crossing) {
    add_crossing(page, *outcome.crossing, FollowMode::Mirror, false);
  } else {
    page.members({{"error", nullptr}});
  }
  const Manifest& manifest = outcome.snapshot->manifest;
  page.members(
      {{"store", outcome.store}, {"target", outcome.target}, {"snapshot", facts_of(manifest, manifest.refs.size())}});
  end(page);
}

void print_verification_json(Output& output, const RunFacts& facts, const std::vector<VerificationOf>& repositories,
                             Verification level) {
  JsonPage page(output);
  begin(page, facts, "verify");
  page.members({{"error", nullptr}, {"level", to_string(level)}});
  print_repositories(page, repositories, "verification");
  end(page);
}

void print_pruning_json(Output& output, const RunFacts& facts, const std::vector<PruningOf>& repositories,
                        bool dry_run) {
  JsonPage page(output);
  begin(page, facts, "prune");
  page.members({{"error", nullptr}, {"dry_run", dry_run}});
  print_repositories(page, repositories, "pruning");
  end(page);
}

}  // namespace packferry
