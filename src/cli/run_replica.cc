// Standing orders, from the command line: on the catalogue itself, whether or not a service works on it too.
#include <fmt/format.h>

#include <filesystem>

#include "base/check.h"
#include "cli/amounts.h"
#include "cli/ordered_ends.h"
#include "cli/replica_report.h"
#include "cli/run_command.h"
#include "service/replica_json.h"
#include "service/replica_operations.h"

namespace packferry {
namespace {

constexpr int kIndent = 2;

ExitStatus status_of(const Looked& looked) {
  switch (looked.look.outcome) {
    case LookOutcome::Equal:
      return ExitStatus::Done;
    case LookOutcome::Held:
      return ExitStatus::Held;
    case LookOutcome::Diverged:
      return ExitStatus::Partial;
    case LookOutcome::Failed:
      return ExitStatus::Failed;
  }
  return ExitStatus::Failed;
}

// One command on the catalogue of replicas.
class Desk {
 public:
  Desk(const ReplicaCommand& command, Replicas& replicas, OrderedEnds& ends, const Surroundings& around,
       const Patience& patience, std::stop_token stop)
      : command_(command),
        replicas_(replicas),
        ends_(ends),
        clock_(around.clock),
        who_(around.who),
        operations_(replicas, ends, around.clock),
        worker_(replicas, ends, {.owner = around.who, .patience = patience}, around.clock),
        stop_(std::move(stop)) {}

  // What has happened, and the replica as it is now.
  struct Outcome {
    ExitStatus status;
    ReplicaView view;
  };

  // And its first look, which makes both sides equal.
  Result<Outcome> create() {
    ReplicaWish wish = *command_.wish;
    wish.source_facts = TRY(ends_.facts(wish.source, Side::Source, wish.role, stop_));
    wish.destination_facts = TRY(ends_.facts(wish.destination, Side::Destination, wish.role, stop_));
    wish.account_name = wish.destination_facts.account;
    const ReplicaRecord made = TRY(operations_.create(wish, who_, stop_));
    const auto allow = [&](const std::string& ref) { return wish.may_replace(ref); };
    const Looked looked = TRY(operations_.seed(made.order.name, worker_, allow, who_, nullptr, stop_));
    return seen(made.order.name, status_of(looked));
  }
  Result<Outcome> get() { return seen(name(), ExitStatus::Done); }
  Result<Outcome> pause() {
    TRY(replicas_.pause(name(), who_, clock_.now()));
    return get();
  }
  Result<Outcome> resume() {
    TRY(replicas_.resume(name(), who_, clock_.now()));
    return get();
  }
  Result<Outcome> sync() {
    TRY(replicas_.trigger(name(), LookReason::Sync, clock_.now()));
    return look();
  }
  Result<Outcome> approve() {
    TRY(operations_.approve(name(), command_.plan, who_));
    return look();
  }
  Result<> remove() { return replicas_.remove(name(), who_, clock_.now()); }

  Result<std::vector<ReplicaView>> list() {
    std::vector<ReplicaView> views;
    for (const ReplicaRecord& replica : TRY(operations_.list())) {
      ReplicaView view = view_of(replica, clock_.now());
      if (!command_.status || view.status == *command_.status) views.push_back(std::move(view));
    }
    return views;
  }

  // The addresses of a chain, in the order in which a change passes them, and what of them is compared.
  Result<CompareCommand> chain(const std::string& name) {
    const std::vector<ReplicaRecord> chain = TRY(operations_.chain(name));
    const ReplicaPolicy said = TRY(ReplicaPolicy::parse(chain.back().order.policy));
    const Policy policy = TRY(said.policy());
    CompareCommand compare{.urls = {TRY(Url::parse(chain.front().order.source.url))}, .selection = policy.selection};
    for (const ReplicaRecord& replica : chain) compare.urls.push_back(TRY(Url::parse(replica.order.destination.url)));
    return compare;
  }

  Result<std::vector<LookRecord>> history() {
    TRY(operations_.get(name()));
    return replicas_.history(name(), Replicas::kLooksKept);
  }

