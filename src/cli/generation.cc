#include "cli/generation.h"

#include <algorithm>
#include <random>

#include "aws/codecommit_address.h"
#include "base/ascii.h"
#include "cli/remembered_sweep.h"
#include "cli/sweep_report.h"
#include "service/alarm_ends.h"
#include "service/cron.h"
#include "service/known_hosts.h"

namespace packferry {
namespace {

constexpr Milliseconds kEmbeddedMetricsEvery{60'000};
constexpr std::string_view kServiceName = "packferry";  // as `packferry setup monitors` calls it unless told otherwise

// A look that found nothing new is everyday life: with a hundred thousand replicas nobody would read anything else.
LogLevel level_of(const Looked& looked) {
  if (looked.look.outcome != LookOutcome::Equal) return LogLevel::Warning;
  return looked.look.changes.empty() ? LogLevel::Debug : LogLevel::Info;
}

std::vector<std::string> names_of(const std::vector<FleetStore>& stores) {
  std::vector<std::string> names;
  for (const FleetStore& store : stores) names.push_back(store.name);
  return names;
}

LookoutObjectives objectives_of(const ServeSettings& settings, const ObjectiveSettings* own) {
  LookoutObjectives objectives;
  objectives.backup_age = settings.backup_age.value_or(objectives.backup_age);
  objectives.queue = settings.queue_age.value_or(objectives.queue);
  if (own == nullptr) return objectives;
  objectives.lag = own->lag.value_or(objectives.lag);
  objectives.failing = own->failing.value_or(objectives.failing);
  return objectives;
}

// Sleeps until then in short steps, since the calendar may jump. False: it was stopped.
bool sleep_until(Clock& clock, Clock::WallTime time, const std::stop_token& stop) {
  while (clock.now() < time) {
    const auto left = std::chrono::duration_cast<Milliseconds>(time - clock.now());
    if (!clock.sleep(std::clamp(left, Milliseconds(1), Milliseconds(10'000)), stop)) return false;
  }
  return !stop.stop_requested();
}

}  // namespace

class Generation::Watcher final : public DispatchObserver {
 public:
  Watcher(ServiceMetrics& metrics, Log& log) : metrics_(metrics), log_(log) {}

  void on_end(const DueLook& due, const Looked& looked, Milliseconds duration) override {
    const bool is_throttled = looked.error && looked.error->kind() == ErrorKind::Throttled;
    metrics_.look_ended({.replica = due.replica,
                         .source_host = due.source_host,
                         .destination_host = due.destination_host,
                         .outcome = looked.look.outcome,
                         .duration = duration,
                         .pack_bytes = looked.look.pack_bytes,
                         .refs_changed = looked.look.changes.size(),
                         .throttled = is_throttled});
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
  ServiceMetrics& metrics_;
  Log& log_;
};

Generation::Generation(const ServiceState& state, Fleet fleet, ServeSettings settings)
    : state_(state),
      clock_(state.around.clock),
      log_(state.around.log),
      fleet_(std::move(fleet)),
      settings_(std::move(settings)),
      fleet_ends_(state.around.make_fleet_ends(state.ends)),
      service_ends_(state.around.make_service_ends(state.ends)),
      http_(service_ends_->http()),
      other_ends_(state.around.make_ends, state.ends),
      ends_(fleet_, *fleet_ends_, other_ends_),
      worker_(state.replicas, ends_,
              {.owner = state.around.who, .lease = settings_.lease, .patience = state.ends.patience}, clock_),
      operations_(state.replicas, ends_, clock_),
      watcher_(std::make_unique<Watcher>(state.metrics, log_)),
      dispatcher_(state.replicas, worker_,
                  {.workers = settings_.workers,
                   .host_width = [this](const std::string& host) { return width_of(fleet_, host); }},
                  clock_, watcher_.get()),
      places_(state.replicas) {}

Result<std::shared_ptr<Generation>> Generation::make(const ServiceState& state, Fleet fleet, ServeSettings settings) {
  std::shared_ptr<Generation> made(new Generation(state, std::move(fleet), std::move(settings)));
  TRY(made->equip());
  return made;
}

Generation::~Generation() {
  retire();
  threads_.clear();
}

Result<> Generation::equip() {
  ReplicaApiOptions options = TRY(api_options());
  ReplicaApiSurroundings around{
      .nudge = [this] { dispatcher_.nudge(); },
      .metrics = [this]() -> Result<std::string> { return state_.metrics.text(TRY(metrics_input())); },
      .readiness = [this] { return readiness(); }};
  api_ = std::make_unique<ReplicaApi>(state_.replicas, state_.tokens, operations_, std::move(options),
                                      std::move(around), ReplicaApiLimits{}, clock_, log_);
  for (const EventQueueSettings& queue : settings_.queues) {
    queues_.push_back(TRY(service_ends_->queue(queue).context("serve.queues: {}", queue.url.text())));
    listeners_.push_back(std::make_unique<EventListener>(
        *queues_.back(), [this](const CodeCommitEvent& event) { return trigger(event); }, clock_, log_));
  }
  std::vector<std::unique_ptr<AlarmChannel>> channels;
  const AlarmWorld world{.ends = *service_ends_, .http = http_, .clock = clock_, .patience = state_.ends.patience};
  for (const AlarmSettings& alarm : settings_.alarms)
    channels.push_back(TRY(open_alarm_channel(alarm, world).context("serve.alarms")));
  lookout_ = std::make_unique<Lookout>(LookoutWorld{.replicas = state_.replicas,
                                                    .catalogue = state_.catalogue,
                                                    .records = state_.alarms,
                                                    .http = http_,
                                                    .clock = clock_,
                                                    .log = log_},
                                       std::move(channels), TRY(lookout_options()));
  return {};
}

Result<ReplicaApiOptions> Generation::api_options() {
  ReplicaApiOptions options;
  for (const WebhookSettings& webhook : settings_.webhooks) {
    WebhookSource& source = options.webhooks[webhook.name];
    source.kind = webhook.kind;
    for (const SecretReference& reference : webhook.secrets) {
      source.secrets.push_back(TRY(service_ends_->secret(reference).context("serve.webhooks '{}'", webhook.name)));
      TRY(check_webhook_secret(source.secrets.back()).context("serve.webhooks '{}'", webhook.name));
    }
  }
  for (const IdTokenSettings& tokens : settings_.id_tokens) {
    keys_.push_back(std::make_unique<HttpKeySource>(http_, tokens.keys));
    JobIssuer& issuer = options.job_issuers.emplace_back();
    issuer.verifier = std::make_shared<TokenVerifier>(TokenRules{.issuer = tokens.issuer, .audience = tokens.audience},
                                                      *keys_.back(), clock_);
    for (const IdTokenSettings::Projects& row : tokens.projects)
      issuer.rights.push_back(
          {.project = row.project, .replicas = row.replicas, .protected_refs_only = row.only_protected});
  }
  options.admit = [this](const ReplicaWish& wish) { return ends_.admit(wish); };
  options.complete = [this](ReplicaWish wish, std::stop_token stop) {
    return ends_.complete(std::move(wish), std::move(stop));
  };
  return options;
}

Result<LookoutOptions> Generation::lookout_options() {
  LookoutOptions options{.objectives = objectives_of(settings_, nullptr),
                         .stores = names_of(fleet_.stores),
                         .interval = settings_.look_out_every};
  options.rules.raise_after = settings_.raise_after.value_or(options.rules.raise_after);
  options.rules.over_after = settings_.over_after.value_or(options.rules.over_after);
  for (const ObjectiveSettings& own : settings_.objectives)
    options.overrides.push_back({.replicas = own.replicas.empty() ? std::vector<std::string>{"*"} : own.replicas,
                                 .objectives = objectives_of(settings_, &own)});
  options.heartbeat = TRY(heartbeat_address(settings_, *service_ends_).context("serve.heartbeat"));
  return options;
}

// All of CodeCommit's addresses have the same place for a repository of one name; which account it is in, only the
// look can tell.
Result<std::size_t> Generation::trigger(const CodeCommitEvent& event) {
  std::size_t triggered = 0;
  for (const std::string& source : TRY(places_.sources_at({"v1/repos/" + to_lower(event.repository)}))) {
    const Url url = TRY(Url::parse(source));
    const std::string region = region_of_codecommit(url);
    if (!is_codecommit(url) || (!region.empty() && region != event.region)) continue;
    triggered += TRY(state_.replicas.trigger_readers(source, LookReason::Event, clock_.now()));
  }
  if (triggered > 0) dispatcher_.nudge();
  return triggered;
}

Result<MetricsInput> Generation::metrics_input() {
  MetricsInput input{.now = clock_.now()};
  TRY(for_each_replica(state_.replicas, [&input](const ReplicaRecord& replica) -> Result<> {
    input.add(replica);
    return {};
  }));
  input.depth = TRY(state_.replicas.depth());
  std::map<std::string, HostFacts> hosts;
  for (const auto& [host, gate] : dispatcher_.hosts())
    hosts[host] = {.host = host, .gate_width = gate.width, .is_closed = gate.is_closed};
  for (const Replicas::Load& load : TRY(state_.replicas.load()))
    for (const std::string& host : std::set<std::string>{load.source_host, load.destination_host})
      if (const auto found = hosts.find(host); found != hosts.end()) found->second.at_work += load.at_work;
  for (auto& [name, facts] : hosts) input.hosts.push_back(std::move(facts));
  input.alarms = lookout_->open_alarms();
  input.lookout_seen_at = lookout_->seen_at();
  input.backups = backups_among(TRY(state_.catalogue.deliveries()), names_of(fleet_.stores));
  return input;
}

ServiceReadiness Generation::readiness() {
  if (state_.is_stopping) return {.is_ready = false, .why = "the service is stopping"};
  // Why the catalogue cannot be read is for the log: it names files.
  const Result<Replicas::Depth> depth = state_.replicas.depth();
  if (depth) return {.is_ready = true, .why = ""};
  log_.error("catalogue.failed", {{"error", depth.error().message()}});
  return {.is_ready = false, .why = "the catalogue cannot be read"};
}

void Generation::begin() {
  const std::stop_token retired = retired_.get_token();
  if (state_.has_lookout) looking_out_ = std::jthread([this, retired] { lookout_->run(retired); });
  for (const auto& listener : listeners_) threads_.emplace_back([&listener, retired] { listener->run(retired); });
  if (settings_.embedded_metrics != ServeSettings::EmbeddedMetrics::None)
    threads_.emplace_back([this, retired] { print_metrics(retired); });
  if (!state_.has_workers) return;
  work([this, retired] { dispatcher_.run(retired, stopped_.get_token()); });
  if (!settings_.sweep.empty()) work([this, retired] { sweep_by_schedule(retired); });
}

// What is at work when this is retired comes to its end.
void Generation::work(const std::function<void()>& task) {
  ++at_work_;
  threads_.emplace_back([this, task] {
    task();
    --at_work_;
  });
}

void Generation::retire() {
  retired_.request_stop();
  if (looking_out_.joinable()) looking_out_.join();
}

void Generation::sweep_by_schedule(std::stop_token stop) {
  const Result<Schedule> schedule = Schedule::parse(settings_.sweep);
  CHECK(schedule.has_value());  // the configuration was checked
  while (sleep_until(clock_, schedule->next_run(clock_.now(), 0), stop)) sweep(stopped_.get_token());
}

void Generation::print_metrics(std::stop_token stop) {
  const bool of_each = settings_.embedded_metrics == ServeSettings::EmbeddedMetrics::Replica;
  while (sleep_until(clock_, clock_.now() + kEmbeddedMetricsEvery, stop)) {
    const Result<MetricsInput> input = metrics_input();
    if (input) {
      state_.around.out.write(embedded_metrics(*input, kServiceName, of_each));
    } else {
      log_.warning("metrics.failed", {{"error", input.error().message()}});
    }
  }
}

void Generation::sweep(std::stop_token stop) {
  const Result<SweepReport> swept = remembered_sweep(
      fleet_, *fleet_ends_, state_.catalogue, {.patience = state_.ends.patience, .seed = std::random_device()()},
      {.version = state_.around.version, .configuration = state_.configuration}, clock_, nullptr, std::move(stop));
  if (!swept) {
    log_.error("sweep.failed", {{"error", swept.error().message()}});
    return;
  }
  const ExitStatus status = exit_status_of(*swept);
  log_.write(status == ExitStatus::Done ? LogLevel::Info : LogLevel::Warning, "sweep.ended",
             {{"status", std::string(to_string(status))},
              {"repositories", fmt::format("{}", swept->repositories)},
              {"failed", fmt::format("{}", swept->count(LegState::Failed))},
              {"held", fmt::format("{}", swept->count(LegState::Held))},
              {"ms", fmt::format("{}", swept->duration.count())}});
  for (const std::string& alarm : swept->alarms) log_.warning("sweep.alarm", {{"what", alarm}});
}

}  // namespace packferry
