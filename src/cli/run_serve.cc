// The command that stays: keeps replicas true, listens, and tells when something is wrong.
#include <algorithm>
#include <condition_variable>
#include <list>

#include "base/printable.h"
#include "cli/generation.h"
#include "cli/run_command.h"
#include "net/http_server.h"
#include "service/alarm_trial.h"

namespace packferry {

// SIGHUP, from the first moment to the last. One that comes while the service begins asks as well as a later one does:
// the file may have been read already when it was changed.
class Hangups {
 public:
  explicit Hangups(const Surroundings& around) : around_(around) {
    if (around_.on_hangup) around_.on_hangup([this] { note(); });
  }
  ~Hangups() {
    if (around_.on_hangup) around_.on_hangup(nullptr);
  }
  Hangups(const Hangups&) = delete;
  Hangups& operator=(const Hangups&) = delete;

  // Until there was one since the last time, however many there were. False: until the end.
  bool wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return was_heard_; });
    was_heard_ = false;
    return !stop.stop_requested();
  }

 private:
  void note() {
    const std::lock_guard lock(mutex_);
    was_heard_ = true;
    changed_.notify_all();
  }

  const Surroundings& around_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool was_heard_ = false;
};

namespace {

// The service between its beginning and its end.
class ResidentService {
 public:
  using ReadAgain = std::function<std::optional<ConfigReading>()>;

  ResidentService(ServiceState& state, Hangups& hangups, ReadAgain read_again)
      : state_(state), hangups_(hangups), read_again_(std::move(read_again)) {}

  Result<> run(ConfigReading reading, std::stop_token stop) {
    const ServeSettings settings = *reading.serve;
    Result<std::unique_ptr<HttpServer>> opened = HttpServer::open({.address = settings.address,
                                                                   .port = settings.port,
                                                                   .certificate_file = settings.certificate,
                                                                   .key_file = settings.certificate_key},
                                                                  state_.around.clock, log());
    // Nothing moved under us, as a Conflict says elsewhere: the configuration wants what another one has.
    if (!opened && opened.error().kind() == ErrorKind::Conflict)
      return Error(ErrorKind::Invalid, "{}; 'listen' in [serve] says where", opened.error().message());
    const std::unique_ptr<HttpServer> server = TRY(std::move(opened));
    TRY(begin(std::move(reading)));
    Front front(*this);
    std::jthread serving([&](const std::stop_token& no_more) { server->serve(front, no_more); });
    log().info("service.ready", {{"address", settings.address}, {"port", fmt::format("{}", server->port())}});
    while (hangups_.wait(stop)) reload();
    serving.request_stop();
    drain();
    serving.join();
    generations_.clear();
    log().info("service.stopped");
    return {};
  }

 private:
  // Whoever asks, asks the generation of the moment.
  class Front final : public HttpHandler {
   public:
    explicit Front(ResidentService& service) : service_(service) {}
    HttpReply handle(const ReceivedRequest& request, std::stop_token stop) override {
      const std::shared_ptr<Generation> now = service_.current();
      return now->api().handle(request, std::move(stop));
    }

   private:
    ResidentService& service_;
  };

  Log& log() const { return state_.around.log; }

  std::shared_ptr<Generation> current() {
    const std::lock_guard lock(mutex_);
    return generations_.back();
  }

  // One lookout at a time: the old one's ends before the new one's begins.
  Result<> begin(ConfigReading reading) {
    std::shared_ptr<Generation> next =
        TRY(Generation::make(state_, *std::move(reading.fleet), *std::move(reading.serve)));
    if (!generations_.empty()) generations_.back()->retire();
    if (state_.around.log_from) state_.around.log_from(next->settings().log);
    next->begin();
    const std::lock_guard lock(mutex_);
    generations_.push_back(std::move(next));
    return {};
  }

  // What is wrong has been said, and the old reading counts.
  void reload() {
    std::optional<ConfigReading> reading = read_again_();
    if (!reading) return log().error("configuration.kept", {{"why", "the new one has mistakes"}});
    const ServeSettings now = current()->settings();
    if (now.address != reading->serve->address || now.port != reading->serve->port ||
        now.certificate != reading->serve->certificate)
      log().warning("configuration.listen", {{"why", "another address or certificate needs a new start"}});
    if (const Result<> begun = begin(*std::move(reading)); !begun)
      return log().error("configuration.kept", {{"why", begun.error().message()}});
    // Whoever is over is waited for without the lock, which the API wants.
    std::list<std::shared_ptr<Generation>> over;
    {
      const std::lock_guard lock(mutex_);
      for (auto each = generations_.begin(); each != generations_.end();) {
        const auto here = each++;
        if ((*here)->is_over() && *here != generations_.back()) over.splice(over.end(), generations_, here);
      }
    }
    log().info("configuration.read");
  }

