#include "cli/vault_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "cli/amounts.h"

namespace packferry {
namespace {

std::string verified_words(const SnapshotEntry& entry) {
  if (entry.verified.empty()) return "not verified";
  const auto& [level, at] = *entry.verified.rbegin();
  return fmt::format("{} {}", to_string(level), to_iso8601(at));
}

std::uint64_t own_bytes(const Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const DataObject& object : manifest.chain)
    if (object.snapshot == manifest.number) bytes += object.bytes;
  return bytes;
}

std::string kind_words(const Manifest& manifest) {
  if (manifest.chain.empty()) return "empty";
  const DataObject& last = manifest.chain.back();
  if (last.snapshot != manifest.number) return "no new objects";
  return fmt::format("{} {}{}", last.full ? "full" : "incremental", to_string(last.format),
                     last.encrypted ? ", encrypted" : "");
}

std::string snapshot_line(const SnapshotView& view, Paint paint) {
  const std::uint64_t number = view.entry.number;
  if (view.error) return fmt::format("  {:>5}  {}: {}", number, paint.bad("cannot be read"), view.error->message());
  if (!view.manifest) return fmt::format("  {:>5}  pruned", number);
  const Manifest& manifest = *view.manifest;
  std::string line = fmt::format("  {:>5}  {}  {:>9}  {:>10}  {}, {}", number, to_iso8601(manifest.created_at),
                                 counted(view.ref_count, "ref"), in_bytes(own_bytes(manifest)), kind_words(manifest),
                                 verified_words(view.entry));
  if (manifest.withheld != 0) line += paint.careful(fmt::format(", {} withheld", counted(manifest.withheld, "ref")));
  if (view.entry.retired_at) line += paint.dim(", retired " + to_iso8601(*view.entry.retired_at));
  return line;
}

std::string numbers(const std::vector<std::uint64_t>& snapshots) {
  return fmt::format("{}", fmt::join(snapshots, ", "));
}

std::string finding_line(const Finding& finding, Paint paint) {
  const bool is_told = is_harmless(finding.kind);
  const std::string word(to_string(finding.kind));
  std::string line = fmt::format("  {}: {}", is_told ? paint.careful(word) : paint.bad(word), printable(finding.what));
  const bool is_named = finding.what.find(finding.key) != std::string::npos;
  if (!is_named) line += fmt::format(" ({})", printable(finding.key, kKeyBytesMax));
  if (!finding.snapshots.empty())
    line +=
        fmt::format(", {} {}", finding.snapshots.size() == 1 ? "snapshot" : "snapshots", numbers(finding.snapshots));
  return line;
}

void print_findings(std::vector<std::string>& lines, const VerifyReport& report, const TextStyle& style) {
  const auto good = std::ranges::count_if(report.snapshots, &VerifiedSnapshot::good);
  lines.push_back(fmt::format("{}: {} of {} good, {} in {} read", style.paint.bold(printable(report.repository)), good,
                              counted(report.snapshots.size(), "snapshot"), in_bytes(report.bytes_read),
                              counted(report.objects_read, "object")));
  for (const Finding& finding : report.findings) lines.push_back(finding_line(finding, style.paint));
}

bool is_up_to_date(const LegReport& leg) { return leg.status == LegStatus::UpToDate; }

template <typename What>
std::string failed_line(const OfRepository<What>& of, Paint paint) {
  return fmt::format("{}: {}: {}", paint.bold(printable(of.repository)), paint.bad("failed"), of.error->message());
}

}  // namespace

void print_backup(Output& output, const BackupOutcome& outcome, ExitStatus status, TextStyle style) {
  std::vector<std::string> more;
  if (outcome.snapshot) {
    const Manifest& manifest = outcome.snapshot->manifest;
    std::string line = fmt::format("snapshot {} of {}: {}", manifest.number, printable(manifest.repository.text()),
                                   kind_words(manifest));
    if (outcome.snapshot->full) line += fmt::format(" ({})", printable(outcome.snapshot->full_because));
    if (const std::uint64_t bytes = own_bytes(manifest); bytes != 0) line += ", " + in_bytes(bytes);
    line += fmt::format(", {}, {}", counted(manifest.refs.size(), "ref"),
                        outcome.snapshot->confirmed ? "stored" : "acknowledged, not read back");
    more.push_back(line);
  } else if (std::ranges::all_of(outcome.crossing.legs, is_up_to_date)) {
    more.push_back("no new snapshot: the last one holds all of it");
  }
  if (style.quiet) more.clear();
  if (outcome.verification && !(style.quiet && outcome.verification->is_good()))
    print_findings(more, *outcome.verification, style);
  print_crossing(output, outcome.crossing, status, style, more);
}

