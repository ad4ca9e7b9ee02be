#include "service/refusal.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace packferry {
namespace {

bool was_stopped(const RefResult& ref) {
  if (ref.objection) return is_hold(*ref.objection) || *ref.objection == Objection::NameConflict;
  return ref.outcome == RefOutcome::Rejected || ref.outcome == RefOutcome::NotDone;
}

}  // namespace

std::optional<Error> refusal_of(const LegReport& leg) {
  if (leg.error) return leg.error;
  const RefResult* first = nullptr;
  std::size_t others = 0;
  for (const RefResult& ref : leg.refs) {
    if (!was_stopped(ref)) continue;
    if (first != nullptr) ++others;
    if (first == nullptr) first = &ref;
  }
  if (first == nullptr) return std::nullopt;
  const std::string more =
      others == 0 ? std::string() : fmt::format("; and {} more {}", others, others == 1 ? "ref" : "refs");
  return Error(ErrorKind::Rejected, "{}: {}{}", printable(first->update.name.text()), printable(first->in_full()),
               more);
}

}  // namespace packferry
