#include "cli/report_json.h"

#include <string_view>

#include "base/printable.h"
#include "cli/json_page.h"

namespace packferry {
namespace {

Json json(const RefResult& ref) {
  return {{"name", json_name(ref.update.name)},
          {"change", to_string(ref.change)},
          {"old", json(std::optional(ref.update.old_oid))},
          {"new", json(std::optional(ref.update.new_oid))},
          {"outcome", to_string(ref.outcome)},
          {"objection", ref.objection ? Json(to_string(*ref.objection)) : Json()},
          {"reason", ref.reason.empty() ? Json() : Json(printable(ref.in_full()))}};
}

Json source_of(const CrossingReport& report) {
  const bool is_known = !report.error;
  return {{"repository", report.source},
          {"protocol", is_known ? Json(report.protocol) : Json()},
          {"object_format", is_known ? Json(to_string(report.format)) : Json()},
          {"head", is_known ? json(report.head) : Json()},
          {"refs_offered", is_known ? Json(report.offered_refs) : Json()},
          {"refs_selected", is_known ? Json(report.selected_refs) : Json()},
          {"fetches", report.fetches}};
}

Json outcome_counts(const LegReport& leg) {
  Json counts = {{"unchanged", leg.unchanged},
                 {"confirmed", 0},
                 {"planned", 0},
                 {"withheld", 0},
                 {"rejected", 0},
                 {"not-done", 0}};
  for (const RefResult& ref : leg.refs) {
    Json& count = counts[std::string(to_string(ref.outcome))];
    count = count.get<std::size_t>() + 1;
  }
  return counts;
}

Json confirmation(const LegReport& leg) {
  if (!leg.confirmed_at) return nullptr;
  return {{"at", to_iso8601(*leg.confirmed_at)}, {"equal_to_source", leg.equal_to_source}};
}

void print_leg(JsonPage& page, const LegReport& leg) {
  page.open('{');
  page.members({{"repository", leg.destination},
                {"status", to_string(leg.status)},
                {"error", json(leg.error)},
                {"counts", outcome_counts(leg)},
                {"pack", {{"bytes", leg.pack_bytes}, {"objects", leg.pack_objects}}},
                {"confirmation", confirmation(leg)},
                {"head_set", leg.head_set},
                {"duration_ms", leg.duration.count()}});
  page.open('[', "refs");
  for (const RefResult& ref : leg.refs) page.item(json(ref));
  page.close(']');
  page.close('}');
}

Json json(const Difference& difference) {
  return {{"name", json_name(difference.name)}, {"first", json(difference.first)}, {"this", json(difference.second)}};
}

void print_compared(JsonPage& page, const ComparedRepository& compared, bool is_first) {
  page.open('{');
  page.members({{"repository", compared.repository},
                {"error", json(compared.error)},
                {"head", json(compared.head)},
                {"refs_selected", compared.refs}});
  if (!is_first) {
    const bool is_same = !compared.error && compared.differences.empty();
    page.members({{"same_as_first", is_same}});
    page.open('[', "differences");
    for (const Difference& difference : compared.differences) page.item(json(difference));
    page.close(']');
  }
  page.close('}');
}

}  // namespace

void print_crossing_json(Output& output, const RunFacts& facts, const CrossingReport& report, FollowMode policy,
                         bool dry_run) {
  JsonPage page(output);
  begin(page, facts, "replicate");
  add_crossing(page, report, policy, dry_run);
  end(page);
}

void add_crossing(JsonPage& page, const CrossingReport& report, FollowMode policy, bool dry_run) {
  page.members({{"error", json(report.error)}, {"policy", to_string(policy)}, {"dry_run", dry_run}});
  page.members({{"source", source_of(report)}});
  page.open('[', "destinations");
  for (const LegReport& leg : report.legs) print_leg(page, leg);
  page.close(']');
}

void print_refs_json(Output& output, const RunFacts& facts, const std::string& repository, const Listing& listing) {
  JsonPage page(output);
  begin(page, facts, "refs");
  page.members({{"error", nullptr},
                {"repository", repository},
                {"protocol", listing.protocol},
                {"object_format", to_string(listing.format)},
                {"shallow", listing.shallow},
                {"head", json(listing.head)}});
  page.open('[', "capabilities");
  for (const std::string& word : listing.capabilities.words()) page.item(printable(word));
  page.close(']');
  page.open('[', "refs");
  for (const Ref& ref : listing.refs)
    page.item({{"name", json_name(ref.name)}, {"oid", ref.oid.hex()}, {"peeled", json(ref.peeled)}});
  page.close(']');
  end(page);
}

void print_created_json(Output& output, const RunFacts& facts, const std::string& host, const HostedRepository& made) {
  JsonPage page(output);
  begin(page, facts, "create-repository");
  page.members({{"error", nullptr},
                {"repository", made.url.text()},
                {"host", host},
                {"name", made.name},
                {"account", made.account.empty() ? Json() : Json(made.account)},
                {"region", made.region.empty() ? Json() : Json(made.region)}});
  end(page);
}

void print_comparison_json(Output& output, const RunFacts& facts, const Comparison& comparison) {
  JsonPage page(output);
  begin(page, facts, "compare");
  page.members({{"error", json(comparison.first.error)}});
  page.open('[', "repositories");
  print_compared(page, comparison.first, true);
  for (const ComparedRepository& other : comparison.others) print_compared(page, other, false);
  page.close(']');
  end(page);
}

void print_error_json(Output& output, const RunFacts& facts, std::string_view command, const Error& error) {
  JsonPage page(output);
  begin(page, facts, command);
  page.members({{"error", json(std::optional(error))}});
  end(page);
}

}  // namespace packferry