void print_snapshots(Output& output, const std::string& store, const std::vector<SnapshotsOf>& repositories,
                     TextStyle style) {
  Page page(output);
  for (const SnapshotsOf& of : repositories) {
    if (of.error) {
      page.line(failed_line(of, style.paint));
      continue;
    }
    page.line(style.paint.bold(printable(of.repository)));
    for (const SnapshotView& view : *of.answer) page.line(snapshot_line(view, style.paint));
  }
  if (repositories.empty()) page.line(fmt::format("{} holds no snapshots", printable(store)));
}

void print_restore(Output& output, const RestoreOutcome& outcome, ExitStatus status, TextStyle style) {
  const Manifest& manifest = outcome.snapshot->manifest;
  const std::string what =
      fmt::format("snapshot {} of {} ({}, {})", manifest.number, printable(manifest.repository.text()),
                  to_iso8601(manifest.created_at), counted(manifest.refs.size(), "ref"));
  if (outcome.crossing)
    return print_crossing(output, *outcome.crossing, status, style, {fmt::format("{} to {}", what, outcome.target)});
  Page page(output);
  page.line(fmt::format("restored: {} to {}; every object read and checked, every ref's history complete", what,
                        printable(outcome.target)));
}

void print_verification(Output& output, const std::vector<VerificationOf>& repositories, Verification level,
                        ExitStatus status, TextStyle style) {
  std::vector<std::string> lines;
  for (const VerificationOf& of : repositories) {
    if (of.error) {
      lines.push_back(failed_line(of, style.paint));
    } else if (!style.quiet || !of.answer->is_good()) {
      print_findings(lines, *of.answer, style);
    }
  }
  Page page(output);
  for (const std::string& line : lines) page.line(line);
  page.line(status == ExitStatus::Done      ? fmt::format("good: {}", to_string(level))
            : status == ExitStatus::Damaged ? "damaged: what is named above cannot be restored as it was"
                                            : "not all could be verified");
}

void print_pruning(Output& output, const std::vector<PruningOf>& repositories, bool dry_run, ExitStatus status,
                   TextStyle style) {
  Page page(output);
  for (const PruningOf& of : repositories) {
    if (of.error) {
      page.line(failed_line(of, style.paint));
      continue;
    }
    const PruneReport& report = *of.answer;
    if (!style.quiet) {
      page.line(fmt::format("{}: {} kept, {} retired now, {} in their grace time, {} removed with {} ({})",
                            style.paint.bold(printable(of.repository)), report.kept.size(), report.retired.size(),
                            report.waiting.size(), report.removed.size(),
                            counted(report.removed_objects.size(), "object"), in_bytes(report.removed_bytes)));
      for (const Kept& kept : report.kept)
        page.line(fmt::format("  {:>5}  kept: {}", kept.number, fmt::join(kept.reasons, ", ")));
      for (const std::uint64_t number : report.retired) page.line(fmt::format("  {:>5}  retired", number));
      for (const std::uint64_t number : report.removed) page.line(fmt::format("  {:>5}  removed", number));
      if (report.swept_uploads != 0)
        page.line(fmt::format("  {} swept", counted(report.swept_uploads, "unfinished upload")));
    }
    for (const PruneReport::Refusal& refusal : report.still_there)
      page.line(fmt::format("  {}: {}: {}", style.paint.careful("still there"), printable(refusal.key, kKeyBytesMax),
                            printable(refusal.why)));
  }
  page.line(dry_run                         ? "this was a dry run: nothing was changed"
            : status == ExitStatus::Done    ? "done"
            : status == ExitStatus::Partial ? "partly done"
                                            : "failed");
}

}  // namespace packferry
