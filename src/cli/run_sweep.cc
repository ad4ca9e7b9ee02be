// Everything that a configuration says, in one run; and what is remembered of it.
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/printable.h"
#include "catalogue/catalogue.h"
#include "cli/amounts.h"
#include "cli/remembered_sweep.h"
#include "cli/run_command.h"
#include "cli/sweep_progress.h"
#include "cli/sweep_report.h"

namespace packferry {
namespace {

// A bucket that the configuration knows is gone to as the configuration says, any other as the environment does.
FleetStore store_of(const S3Location& place, const Fleet& fleet) {
  const auto known = std::ranges::find_if(fleet.stores, [&place](const FleetStore& store) {
    return store.address.s3 && store.address.s3->bucket == place.bucket;
  });
  FleetStore store = known != fleet.stores.end() ? *known : FleetStore();
  store.name = place.text();
  store.address = {.s3 = place};
  return store;
}

}  // namespace

// A configuration that is wrong has said so.
Result<std::optional<Fleet>> Run::read_fleet(const std::string& file) const {
  const ConfigReading reading = TRY(read_config_file(file));
  if (!reading.fleet) say_mistakes(file, reading);
  return reading.fleet;
}

Result<SweepReport> Run::sweep(const Fleet& fleet, const std::string& file, SweepOptions options) const {
  const std::unique_ptr<Catalogue> catalogue = TRY(Catalogue::open(fleet.catalogue).context("the catalogue"));
  const std::unique_ptr<FleetEnds> ends = around_.make_fleet_ends(common_.ends);
  options.patience = common_.ends.patience;
  options.seed = std::random_device()();

  SweepProgress progress(around_.err, Paint(is_colored(around_.err)), progress_form(), around_.clock);
  const std::stop_callback tell(stop_, [&] { progress.note("stopping; what is at work comes to its end first"); });
  if (options.dry_run) return sweep_fleet(fleet, *ends, *catalogue, options, around_.clock, &progress, stop_);

  return remembered_sweep(fleet, *ends, *catalogue, options, {.version = around_.version, .configuration = file},
                          around_.clock, &progress, stop_);
}

ExitStatus Run::deliver_report(const Fleet& fleet, const SweepCommand& command, const SweepReport& report,
                               ExitStatus status) const {
  const ReportAddress& address = *command.report;
  TextOutput text;
  if (address.is_json) {
    print_sweep_json(text, facts(status), "sweep", report, command.dry_run);
  } else {
    text.write(sweep_page(report, facts(status), command.file, around_.clock.now()));
  }
  if (!address.place) return deliver("sweep", text.text(), address.file);
  const Result<std::string> stored = [&]() -> Result<std::string> {
    const std::unique_ptr<FleetEnds> ends = around_.make_fleet_ends(common_.ends);
    ObjectStore& store = *TRY(ends->store(store_of(*address.place, fleet)));
    return store_report(store, address.key, [&](const std::string&) { return text.text(); });
  }();
  if (!stored) return give_up("sweep", ExitStatus::Failed, Error(stored.error()).context("--report"));
  if (!common_.quiet) around_.err.write(fmt::format("report: {}/{}\n", address.place->text(), *stored));
  return ExitStatus::Done;
}

ExitStatus Run::report_sweep(std::string_view command, const SweepReport& report, bool dry_run) const {
  const ExitStatus status = exit_status_of(report);
  if (common_.json) {
    print_sweep_json(around_.out, facts(status), command, report, dry_run);
  } else {
    print_sweep(around_.out, report, facts(status), style());
  }
  return status;
}

ExitStatus Run::operator()(const SweepCommand& command) {
  const Result<std::optional<Fleet>> fleet = read_fleet(command.file);
  if (!fleet) return give_up("sweep", ExitStatus::Usage, fleet.error());
  if (!*fleet) return ExitStatus::Usage;
  const Result<SweepReport> report = sweep(**fleet, command.file,
                                           {.only = command.only,
                                            .shard = command.shard,
                                            .shards = command.shards,
                                            .jobs = command.jobs,
                                            .dry_run = command.dry_run,
                                            .confirm_all = command.confirm_all,
                                            .attempts_max = command.attempts});
  if (!report)
    return give_up("sweep", report.error().kind() == ErrorKind::Invalid ? ExitStatus::Usage : ExitStatus::Failed,
                   report.error());
  const ExitStatus status = report_sweep("sweep", *report, command.dry_run);
  if (!command.report) return status;
  const ExitStatus delivered = deliver_report(**fleet, command, *report, status);
  return status == ExitStatus::Done ? delivered : status;
}

ExitStatus Run::operator()(const CatalogueCommand& command) {
  const Result<std::optional<Fleet>> fleet = read_fleet(command.file);
  if (!fleet) return give_up("catalogue", ExitStatus::Usage, fleet.error());
  if (!*fleet) return ExitStatus::Usage;
  if (command.action == CatalogueCommand::Action::Rebuild) {
    const Result<SweepReport> report = sweep(**fleet, command.file, {.look_only = true, .confirm_all = true});
    if (!report) return give_up("catalogue", failure(), report.error());
    return report_sweep("catalogue", *report, true);
  }
  const Result<std::size_t> forgotten = [&]() -> Result<std::size_t> {
    const std::unique_ptr<Catalogue> catalogue = TRY(Catalogue::open((*fleet)->catalogue).context("the catalogue"));
    std::vector<DeliveryKey> keys;
    for (const Delivery& delivery : TRY(catalogue->deliveries()))
      if (matches_any(command.forget, delivery.key.source)) keys.push_back(delivery.key);
    TRY(catalogue->forget(keys));
    return keys.size();
  }();
  if (!forgotten) return give_up("catalogue", failure(), forgotten.error());
  around_.out.write(fmt::format("{} forgotten\n", counted(*forgotten, "copy")));
  return *forgotten > 0 ? ExitStatus::Done : ExitStatus::Failed;
}

}  // namespace packferry
