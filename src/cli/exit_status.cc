#include "cli/exit_status.h"

#include <algorithm>

namespace packferry {
namespace {

bool has_hold(const LegReport& leg) {
  return std::ranges::any_of(leg.refs, [](const RefResult& ref) { return ref.objection && is_hold(*ref.objection); });
}

ExitStatus exit_status_of(const LegReport& leg) {
  switch (leg.status) {
    case LegStatus::UpToDate:
    case LegStatus::Done:
      return ExitStatus::Done;
    case LegStatus::Planned:
      return has_hold(leg) ? ExitStatus::Held : ExitStatus::Done;
    case LegStatus::Held:
      return ExitStatus::Held;
    case LegStatus::Partial:
      return ExitStatus::Partial;
    case LegStatus::Failed:
      return ExitStatus::Failed;
  }
  return ExitStatus::Failed;
}

}  // namespace

std::string_view to_string(ExitStatus status) {
  switch (status) {
    case ExitStatus::Done:
      return "done";
    case ExitStatus::Failed:
      return "failed";
    case ExitStatus::Usage:
      return "usage";
    case ExitStatus::Held:
      return "held";
    case ExitStatus::Partial:
      return "partial";
    case ExitStatus::Differs:
      return "differs";
    case ExitStatus::Damaged:
      return "damaged";
    case ExitStatus::Interrupted:
      return "interrupted";
  }
  return "failed";
}

ExitStatus exit_status_of(const CrossingReport& report, bool was_stopped) {
  const auto legs_at = [&](ExitStatus status) {
    return static_cast<std::size_t>(
        std::ranges::count_if(report.legs, [&](const LegReport& leg) { return exit_status_of(leg) == status; }));
  };
  const std::size_t failed = legs_at(ExitStatus::Failed);
  const bool is_incomplete = report.error.has_value() || failed + legs_at(ExitStatus::Partial) > 0;

  if (was_stopped && is_incomplete) return ExitStatus::Interrupted;
  if (report.error || (failed > 0 && failed == report.legs.size())) return ExitStatus::Failed;
  if (is_incomplete) return ExitStatus::Partial;
  return legs_at(ExitStatus::Held) > 0 ? ExitStatus::Held : ExitStatus::Done;
}

}  // namespace packferry
