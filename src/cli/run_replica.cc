// Standing orders, from the command line: on the catalogue itself, whether or not a service works on it too, or through
// a service.
#include <fmt/format.h>

#include <filesystem>

#include "base/check.h"
#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/ordered_ends.h"
#include "cli/remote_desk.h"
#include "cli/replica_report.h"
#include "cli/run_command.h"
#include "io/file.h"
#include "service/replica_json.h"
#include "service/replica_operations.h"

namespace packferry {
namespace {

constexpr std::string_view kName = "replica";
constexpr int kIndent = 2;
constexpr Milliseconds kAgain{50};
// A page of a thousand replicas, with what is held of each.
constexpr std::size_t kAnswerBytesMax = 256UL * 1024 * 1024;

// The order is carried out by programs that are started in other directories.
Result<Url> from_anywhere(const Url& url) {
  if (!url.is_local()) return url;
  return Url::parse(std::filesystem::absolute(url.path()).lexically_normal().string());
}

// Replicas that are remembered in a file here.
class CatalogueDesk final : public ReplicaDesk {
 public:
  CatalogueDesk(Replicas& replicas, OrderedEnds& ends, const Surroundings& around, const Patience& patience,
                std::stop_token stop)
      : replicas_(replicas),
        ends_(ends),
        clock_(around.clock),
        who_(around.who),
        operations_(replicas, ends, around.clock),
        worker_(replicas, ends, {.owner = around.who, .patience = patience}, around.clock),
        stop_(std::move(stop)) {}

  // Both sides are made equal.
  Result<Outcome> create(const ReplicaWish& wanted) override {
    ReplicaWish wish = wanted;
    wish.source = TRY(from_anywhere(wish.source));
    wish.destination = TRY(from_anywhere(wish.destination));
    wish.source_facts = TRY(ends_.facts(wish.source, Side::Source, wish.role, stop_));
    wish.destination_facts = TRY(ends_.facts(wish.destination, Side::Destination, wish.role, stop_));
    wish.account_name = wish.destination_facts.account;
    const ReplicaRecord made = TRY(operations_.create(wish, who_, stop_));
    const auto allow = [&](const std::string& ref) { return wish.may_replace(ref); };
    const Looked looked = TRY(operations_.seed(made.order.name, worker_, allow, who_, nullptr, stop_));
    return seen(made.order.name, exit_status_of(looked.look.outcome));
  }
  Result<Outcome> get(const std::string& name) override { return seen(name, ExitStatus::Done); }
  Result<Outcome> pause(const std::string& name) override {
    TRY(replicas_.pause(name, who_, clock_.now()));
    return get(name);
  }
  Result<Outcome> resume(const std::string& name) override {
    TRY(replicas_.resume(name, who_, clock_.now()));
    return get(name);
  }
  Result<Outcome> sync(const std::string& name) override {
    const Clock::WallTime now = clock_.now();
    TRY(replicas_.trigger(name, LookReason::Sync, now));
    return look(name, now);
  }
  Result<Outcome> approve(const std::string& name, const std::string& plan) override {
    const Clock::WallTime now = clock_.now();
    TRY(operations_.approve(name, plan, who_));
    return look(name, now);
  }
  Result<> remove(const std::string& name) override { return replicas_.remove(name, who_, clock_.now()); }

  Result<std::vector<ReplicaView>> list(std::optional<ReplicaStatus> status) override {
    std::vector<ReplicaView> views;
    for (const ReplicaRecord& replica : TRY(operations_.list())) {
      ReplicaView view = view_of(replica, clock_.now());
      if (!status || view.status == *status) views.push_back(std::move(view));
    }
    return views;
  }

