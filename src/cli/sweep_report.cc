#include "cli/sweep_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/json_page.h"

namespace packferry {
namespace {

bool is_good(const LegOutcome& leg) {
  return leg.state == LegState::Absent || leg.state == LegState::UpToDate || leg.state == LegState::Done ||
         leg.state == LegState::Planned;
}

// A person has to look, and nothing is broken.
bool is_waiting(const LegOutcome& leg) { return leg.state == LegState::Held || leg.state == LegState::Missing; }

std::size_t good_ones(const SweepReport& report) {
  return static_cast<std::size_t>(std::ranges::count_if(report.legs, is_good));
}

std::size_t failed_ones(const SweepReport& report) {
  return static_cast<std::size_t>(
      std::ranges::count_if(report.legs, [](const LegOutcome& leg) { return !is_good(leg) && !is_waiting(leg); }));
}

std::string what_was_done(const LegOutcome& leg) {
  if (leg.state == LegState::UpToDate) return "up to date";
  if (leg.state == LegState::Absent) return "there is none";
  std::string text = leg.snapshot ? fmt::format("snapshot {}", *leg.snapshot) : counted(leg.refs_changed, "ref");
  if (leg.state == LegState::Planned) text += " planned";
  if (leg.pack_bytes > 0) text += ", " + in_bytes(leg.pack_bytes);
  return text;
}

std::string age(Clock::WallTime since, Clock::WallTime now) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(now - since).count();
  // "Within 0 minutes" is nothing that a person would say.
  if (minutes < 120) return counted(static_cast<std::size_t>(std::max<std::int64_t>(minutes, 1)), "minute");
  if (minutes < 48 * 60) return counted(static_cast<std::size_t>(minutes / 60), "hour");
  return counted(static_cast<std::size_t>(minutes / 1440), "day");
}

// The change that waits longest, and the confirmation that is oldest: what a person asks first.
struct Freshness {
  const LegOutcome* longest_behind = nullptr;
  const LegOutcome* oldest_confirmed = nullptr;
  std::size_t never = 0;
};

Freshness freshness_of(const SweepReport& report) {
  Freshness freshness;
  for (const LegOutcome& leg : report.legs) {
    if (leg.behind_since &&
        (freshness.longest_behind == nullptr || *leg.behind_since < *freshness.longest_behind->behind_since))
      freshness.longest_behind = &leg;
    if (!leg.confirmed_at) {
      ++freshness.never;
    } else if (freshness.oldest_confirmed == nullptr || *leg.confirmed_at < *freshness.oldest_confirmed->confirmed_at) {
      freshness.oldest_confirmed = &leg;
    }
  }
  return freshness;
}

Json json_time(const std::optional<Clock::WallTime>& time) { return time ? Json(to_iso8601(*time)) : Json(); }

std::string html(std::string_view text) {
  std::string safe;
  for (const char letter : printable(text)) {
    switch (letter) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += letter;
    }
  }
  return safe;
}

void add_table(std::string& page, std::string_view title, const std::vector<const LegOutcome*>& legs,
               Clock::WallTime now) {
  if (legs.empty()) return;
  page += fmt::format(
      "<h2>{}</h2>\n<table>\n<tr><th>Source<th>Destination<th>Order<th>State<th>Behind for<th>"
      "Last confirmed<th>Why\n",
      title);
  for (const LegOutcome* leg : legs)
    page += fmt::format("<tr class=\"{}\"><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}\n", to_string(leg->state),
                        html(leg->key.source), html(leg->key.destination), html(leg->key.order), to_string(leg->state),
                        leg->behind_since ? age(*leg->behind_since, now) : "",
                        leg->confirmed_at ? to_iso8601(*leg->confirmed_at) : "never",
                        leg->error ? html(leg->error->message()) : "");
  page += "</table>\n";
}

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em;color:#1b1f24}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .75em;border-bottom:1px solid "
    "#d8dee4;"
    "vertical-align:top;overflow-wrap:anywhere}th{white-space:nowrap}"
    ".failed td:nth-child(4),.refused td:nth-child(4),.partial td:nth-child(4),.not-begun "
    "td:nth-child(4){color:#b3261e}"
    ".held td:nth-child(4),.missing td:nth-child(4){color:#8a5300}.done td:nth-child(4){color:#1a6b32}";

}  // namespace

ExitStatus exit_status_of(const SweepReport& report) {
  if (report.was_stopped && report.count(LegState::NotBegun) > 0) return ExitStatus::Interrupted;
  const std::size_t failed = failed_ones(report) + report.unlisted.size();
  if (failed > 0) return good_ones(report) == 0 ? ExitStatus::Failed : ExitStatus::Partial;
  const bool has_to_be_seen = !report.alarms.empty() || std::ranges::any_of(report.legs, is_waiting);
  return has_to_be_seen ? ExitStatus::Held : ExitStatus::Done;
}

std::string leg_line(const LegOutcome& leg, Paint paint) {
  const std::string name = leg.key.destination.empty()
                               ? printable(leg.key.source)
                               : fmt::format("{} -> {}", printable(leg.key.source), printable(leg.key.destination));
  const std::string again = leg.attempts > 1 ? fmt::format(" (attempt {})", leg.attempts) : std::string();
  const std::string why = leg.error ? ": " + leg.error->message() : std::string();
  if (is_good(leg)) return fmt::format("{}: {}{}", name, what_was_done(leg), again);
  const std::string word(to_string(leg.state));
  return fmt::format("{}: {}{}{}", name, is_waiting(leg) ? paint.careful(word) : paint.bad(word), again, why);
}

