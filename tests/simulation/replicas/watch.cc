#include "watch.h"

#include <fmt/format.h>

#include "passing.h"
#include "truth.h"

namespace packferry::simulation {
namespace {

const std::string kBlind = "service/blind";

template <typename T>
std::unique_ptr<T> must(Result<std::unique_ptr<T>> opened) {
  CHECK(opened.has_value());
  return std::move(opened).value();
}

LookoutOptions options() {
  return {
      .objectives = {.lag = kLagMax, .failing = kFailingMax, .backup_age = Watch::kBackupAgeMax, .queue = kQueueMax},
      .stores = {"vault"},
      .rules = {.raise_after = Watch::kRaiseAfter, .over_after = Watch::kOverAfter}};
}

}  // namespace

class Watch::Telephone final : public AlarmChannel {
 public:
  explicit Telephone(Watch& watch) : watch_(watch) {}
  std::string name() const override { return "telephone"; }
  Result<> say(const Notice& notice, std::stop_token) override {
    if (!watch_.hears(notice)) return Error(ErrorKind::Unavailable, "nobody is there");
    return {};
  }

 private:
  Watch& watch_;
};

class Watch::Records final : public PassingAlarmRecords {
 public:
  Records(AlarmRecords& inner, Watch& watch) : PassingAlarmRecords(inner), watch_(watch) {}
  Result<std::vector<AlarmRecord>> alarms() override {
    if (watch_.is_disk_broken) return broken();
    return inner_.alarms();
  }
  Result<> record(const AlarmChange& change) override {
    if (watch_.is_disk_broken || watch_.is_dying_) return broken();
    TRY(inner_.record(change));
    watch_.unwritten_.clear();
    return {};
  }

 private:
  static Error broken() { return {ErrorKind::Exhausted, "the disk is full"}; }
  Watch& watch_;
};

class Watch::Eyes final : public PassingReplicas {
 public:
  Eyes(Replicas& inner, Watch& watch) : PassingReplicas(inner), watch_(watch) {}
  Result<std::vector<ReplicaRecord>> list(const std::string& after, std::size_t count_max) override {
    if (watch_.is_disk_broken) return Error(ErrorKind::Corrupt, "the disk reads nothing");
    return inner_.list(after, count_max);
  }

 private:
  Watch& watch_;
};

Watch::Watch(WatchWorld world, Bug bug)
    : world_(world),
      stored_(must(AlarmRecords::open_in_memory())),
      seen_(for_lookout(world.replicas, bug)),
      remembered_(for_lookout(*stored_, bug)),
      eyes_(std::make_unique<Eyes>(*seen_, *this)),
      records_(std::make_unique<Records>(*remembered_, *this)),
      http_(HttpOptions{}) {
  revive();
}

Watch::~Watch() = default;

void Watch::revive() {
  has_seen_ = false;
  std::vector<std::unique_ptr<AlarmChannel>> channels;
  channels.push_back(std::make_unique<Telephone>(*this));
  lookout_ = std::make_unique<Lookout>(LookoutWorld{*eyes_, world_.catalogue, *records_, http_, world_.clock, log_},
                                       std::move(channels), options());
}

std::optional<std::string> Watch::pass(const Wrongs& wrongs, Milliseconds age, std::optional<unsigned> dies_after) {
  CHECK(is_alive());
  const bool is_seeing = !is_disk_broken;
  if (is_seeing) {
    see(wrongs, age);
  } else {
    std::erase_if(certain_since_, [&](const auto& each) { return !wrongs.certain.contains(each.first); });
    certain_since_.try_emplace(kBlind, age);
    well_since_.clear();
    ever_possible_.insert(kBlind);
    // An earlier one may have said so, which this one cannot read.
    if (!has_seen_) may_repeat_.insert(kBlind);
  }
  was_blind_ = !is_seeing;
  words_left_ = dies_after;
  const Result<> seen = lookout_->pass({});
  if (dies_after) {
    die();
  } else if (!is_deaf) {
    if (is_seeing) all_is_said();
    check(age);
  }
  if (seen.has_value() != is_seeing && !dies_after) broken("the lookout is mistaken about what it could read");
  return broken_;
}

// What a look that can see makes of it.
void Watch::see(const Wrongs& wrongs, Milliseconds age) {
  has_seen_ = true;
  for (const std::string& what : wrongs.certain) certain_since_.try_emplace(what, age);
  std::erase_if(certain_since_, [&](const auto& each) { return !wrongs.certain.contains(each.first); });
  possible_ = wrongs.possible;
  possible_.insert(wrongs.certain.begin(), wrongs.certain.end());
  // It was blind until now, and what it could not write is a part of that.
  if (was_blind_) possible_.insert(kBlind);
  ever_possible_.insert(possible_.begin(), possible_.end());
  for (const std::string& what : believed_)
    if (!possible_.contains(what)) well_since_.try_emplace(what, age);
  std::erase_if(well_since_, [&](const auto& each) { return possible_.contains(each.first); });
}

// Whatever it still knows to say was heard.
void Watch::all_is_said() {
  may_repeat_.clear();
  std::erase_if(ever_possible_,
                [this](const std::string& what) { return !possible_.contains(what) && !believed_.contains(what); });
}

void Watch::check(Milliseconds age) {
  for (const auto& [what, since] : certain_since_) {
    // Whether it still knows of the rest depends on whether it lived when that could be seen.
    if (was_blind_ && what != kBlind) continue;
    if (age - since >= kRaiseAfter && !believed_.contains(what) && !unsure_.contains(what))
      broken(fmt::format("nobody was told of {}, {} s after the lookout could see it", what, (age - since) / kSecond));
  }
  for (const auto& [what, since] : well_since_)
    if (age - since >= kOverAfter && believed_.contains(what) && !unsure_.contains(what))
      broken(fmt::format("{} is over for {} s, and nobody was told", what, (age - since) / kSecond));
}

bool Watch::hears(const Notice& notice) {
  if (is_deaf) return false;
  if (words_left_ && *words_left_ == 0) is_dying_ = true;
  if (is_dying_) return false;
  if (words_left_) --*words_left_;
  const std::string what = notice.alarm.trouble.subject + "/" + notice.alarm.trouble.kind;
  hear(notice.kind, what);
  unwritten_.insert(what);
  return true;
}

void Watch::hear(Notice::Kind kind, const std::string& what) {
  ++heard_;
  const bool is_known = believed_.contains(what);
  const bool may_differ = may_repeat_.contains(what) || unsure_.contains(what);
  if (kind == Notice::Kind::Raised || kind == Notice::Kind::Over) unsure_.erase(what);
  if (kind == Notice::Kind::Raised) {
    if (is_known && !may_differ) broken(fmt::format("{} was raised twice", what));
    if (!ever_possible_.contains(what)) broken(fmt::format("{} was raised, and is not so", what));
    believed_.insert(what);
    return;
  }
  if (!is_known && !may_differ) broken(fmt::format("{} is {}, and was never raised", what, to_string(kind)));
  if (kind != Notice::Kind::Over) return;
  believed_.erase(what);
  well_since_.erase(what);
}

void Watch::die() {
  lookout_.reset();
  is_dying_ = false;
  words_left_.reset();
  if (!is_disk_broken) {
    may_repeat_.insert(unwritten_.begin(), unwritten_.end());
  } else {
    unsure_.insert(unwritten_.begin(), unwritten_.end());
    certain_since_.clear();
    well_since_.clear();
  }
  unwritten_.clear();
}

void Watch::calendar_was_set_back() {
  certain_since_.clear();
  well_since_.clear();
}

}  // namespace packferry::simulation