  Result<std::vector<LookRecord>> history(const std::string& name) override {
    TRY(operations_.get(name));
    return replicas_.history(name, Replicas::kLooksKept);
  }
  Result<std::vector<AuditEntry>> audit(const std::string& name, std::size_t count_max) override {
    return replicas_.newest_audit(name, {}, count_max);
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

 private:
  // At once, here; or, where a service was quicker, the look of its that began after `since`.
  Result<Outcome> look(const std::string& name, Clock::WallTime since) {
    while (true) {
      if (const std::optional<Looked> looked = TRY(worker_.work(name, nullptr, stop_)))
        return seen(name, exit_status_of(looked->look.outcome));
      const ReplicaRecord replica = TRY(operations_.get(name));
      if (replica.paused) return seen(name, ExitStatus::Done);
      if (replica.memory.outcome && replica.memory.looked_at && *replica.memory.looked_at >= since)
        return seen(name, exit_status_of(*replica.memory.outcome));
      if (!clock_.sleep(kAgain, stop_)) return Error(ErrorKind::Cancelled, "stopped waiting; the look is still wanted");
    }
  }

  Result<Outcome> seen(const std::string& name, ExitStatus status) {
    const ReplicaRecord replica = TRY(operations_.get(name));
    return Outcome{status, view_of(replica, clock_.now())};
  }

  Replicas& replicas_;
  OrderedEnds& ends_;
  Clock& clock_;
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

// One line; what is around it belongs to the editor that wrote it.
Result<Secret> read_token_file(const std::string& file) {
  constexpr std::size_t kBytesMax = 4096;
  const std::unique_ptr<Reader> reader = TRY(open_file(file).context("--token-file"));
  const std::vector<std::byte> bytes = TRY(read_all(*reader, kBytesMax).context("--token-file"));
  std::string text(as_text(bytes));
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos) text.pop_back();
  if (text.empty() || printable(text, kBytesMax) != text)
    return Error(ErrorKind::Invalid, "--token-file: there is no token in it");
  return Secret(std::move(text));
}

}  // namespace

ExitStatus Run::operator()(const ReplicaCommand& command) {
  if (is_for_service(command)) return ask_service(command);
  const std::string file = command.catalogue.empty() ? around_.catalogue : command.catalogue;
  const Result<std::unique_ptr<Replicas>> replicas = open_catalogue(file);
  if (!replicas) return give_up(kName, ExitStatus::Failed, replicas.error());
  OrderedEnds ends(around_.make_ends, end_options());
  CatalogueDesk desk(**replicas, ends, around_, common_.ends.patience, stop_);
  if (command.action != ReplicaCommand::Action::Parity) return ask_desk(command, desk);

  ExitStatus worst = ExitStatus::Done;
  for (const std::string& name : command.names) {
    const Result<CompareCommand> chain = desk.chain(name);
    const ExitStatus status = chain ? (*this)(*chain) : give_up(kName, status_of(chain.error()), chain.error());
    if (worst == ExitStatus::Done || status == ExitStatus::Failed) worst = status;
  }
  return worst;
}

// A file that is named goes before a service that only the environment names; parity is seen from here.
bool Run::is_for_service(const ReplicaCommand& command) const {
  if (!command.server.empty()) return true;
  return command.catalogue.empty() && !around_.server.empty() && command.action != ReplicaCommand::Action::Parity;
}

ExitStatus Run::ask_service(const ReplicaCommand& command) {
  const auto open = [&]() -> Result<RemoteService> {
    Secret token = around_.server_token;
    if (!command.token_file.empty()) token = TRY(read_token_file(command.token_file));
    return remote_service(command.server.empty() ? around_.server : command.server, std::move(token));
  };
  Result<RemoteService> service = open();
  if (!service) return give_up(kName, ExitStatus::Usage, service.error());
  HttpClient client({.user_agent = "packferry/" + around_.version,
                     .ca_file = common_.ends.ca_file,
                     .patience = common_.ends.patience});
  const AskService ask = [&](HttpRequest request, std::string_view body) {
    return ask_http(client, std::move(request), body, kAnswerBytesMax, stop_);
  };
  RemoteDesk desk(std::move(*service), ask, !command.no_wait, around_.clock, stop_);
  return ask_desk(command, desk);
}

ExitStatus Run::ask_desk(const ReplicaCommand& command, ReplicaDesk& desk) {
  const auto give_up_on = [&](const Error& error) { return give_up(kName, status_of(error), error); };
  const auto show = [&](const Result<ReplicaDesk::Outcome>& outcome) {
    if (!outcome) return give_up_on(outcome.error());
    if (common_.json) {
      around_.out.write(replica_json(outcome->view, kIndent));
    } else {
      print_replica(around_.out, outcome->view, around_.clock.now(), style().paint);
    }
    return outcome->status;
  };
  const auto name = [&]() -> const std::string& { return command.names.front(); };

  switch (command.action) {
    case ReplicaCommand::Action::Create:
      return show(desk.create(*command.wish));
    case ReplicaCommand::Action::Get:
      return show(desk.get(name()));
    case ReplicaCommand::Action::Pause:
      return show(desk.pause(name()));
    case ReplicaCommand::Action::Resume:
      return show(desk.resume(name()));
    case ReplicaCommand::Action::Sync:
      return show(desk.sync(name()));
    case ReplicaCommand::Action::Approve:
      return show(desk.approve(name(), command.plan));
    case ReplicaCommand::Action::Delete: {
      const Result<> removed = desk.remove(name());
      if (!removed) return give_up_on(removed.error());
      around_.out.write(fmt::format("{} is gone; what it has delivered stays\n", name()));
      return ExitStatus::Done;
    }
    case ReplicaCommand::Action::List: {
      const Result<std::vector<ReplicaView>> views = desk.list(command.status);
      if (!views) return give_up_on(views.error());
      if (common_.json) {
        around_.out.write(replicas_json(*views, kIndent));
      } else {
        print_replicas(around_.out, *views, around_.clock.now(), style().paint);
      }
      return ExitStatus::Done;
    }
    case ReplicaCommand::Action::History: {
      const Result<std::vector<LookRecord>> looks = desk.history(name());
      if (!looks) return give_up_on(looks.error());
      if (common_.json) {
        around_.out.write(history_json(name(), *looks, kIndent));
      } else {
        print_looks(around_.out, *looks, around_.clock.now());
      }
      return ExitStatus::Done;
    }
    case ReplicaCommand::Action::Audit: {
      const auto entries = desk.audit(command.names.empty() ? std::string() : name(), command.last);
      if (!entries) return give_up_on(entries.error());
      if (common_.json) {
        around_.out.write(audit_json(*entries, kIndent));
      } else {
        print_audit(around_.out, *entries);
      }
      return ExitStatus::Done;
    }
    case ReplicaCommand::Action::Parity:
      break;
  }
  CHECK(!"parity is not asked at a desk");
  return ExitStatus::Failed;
}

}  // namespace packferry