void print_sweep(Output& output, const SweepReport& report, const RunFacts& facts, TextStyle style) {
  Page page(output);
  for (const SweepReport::Unlisted& unlisted : report.unlisted)
    page.line(fmt::format("{}: {}: {}", unlisted.key.name(), style.paint.bad("not listed"), unlisted.error.message()));
  for (const std::string& alarm : report.alarms) page.line(fmt::format("{}: {}", style.paint.careful("alarm"), alarm));
  for (const LegOutcome& leg : report.legs)
    if (!is_good(leg)) page.line(leg_line(leg, style.paint));
  if (report.catalogue_error)
    page.line(fmt::format("{}: {}; the next run looks again", style.paint.careful("not all is remembered"),
                          report.catalogue_error->message()));
  const Clock::WallTime now = report.began_at + report.duration;
  const Freshness freshness = freshness_of(report);
  if (!style.quiet) {
    if (freshness.longest_behind != nullptr)
      page.line(fmt::format("longest behind: {}, for {}", printable(freshness.longest_behind->key.destination),
                            age(*freshness.longest_behind->behind_since, now)));
    if (freshness.oldest_confirmed != nullptr)
      page.line(fmt::format("last confirmed: all within {}{}", age(*freshness.oldest_confirmed->confirmed_at, now),
                            freshness.never > 0 ? fmt::format(", but for {} never", freshness.never) : ""));
    if (report.passed_over > 0)
      page.line(fmt::format("{} in no order, or passed over", counted(report.passed_over, "repository")));
  }
  std::uint64_t bytes = 0;
  for (const LegOutcome& leg : report.legs) bytes += leg.pack_bytes;
  std::string line =
      fmt::format("{}: {} of {} true ({} changed)", to_string(facts.status), good_ones(report),
                  counted(report.legs.size(), "copy"), report.count(LegState::Done) + report.count(LegState::Planned));
  if (const std::size_t held = report.count(LegState::Held); held > 0) line += fmt::format(", {} held", held);
  if (const std::size_t missing = report.count(LegState::Missing); missing > 0)
    line += fmt::format(", {} missing", missing);
  if (const std::size_t failed = failed_ones(report); failed > 0) line += fmt::format(", {} failed", failed);
  page.line(line + fmt::format(", of {}; {} in {}", counted(report.repositories, "repository"), in_bytes(bytes),
                               in_seconds(facts.duration)));
}

void print_sweep_json(Output& output, const RunFacts& facts, std::string_view command, const SweepReport& report,
                      bool dry_run) {
  JsonPage page(output);
  begin(page, facts, command);
  page.members({{"error", nullptr},
                {"dry_run", dry_run},
                {"repositories", report.repositories},
                {"up_to_date", report.count(LegState::UpToDate)},
                {"done", report.count(LegState::Done)},
                {"held", report.count(LegState::Held)},
                {"missing", report.count(LegState::Missing)},
                {"failed", failed_ones(report)},
                {"passed_over", report.passed_over},
                {"source_listings", report.source_listings},
                {"fetches", report.fetches},
                {"catalogue_error", json(report.catalogue_error)}});
  page.open('[', "alarms");
  for (const std::string& alarm : report.alarms) page.item(alarm);
  page.close(']');
  page.open('[', "unlisted");
  for (const SweepReport::Unlisted& unlisted : report.unlisted)
    page.item(
        {{"host", unlisted.key.host}, {"owner", unlisted.key.owner}, {"error", json(std::optional(unlisted.error))}});
  page.close(']');
  page.open('[', "copies");
  for (const LegOutcome& leg : report.legs)
    page.item({{"order", leg.key.order},
               {"source", leg.key.source},
               {"destination", leg.key.destination},
               {"state", to_string(leg.state)},
               {"proof", to_string(leg.proof)},
               {"error", json(leg.error)},
               {"attempts", leg.attempts},
               {"refs_changed", leg.refs_changed},
               {"refs_withheld", leg.refs_withheld},
               {"pack_bytes", leg.pack_bytes},
               {"snapshot", leg.snapshot ? Json(*leg.snapshot) : Json()},
               {"confirmed_at", json_time(leg.confirmed_at)},
               {"behind_since", json_time(leg.behind_since)},
               {"duration_ms", leg.duration.count()}});
  page.close(']');
  end(page);
}

std::string sweep_page(const SweepReport& report, const RunFacts& facts, const std::string& configuration,
                       Clock::WallTime now) {
  std::vector<const LegOutcome*> waiting;
  std::vector<const LegOutcome*> fine;
  for (const LegOutcome& leg : report.legs) (is_good(leg) && !leg.behind_since ? fine : waiting).push_back(&leg);
  std::ranges::stable_sort(waiting, {}, [now](const LegOutcome* leg) { return leg->behind_since.value_or(now); });

  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>Packferry: {}</title>\n<style>{}</style>\n<h1>{}</h1>\n",
      html(configuration), kStyle, html(configuration));
  page += fmt::format("<p>{}: {} of {} true, {} held, {} missing, {} failed. {}, {}; Packferry {}.</p>\n",
                      to_string(facts.status), good_ones(report), counted(report.legs.size(), "copy"),
                      report.count(LegState::Held), report.count(LegState::Missing), failed_ones(report),
                      to_iso8601(facts.started_at), in_seconds(facts.duration), html(facts.version));
  for (const std::string& alarm : report.alarms) page += fmt::format("<p class=\"held\">{}</p>\n", html(alarm));
  for (const SweepReport::Unlisted& unlisted : report.unlisted)
    page += fmt::format("<p class=\"failed\">{} could not be listed: {}</p>\n", html(unlisted.key.name()),
                        html(unlisted.error.message()));
  add_table(page, "Who is behind, since when, and why", waiting, now);
  add_table(page, "Everything else", fine, now);
  return page + "</html>\n";
}

}  // namespace packferry
