#include "cli/json_page.h"

#include "base/printable.h"

namespace packferry {

Json json(const std::optional<Error>& error) {
  if (!error) return nullptr;
  Json object = {{"kind", to_string(error->kind())}, {"message", error->message()}};
  object["retry_after_ms"] = error->retry_after() ? Json(error->retry_after()->count()) : Json();
  return object;
}

std::string json_name(const RefName& name) { return printable(name.text(), 4 * RefName::kBytesMax); }

Json json(const std::optional<Oid>& oid) { return oid && !oid->is_zero() ? Json(oid->hex()) : Json(); }

Json json(const Head& head) {
  return {{"target", head.target ? Json(json_name(*head.target)) : Json()}, {"oid", json(head.oid)}};
}

void begin(JsonPage& page, const RunFacts& facts, std::string_view command) {
  page.open('{');
  page.members({{"schema", "packferry.report/1"},
                {"packferry", facts.version},
                {"command", command},
                {"status", to_string(facts.status)},
                {"exit_status", static_cast<int>(facts.status)},
                {"started_at", to_iso8601(facts.started_at)},
                {"duration_ms", facts.duration.count()}});
}

void end(JsonPage& page) {
  page.close('}');
  page.end();
}

}  // namespace packferry
