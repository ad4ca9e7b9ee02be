#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "cli/amounts.h"

namespace packferry {
namespace {

// More of one kind are counted, not listed; the dry run and the JSON report list all.
constexpr std::size_t kListedMax = 20;

struct Wording {
  Change change;
  std::string_view done;
  std::string_view planned;
};
constexpr Wording kWordings[] = {{Change::Create, "created", "to create"},
                                 {Change::FastForward, "fast-forwarded", "to fast-forward"},
                                 {Change::Rewind, "rewound", "to rewind"},
                                 {Change::Delete, "deleted", "to delete"},
                                 {Change::Keep, "old tips kept", "old tips to keep"}};

std::string name_of(const RefName& name) { return printable(name.text(), RefName::kBytesMax); }

// "nothing -> 1234567890ab", as far as there is an old and a new value
std::string movement(const RefUpdate& update) {
  if (update.is_create()) return update.new_oid.abbreviated();
  if (update.is_delete()) return "was " + update.old_oid.abbreviated();
  return fmt::format("{} -> {}", update.old_oid.abbreviated(), update.new_oid.abbreviated());
}

std::string ref_line(const RefUpdate& update, Change change) {
  return fmt::format("    {:<12}  {}  {}", to_string(change), name_of(update.name), movement(update));
}

std::vector<const RefResult*> with_outcome(const LegReport& leg, RefOutcome outcome) {
  std::vector<const RefResult*> found;
  for (const RefResult& ref : leg.refs)
    if (ref.outcome == outcome) found.push_back(&ref);
  return found;
}

std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ", ")); }

class LegText {
 public:
  LegText(Page& page, const LegReport& leg, const TextStyle& style) : page_(page), leg_(leg), paint_(style.paint) {}

  void print() {
    page_.line(fmt::format("{}: {}", paint_.bold(leg_.destination), painted_status()));
    print_counts();
    print_planned();
    print_kept();
    print_refused(RefOutcome::Rejected, "refused by the host");
    // Of a leg that failed as a whole the error has told why, once.
    if (leg_.status != LegStatus::Failed) print_refused(RefOutcome::NotDone, "not done");
    print_withheld();
    print_confirmation();
    print_amounts();
  }

 private:
  std::string painted_status() const {
    const std::string words = status_words(leg_.status);
    if (leg_.status == LegStatus::Failed) return paint_.bad(words);
    if (leg_.status == LegStatus::Held || leg_.status == LegStatus::Partial) return paint_.careful(words);
    return paint_.good(words);
  }

  void print_counts() {
    std::vector<std::string> parts;
    for (const Wording& wording : kWordings) {
      const auto made = [&](RefOutcome outcome) {
        return std::ranges::count_if(
            leg_.refs, [&](const RefResult& ref) { return ref.outcome == outcome && ref.change == wording.change; });
      };
      const auto confirmed = static_cast<std::uint64_t>(made(RefOutcome::Confirmed));
      const auto planned = static_cast<std::uint64_t>(made(RefOutcome::Planned));
      if (confirmed > 0) parts.push_back(fmt::format("{} {}", grouped(confirmed), wording.done));
      if (planned > 0) parts.push_back(fmt::format("{} {}", grouped(planned), wording.planned));
    }
    const std::size_t not_done = with_outcome(leg_, RefOutcome::NotDone).size();
    if (not_done > 0) parts.push_back(grouped(not_done) + " not done");
    if (leg_.unchanged > 0) parts.push_back(grouped(leg_.unchanged) + " unchanged");
    if (!parts.empty()) page_.line("  " + joined(parts));
  }

  void print_planned() {
    for (const RefResult* ref : with_outcome(leg_, RefOutcome::Planned)) page_.line(ref_line(ref->update, ref->change));
  }

  void print_kept() {
    std::vector<const RefResult*> kept = with_outcome(leg_, RefOutcome::Confirmed);
    std::erase_if(kept, [](const RefResult* ref) { return ref->change != Change::Keep; });
    print_list(kept);
  }

  // Refs that share a reason stand under it.
  void print_refused(RefOutcome outcome, std::string_view heading) {
    std::map<std::string, std::vector<const RefResult*>> by_reason;
    for (const RefResult* ref : with_outcome(leg_, outcome)) by_reason[ref->in_full()].push_back(ref);
    for (const auto& [reason, refs] : by_reason) {
      page_.line(fmt::format("  {}: {}", paint_.bad(heading), printable(reason)));
      print_list(refs);
    }
  }

