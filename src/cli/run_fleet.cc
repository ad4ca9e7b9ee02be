// Backups of many repositories in one run, and of the one that an event names.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/run_command.h"
#include "service/name_template.h"
#include "service/sweep.h"

namespace packferry {
namespace {

constexpr std::string_view kCodeCommit = "codecommit";
constexpr unsigned kListAttemptsMax = 6;

bool is_chosen(const WholeAccount& account, const HostedRepository& hosted) {
  const std::string name = fmt::format("{}/{}/{}", hosted.account, hosted.region, hosted.name);
  return (account.includes.empty() || matches_any(account.includes, hosted.name)) &&
         !matches_any(account.excludes, hosted.name) && shard_of(name, account.shards) == account.shard;
}

Result<RepositoryName> name_in_store(std::string_view name_template, const HostedRepository& hosted) {
  const ValueOfVariable value_of = [&](std::string_view variable) -> Result<std::string> {
    const std::string* value = variable == "account_id"  ? &hosted.account
                               : variable == "region"    ? &hosted.region
                               : variable == "repo_name" ? &hosted.name
                                                         : nullptr;
    if (value == nullptr) return Error(ErrorKind::Invalid, "--name: there is no variable '{}'", printable(variable));
    if (value->empty())
      return Error(ErrorKind::Invalid, "--name: the {} of {} is not known", variable, hosted.url.text());
    return *value;
  };
  return RepositoryName::parse(TRY(expand_variables(name_template, value_of).context("--name")));
}

// REFERENCE_NAME says a branch or a tag by its short name, or any ref by its full one. It is text from outside: a name,
// never a pattern.
Result<RefspecSet> selection_of(const std::string& reference) {
  std::vector<Refspec> specs;
  const auto add = [&specs](const std::string& name) -> Result<> {
    const RefName checked = TRY(RefName::parse(name).context("REFERENCE_NAME"));
    specs.push_back(TRY(Refspec::parse(checked.text())));
    return {};
  };
  if (reference.starts_with("refs/")) {
    TRY(add(reference));
  } else {
    TRY(add("refs/heads/" + reference));
    TRY(add("refs/tags/" + reference));
  }
  return RefspecSet::from(std::move(specs));
}

// What a person sees while it goes on: a line for each repository that is settled, and on a terminal who is at work.
class FleetProgress {
 public:
  FleetProgress(Output& output, Paint paint, bool is_quiet, bool redraws, std::size_t total)
      : output_(output), paint_(paint), is_quiet_(is_quiet), redraws_(redraws), total_(total) {}

  void begin(const std::string& name) {
    const std::lock_guard lock(mutex_);
    at_work_.insert(printable(name));
    draw();
  }
  void later(const FleetMember& member, const Error& error) {
    const std::lock_guard lock(mutex_);
    at_work_.erase(printable(member.name));
    say(fmt::format("{}: {}; it will be tried again", printable(member.name), error.message()));
  }
  void end(const FleetMember& member) {
    const std::lock_guard lock(mutex_);
    at_work_.erase(printable(member.name));
    say(fmt::format("[{}/{}] {}", ++settled_, total_, member_line(member, paint_)));
  }
  void note(std::string_view text) {
    const std::lock_guard lock(mutex_);
    say(fmt::format("packferry: {}", text));
  }
  void end() {
    const std::lock_guard lock(mutex_);
    at_work_.clear();
    if (redraws_ && !is_quiet_) output_.write("\r\x1b[K");
  }

 private:
  void say(const std::string& line) {
    if (is_quiet_) return;
    output_.write(fmt::format("{}{}\n", redraws_ ? "\r\x1b[K" : "", line));
    draw();
  }
  void draw() {
    const std::optional<Window> window = redraws_ ? output_.window() : std::nullopt;
    if (is_quiet_ || !window) return;
    std::string line = fmt::format("{} of {}, at work: {}", settled_, total_, fmt::join(at_work_, ", "));
    output_.write("\r\x1b[K" + cut(line, window->columns - 1));
  }

