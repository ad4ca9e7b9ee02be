#include "cli/generation.h"

#include <random>

#include "cli/remembered_sweep.h"
#include "cli/sweep_report.h"
#include "service/fleet_sweep.h"

namespace packferry {
namespace {

// A look that found nothing new is everyday life: with a hundred thousand replicas nobody would read anything else.
LogLevel level_of(const Looked& looked) {
  if (looked.look.outcome == LookOutcome::Failed) return LogLevel::Warning;
  if (looked.look.outcome != LookOutcome::Equal) return LogLevel::Warning;
  return looked.look.changes.empty() ? LogLevel::Debug : LogLevel::Info;
}

std::size_t widest_host(const Fleet& fleet) {
  std::size_t widest = FleetHost().jobs;
  for (const FleetHost& host : fleet.hosts) widest = std::max<std::size_t>(widest, host.jobs);
  return widest;
}

}  // namespace

class Generation::Watcher final : public DispatchObserver {
 public:
  explicit Watcher(Log& log) : log_(log) {}

  void on_end(const DueLook& due, const Looked& looked, Milliseconds duration) override {
    log_.write(level_of(looked), "look.ended",
               {{"replica", due.replica},
                {"reason", std::string(to_string(due.reason))},
                {"outcome", std::string(to_string(looked.look.outcome))},
                {"refs", fmt::format("{}", looked.look.changes.size())},
                {"bytes", fmt::format("{}", looked.look.pack_bytes)},
                {"ms", fmt::format("{}", duration.count())},
                {"error", looked.error ? looked.error->message() : ""}});
  }
  void on_trouble(const Error& error) override { log_.warning("look.lost", {{"error", error.message()}}); }

 private:
  Log& log_;
};

Generation::Generation(const ServiceState& state, Fleet fleet, ServeSettings settings)
    : state_(state),
      fleet_(std::move(fleet)),
      settings_(std::move(settings)),
      fleet_ends_(state.around.make_fleet_ends(state.ends)),
      other_ends_(state.around.make_ends, state.ends),
      ends_(fleet_, *fleet_ends_, other_ends_),
      worker_(state.replicas, ends_, {.owner = state.around.who, .patience = state.ends.patience}, state.around.clock),
      watcher_(std::make_unique<Watcher>(state.around.log)),
      dispatcher_(state.replicas, worker_, {.workers = settings_.workers, .host_width = widest_host(fleet_)},
                  state.around.clock, watcher_.get()) {
  if (state.has_workers) {
    dispatching_ = std::jthread([this] { dispatch(); });
    if (!settings_.sweep.empty()) sweeping_ = std::jthread([this] { sweep_by_schedule(retired_.get_token()); });
  } else {
    is_over_ = true;
  }
}

Generation::~Generation() { retire(); }

void Generation::retire() { retired_.request_stop(); }

void Generation::stop() { stopped_.request_stop(); }

void Generation::dispatch() {
  dispatcher_.run(retired_.get_token(), stopped_.get_token());
  is_over_ = true;
}

void Generation::sweep_by_schedule(std::stop_token stop) {
  const Result<Schedule> schedule = Schedule::parse(settings_.sweep);
  if (!schedule) return;  // the configuration was checked
  const Clock& clock = state_.around.clock;
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    const Clock::WallTime next = schedule->next_run(clock.now(), 0);
    // In short steps, since the calendar may jump while we sleep.
    while (!stop.stop_requested() && clock.now() < next) {
      std::unique_lock lock(mutex);
      const auto left = std::chrono::duration_cast<Milliseconds>(next - clock.now());
      never.wait_for(lock, stop, std::min(left, Milliseconds(10'000)), [] { return false; });
    }
    if (!stop.stop_requested()) sweep(stop);
  }
}

void Generation::sweep(std::stop_token stop) {
  Log& log = state_.around.log;
  const Result<SweepReport> swept = remembered_sweep(
      fleet_, *fleet_ends_, state_.catalogue, {.patience = state_.ends.patience, .seed = std::random_device()()},
      {.version = state_.around.version, .configuration = state_.configuration}, state_.around.clock, nullptr,
      std::move(stop));
  if (!swept) {
    log.error("sweep.failed", {{"error", swept.error().message()}});
    return;
  }
  const ExitStatus status = exit_status_of(*swept);
  log.write(status == ExitStatus::Done ? LogLevel::Info : LogLevel::Warning, "sweep.ended",
            {{"status", std::string(to_string(status))},
             {"repositories", fmt::format("{}", swept->repositories)},
             {"failed", fmt::format("{}", swept->count(LegState::Failed))},
             {"held", fmt::format("{}", swept->count(LegState::Held))},
             {"ms", fmt::format("{}", swept->duration.count())}});
  for (const std::string& alarm : swept->alarms) log.warning("sweep.alarm", {{"what", alarm}});
}

}  // namespace packferry
