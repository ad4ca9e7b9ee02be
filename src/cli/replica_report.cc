#include "cli/replica_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "cli/amounts.h"

namespace packferry {
namespace {

constexpr std::size_t kDigitsShown = 12;  // of object names and digests

std::string painted(ReplicaStatus status, const Paint& paint, std::size_t width = 0) {
  std::string word = fmt::format("{:<{}}", to_string(status), width);
  switch (status) {
    case ReplicaStatus::UpToDate:
      return paint.good(word);
    case ReplicaStatus::Held:
    case ReplicaStatus::Diverged:
      return paint.careful(word);
    case ReplicaStatus::Failing:
      return paint.bad(word);
    case ReplicaStatus::Deleting:
    case ReplicaStatus::Paused:
    case ReplicaStatus::Initializing:
    case ReplicaStatus::Replicating:
    case ReplicaStatus::Behind:
      return word;
  }
  return word;
}

std::string ago(Clock::WallTime at, Clock::WallTime now) {
  return in_seconds(std::chrono::duration_cast<Milliseconds>(std::max(now, at) - at)) + " ago";
}

std::string from_now(Clock::WallTime at, Clock::WallTime now) {
  return at <= now ? "now" : "in " + in_seconds(std::chrono::duration_cast<Milliseconds>(at - now));
}

std::string indented(std::string_view lines) {
  std::string text = "    ";
  for (const char c : lines) text += c == '\n' ? std::string("\n    ") : std::string(1, c);
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

void print_replica(Output& output, const ReplicaView& view, Clock::WallTime now, const Paint& paint) {
  std::string text = fmt::format("{}: {}\n", paint.bold(view.name), painted(view.status, paint));
  text += fmt::format("  {} {}\n  -> {} {}\n", view.source_type, printable(view.source_id), view.destination_type,
                      printable(view.destination_id));
  text += view.confirmed_at ? fmt::format("  seen equal {}\n", ago(*view.confirmed_at, now))
                            : std::string("  never seen equal\n");
  if (view.lag.count() > 0) text += fmt::format("  behind for {}\n", in_seconds(view.lag));
  if (view.next_run) text += fmt::format("  next look {}\n", from_now(*view.next_run, now));
  if (view.held_plan) {
    text += fmt::format("  held plan {}, {} until {}:\n{}", view.held_plan->digest.substr(0, kDigitsShown),
                        view.held_plan_is_approved ? "approved" : "may be approved",
                        to_iso8601(view.held_plan->expires_at), indented(view.held_plan->text));
    if (!view.held_plan_is_approved)
      text += fmt::format("  allow just that: packferry replica approve {} {}\n", view.name,
                          view.held_plan->digest.substr(0, kDigitsShown));
  }
  if (view.last_error) {
    text += fmt::format("  {} {}\n", paint.bad(fmt::format("failed {}:", counted(view.failures, "time"))),
                        printable(view.last_error->message));
    if (!view.last_error->remedy.empty()) text += fmt::format("  {}\n", view.last_error->remedy);
  }
  output.write(text);
}

void print_replicas(Output& output, const std::vector<ReplicaView>& views, Clock::WallTime now, const Paint& paint) {
  std::size_t width = 0;
  for (const ReplicaView& view : views) width = std::max(width, view.name.size());
  std::string text;
  for (const ReplicaView& view : views)
    text += fmt::format("{} {:<{}}  {}\n", painted(view.status, paint, 12), view.name, width,
                        view.confirmed_at ? "seen equal " + ago(*view.confirmed_at, now) : "never seen equal");
  output.write(text + counted(views.size(), "replica") + "\n");
}

void print_looks(Output& output, const std::vector<LookRecord>& looks, Clock::WallTime now) {
  std::string text;
  for (const LookRecord& look : looks) {
    text += fmt::format("{:<16} {:<8} {:<8} {}", ago(look.ended_at, now), to_string(look.outcome),
                        to_string(look.reason), counted(look.refs_changed, "ref"));
    if (look.pack_bytes > 0) text += ", " + in_bytes(look.pack_bytes);
    if (look.looks > 1) text += fmt::format(", {} looks", grouped(look.looks));
    if (look.failure) text += ": " + printable(look.failure->message);
    text += "\n";
  }
  output.write(text);
}

void print_audit(Output& output, const std::vector<AuditEntry>& entries) {
  // A name that is longer than most moves what is behind it, and not all other lines.
  const auto width_of = [&entries](std::string AuditEntry::*column) {
    constexpr std::size_t kWidthMax = 24;
    std::size_t width = 0;
    for (const AuditEntry& entry : entries) width = std::max(width, printable(entry.*column).size());
    return std::min(width, kWidthMax);
  };
  const auto object = [](const std::string& oid) {
    return oid.empty() ? std::string("none") : printable(oid.substr(0, kDigitsShown));
  };
  const std::size_t who = width_of(&AuditEntry::who);
  const std::size_t what = width_of(&AuditEntry::what);
  const std::size_t replica = width_of(&AuditEntry::replica);
  std::string text;
  for (const AuditEntry& entry : entries) {
    std::string line = fmt::format("{}  {:<{}}  {:<{}}  {:<{}}", to_iso8601(entry.at), printable(entry.who), who,
                                   printable(entry.what), what, printable(entry.replica), replica);
    if (!entry.ref.empty())
      line += fmt::format("  {} {} -> {}", printable(entry.ref), object(entry.old_oid), object(entry.new_oid));
    if (!entry.plan_digest.empty())
      line += fmt::format("  plan {}", printable(entry.plan_digest.substr(0, kDigitsShown)));
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  output.write(text);
}

}  // namespace packferry