  // What is at work has its time to come to an end, then it goes back to the queue.
  void drain() {
    state_.is_stopping = true;
    const Clock& clock = state_.around.clock;
    const Clock::SteadyTime until = clock.steady() + generations_.back()->settings().drain;
    for (const auto& each : generations_) each->retire();
    log().info("service.stopping");
    const auto is_over = [](const auto& each) { return each->is_over(); };
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (clock.steady() < until && !std::ranges::all_of(generations_, is_over))
      never.wait_for(lock, Milliseconds(20));
    for (const auto& each : generations_) each->stop();
  }

  ServiceState& state_;
  Hangups& hangups_;
  const ReadAgain read_again_;
  std::mutex mutex_;
  std::list<std::shared_ptr<Generation>> generations_;  // the last one begins things
};

// What does not reach anybody says where it was told to go itself.
std::string line_of(const AlarmTrial& trial) {
  if (trial.heard) return fmt::format("heard      {}\n", printable(trial.listener));
  return fmt::format("not heard  {}: {}\n", trial.listener, trial.heard.error().message());
}

}  // namespace

Result<std::optional<ConfigReading>> Run::read_service(const std::string& file) const {
  ConfigReading reading = TRY(read_config_file(file));
  if (!reading.fleet) {
    say_mistakes(file, reading);
    return std::optional<ConfigReading>();
  }
  // A file that says nothing of it has the defaults.
  if (!reading.serve) reading.serve = ServeSettings();
  return std::optional(std::move(reading));
}

ExitStatus Run::try_alarms(const std::string& file) const {
  const Result<std::optional<ConfigReading>> reading = read_service(file);
  if (!reading) return give_up("serve", ExitStatus::Usage, reading.error());
  if (!*reading) return ExitStatus::Usage;
  const ServeSettings& settings = *(*reading)->serve;
  if (settings.alarms.empty())
    return give_up("serve", ExitStatus::Usage,
                   Error(ErrorKind::Invalid, "{} tells nobody of alarms; write [[serve.alarms]]", printable(file)));
  const std::unique_ptr<ServiceEnds> ends = around_.make_service_ends(end_options());
  HttpClient http(ends->http());
  const AlarmWorld world{.ends = *ends, .http = http, .clock = around_.clock, .patience = common_.ends.patience};
  const std::vector<AlarmTrial> trials = packferry::try_alarms(settings, world, around_.who, stop_);
  for (const AlarmTrial& trial : trials) around_.out.write(line_of(trial));
  const auto heard = std::ranges::count_if(trials, [](const AlarmTrial& trial) { return trial.heard.has_value(); });
  if (heard == std::ssize(trials)) return ExitStatus::Done;
  if (stop_.stop_requested()) return ExitStatus::Interrupted;
  return heard > 0 ? ExitStatus::Partial : ExitStatus::Failed;
}

ExitStatus Run::operator()(const ServeCommand& command) {
  if (command.try_alarms) return try_alarms(command.file);
  Hangups hangups(around_);
  return serve(command, hangups);
}

ExitStatus Run::serve(const ServeCommand& command, Hangups& hangups) const {
  constexpr std::string_view kName = "serve";
  Result<std::optional<ConfigReading>> reading = read_service(command.file);
  if (!reading) return give_up(kName, ExitStatus::Usage, reading.error());
  if (!*reading) return ExitStatus::Usage;

  const std::string file = (*reading)->fleet->catalogue;
  const Result<std::unique_ptr<Replicas>> replicas = Replicas::open(file).context("the catalogue");
  if (!replicas) return give_up(kName, ExitStatus::Failed, replicas.error());
  const Result<std::unique_ptr<Catalogue>> catalogue = Catalogue::open(file).context("the catalogue");
  if (!catalogue) return give_up(kName, ExitStatus::Failed, catalogue.error());

  const Result<std::unique_ptr<Tokens>> tokens = Tokens::open(file).context("the catalogue");
  if (!tokens) return give_up(kName, ExitStatus::Failed, tokens.error());
  const Result<std::unique_ptr<AlarmRecords>> alarms = AlarmRecords::open(file).context("the catalogue");
  if (!alarms) return give_up(kName, ExitStatus::Failed, alarms.error());

  const EndOptions ends = end_options();
  ServiceMetrics metrics(around_.version, began_at_);
  ServiceState state{.around = around_,
                     .ends = ends,
                     .configuration = command.file,
                     .replicas = **replicas,
                     .catalogue = **catalogue,
                     .tokens = **tokens,
                     .alarms = **alarms,
                     .metrics = metrics,
                     .has_workers = !command.no_workers,
                     .has_lookout = !command.no_lookout};
  ResidentService service(state, hangups, [&]() -> std::optional<ConfigReading> {
    Result<std::optional<ConfigReading>> again = read_service(command.file);
    if (again) return *std::move(again);
    say_error(again.error());
    return std::nullopt;
  });
  const Result<> served = service.run(**std::move(reading), stop_);
  if (!served) return give_up(kName, status_of(served.error()), served.error());
  return ExitStatus::Done;
}

}  // namespace packferry