  void print_withheld() {
    std::map<std::pair<Objection, std::string>, std::vector<const RefResult*>> by_reason;
    for (const RefResult* ref : with_outcome(leg_, RefOutcome::Withheld))
      by_reason[{ref->objection.value_or(Objection::Diverged), ref->in_full()}].push_back(ref);
    for (const auto& [why, refs] : by_reason) {
      const std::string heading = is_hold(why.first) ? paint_.careful("held") : "left alone";
      page_.line(fmt::format("  {} ({}): {}", heading, to_string(why.first), printable(why.second)));
      print_list(refs);
    }
  }

  void print_list(const std::vector<const RefResult*>& refs) {
    const bool all = leg_.status == LegStatus::Planned || refs.size() <= kListedMax;
    const std::size_t listed = all ? refs.size() : kListedMax;
    for (std::size_t i = 0; i < listed; ++i) page_.line(ref_line(refs[i]->update, refs[i]->change));
    if (!all) page_.line(fmt::format("    and {} more; --json lists them all", grouped(refs.size() - listed)));
  }

  void print_confirmation() {
    if (!leg_.confirmed_at) return;
    page_.line(fmt::format("  listed again at {}: {}", to_iso8601(*leg_.confirmed_at),
                           leg_.equal_to_source ? "every selected ref is what the source has"
                                                : "not every selected ref is what the source has"));
  }

  void print_amounts() {
    if (leg_.status == LegStatus::Planned || (leg_.status == LegStatus::Failed && leg_.pack_bytes == 0)) return;
    std::vector<std::string> parts;
    if (leg_.pack_objects > 0) {
      parts.push_back(fmt::format("{} in {} carried", in_bytes(leg_.pack_bytes), counted(leg_.pack_objects, "object")));
    } else if (leg_.pack_bytes > 0) {
      parts.push_back(in_bytes(leg_.pack_bytes) + " carried");
    }
    if (leg_.head_set && leg_.status == LegStatus::Done) parts.push_back("HEAD set");
    parts.push_back(in_seconds(leg_.duration));
    page_.line("  " + joined(parts));
  }

  Page& page_;
  const LegReport& leg_;
  const Paint paint_;
};

std::string head_words(const Head& head) {
  if (!head.target && !head.oid) return "no HEAD";
  if (!head.target) return "HEAD detached at " + head.oid->abbreviated();
  return fmt::format("HEAD at {}{}", printable(head.target->short_name()), head.oid ? "" : ", which has no commit yet");
}

std::string source_line(const CrossingReport& report, Paint paint) {
  const std::string refs =
      report.selected_refs == report.offered_refs
          ? counted(report.offered_refs, "ref")
          : fmt::format("{} of {}", grouped(report.selected_refs), counted(report.offered_refs, "ref"));
  return fmt::format("{}: {} selected, {}, {}, protocol {}", paint.bold(report.source), refs, head_words(report.head),
                     to_string(report.format), report.protocol);
}

bool is_dry_run(const CrossingReport& report) {
  return std::ranges::any_of(report.legs, [](const LegReport& leg) { return leg.status == LegStatus::Planned; });
}

std::string crossing_words(const CrossingReport& report, ExitStatus status) {
  const auto confirmed = std::ranges::count_if(report.legs, [](const LegReport& leg) {
    return leg.status == LegStatus::UpToDate || leg.status == LegStatus::Done;
  });
  const std::string count = fmt::format("{} of {} confirmed", confirmed, counted(report.legs.size(), "destination"));
  switch (status) {
    case ExitStatus::Done:
      return is_dry_run(report) ? "this was a dry run: nothing was changed" : "done: " + count;
    case ExitStatus::Held:
      return is_dry_run(report) ? "this was a dry run: nothing was changed, and some of it would be held"
                                : "held by the guard: " + count;
    case ExitStatus::Partial:
      return "partly done: " + count;
    case ExitStatus::Damaged:
      return "damaged: what was stored is not what it should be";
    case ExitStatus::Interrupted:
      return "interrupted: " + count;
    default:
      return "failed: " + count;
  }
}

std::string difference_line(const Difference& difference) {
  const std::string name = name_of(difference.name);
  if (!difference.second) return fmt::format("    missing    {}  {}", name, difference.first->abbreviated());
  if (!difference.first) return fmt::format("    additional {}  {}", name, difference.second->abbreviated());
  return fmt::format("    different  {}  {} instead of {}", name, difference.second->abbreviated(),
                     difference.first->abbreviated());
}

