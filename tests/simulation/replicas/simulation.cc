#include "simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "service/replica.h"
#include "service/scheduler.h"
#include "truth.h"
#include "watch.h"

namespace packferry::simulation {
namespace {

using WallTime = Clock::WallTime;

// Less than after which time alone brings a look: what was only announced must not need that.
constexpr Milliseconds kQuietMax = kHour * 3;
constexpr std::size_t kWidth = 2;    // of a host
constexpr std::size_t kWorkers = 2;  // of an instance
constexpr int kSteps = 160;

// --- The world outside ---

enum class Weather { Fine, Down, Throttling };

struct Repository {
  std::string host;
  std::uint64_t version = 1;
  bool is_rewound = false;  // what it has came by a push that the guard holds
};

const std::array<const char*, 6> kHosts{"forge", "aws", "inner", "aws", "forge", "inner"};

struct Route {
  const char* name;
  std::size_t source, destination;  // repositories
};
// "onward" begins where "first" ends.
constexpr std::array<Route, 4> kRoutes{{{"first", 0, 1}, {"onward", 1, 2}, {"second", 0, 3}, {"apart", 4, 5}}};
constexpr std::array<std::size_t, 2> kPushedTo{0, 4};

std::string url_of(std::size_t repository) { return fmt::format("https://{}/{}", kHosts[repository], repository); }

ReplicaOrder order_of(const Route& route, WallTime now) {
  return {.name = route.name,
          .source = {.url = url_of(route.source), .host = kHosts[route.source]},
          .destination = {.url = url_of(route.destination), .host = kHosts[route.destination]},
          .freshness = kFreshness,
          .created_at = now};
}

// --- The service ---

struct Worker {
  Lease lease;
  const Route* route = nullptr;
  enum class Phase { List, Carry, Record, Repeat } phase = Phase::List;
  std::uint64_t source_version = 0;
  std::uint64_t destination_version = 0;
  bool is_rewind = false;
  Look look = {};
  Milliseconds stands_still_until{0};  // age of the world
};

struct Instance {
  explicit Instance(std::string as) : name(std::move(as)) {}
  std::string name;
  bool is_alive = true;
  HostGates gates{[](const std::string&) { return kWidth; }};
  std::vector<Worker> workers;
};

// The calendar may jump, the age of the world does not.
class WorldClock final : public Clock {
 public:
  WallTime now() const override { return WallTime(std::chrono::hours(500'000)) + age + calendar; }
  SteadyTime steady() const override { return SteadyTime(age); }
  bool sleep(Milliseconds duration, std::stop_token) override {
    age += duration;
    return true;
  }

  Milliseconds age{0};
  Milliseconds calendar{0};  // what it is off
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Bug bug, bool trace)
      : random_(seed),
        trace_(trace),
        stored_(must(Replicas::open_in_memory())),
        replicas_(for_service(*stored_, bug)),
        catalogue_(must(Catalogue::open_in_memory())),
        watch_({.replicas = *stored_, .catalogue = *catalogue_, .clock = clock_}, bug) {
    back_up();
    for (const char* host : kHosts) repositories_.push_back({.host = host});
    for (const Route& route : kRoutes) create(route);
  }

  Outcome run() {
    for (int i = 0; i < kSteps && !outcome_.broken; ++i) {
      pass(kSecond * below(10));
      ++step_;
      act();
      check_one(kRoutes[below(kRoutes.size())]);
    }
    if (!outcome_.broken) become_quiet();
    outcome_.heard = watch_.heard();
    return outcome_;
  }

 private:
  // --- Chance, time, talk ---

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  WallTime now() const { return clock_.now(); }
  Milliseconds age() const { return clock_.age; }
  Moment moment() const { return {.step = step_, .age = age(), .set_back = set_back_, .calendar = now()}; }
  void pass(Milliseconds duration) { clock_.age += duration; }

  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (trace_)
      std::printf("%4ju %8jd s  %s\n", static_cast<std::uintmax_t>(step_), static_cast<std::intmax_t>(age() / kSecond),
                  fmt::format(format, std::forward<Args>(args)...).c_str());
  }
  template <typename... Args>
  void broken(fmt::format_string<Args...> format, Args&&... args) {
    if (!outcome_.broken) outcome_.broken = fmt::format(format, std::forward<Args>(args)...);
  }
  // Of what cannot fail here.
  template <typename T>
  static T must(Result<T> result) {
    CHECK(result.has_value());
    return std::move(result).value();
  }

  // --- What may happen in a step ---

  void act() {
    const std::uint64_t dice = below(100);
    if (dice < 23) return static_cast<void>(tick(instances_[below(2)]));
    if (dice < 32) return look_out();
    if (dice < 62) return work();
    if (dice < 72) return push();
    if (dice < 76) return ask_for_sync();
    if (dice < 80) return change_weather();
    if (dice < 83) return stand_still();
    if (dice < 85) return die();
    if (dice < 86) return change_ear_or_disk();
    if (dice < 89) return revive();
    if (dice < 91) return set_calendar();
    if (dice < 94) return pause_or_resume();
    if (dice < 95) return remove_or_create();
    if (dice < 96) return approve_held();
    if (dice < 97) return back_up();
    if (chance(80)) return pass(kMinute * below(30));
    pass(kHour * below(9));
  }

  void create(const Route& route) {
    const auto welcome = [](const Replicas::WriterOf&) { return Result<>(); };
    if (!replicas_->create(order_of(route, now()), "person", welcome)) return;
    say("{} is created", route.name);
    truths_.insert_or_assign(route.name, Truth(moment()));
  }

  void push() {
    const std::size_t to = kPushedTo[below(kPushedTo.size())];
    Repository& repository = repositories_[to];
    ++repository.version;
    repository.is_rewound = chance(10);
    say("push to {}: {}{}", to, repository.version, repository.is_rewound ? ", a rewind" : "");
    if (!chance(70)) return;  // the webhook is lost
    // The answer may be lost, and the host says it again.
    for (int times = chance(10) ? 2 : 1; times > 0; --times) {
      must(replicas_->trigger_readers(url_of(to), LookReason::Webhook, now()));
      readers_are_triggered(to);
      // Another way in, with a promise of its own.
      const Route& route = to == 4 ? kRoutes[3] : kRoutes[0];
      if (replicas_->trigger(route.name, LookReason::Event, now())) is_triggered(route, true);
    }
  }

  void ask_for_sync() {
    const Route& route = kRoutes[below(kRoutes.size())];
    if (!replicas_->trigger(route.name, LookReason::Sync, now())) return;
    say("sync of {}", route.name);
    is_triggered(route, true);
  }

  void readers_are_triggered(std::size_t repository) {
    for (const Route& route : kRoutes)
      if (route.source == repository) is_triggered(route, true);
  }

  void is_triggered(const Route& route, bool is_announced) {
    const auto truth = truths_.find(route.name);
    if (truth != truths_.end()) truth->second.triggered(is_announced, moment());
  }

  void change_weather() {
    const std::string host = kHosts[below(kHosts.size())];
    weather_[host] = static_cast<Weather>(below(3));
    say("{} is {}", host,
        weather_[host] == Weather::Fine   ? "fine"
        : weather_[host] == Weather::Down ? "down"
                                          : "throttling");
  }

  void set_calendar() {
    const Milliseconds by = chance(50) ? kMinute * (1 + below(60)) : kHour * (1 + below(48));
    const bool is_back = chance(50);
    clock_.calendar += is_back ? -by : by;
    if (is_back) set_back_ += by;
    if (is_back) watch_.calendar_was_set_back();
    say("the calendar is set {} by {} s", is_back ? "back" : "forwards", by / kSecond);
  }

  void pause_or_resume() {
    const Route& route = kRoutes[below(kRoutes.size())];
    const auto truth = truths_.find(route.name);
    if (truth == truths_.end() || truth->second.is_deleting) return;
    truth->second.is_paused ? resume(route, truth->second) : pause(route, truth->second);
  }

  void pause(const Route& route, Truth& truth) {
    must(replicas_->pause(route.name, "person", now()));
    say("{} is paused", route.name);
    truth.is_paused = true;
  }

  void resume(const Route& route, Truth& truth) {
    must(replicas_->resume(route.name, "person", now()));
    say("{} is resumed", route.name);
    truth.is_paused = false;
    truth.triggered(false, moment());
  }

  void remove_or_create() {
    const Route& route = kRoutes[below(kRoutes.size())];
    if (!must(replicas_->find(route.name))) return create(route);
    must(replicas_->remove(route.name, "person", now()));
    say("{} is removed", route.name);
    truths_.at(route.name).is_deleting = true;
    forget_if_gone(route.name);
  }

  void approve_held() {
    for (const ReplicaRecord& replica : must(replicas_->list("", 100))) {
      if (!replica.memory.held || replica.deleting) continue;
      const Route& route = *std::ranges::find(kRoutes, replica.order.name, &Route::name);
      if (replicas_->approve(replica.order.name, replica.memory.held->digest, "person", now())) {
        say("{} is approved", replica.order.name);
        truths_.at(route.name).is_approved = true;
        is_triggered(route, false);
      } else if (replicas_->trigger(replica.order.name, LookReason::Sync, now())) {
        is_triggered(route, true);
      }
    }
  }

  // --- Instances ---

  void die() {
    Instance& instance = instances_[below(2)];
    if (!instance.is_alive) return;
    say("{} dies with {} at work", instance.name, instance.workers.size());
    instance.is_alive = false;
    instance.workers.clear();
    if (std::ranges::none_of(instances_, &Instance::is_alive)) dead_since_ = moment();
  }

  void revive() {
    if (!watch_.is_alive()) {
      say("the lookout lives again");
      watch_.revive();
    }
    dead_since_.reset();
    for (Instance& instance : instances_) {
      if (instance.is_alive) continue;
      instance = Instance(instance.name);
      say("{} lives again", instance.name);
    }
  }

  void stand_still() {
    if (Worker* const worker = any_worker()) {
      worker->stands_still_until = age() + kSecond * (30 + below(600));
      say("the worker of {} (epoch {}) stands still", worker->lease.name, worker->lease.epoch);
    }
  }

  Worker* any_worker() {
    std::vector<Worker*> all;
    for (Instance& instance : instances_)
      for (Worker& worker : instance.workers) all.push_back(&worker);
    return all.empty() ? nullptr : all[below(all.size())];
  }

  // What an instance does now and then: keeps its leases, and begins what the scheduler says.
  SchedulerStep tick(Instance& instance) {
    if (!instance.is_alive) return {};
    std::erase_if(instance.workers, [this](Worker& worker) {
      return worker.stands_still_until <= age() && !replicas_->renew(worker.lease, kLease, now()) && lets_go(worker);
    });
    must(replicas_->wake(now()));
    SchedulerInput input{.now = now(),
                         .due = must(replicas_->due(now(), 4)),
                         .load = must(replicas_->load()),
                         .free_workers = kWorkers - instance.workers.size(),
                         .next_event = must(replicas_->next_event(now()))};
    const SchedulerStep step = schedule(input, instance.gates);
    for (const std::string& name : step.begin) begin(instance, name);
    if (!step.begin.empty()) check_load();
    return step;
  }

  bool lets_go(const Worker& worker) {
    say("the worker of {} (epoch {}) has lost its lease", worker.lease.name, worker.lease.epoch);
    static_cast<void>(replicas_->give_back(worker.lease, now()));
    forget_if_gone(worker.lease.name);
    return true;
  }

  void begin(Instance& instance, const std::string& name) {
    const std::optional<Lease> lease = must(replicas_->take(name, instance.name, kLease, clock_));
    if (!lease) return broken("{} was due and not at work, and could not be taken", name);
    if (lease->epoch <= newest_epoch_) broken("epoch {} was given after {}", lease->epoch, newest_epoch_);
    newest_epoch_ = lease->epoch;
    Truth& truth = truths_.at(name);
    truth.newest_epoch = lease->epoch;
    truth.begun[lease->epoch] = moment();
    const bool is_lost = !is_quiet_ && chance(3);
    say("{} begins {} (epoch {}){}", instance.name, name, lease->epoch, is_lost ? " and never hears of it" : "");
    if (is_lost) return;
    instance.workers.push_back({.lease = *lease, .route = &*std::ranges::find(kRoutes, name, &Route::name)});
  }

  // --- Workers ---

  void work() {
    std::vector<std::pair<Instance*, std::size_t>> able;
    for (Instance& instance : instances_)
      for (std::size_t i = 0; i < instance.workers.size(); ++i)
        if (instance.workers[i].stands_still_until <= age()) able.emplace_back(&instance, i);
    if (able.empty()) return;
    const auto [instance, index] = able[below(able.size())];
    if (work_on(*instance, instance->workers[index]))
      instance->workers.erase(instance->workers.begin() + static_cast<std::ptrdiff_t>(index));
  }

  // One phase of it; true: it is done.
  bool work_on(Instance& instance, Worker& worker) {
    switch (worker.phase) {
      case Worker::Phase::List:
        return list(instance, worker);
      case Worker::Phase::Carry:
        return carry(instance, worker);
      case Worker::Phase::Record:
        return record(instance, worker);
      case Worker::Phase::Repeat:
        static_cast<void>(replicas_->record(worker.lease, worker.look, now()));
        return true;
    }
    CHECK(!"a worker has a phase");
    return true;
  }

  Weather weather_of(std::size_t repository) { return weather_[repositories_[repository].host]; }

  // What a host's weather makes of a look; nothing: fine.
  bool fails(Instance& instance, Worker& worker, std::size_t repository) {
    const Weather weather = weather_of(repository);
    if (weather == Weather::Fine) return false;
    const ErrorKind kind = weather == Weather::Down ? ErrorKind::Unavailable : ErrorKind::Throttled;
    if (kind == ErrorKind::Throttled) instance.gates.throttled(repositories_[repository].host, {}, now());
    fail(worker, kind);
    return true;
  }

  void fail(Worker& worker, ErrorKind kind) {
    worker.look.outcome = LookOutcome::Failed;
    worker.look.failure = LookFailure{.kind = kind, .message = std::string(to_string(kind))};
    worker.phase = Worker::Phase::Record;
  }

  bool list(Instance& instance, Worker& worker) {
    worker.phase = Worker::Phase::Carry;
    if (fails(instance, worker, worker.route->source) || fails(instance, worker, worker.route->destination))
      return false;
    const Repository& source = repositories_[worker.route->source];
    worker.source_version = source.version;
    worker.is_rewind = source.is_rewound;
    worker.destination_version = repositories_[worker.route->destination].version;
    worker.look.source_state = fmt::format("{}", source.version);
    if (worker.source_version == worker.destination_version) return false;
    return !replicas_->note_change(worker.lease, worker.look.source_state, now()) && lets_go(worker);
  }

  bool carry(Instance& instance, Worker& worker) {
    worker.phase = Worker::Phase::Record;
    Repository& destination = repositories_[worker.route->destination];
    if (worker.source_version == worker.destination_version) return false;
    worker.look.plan_digest = fmt::format("{}-{}", worker.destination_version, worker.source_version);
    if (worker.is_rewind && !is_approved(worker)) {
      worker.look.outcome = LookOutcome::Held;
      worker.look.is_behind = true;
      worker.look.held = HeldPlan{worker.look.plan_digest, "a rewind", now() + kHour};
      return false;
    }
    if (fails(instance, worker, worker.route->destination)) return false;
    // Compare-and-swap.
    if (destination.version != worker.destination_version) return fail(worker, ErrorKind::Conflict), false;
    if (worker.source_version < destination.version)
      broken("{} took its destination from {} back to {}", worker.lease.name, destination.version,
             worker.source_version);
    destination.version = worker.source_version;
    destination.is_rewound = worker.is_rewind;
    worker.look.changes = {{.ref = "refs/heads/main",
                            .old_oid = fmt::format("{}", worker.destination_version),
                            .new_oid = fmt::format("{}", worker.source_version)}};
    say("{} (epoch {}) carries {}", worker.lease.name, worker.lease.epoch, worker.source_version);
    return false;
  }

  bool is_approved(const Worker& worker) {
    const std::optional<ReplicaRecord> replica = must(replicas_->find(worker.lease.name));
    return replica && replica->memory.approval && replica->memory.approval->digest == worker.look.plan_digest &&
           now() < replica->memory.approval->expires_at;
  }

  bool record(Instance& instance, Worker& worker) {
    Look& look = worker.look;
    const Repository& destination = repositories_[worker.route->destination];
    if (look.outcome == LookOutcome::Equal && destination.version != worker.source_version)
      fail(worker, ErrorKind::Conflict);
    const std::optional<ReplicaRecord> replica = must(replicas_->find(worker.lease.name));
    const unsigned failures = replica ? replica->memory.failures + 1 : 1;
    look.next_look_at = look.failure ? now() + retry_delay(look.failure->kind, failures, {}, step_)
                                     : next_look_at(kFreshness, {}, worker.lease.began_at, now(), step_);
    const Result<> recorded = replicas_->record(worker.lease, look, now());
    say("{} (epoch {}) ends {}{}", worker.lease.name, worker.lease.epoch, to_string(look.outcome),
        recorded ? "" : ", and is refused");
    if (!recorded) return ++outcome_.refused, true;
    note_record(worker);
    if (look.outcome == LookOutcome::Equal)
      for (const std::size_t end : {worker.route->source, worker.route->destination})
        instance.gates.succeeded(repositories_[end].host);
    if (!chance(10)) return true;
    worker.phase = Worker::Phase::Repeat;  // the answer is lost
    return false;
  }

  void note_record(const Worker& worker) {
    ++outcome_.looks;
    const std::int64_t epoch = worker.lease.epoch;
    Truth& truth = truths_.at(worker.lease.name);
    if (epoch != truth.newest_epoch)
      return broken("{}: a look with epoch {} was recorded, though {} has the lease", worker.lease.name, epoch,
                    truth.newest_epoch);
    if (!truth.recorded.insert(epoch).second)
      return broken("{}: epoch {} was recorded twice", worker.lease.name, epoch);
    truth.look_recorded(epoch, worker.look);
    if (!worker.look.changes.empty()) readers_are_triggered(worker.route->destination);
    forget_if_gone(worker.lease.name);
    check_one(*worker.route);
  }

  void forget_if_gone(const std::string& name) {
    if (!must(replicas_->find(name))) truths_.erase(name);
  }

  // --- The lookout ---

  void back_up() {
    backed_up_at_ = now();
    const Delivery backup{.key = {.order = "nightly", .source = "forge/0", .destination = "vault/0"},
                          .confirmed_at = now(),
                          .outcome = "done"};
    CHECK(catalogue_->record({backup}).has_value());
    say("a backup is confirmed");
  }

  void change_ear_or_disk() {
    bool& fault = chance(50) ? watch_.is_deaf : watch_.is_disk_broken;
    fault = !fault;
    say("the lookout's {} {}", &fault == &watch_.is_deaf ? "telephone" : "disk", fault ? "is broken" : "is well");
  }

  void look_out() {
    if (!watch_.is_alive()) return;
    const std::optional<unsigned> dies_after =
        !is_quiet_ && chance(8) ? std::optional(unsigned(below(3))) : std::nullopt;
    if (dies_after) say("the lookout dies as soon as it has said {} things", *dies_after);
    const std::optional<std::string> how = watch_.pass(wrongs(), age(), dies_after);
    say("the lookout looks; the person believes: {}", fmt::join(watch_.believed(), ", "));
    if (how) broken("{}", *how);
  }

  Wrongs wrongs() {
    Wrongs wrongs;
    const auto note = [&wrongs](const std::string& what, bool is_certain, bool is_possible) {
      if (is_certain) wrongs.certain.insert(what);
      if (is_possible) wrongs.possible.insert(what);
    };
    const bool is_restless = !is_quiet_ || !is_settled();
    bool is_left_alone = false;
    for (const auto& [name, truth] : truths_) {
      if (!truth.is_watched()) continue;
      const std::string replica = "replica " + name;
      note(replica + "/freshness", truth.is_stale(now()), false);
      note(replica + "/failing", truth.is_failing(now()), false);
      note(replica + "/held", truth.outcome == LookOutcome::Held && !truth.is_approved, truth.is_held);
      note(replica + "/lag", truth.is_lagging(now()), is_restless);
      is_left_alone = is_left_alone || (dead_since_ && truth.is_left_alone(*dead_since_, moment()));
    }
    note("service/queue", is_left_alone, is_restless);
    note("backup nightly: forge/0 to vault/0/backup-age", now() - backed_up_at_ > Watch::kBackupAgeMax, false);
    return wrongs;
  }

  // --- The promises ---

  void check_load() {
    std::map<std::string, std::size_t> at_work;
    for (const Replicas::Load& load : must(replicas_->load())) {
      at_work[load.source_host] += load.at_work;
      if (load.destination_host != load.source_host) at_work[load.destination_host] += load.at_work;
    }
    for (const auto& [host, count] : at_work)
      if (count > kWidth) broken("{} looks at {} at once", count, host);
  }

  void check_one(const Route& route) {
    const std::optional<ReplicaRecord> replica = must(replicas_->find(route.name));
    if (!replica) return;
    const Truth& truth = truths_.at(route.name);
    check_trigger_is_not_lost(*replica, truth);
    check_claim(*replica, truth);
  }

  void check_trigger_is_not_lost(const ReplicaRecord& replica, const Truth& truth) {
    if (replica.deleting || replica.waiting || truth.last_trigger.step <= truth.last_look) return;
    const auto begun = replica.at_work ? truth.begun.find(replica.at_work->epoch) : truth.begun.end();
    if (begun == truth.begun.end() || begun->second.step < truth.last_trigger.step)
      broken("{}: the trigger of step {} is lost", replica.order.name, truth.last_trigger.step);
  }

  // "UpToDate" is said only of what was listed within the freshness, and after all that was announced. A calendar that
  // was set back cannot know better than by as much as it was.
  void check_claim(const ReplicaRecord& replica, const Truth& truth) {
    if (status_of(replica, now()) != ReplicaStatus::UpToDate) return;
    if (!truth.confirmed) return broken("{} is said to be up to date, and never was seen to be", replica.order.name);
    const Milliseconds allowed = kFreshness + set_back_ - truth.confirmed->set_back;
    if (age() - truth.confirmed->age > allowed)
      broken("{} is said to be up to date, {} s after it was seen to be", replica.order.name,
             (age() - truth.confirmed->age) / kSecond);
    if (truth.confirmed->step < truth.last_announcement)
      broken("{} is said to be up to date, and was announced not to be", replica.order.name);
  }

  // --- All faults end ---

  void become_quiet() {
    ++step_;
    is_quiet_ = true;
    weather_.clear();
    watch_.is_deaf = watch_.is_disk_broken = false;
    back_up();
    revive();
    for (Instance& instance : instances_)
      for (Worker& worker : instance.workers) worker.stands_still_until = age();
    for (const Route& route : kRoutes) {
      const auto truth = truths_.find(route.name);
      if (truth == truths_.end() || truth->second.is_deleting) continue;
      if (truth->second.is_paused) resume(route, truth->second);
      // Pushes whose webhooks were lost; what follows from them must follow by itself. (A worker of "first" that stood
      // still while that was removed may have moved what "onward" reads, and nobody tells: only time brings that look.)
      const bool follows = &route == &kRoutes[1] && must(replicas_->find(kRoutes[0].name)).has_value();
      if (!follows && replicas_->trigger(route.name, LookReason::Sync, now())) is_triggered(route, true);
    }
    const Milliseconds began = age();
    while (!outcome_.broken && !is_settled()) {
      if (age() - began > kQuietMax)
        return broken("after {} s without faults there is still something to do", (age() - began) / kSecond);
      ++step_;
      calm_round();
    }
    for (const Route& route : kRoutes) check_end(route);
    for (int i = 0; i < 3; ++i) {
      look_out();
      pass(Watch::kOverAfter);
    }
    check_person();
  }

  void check_person() {
    for (const std::string& what : watch_.believed())
      if (!watch_.is_unsure(what)) broken("all is well, and nobody was told that {} is over", what);
  }

  void calm_round() {
    std::optional<WallTime> ask_again;
    for (Instance& instance : instances_) {
      const SchedulerStep step = tick(instance);
      if (step.ask_again && (!ask_again || *step.ask_again < *ask_again)) ask_again = step.ask_again;
    }
    approve_held();
    look_out();
    for (int i = 0; i < 16; ++i) work();
    for (const Route& route : kRoutes) check_one(route);
    const Milliseconds wait =
        ask_again ? std::chrono::duration_cast<Milliseconds>(*ask_again - now()) : Milliseconds(0);
    pass(std::clamp<Milliseconds>(wait, kSecond, kMinute / 3));
  }

  bool is_settled() {
    must(replicas_->wake(now()));
    const Replicas::Depth depth = must(replicas_->depth());
    if (depth.waiting + depth.at_work > 0) return false;
    for (const ReplicaRecord& replica : must(replicas_->list("", 100)))
      if (replica.memory.outcome != LookOutcome::Equal) return false;
    return true;
  }

  void check_end(const Route& route) {
    const std::optional<ReplicaRecord> replica = must(replicas_->find(route.name));
    if (!replica || outcome_.broken) return;
    const std::uint64_t offered = repositories_[route.source].version, held = repositories_[route.destination].version;
    // What "first" does not carry, because it was removed, does not reach "onward"; that follows what it reads.
    if (offered != held) broken("{} has settled with {}, and its source has {}", route.name, held, offered);
    const ReplicaStatus status = status_of(*replica, now());
    if (status != ReplicaStatus::UpToDate) broken("{} has settled, and is {}", route.name, to_string(status));
  }

  std::mt19937_64 random_;
  const bool trace_;
  WorldClock clock_;
  const std::unique_ptr<Replicas> stored_;
  const std::unique_ptr<Replicas> replicas_;  // as the service has it
  const std::unique_ptr<Catalogue> catalogue_;
  Watch watch_;
  WallTime backed_up_at_{};
  std::optional<Moment> dead_since_;  // both instances
  std::vector<Repository> repositories_;
  std::map<std::string, Weather> weather_;
  std::map<std::string, Truth> truths_;
  std::array<Instance, 2> instances_{Instance("east"), Instance("west")};
  std::uint64_t step_ = 1;
  Milliseconds set_back_{0};  // how far it was set back, in all
  std::int64_t newest_epoch_ = 0;
  bool is_quiet_ = false;
  Outcome outcome_;
};

}  // namespace

Outcome simulate(std::uint64_t seed, Bug bug, bool trace) { return Simulation(seed, bug, trace).run(); }

}  // namespace packferry::simulation
