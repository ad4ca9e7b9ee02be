#include "cli/fleet_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/json_page.h"
#include "service/embedded_metrics.h"

namespace packferry {
namespace {

bool is_stopped(const FleetMember& member) { return member.status == ExitStatus::Interrupted; }

std::string what_was_done(const FleetMember& member) {
  if (member.is_planned) return fmt::format("would be backed up, {}", counted(member.refs, "ref"));
  if (!member.snapshot) return "nothing new";
  std::string words = fmt::format("snapshot {}, {}", *member.snapshot, member.full ? "full" : "incremental");
  if (member.bytes != 0) words += ", " + in_bytes(member.bytes);
  return words;
}

double seconds(Milliseconds duration) { return static_cast<double>(duration.count()) / 1000; }

}  // namespace

void note_outcome(FleetMember& member, const BackupOutcome& outcome, ExitStatus status) {
  const CrossingReport& crossing = outcome.crossing;
  member.status = status;
  member.refs = crossing.selected_refs;
  member.duration = crossing.duration;
  member.error = crossing.error;
  if (!crossing.legs.empty()) {
    const LegReport& leg = crossing.legs.front();
    if (!member.error) member.error = leg.error;
    member.bytes = leg.pack_bytes;
    member.is_planned = leg.status == LegStatus::Planned;
    member.withheld = static_cast<std::size_t>(std::ranges::count(leg.refs, RefOutcome::Withheld, &RefResult::outcome));
  }
  if (outcome.snapshot) {
    member.snapshot = outcome.snapshot->manifest.number;
    member.full = outcome.snapshot->full;
  }
  if (!member.error) member.error = outcome.verify_error;
  if (!member.error && outcome.verification && !outcome.verification->is_good())
    member.error = Error(ErrorKind::Corrupt, "the new snapshot was verified and is not good");
}

std::size_t FleetOutcome::count(ExitStatus status) const {
  return static_cast<std::size_t>(std::ranges::count(members, status, &FleetMember::status));
}

std::size_t FleetOutcome::failed() const { return members.size() - count(ExitStatus::Done) - count(ExitStatus::Held); }

ExitStatus exit_status_of(const FleetOutcome& outcome, bool was_stopped) {
  if (was_stopped && std::ranges::any_of(outcome.members, is_stopped)) return ExitStatus::Interrupted;
  if (outcome.count(ExitStatus::Damaged) != 0) return ExitStatus::Damaged;
  const std::size_t failed = outcome.failed() + outcome.unlisted.size() + (outcome.report_error ? 1 : 0);
  const std::size_t confirmed =
      outcome.count(ExitStatus::Done) + outcome.count(ExitStatus::Held) + outcome.count(ExitStatus::Partial);
  if (failed != 0) return confirmed == 0 ? ExitStatus::Failed : ExitStatus::Partial;
  return outcome.count(ExitStatus::Held) != 0 ? ExitStatus::Held : ExitStatus::Done;
}

std::string member_line(const FleetMember& member, Paint paint) {
  const std::string name = printable(member.name);
  std::string again = member.attempts > 1 ? fmt::format(" (attempt {})", member.attempts) : std::string();
  switch (member.status) {
    case ExitStatus::Done:
      return fmt::format("{}: {}{}", name, what_was_done(member), again);
    case ExitStatus::Held:
      return fmt::format("{}: {}: {} stay as the last snapshot has them; {}", name, paint.careful("held"),
                         counted(member.withheld, "ref"), what_was_done(member));
    case ExitStatus::Interrupted:
      return fmt::format("{}: {}", name, paint.careful("not backed up: stopped before it was over"));
    default:
      return fmt::format("{}: {}{}: {}", name, paint.bad(to_string(member.status)), again,
                         member.error ? member.error->message() : "some refs could not be confirmed");
  }
}

void print_fleet(Output& output, const FleetOutcome& outcome, const RunFacts& facts, TextStyle style) {
  Page page(output);
  std::size_t unchanged = 0;
  std::uint64_t bytes = 0;
  for (const FleetMember& member : outcome.members) {
    bytes += member.bytes;
    if (member.is_good() && !member.snapshot && !member.is_planned) ++unchanged;
    if (!member.is_good()) page.line(member_line(member, style.paint));
  }
  for (const FleetOutcome::Unlisted& unlisted : outcome.unlisted)
    page.line(fmt::format("{}: {}: {}", unlisted.host, style.paint.bad("not listed"), unlisted.error.message()));
  const std::size_t held = outcome.count(ExitStatus::Held);
  if (held != 0 && !style.quiet)
    page.line(
        "what is held was not lost: see 'packferry backup --dry-run' of that repository, which names the refs and the "
        "flag that allows it");
  if (!style.quiet) {
    if (outcome.passed_over != 0)
      page.line(
          fmt::format("{} passed over by --include, --exclude or --shard", counted(outcome.passed_over, "repository")));
    if (outcome.report_key) page.line(fmt::format("the report is {} in {}", *outcome.report_key, outcome.store));
  }
  if (outcome.report_error)
    page.line(fmt::format("{}: {}", style.paint.bad("the report was not stored"), outcome.report_error->message()));
  std::string line =
      fmt::format("{}: {} of {} backed up ({} unchanged)", to_string(facts.status),
                  outcome.members.size() - outcome.failed(), counted(outcome.members.size(), "repository"), unchanged);
  if (held != 0) line += fmt::format(", {} of them with refs held", held);
  if (outcome.failed() != 0) line += fmt::format(", {} failed", outcome.failed());
  page.line(line + fmt::format(", {} in {}", in_bytes(bytes), in_seconds(facts.duration)));
}

void print_fleet_json(Output& output, const RunFacts& facts, const FleetOutcome& outcome, bool dry_run) {
  JsonPage page(output);
  begin(page, facts, "backup");
  page.members({{"error", nullptr},
                {"store", outcome.store},
                {"dry_run", dry_run},
                {"backed_up", outcome.members.size() - outcome.failed()},
                {"held", outcome.count(ExitStatus::Held)},
                {"failed", outcome.failed()},
                {"passed_over", outcome.passed_over},
                {"report_key", outcome.report_key ? Json(*outcome.report_key) : Json()},
                {"report_error", json(outcome.report_error)}});
  page.open('[', "unlisted");
  for (const FleetOutcome::Unlisted& unlisted : outcome.unlisted)
    page.item({{"host", unlisted.host}, {"error", json(std::optional(unlisted.error))}});
  page.close(']');
  page.open('[', "repositories");
  for (const FleetMember& member : outcome.members)
    page.item({{"repository", member.name},
               {"status", to_string(member.status)},
               {"source", member.hosted.url.text()},
               {"account", member.hosted.account},
               {"region", member.hosted.region},
               {"attempts", member.attempts},
               {"error", json(member.error)},
               {"snapshot", member.snapshot ? Json(*member.snapshot) : Json()},
               {"full", member.full},
               {"refs", member.refs},
               {"withheld", member.withheld},
               {"pack_bytes", member.bytes},
               {"duration_ms", member.duration.count()}});
  page.close(']');
  end(page);
}

std::string run_metrics(const FleetOutcome& outcome, const RunFacts& facts, Clock::WallTime now) {
  const std::size_t failed = outcome.failed() + outcome.unlisted.size();
  // What is held is backed up all the same.
  const bool is_good = facts.status == ExitStatus::Done || facts.status == ExitStatus::Held;
  return embedded_metrics_line(
      {{"Store", outcome.store}},
      {{"RunSucceeded", "Count", is_good ? 1.0 : 0.0},
       {"RepositoriesBackedUp", "Count", static_cast<double>(outcome.members.size() - outcome.failed())},
       {"RepositoriesFailed", "Count", static_cast<double>(failed)},
       {"RepositoriesHeld", "Count", static_cast<double>(outcome.count(ExitStatus::Held))},
       {"RunSeconds", "Seconds", seconds(facts.duration)}},
      now);
}

std::string member_metrics(const FleetMember& member, Clock::WallTime now) {
  return embedded_metrics_line(
      {{"Account", member.hosted.account}, {"Region", member.hosted.region}, {"Repository", member.hosted.name}},
      {{"BackupSucceeded", "Count", member.is_good() ? 1.0 : 0.0},
       {"BackupBytes", "Bytes", static_cast<double>(member.bytes)},
       {"BackupSeconds", "Seconds", seconds(member.duration)}},
      now);
}

}  // namespace packferry
