#include "cli/remembered_sweep.h"

#include "cli/sweep_report.h"

namespace packferry {
namespace {

// Enough for three years of one an hour.
constexpr std::size_t kSweepsKept = 30'000;

}  // namespace

Result<SweepReport> remembered_sweep(const Fleet& fleet, FleetEnds& ends, Catalogue& catalogue,
                                     const SweepOptions& options, const SweepFacts& facts, const Clock& clock,
                                     SweepObserver* observer, std::stop_token stop) {
  const Clock::WallTime began_at = clock.now();
  const std::int64_t id = TRY(catalogue.begin_sweep({.began_at = began_at, .configuration = facts.configuration}));
  SweepReport report = TRY(sweep_fleet(fleet, ends, catalogue, options, clock, observer, std::move(stop)));
  TextOutput text;
  print_sweep_json(
      text,
      {.version = facts.version, .started_at = began_at, .duration = report.duration, .status = exit_status_of(report)},
      "sweep", report, false);
  Result<> ended = catalogue.end_sweep(id, clock.now(), text.text());
  if (ended) ended = catalogue.trim_sweeps(kSweepsKept);
  if (!ended && !report.catalogue_error) report.catalogue_error = ended.error();
  return report;
}

}  // namespace packferry
