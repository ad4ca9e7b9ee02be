#include "cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "cli/json_page.h"

namespace packferry {
namespace {

std::string painted(Verdict verdict, const Paint& paint) {
  const std::string word = fmt::format("{:<15}", to_string(verdict));
  if (verdict == Verdict::Ok) return paint.good(word);
  return verdict == Verdict::Cannot ? paint.bad(word) : paint.careful(word);
}

void print(Page& page, const Examination& examination, TextStyle style) {
  page.line(fmt::format("{} {}", examination.side, style.paint.bold(printable(examination.name))));
  if (!style.quiet)
    for (const auto& [name, value] : examination.facts)
      page.line(fmt::format("  {}{}", style.paint.dim(fmt::format("{:<15}", name)), printable(value)));
  for (const Observation& each : examination.observations) {
    if (style.quiet && each.verdict == Verdict::Ok) continue;
    page.line(fmt::format("  {}{}", painted(each.verdict, style.paint), printable(each.what)));
    if (!each.advice.empty()) page.line(fmt::format("  {:15}{}", "", printable(each.advice)));
  }
}

std::size_t count_of(const std::vector<Examination>& examinations, Verdict verdict) {
  std::size_t count = 0;
  for (const Examination& each : examinations)
    count += static_cast<std::size_t>(std::ranges::count(each.observations, verdict, &Observation::verdict));
  return count;
}

void print(JsonPage& page, const Examination& examination) {
  page.open('{');
  page.members({{"side", examination.side}, {"name", printable(examination.name)}});
  page.open('{', "facts");
  for (const auto& [name, value] : examination.facts) {
    std::string key = name;
    std::ranges::replace(key, ' ', '_');
    page.members({{key, printable(value)}});
  }
  page.close('}');
  page.open('[', "observations");
  for (const Observation& each : examination.observations)
    page.item({{"verdict", to_string(each.verdict)},
               {"what", printable(each.what)},
               {"advice", each.advice.empty() ? Json() : Json(printable(each.advice))}});
  page.close(']');
  page.close('}');
}

}  // namespace

void print_doctor(Output& output, const std::vector<Examination>& examinations, TextStyle style) {
  Page page(output);
  for (const Examination& each : examinations)
    if (!style.quiet || !each.is_healthy()) print(page, each, style);
  const std::size_t cannot = count_of(examinations, Verdict::Cannot);
  const std::size_t findings = count_of(examinations, Verdict::Finding);
  if (cannot + findings == 0) {
    page.line(style.paint.good("all is as it should be"));
  } else {
    page.line(style.paint.bad(fmt::format("not as it should be: {} cannot be done, {} {}", cannot, findings,
                                          findings == 1 ? "finding" : "findings")));
  }
}

void print_doctor_json(Output& output, const RunFacts& facts, const std::vector<Examination>& examinations) {
  JsonPage page(output);
  begin(page, facts, "doctor");
  page.open('[', "examinations");
  for (const Examination& each : examinations) print(page, each);
  page.close(']');
  end(page);
}

}  // namespace packferry
