#include "service/scheduler.h"

#include <algorithm>

#include "base/backoff.h"

namespace packferry {
namespace {

constexpr Backoff kThrottled{.first = Milliseconds(5'000), .longest = Milliseconds(15 * 60'000)};

Backoff backoff_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Conflict:
      // Another hand was quicker: what is there now wants to be seen soon.
      return {.first = Milliseconds(1'000), .longest = Milliseconds(60'000)};
    case ErrorKind::Throttled:
    case ErrorKind::Unavailable:
    case ErrorKind::Cancelled:
      return kThrottled;
    case ErrorKind::Rejected:
    case ErrorKind::Exhausted:
      return {.first = Milliseconds(60'000), .longest = Milliseconds(3'600'000)};
    case ErrorKind::NotFound:
    case ErrorKind::Unsupported:
    case ErrorKind::Denied:
    case ErrorKind::Invalid:
      // A person has to act, and the next trigger by one does not wait for this.
      return {.first = Milliseconds(5 * 60'000), .longest = Milliseconds(3'600'000)};
    case ErrorKind::Corrupt:
      return {.first = Milliseconds(15 * 60'000), .longest = Milliseconds(6 * 3'600'000)};
  }
  CHECK(!"an ErrorKind has a backoff");
  return {};
}

struct Lane {
  std::vector<const DueLook*> looks;  // in their order
  std::size_t next = 0;
  std::size_t at_work = 0;

  bool is_over() const { return next == looks.size(); }
  const DueLook& front() const { return *looks[next]; }
};

using LaneKey = std::pair<std::string, std::string>;  // source host, destination host

// One round of choosing: what is at work so far, with what has been chosen.
class Choice {
 public:
  Choice(const SchedulerInput& input, const HostGates& gates) : now_(input.now), gates_(gates) {
    for (const DueLook& look : input.due) lanes_[{look.source_host, look.destination_host}].looks.push_back(&look);
    for (const Replicas::Load& load : input.load) {
      add(load.source_host, load.destination_host, load.at_work);
      if (const auto lane = lanes_.find({load.source_host, load.destination_host}); lane != lanes_.end())
        lane->second.at_work = load.at_work;
    }
  }

  // Null: nothing more can begin.
  const DueLook* next() {
    Lane* best = nullptr;
    for (auto& [hosts, lane] : lanes_) {
      if (lane.is_over() || !has_room(hosts)) continue;
      if (best == nullptr || goes_before(lane, *best)) best = &lane;
    }
    if (best == nullptr) return nullptr;
    const DueLook& look = best->front();
    ++best->next;
    ++best->at_work;
    add(look.source_host, look.destination_host, 1);
    return &look;
  }

  // When the first gate opens that something waits for.
  std::optional<Clock::WallTime> first_opening() const {
    std::optional<Clock::WallTime> first;
    for (const auto& [hosts, lane] : lanes_) {
      if (lane.is_over()) continue;
      const auto source = gates_.closed_until(hosts.first, now_), destination = gates_.closed_until(hosts.second, now_);
      const auto opens = std::max(source, destination);  // none is the earliest
      if (opens && (!first || *opens < *first)) first = opens;
    }
    return first;
  }

 private:
  static bool goes_before(const Lane& a, const Lane& b) {
    return a.at_work != b.at_work ? a.at_work < b.at_work : a.front().rank_at < b.front().rank_at;
  }

  void add(const std::string& source, const std::string& destination, std::size_t count) {
    at_work_[source] += count;
    if (destination != source) at_work_[destination] += count;
  }

  bool has_room(const LaneKey& hosts) const {
    const auto is_open = [this](const std::string& host) {
      const auto at_work = at_work_.find(host);
      return !gates_.closed_until(host, now_) && (at_work == at_work_.end() || at_work->second < gates_.width(host));
    };
    return is_open(hosts.first) && is_open(hosts.second);
  }

  const Clock::WallTime now_;
  const HostGates& gates_;
  std::map<LaneKey, Lane> lanes_;
  std::map<std::string, std::size_t> at_work_;  // by host
};

}  // namespace

HostGates::Gate& HostGates::gate(const std::string& host) {
  const auto it = gates_.find(host);
  if (it != gates_.end()) return it->second;
  const std::size_t width = width_max_(host);
  return gates_.emplace(host, Gate{.width_max = width, .width = width}).first->second;
}

void HostGates::succeeded(const std::string& host) {
  Gate& it = gate(host);
  it.throttles = 0;
  if (it.width == it.width_max || ++it.successes < it.width) return;
  ++it.width;
  it.successes = 0;
}

void HostGates::throttled(const std::string& host, std::optional<Milliseconds> hint, Clock::WallTime now) {
  Gate& it = gate(host);
  // Several that were at work are told the same at about the same time: that is one word.
  if (!closed_until(host, now)) {
    it.width = std::max<std::size_t>(it.width / 2, 1);
    it.successes = 0;
    ++it.throttles;
  }
  it.pause = kThrottled.delay(std::max(it.throttles, 1u), hint, std::hash<std::string>()(host));
  it.closed_at = now;
}

std::size_t HostGates::width(const std::string& host) const {
  const auto it = gates_.find(host);
  return it == gates_.end() ? width_max_(host) : it->second.width;
}

std::optional<Clock::WallTime> HostGates::closed_until(const std::string& host, Clock::WallTime now) const {
  const auto it = gates_.find(host);
  // A calendar that was set back opens it.
  if (it == gates_.end() || now < it->second.closed_at || now >= it->second.closed_at + it->second.pause)
    return std::nullopt;
  return it->second.closed_at + it->second.pause;
}

SchedulerStep schedule(const SchedulerInput& input, const HostGates& gates) {
  SchedulerStep step;
  Choice choice(input, gates);
  while (step.begin.size() < input.free_workers) {
    const DueLook* const look = choice.next();
    if (look == nullptr) break;
    step.begin.push_back(look->replica);
  }
  step.ask_again = input.next_event;
  if (const auto opening = choice.first_opening(); opening && (!step.ask_again || *opening < *step.ask_again))
    step.ask_again = opening;
  return step;
}

Milliseconds retry_delay(ErrorKind kind, unsigned failures, std::optional<Milliseconds> hint, std::uint64_t seed) {
  return backoff_of(kind).delay(std::max(failures, 1u), hint, seed);
}

Clock::WallTime next_look_at(Milliseconds freshness, std::optional<Clock::WallTime> scheduled, Clock::WallTime began_at,
                             Clock::WallTime now, std::uint64_t seed) {
  // The calendar was set back while it looked: nobody will know how old what it saw is.
  if (began_at > now) return now;
  // Between 60 and 80 % of it, so that a fifth is left for the queue and for the look itself, and replicas that were
  // made together do not stay together.
  const Backoff most{.first = freshness * 4 / 5, .longest = freshness * 4 / 5};
  const Milliseconds after = std::max(most.delay(1, std::nullopt, seed), freshness * 3 / 5);
  return std::max(now, std::min(began_at + after, scheduled.value_or(Clock::WallTime::max())));
}

}  // namespace packferry