void print_compared(Page& page, const ComparedRepository& compared, const TextStyle& style) {
  const std::string name = style.paint.bold(compared.repository);
  if (compared.error) return page.line(fmt::format("{}: {}", name, style.paint.bad("could not be listed")));
  const std::string words = compared.differences.empty()
                                ? style.paint.good("the same")
                                : style.paint.careful(counted(compared.differences.size(), "difference"));
  page.line(fmt::format("{}: {}, {}, {}", name, words, counted(compared.refs, "ref"), head_words(compared.head)));
  for (const Difference& difference : compared.differences) page.line(difference_line(difference));
}

// What the kind of an error alone tells about the way out; most messages end with their own.
std::string_view advice(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Conflict:
      return "somebody else moved it meanwhile; run the same command again";
    case ErrorKind::Throttled:
      return "the host asks for patience; run the same command again later";
    case ErrorKind::Unavailable:
      return "nothing is half-done; run the same command again";
    case ErrorKind::Corrupt:
      return "what came contradicts its form or its checksum, and was not passed on";
    default:
      return {};
  }
}

}  // namespace

std::string status_words(LegStatus status) {
  switch (status) {
    case LegStatus::UpToDate:
      return "up to date";
    case LegStatus::Done:
      return "done";
    case LegStatus::Planned:
      return "planned";
    case LegStatus::Held:
      return "held by the guard";
    case LegStatus::Partial:
      return "partly done";
    case LegStatus::Failed:
      return "failed";
  }
  return {};
}

std::string plan_summary(const Plan& plan) {
  std::vector<std::string> parts;
  for (const Wording& wording : kWordings) {
    std::size_t count = 0;
    for (const auto* updates : {&plan.keep, &plan.clear, &plan.carry, &plan.remove})
      count += static_cast<std::size_t>(std::ranges::count(*updates, wording.change, &PlannedUpdate::change));
    if (count > 0) parts.push_back(fmt::format("{} {}", grouped(count), wording.planned));
  }
  if (!plan.withheld.empty()) parts.push_back(grouped(plan.withheld.size()) + " withheld");
  return parts.empty() ? "nothing to do" : joined(parts);
}

std::string error_text(const Error& error, Paint paint) {
  std::string text = fmt::format("packferry: {} {}\n", paint.bad("error:"), error.message());
  if (error.retry_after())
    return text +
           fmt::format("  the host asks for {}; run the same command again then\n", in_seconds(*error.retry_after()));
  if (const std::string_view help = advice(error.kind()); !help.empty()) text += fmt::format("  {}\n", help);
  return text;
}

void print_crossing(Output& output, const CrossingReport& report, ExitStatus status, TextStyle style,
                    const std::vector<std::string>& more) {
  Page page(output);
  if (!style.quiet && !report.error) {
    page.line(source_line(report, style.paint));
    for (const LegReport& leg : report.legs) LegText(page, leg, style).print();
  }
  for (const std::string& line : more) page.line(line);
  page.line(crossing_words(report, status));
}

void print_refs(Output& output, const std::string& repository, const Listing& listing, TextStyle style) {
  Page page(output);
  if (!style.quiet) {
    page.line(fmt::format("{}: {}, {}, {}, protocol {}{}", style.paint.bold(repository),
                          counted(listing.refs.size(), "ref"), head_words(listing.head), to_string(listing.format),
                          listing.protocol, listing.shallow ? ", shallow" : ""));
    std::vector<std::string> words;
    for (const std::string& word : listing.capabilities.words()) words.push_back(printable(word));
    if (!words.empty()) page.line(style.paint.dim(fmt::format("  {}", fmt::join(words, " "))));
  }
  for (const Ref& ref : listing.refs) page.line(fmt::format("{}\t{}", ref.oid.hex(), name_of(ref.name)));
}

void print_created(Output& output, const HostedRepository& made, TextStyle style) {
  const std::string where = made.account.empty() ? "" : " in account " + printable(made.account);
  output.write(fmt::format("{} {}{}\n", style.paint.good("created"), made.url.text(), where));
}

void print_comparison(Output& output, const Comparison& comparison, ExitStatus status, TextStyle style) {
  Page page(output);
  if (!style.quiet && !comparison.first.error) {
    page.line(fmt::format("{}: {}, {}", style.paint.bold(comparison.first.repository),
                          counted(comparison.first.refs, "ref"), head_words(comparison.first.head)));
    for (const ComparedRepository& other : comparison.others) print_compared(page, other, style);
  }
  page.line(status == ExitStatus::Done      ? "the same"
            : status == ExitStatus::Differs ? "they differ"
                                            : "not all could be listed");
}

}  // namespace packferry