 private:
  const std::string& name() const { return command_.names.front(); }

  // At once, here; where somebody else is at it already, it comes after them.
  Result<Outcome> look() {
    const std::optional<Looked> looked = TRY(worker_.work(name(), nullptr, stop_));
    return seen(name(), looked ? status_of(*looked) : ExitStatus::Done);
  }

  Result<Outcome> seen(const std::string& name, ExitStatus status) {
    const ReplicaRecord replica = TRY(operations_.get(name));
    return Outcome{status, view_of(replica, clock_.now())};
  }

  const ReplicaCommand& command_;
  Replicas& replicas_;
  OrderedEnds& ends_;
  const Clock& clock_;
  const std::string who_;
  ReplicaOperations operations_;
  ReplicaWorker worker_;
  const std::stop_token stop_;
};

Result<std::unique_ptr<Replicas>> open_catalogue(const std::string& file) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), error);
  return Replicas::open(file).context("the catalogue");
}

}  // namespace

ExitStatus Run::operator()(const ReplicaCommand& command) {
  constexpr std::string_view kName = "replica";
  const std::string file = command.catalogue.empty() ? around_.catalogue : command.catalogue;
  const Result<std::unique_ptr<Replicas>> replicas = open_catalogue(file);
  if (!replicas) return give_up(kName, ExitStatus::Failed, replicas.error());
  OrderedEnds ends(around_.make_ends, end_options());
  Desk desk(command, **replicas, ends, around_, common_.ends.patience, stop_);

  const auto give_up_on = [&](const Error& error) {
    return give_up(kName, error.kind() == ErrorKind::Invalid ? ExitStatus::Usage : failure(), error);
  };
  const auto show = [&](const Result<Desk::Outcome>& outcome) {
    if (!outcome) return give_up_on(outcome.error());
    if (common_.json) {
      around_.out.write(replica_json(outcome->view, kIndent));
    } else {
      print_replica(around_.out, outcome->view, around_.clock.now(), style().paint);
    }
    return outcome->status;
  };

  switch (command.action) {
    case ReplicaCommand::Action::Create:
      return show(desk.create());
    case ReplicaCommand::Action::Get:
      return show(desk.get());
    case ReplicaCommand::Action::Pause:
      return show(desk.pause());
    case ReplicaCommand::Action::Resume:
      return show(desk.resume());
    case ReplicaCommand::Action::Sync:
      return show(desk.sync());
    case ReplicaCommand::Action::Approve:
      return show(desk.approve());
    case ReplicaCommand::Action::Delete: {
      const Result<> removed = desk.remove();
      if (!removed) return give_up_on(removed.error());
      around_.out.write(fmt::format("{} is gone; what it has delivered stays\n", command.names.front()));
      return ExitStatus::Done;
    }
    case ReplicaCommand::Action::List: {
      const Result<std::vector<ReplicaView>> views = desk.list();
      if (!views) return give_up_on(views.error());
      if (common_.json) {
        around_.out.write(replicas_json(*views, kIndent));
      } else {
        print_replicas(around_.out, *views, around_.clock.now(), style().paint);
      }
      return ExitStatus::Done;
    }
    case ReplicaCommand::Action::History: {
      const Result<std::vector<LookRecord>> looks = desk.history();
      if (!looks) return give_up_on(looks.error());
      if (common_.json) {
        around_.out.write(history_json(command.names.front(), *looks, kIndent));
      } else {
        print_looks(around_.out, *looks, around_.clock.now());
      }
      return ExitStatus::Done;
    }
    case ReplicaCommand::Action::Parity: {
      ExitStatus worst = ExitStatus::Done;
      for (const std::string& name : command.names) {
        const Result<CompareCommand> chain = desk.chain(name);
        const ExitStatus status = chain ? (*this)(*chain) : give_up_on(chain.error());
        if (worst == ExitStatus::Done || status == ExitStatus::Failed) worst = status;
      }
      return worst;
    }
  }
  CHECK(!"an Action is one of these");
  return ExitStatus::Failed;
}

}  // namespace packferry
