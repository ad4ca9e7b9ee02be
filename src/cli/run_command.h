// An inner room of run.cc and run_vault.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/comparison.h"
#include "cli/config_report.h"
#include "cli/fleet_report.h"
#include "cli/progress.h"
#include "cli/rebuild_progress.h"
#include "cli/replica_desk.h"
#include "cli/run.h"
#include "cli/vault_report.h"
#include "config/config_file.h"
#include "service/fleet_sweep.h"

namespace packferry {

class Hangups;

// One command on its way: what it was told, where it speaks, when it began.
class Run {
 public:
  Run(const CommonOptions& common, const Surroundings& around, std::stop_token stop)
      : common_(common),
        around_(around),
        stop_(std::move(stop)),
        began_at_(around.clock.now()),
        began_(around.clock.steady()) {}

  ExitStatus operator()(const ReplicateCommand& command);
  ExitStatus operator()(const RefsCommand& command);
  ExitStatus operator()(const ServeCommand& command);
  ExitStatus operator()(const CompareCommand& command);
  // run_vault.cc
  ExitStatus operator()(const BackupCommand& command);
  ExitStatus operator()(const SnapshotsCommand& command);
  ExitStatus operator()(const RestoreCommand& command);
  ExitStatus operator()(const VerifyCommand& command);
  ExitStatus operator()(const PruneCommand& command);
  // run_host.cc
  ExitStatus operator()(const CreateRepositoryCommand& command);
  ExitStatus operator()(const CredentialCommand& command);
  ExitStatus operator()(const SetupCommand& command);
  // run_doctor.cc
  ExitStatus operator()(const DoctorCommand& command);
  // run_config.cc
  ExitStatus operator()(const ConfigCommand& command);
  // run_sweep.cc
  ExitStatus operator()(const SweepCommand& command);
  ExitStatus operator()(const CatalogueCommand& command);
  // run_replica.cc
  ExitStatus operator()(const ReplicaCommand& command);
  // run_token.cc
  ExitStatus operator()(const TokenCommand& command);

 private:
  bool is_colored(const Output& output) const {
    if (common_.color != ColorMode::Auto) return common_.color == ColorMode::Always;
    return !around_.no_color && !around_.plain_terminal && output.window().has_value();
  }
  TextStyle style() const { return {.paint = Paint(is_colored(around_.out)), .quiet = common_.quiet}; }
  RunFacts facts(ExitStatus status) const {
    return {.version = around_.version,
            .started_at = began_at_,
            .duration = std::chrono::duration_cast<Milliseconds>(around_.clock.steady() - began_),
            .status = status};
  }

  EndOptions end_options() const {
    EndOptions options = common_.ends;
    options.may_prompt = around_.can_prompt && !common_.json && !common_.quiet;
    return options;
  }
  Result<std::unique_ptr<Ends>> make_ends() const { return around_.make_ends(end_options()); }
  std::unique_ptr<Progress> make_progress(const Labels& labels) const;
  ProgressForm progress_form() const;
  // Most errors name the repository where they arise; said twice it only hides the cause.
  static Error naming(const std::string& repository, const Error& error);
  void say_error(const Error& error) const { around_.err.write(error_text(error, Paint(is_colored(around_.err)))); }
  void warn_of_password(const Url& url) const;
  ExitStatus give_up(std::string_view command, ExitStatus status, const Error& error) const;
  // To a file that is replaced, or to standard output where none is named.
  ExitStatus deliver(std::string_view command, std::string_view text, const std::string& file) const;
  // Under the first of "reports/x.json", "reports/x-2.json", … that is free, which it is told and which is returned:
  // never in the place of another.
  using TextOfReport = std::function<std::string(const std::string& key)>;
  static Result<std::string> store_report(ObjectStore& store, std::string_view key, const TextOfReport& text_of);
  Result<ConfigReading> read_config_file(const std::string& file) const;
  void say_mistakes(const std::string& file, const ConfigReading& reading) const;
  Result<std::optional<Fleet>> read_fleet(const std::string& file) const;
  Result<SweepReport> sweep(const Fleet& fleet, const std::string& file, SweepOptions options) const;
  ExitStatus deliver_report(const Fleet& fleet, const SweepCommand& command, const SweepReport& report,
                            ExitStatus status) const;
  ExitStatus report_sweep(std::string_view command, const SweepReport& report, bool dry_run) const;
  Result<CrossingReport> cross(const ReplicateCommand& command) const;
  Result<Listing> list(Source& source, const RefspecSet& selection) const;
  Result<Comparison> compare(const CompareCommand& command) const;
  CrossingReport cross(Crossing& crossing, Progress& progress) const;

