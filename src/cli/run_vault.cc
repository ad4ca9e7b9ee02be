#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "cli/run_command.h"
#include "engine/restore.h"
#include "io/scratch.h"
#include "store/memory_store.h"

namespace packferry {
namespace {

// What goes wrong with one repository goes into the report; the others are asked all the same.
template <typename What>
ExitStatus worst_of(const std::vector<OfRepository<What>>& repositories, ExitStatus good) {
  const auto failed = static_cast<std::size_t>(
      std::ranges::count_if(repositories, [](const auto& each) { return each.error.has_value(); }));
  if (failed == 0) return good;
  return failed == repositories.size() ? ExitStatus::Failed : ExitStatus::Partial;
}

Error holds_none(const SnapshotLog& log) {
  return Error(ErrorKind::NotFound, "{} holds no snapshot of it; 'packferry snapshots STORE' shows what it holds",
               log.store().name());
}

auto watching(RebuildProgress& progress) {
  return [&progress](std::string_view phase, std::uint64_t bytes, std::uint64_t bytes_all) {
    progress.tell(phase, bytes, bytes_all);
  };
}

}  // namespace

Result<RestoreOptions> Run::restore_options(Ends& ends, const std::vector<std::string>& identity_files,
                                            const std::string& scratch) const {
  RestoreOptions options{
      .environment = ends.child_environment(), .patience = common_.ends.patience, .scratch = scratch};
  for (const std::string& file : identity_files) {
    std::vector<AgeIdentity> identities = TRY(AgeIdentity::read_file(file).context("--identity"));
    std::move(identities.begin(), identities.end(), std::back_inserter(options.identities));
  }
  return options;
}

// A dry run makes no directory: one that is not there yet counts as an empty store.
Result<std::unique_ptr<ObjectStore>> Run::store_for(const BackupCommand& command, Ends& ends) const {
  const StoreAddress& address = command.vault.store;
  Result<std::unique_ptr<ObjectStore>> store = ends.store(address, command.vault.store_options, !command.dry_run);
  if (!command.dry_run || store || store.error().kind() != ErrorKind::NotFound) return store;
  return std::make_unique<MemoryStore>(around_.clock, address.text());
}

Result<BackupOutcome> Run::back_up(const BackupCommand& command, const BackupTarget& target, Ends& ends,
                                   ObjectStore& store, CrossingObserver* observer) const {
  const std::unique_ptr<Source> source = TRY(ends.source(target.source, Side::Source, target.hosted.default_branch));
  const RestoreOptions restore = TRY(restore_options(ends, command.identity_files, command.scratch));
  BackupDestination destination(store, target.name,
                                {.format = command.format,
                                 .keys = command.keys,
                                 .key_variables = target.key_variables,
                                 .limits = command.limits,
                                 .full = command.full,
                                 .record_unchanged = command.record_unchanged,
                                 .recipients = command.recipients,
                                 .put_only_record = command.put_only_record,
                                 .source = target.source.text(),
                                 .scratch = command.scratch,
                                 .environment = ends.child_environment()},
                                common_.ends.patience, around_.clock);
  Crossing crossing(*source, {&destination},
                    {.policy = target.policy, .dry_run = command.dry_run, .patience = common_.ends.patience},
                    around_.clock, observer);
  BackupOutcome outcome{.crossing = crossing.run(stop_)};
  outcome.snapshot = destination.published();
  if (!command.verify || !outcome.snapshot) return outcome;

  Result<VerifyReport> verified = verify(
      SnapshotLog(store, target.name),
      {.level = *command.verify, .only = outcome.snapshot->manifest.number, .restore = restore}, around_.clock, stop_);
  if (verified) {
    outcome.verification = std::move(verified).value();
  } else {
    outcome.verify_error = std::move(verified).error();
  }
  return outcome;
}

Result<BackupOutcome> Run::back_up(const BackupCommand& command, const BackupTarget& target, Ends& ends) const {
  const std::unique_ptr<ObjectStore> store = TRY(store_for(command, ends));
  const std::unique_ptr<Progress> progress =
      make_progress({.source = labels_of(target.source, {}).source, .legs = {command.vault.store.text()}});
  const std::stop_callback tell(stop_, [&] { progress->note("stopping; once more to stop at once"); });
  Result<BackupOutcome> outcome = back_up(command, target, ends, *store, progress.get());
  progress->end();
  return outcome;
}

ExitStatus Run::status_of(const BackupOutcome& outcome) const {
  if (outcome.verification && !outcome.verification->is_good()) return ExitStatus::Damaged;
  if (outcome.verify_error) return ExitStatus::Partial;
  return exit_status_of(outcome.crossing, stop_.stop_requested());
}

ExitStatus Run::operator()(const BackupCommand& command) {
  if (const Url* address = std::get_if<Url>(&command.source)) warn_of_password(*address);
  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up("backup", ExitStatus::Usage, ends.error());
  if (std::holds_alternative<WholeAccount>(command.source)) return back_up_all(command, **ends);
  Result<BackupTarget> target = target_of(command, **ends);
  if (!target) return give_up("backup", status_of(target.error()), target.error());
  Result<BackupOutcome> made = back_up(command, *target, **ends);
  // The ref that an event named is gone by now, or went another way: what that means is seen beside the others.
  const bool is_odd =
      made && !made->crossing.error && (made->crossing.selected_refs == 0 || status_of(*made) == ExitStatus::Held);
  if (is_odd && std::holds_alternative<NamedByEnvironment>(command.source) && !around_.job.reference.empty()) {
    target->policy = command.policy;
    made = back_up(command, *target, **ends);
  }
  if (!made) return give_up("backup", ExitStatus::Usage, made.error());
  const CrossingReport& crossing = made->crossing;
  if (crossing.error) say_error(*crossing.error);
  for (const LegReport& leg : crossing.legs)
    if (leg.error && !crossing.error) say_error(naming(leg.destination, *leg.error));
  if (made->verify_error) say_error(Error(*made->verify_error).context("verify"));

  const ExitStatus status = status_of(*made);
  if (command.metrics != Metrics::None) print_metrics(command, *target, *made, status);
  if (common_.json) {
    print_backup_json(around_.out, facts(status), *made, command.policy.follow, command.dry_run);
  } else {
    print_backup(around_.out, *made, status, style());
  }
  return status;
}

// The one repository that was named, or every one in the store.
template <typename What, typename Ask>
Result<std::vector<OfRepository<What>>> Run::of_each(const VaultWords& vault, Ends& ends, const Ask& ask) const {
  const std::unique_ptr<ObjectStore> store = TRY(ends.store(vault.store, vault.store_options, false));
  std::vector<RepositoryName> names;
  if (vault.repository) {
    names.push_back(*vault.repository);
  } else {
    names = TRY(list_repositories(*store, stop_));
  }
  std::vector<OfRepository<What>> answers;
  for (const RepositoryName& name : names) {
    OfRepository<What>& of = answers.emplace_back();
    of.repository = name.text();
    Result<What> answer = ask(SnapshotLog(*store, name));
    if (answer) {
      of.answer = std::move(answer).value();
    } else {
      of.error = std::move(answer).error();
      say_error(Error(*of.error).context("{}", of.repository));
    }
  }
  return answers;
}

ExitStatus Run::operator()(const SnapshotsCommand& command) {
  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up("snapshots", ExitStatus::Usage, ends.error());
  const Result<std::vector<SnapshotsOf>> viewed = of_each<std::vector<SnapshotView>>(
      command.vault, **ends, [&](const SnapshotLog& log) -> Result<std::vector<SnapshotView>> {
        std::vector<SnapshotView> views = TRY(view_snapshots(log, stop_));
        if (views.empty() && command.vault.repository) return holds_none(log);
        return views;
      });
  if (!viewed) return give_up("snapshots", failure(), viewed.error());
  const auto is_unreadable = [](const SnapshotView& view) { return view.error.has_value(); };
  ExitStatus status = worst_of(*viewed, ExitStatus::Done);
  for (const SnapshotsOf& each : *viewed)
    if (each.answer && std::ranges::any_of(*each.answer, is_unreadable)) status = ExitStatus::Partial;
  if (common_.json) {
    print_snapshots_json(around_.out, facts(status), command.vault.store.text(), *viewed);
  } else {
    print_snapshots(around_.out, command.vault.store.text(), *viewed, style());
  }
  return status;
}

Result<RestoreOutcome> Run::restore(const RestoreCommand& command, RestoreOptions options, Ends& ends) const {
  const std::unique_ptr<ObjectStore> store = TRY(ends.store(command.vault.store, command.vault.store_options, false));
  const SnapshotLog log(*store, *command.vault.repository);

  RestoreOutcome outcome{.store = store->name(), .target = command.target.text()};
  outcome.snapshot = TRY(choose_snapshot(log, command.choice, stop_).context("{}", log.repository().text()));
  const Manifest& manifest = outcome.snapshot->manifest;
  auto watched =
      std::make_optional<RebuildProgress>(around_.err, progress_form(), around_.clock, log.repository().text());
  options.progress = watching(*watched);
  if (command.target.is_local()) {
    TRY(restore_to_directory(log, manifest, std::filesystem::absolute(command.target.path()), command.selection,
                             command.overwrite, around_.clock, options, stop_));
    return outcome;
  }

  const std::unique_ptr<Destination> destination = TRY(ends.destination(command.target));
  const std::unique_ptr<ScratchDirectory> scratch = TRY(ScratchDirectory::make(options.scratch));
  const std::filesystem::path rebuilt = scratch->path() / "restored.git";
  // All of it, under its own names: what is selected, and under which name it arrives, is the crossing's to say.
  TRY(rebuild(log, manifest, rebuilt, RefspecSet(), RebuildCheck::Connected, options, stop_));
  watched.reset();
  const Url local = TRY(Url::parse(rebuilt.string()));
  const std::unique_ptr<Source> source = TRY(ends.source(local, Side::Source));

  Policy policy;
  policy.selection = command.selection;
  if (command.overwrite) {
    policy.ignore_non_empty_destination = true;
    policy.allow_deletions = policy.allow_rewinds = Allowance{.count = 0, .percent = 100};
  }
  const std::unique_ptr<Progress> progress =
      make_progress({.source = log.repository().text(), .legs = labels_of(local, {command.target}).legs});
  Crossing crossing(*source, {destination.get()}, {.policy = policy, .patience = common_.ends.patience}, around_.clock,
                    progress.get());
  outcome.crossing = cross(crossing, *progress);
  // Nobody knows the place in scratch.
  outcome.crossing->source =
      fmt::format("{} of {}, snapshot {}", log.repository().text(), store->name(), manifest.number);
  return outcome;
}

ExitStatus Run::operator()(const RestoreCommand& command) {
  warn_of_password(command.target);
  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up("restore", ExitStatus::Usage, ends.error());
  const Result<RestoreOptions> options = restore_options(**ends, command.identity_files, command.scratch);
  if (!options) return give_up("restore", ExitStatus::Usage, options.error());
  const Result<RestoreOutcome> restored = restore(command, *options, **ends);
  if (!restored) return give_up("restore", failure(), restored.error());
  ExitStatus status = ExitStatus::Done;
  if (restored->crossing) {
    status = exit_status_of(*restored->crossing, stop_.stop_requested());
    if (restored->crossing->error) say_error(*restored->crossing->error);
    for (const LegReport& leg : restored->crossing->legs)
      if (leg.error && !restored->crossing->error) say_error(naming(leg.destination, *leg.error));
  }
  if (common_.json) {
    print_restore_json(around_.out, facts(status), *restored);
  } else {
    print_restore(around_.out, *restored, status, style());
  }
  return status;
}

ExitStatus Run::operator()(const VerifyCommand& command) {
  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up("verify", ExitStatus::Usage, ends.error());
  const Result<RestoreOptions> restore = restore_options(**ends, command.identity_files, command.scratch);
  if (!restore) return give_up("verify", ExitStatus::Usage, restore.error());
  VerifyOptions options{
      .level = command.level, .part = command.part, .parts = command.parts, .only = command.only, .restore = *restore};
  const Result<std::vector<VerificationOf>> verified =
      of_each<VerifyReport>(command.vault, **ends, [&](const SnapshotLog& log) -> Result<VerifyReport> {
        RebuildProgress watched(around_.err, progress_form(), around_.clock, log.repository().text());
        options.restore.progress = watching(watched);
        VerifyReport report = TRY(verify(log, options, around_.clock, stop_));
        if (report.snapshots.empty() && report.findings.empty()) return holds_none(log);
        return report;
      });
  if (!verified) return give_up("verify", failure(), verified.error());
  // Of nothing nothing can be said, least of all that it is good.
  if (verified->empty())
    return give_up("verify", ExitStatus::Failed,
                   Error(ErrorKind::NotFound, "{} holds no snapshots", command.vault.store.text()));
  ExitStatus status = worst_of(*verified, ExitStatus::Done);
  for (const VerificationOf& each : *verified)
    if (each.answer && !each.answer->is_good()) status = ExitStatus::Damaged;
  if (common_.json) {
    print_verification_json(around_.out, facts(status), *verified, command.level);
  } else {
    print_verification(around_.out, *verified, command.level, status, style());
  }
  return status;
}

ExitStatus Run::operator()(const PruneCommand& command) {
  const Result<std::unique_ptr<Ends>> ends = make_ends();
  if (!ends) return give_up("prune", ExitStatus::Usage, ends.error());
  const PruneOptions options{.policy = command.policy, .grace = command.grace, .dry_run = command.dry_run};
  const Result<std::vector<PruningOf>> pruned = of_each<PruneReport>(
      command.vault, **ends, [&](const SnapshotLog& log) { return prune(log, options, around_.clock, stop_); });
  if (!pruned) return give_up("prune", failure(), pruned.error());
  ExitStatus status = worst_of(*pruned, ExitStatus::Done);
  for (const PruningOf& each : *pruned)
    if (each.answer && !each.answer->still_there.empty() && status == ExitStatus::Done) status = ExitStatus::Partial;
  if (common_.json) {
    print_pruning_json(around_.out, facts(status), *pruned, command.dry_run);
  } else {
    print_pruning(around_.out, *pruned, command.dry_run, status, style());
  }
  return status;
}

}  // namespace packferry