  std::mutex mutex_;
  Output& output_;
  const Paint paint_;
  const bool is_quiet_;
  const bool redraws_;
  const std::size_t total_;
  std::size_t settled_ = 0;
  std::set<std::string> at_work_;
};

}  // namespace

Result<Run::BackupTarget> Run::target_of(const BackupCommand& command, HostedRepository hosted) const {
  RepositoryName name = TRY(name_in_store(command.name_template, hosted));
  BackupTarget target{.source = hosted.url,
                      .name = std::move(name),
                      .key_variables = command.key_variables,
                      .policy = command.policy,
                      .hosted = hosted};
  target.key_variables.try_emplace("account_id", hosted.account);
  target.key_variables.try_emplace("region", hosted.region);
  return target;
}

// The one repository that a command is about.
Result<Run::BackupTarget> Run::target_of(const BackupCommand& command, Ends& ends) const {
  if (const Url* address = std::get_if<Url>(&command.source))
    return BackupTarget{.source = *address,
                        .name = *command.vault.repository,
                        .key_variables = command.key_variables,
                        .policy = command.policy,
                        .hosted = {.name = command.vault.repository->text(), .url = *address}};
  const JobVariables& job = around_.job;
  if (job.repository.empty())
    return Error(ErrorKind::Invalid, "REPOSITORY_NAME is not set: --from-environment takes the repository from it");
  const std::unique_ptr<Host> host = TRY(ends.host(std::string(kCodeCommit), job.region, Side::Source));
  HostedRepository hosted = TRY(host->find(job.repository, stop_));
  BackupTarget target = TRY(target_of(command, std::move(hosted)));
  // A zip always holds everything.
  if (!job.reference.empty() && command.format != BackupFormat::Zip)
    target.policy.selection = TRY(selection_of(job.reference));
  return target;
}

void Run::print_metrics(const BackupCommand& command, const BackupTarget& target, const BackupOutcome& made,
                        ExitStatus status) const {
  FleetMember member{.hosted = target.hosted, .name = target.name.text(), .attempts = 1};
  note_outcome(member, made, status);
  if (command.metrics == Metrics::Repository) around_.out.write(member_metrics(member, around_.clock.now()));
  const FleetOutcome outcome{.store = command.vault.store.text(), .members = {member}};
  around_.out.write(run_metrics(outcome, facts(status), around_.clock.now()));
}

// A region that throttles, or does not answer, is asked again like a repository: without its list all of it is left
// out.
std::vector<Result<std::vector<HostedRepository>>> Run::list_all(
    const std::vector<std::unique_ptr<Host>>& hosts) const {
  std::vector<Result<std::vector<HostedRepository>>> lists;
  std::vector<std::size_t> lanes;
  for (const std::unique_ptr<Host>& host : hosts) {
    lanes.push_back(lists.size());
    lists.push_back(Error(ErrorKind::Cancelled, "{}: stopped before it was listed", host->name()));
  }
  run_sweep(
      lanes, {.jobs = static_cast<unsigned>(hosts.size()), .attempts_max = kListAttemptsMax},
      [&](std::size_t region, unsigned) -> std::optional<Error> {
        lists[region] = hosts[region]->list("", stop_);
        if (lists[region]) return std::nullopt;
        return lists[region].error();
      },
      around_.clock, stop_);
  return lists;
}

// Every repository that is to be backed up. A region that cannot be listed is noted, and the others go on. Two that
// would have one name are Invalid, before anything has moved.
Result<std::vector<Run::BackupTarget>> Run::find_all(const BackupCommand& command, Ends& ends,
                                                     FleetOutcome& outcome) const {
  const WholeAccount& account = std::get<WholeAccount>(command.source);
  std::vector<BackupTarget> targets;
  std::map<RepositoryName, std::string> taken;
  std::vector<std::unique_ptr<Host>> hosts;
  for (const std::string& region : account.regions) hosts.push_back(TRY(ends.host(account.host, region, Side::Source)));
  std::vector<Result<std::vector<HostedRepository>>> lists = list_all(hosts);
  for (std::size_t region = 0; region < hosts.size(); ++region) {
    Result<std::vector<HostedRepository>>& listed = lists[region];
    if (!listed) {
      say_error(naming(hosts[region]->name(), listed.error()));
      outcome.unlisted.push_back({hosts[region]->name(), std::move(listed).error()});
      continue;
    }
    for (HostedRepository& hosted : *listed) {
      if (!is_chosen(account, hosted)) {
        ++outcome.passed_over;
        continue;
      }
      BackupTarget target = TRY(target_of(command, std::move(hosted)));
      const auto [other, is_new] = taken.try_emplace(target.name, target.source.text());
      if (!is_new)
        return Error(ErrorKind::Invalid,
                     "{} and {} would both be '{}' in the store; --name wants ${{account_id}}, ${{region}} and "
                     "${{repo_name}} to tell them apart",
                     other->second, target.source.text(), target.name.text());
      targets.push_back(std::move(target));
    }
  }
  if (targets.empty() && outcome.unlisted.empty() && outcome.passed_over == 0)
    return Error(ErrorKind::NotFound, "{} lists no repository in {}: is this the right account?", account.host,
                 fmt::join(account.regions, ", "));
  return targets;
}

void Run::back_up_all(const BackupCommand& command, const std::vector<BackupTarget>& targets, Ends& ends,
                      ObjectStore& store, FleetOutcome& outcome) const {
  const WholeAccount& account = std::get<WholeAccount>(command.source);
  std::map<std::string, std::size_t> lane_of;
  std::vector<std::size_t> lanes;
  for (const BackupTarget& target : targets) {
    lanes.push_back(lane_of.try_emplace(target.hosted.region, lane_of.size()).first->second);
    outcome.members.push_back({.hosted = target.hosted, .name = target.name.text()});
  }

  const SweepLimits limits{.jobs = account.jobs};
  const bool redraws = around_.err.window().has_value() && !around_.plain_terminal && !common_.verbose;
  FleetProgress progress(around_.err, Paint(is_colored(around_.err)), common_.quiet, redraws, targets.size());
  std::mutex out_mutex;
  const auto back_up_one = [&](std::size_t item, unsigned attempt) -> std::optional<Error> {
    FleetMember& member = outcome.members[item];
    const BackupTarget& target = targets[item];
    progress.begin(member.name);
    member.attempts = attempt;
    const std::unique_ptr<Progress> log =
        common_.verbose
            ? make_log_progress(around_.log, around_.clock, {.source = member.name, .legs = {outcome.store}})
            : nullptr;
    const Result<BackupOutcome> made = back_up(command, target, ends, store, log.get());
    if (made) {
      note_outcome(member, *made, status_of(*made));
    } else {
      member.status = failure();
      member.error = made.error();
    }
    if (member.error && is_worth_another_attempt(*member.error) && attempt < limits.attempts_max &&
        !stop_.stop_requested()) {
      progress.later(member, *member.error);
      return member.error;
    }
    if (command.metrics == Metrics::Repository) {
      const std::lock_guard lock(out_mutex);
      around_.out.write(member_metrics(member, around_.clock.now()));
    }
    progress.end(member);
    return member.error;
  };
  const std::stop_callback tell(stop_, [&] { progress.note("stopping; what is at work comes to its end first"); });
  run_sweep(lanes, limits, back_up_one, around_.clock, stop_);
  progress.end();
}

// Beside the backups, so that it outlives the job that made it.
void Run::store_report(ObjectStore& store, const BackupCommand& command, FleetOutcome& outcome) const {
  const WholeAccount& account = std::get<WholeAccount>(command.source);
  const std::string shard =
      account.shards > 1 ? fmt::format("-shard-{}-of-{}", account.shard, account.shards) : std::string();
  const std::string key = fmt::format("reports/backup-{}{}.json", to_compact_iso8601(began_at_), shard);
  const Result<std::string> stored = store_report(store, key, [&](const std::string& free_key) {
    outcome.report_key = free_key;
    TextOutput text;
    print_fleet_json(text, facts(exit_status_of(outcome, stop_.stop_requested())), outcome, false);
    return text.text();
  });
  if (stored) return;
  outcome.report_key.reset();
  outcome.report_error = stored.error();
}

ExitStatus Run::back_up_all(const BackupCommand& command, Ends& ends) const {
  FleetOutcome outcome{.store = command.vault.store.text()};
  const Result<std::unique_ptr<ObjectStore>> store = store_for(command, ends);
  if (!store) return give_up("backup", ExitStatus::Usage, store.error());
  const Result<std::vector<BackupTarget>> targets = find_all(command, ends, outcome);
  if (!targets) return give_up("backup", status_of(targets.error()), targets.error());
  back_up_all(command, *targets, ends, **store, outcome);
  if (!command.dry_run) store_report(**store, command, outcome);

  const ExitStatus status = exit_status_of(outcome, stop_.stop_requested());
  if (command.metrics != Metrics::None) around_.out.write(run_metrics(outcome, facts(status), around_.clock.now()));
  if (common_.json) {
    print_fleet_json(around_.out, facts(status), outcome, command.dry_run);
  } else {
    print_fleet(around_.out, outcome, facts(status), style());
  }
  return status;
}

}  // namespace packferry