  // What is to be backed up, once it is known; and under which name.
  struct BackupTarget {
    Url source;
    RepositoryName name;
    std::map<std::string, std::string> key_variables;
    Policy policy;
    HostedRepository hosted;
  };
  Result<BackupOutcome> back_up(const BackupCommand& command, const BackupTarget& target, Ends& ends,
                                ObjectStore& store, CrossingObserver* observer) const;
  Result<BackupOutcome> back_up(const BackupCommand& command, const BackupTarget& target, Ends& ends) const;
  ExitStatus status_of(const BackupOutcome& outcome) const;
  // run_fleet.cc
  Result<BackupTarget> target_of(const BackupCommand& command, Ends& ends) const;
  Result<BackupTarget> target_of(const BackupCommand& command, HostedRepository hosted) const;
  void print_metrics(const BackupCommand& command, const BackupTarget& target, const BackupOutcome& made,
                     ExitStatus status) const;
  ExitStatus back_up_all(const BackupCommand& command, Ends& ends) const;
  Result<std::vector<BackupTarget>> find_all(const BackupCommand& command, Ends& ends, FleetOutcome& outcome) const;
  std::vector<Result<std::vector<HostedRepository>>> list_all(const std::vector<std::unique_ptr<Host>>& hosts) const;
  void back_up_all(const BackupCommand& command, const std::vector<BackupTarget>& targets, Ends& ends,
                   ObjectStore& store, FleetOutcome& outcome) const;
  void store_report(ObjectStore& store, const BackupCommand& command, FleetOutcome& outcome) const;
  Result<std::unique_ptr<ObjectStore>> store_for(const BackupCommand& command, Ends& ends) const;
  Result<RestoreOutcome> restore(const RestoreCommand& command, RestoreOptions options, Ends& ends) const;
  Result<RestoreOptions> restore_options(Ends& ends, const std::vector<std::string>& identity_files,
                                         const std::string& scratch) const;
  template <typename What, typename Ask>
  Result<std::vector<OfRepository<What>>> of_each(const VaultWords& vault, Ends& ends, const Ask& ask) const;

  // Nobody was asked anything, or somebody was and it went wrong.
  ExitStatus status_of(const Error& error) const {
    return error.kind() == ErrorKind::Invalid ? ExitStatus::Usage : failure();
  }
  // run_config.cc
  std::vector<CheckedSecret> check_secrets(const ConfigReading& reading) const;
  // run_serve.cc
  Result<std::optional<ConfigReading>> read_service(const std::string& file) const;
  ExitStatus try_alarms(const std::string& file) const;
  ExitStatus serve(const ServeCommand& command, Hangups& hangups) const;
  // run_replica.cc
  bool is_for_service(const ReplicaCommand& command) const;
  ExitStatus ask_service(const ReplicaCommand& command);
  ExitStatus ask_desk(const ReplicaCommand& command, ReplicaDesk& desk);
  // run_token.cc
  Result<> create_token(const TokenCommand& command, Tokens& tokens);
  Result<> list_tokens(Tokens& tokens);
  Result<std::vector<Examination>> examine(const DoctorCommand& command) const;

  ExitStatus failure() const { return stop_.stop_requested() ? ExitStatus::Interrupted : ExitStatus::Failed; }

  const CommonOptions& common_;
  const Surroundings& around_;
  const std::stop_token stop_;
  const Clock::WallTime began_at_;
  const Clock::SteadyTime began_;
};

}  // namespace packferry
