#include "service/dispatcher.h"

#include <algorithm>
#include <thread>

namespace packferry {

void Dispatcher::nudge() {
  {
    const std::lock_guard lock(mutex_);
    is_nudged_ = true;
  }
  changed_.notify_one();
}

std::map<std::string, Dispatcher::HostState> Dispatcher::hosts() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, HostState> states;
  for (const auto& [host, throttles] : hosts_)
    states[host] = {.width = gates_.width(host),
                    .is_closed = gates_.closed_until(host, clock_.now()).has_value(),
                    .throttles = throttles};
  return states;
}

// Which of the two hosts throttles is certain only where the first question was refused, which goes to the source; a
// pause too many costs less than a storm.
void Dispatcher::apply(const Ended& ended) {
  const DueLook& due = ended.due;
  const std::optional<Looked>& looked = ended.looked;
  hosts_.try_emplace(due.source_host, 0);
  hosts_.try_emplace(due.destination_host, 0);
  if (!looked) return;
  const auto throttled = [&](const std::string& host) {
    ++hosts_[host];
    gates_.throttled(host, looked->error->retry_after(), clock_.now());
  };
  if (looked->error && looked->error->kind() == ErrorKind::Throttled) {
    throttled(due.source_host);
    if (!looked->look.source_state.empty() && due.destination_host != due.source_host) throttled(due.destination_host);
    return;
  }
  if (looked->look.outcome == LookOutcome::Failed) return;
  gates_.succeeded(due.source_host);
  if (due.destination_host != due.source_host) gates_.succeeded(due.destination_host);
}

// One of the threads that look.
void Dispatcher::work(std::stop_token looks) {
  std::unique_lock lock(mutex_);
  while (true) {
    has_work_.wait(lock, [this] { return is_over_ || !handed_out_.empty(); });
    if (handed_out_.empty()) return;
    Ended ended{.due = std::move(handed_out_.front()), .looked = {}};
    handed_out_.pop_front();
    lock.unlock();

    if (observer_ != nullptr) observer_->on_begin(ended.due);
    const Clock::SteadyTime began = clock_.steady();
    Result<std::optional<Looked>> looked = worker_.work(ended.due.replica, nullptr, looks);
    const auto duration = std::chrono::duration_cast<Milliseconds>(clock_.steady() - began);
    if (looked) {
      ended.looked = std::move(looked).value();
      if (ended.looked && observer_ != nullptr) observer_->on_end(ended.due, *ended.looked, duration);
    } else if (observer_ != nullptr && looked.error().kind() != ErrorKind::Cancelled) {
      observer_->on_trouble(looked.error());
    }

    lock.lock();
    begun_.erase(ended.due.replica);
    apply(ended);
    is_nudged_ = true;
    changed_.notify_one();
  }
}

// What can begin, in its order; `ask_again`: when there may be more.
Result<std::vector<DueLook>> Dispatcher::choose(const std::set<std::string>& begun, const HostGates& gates,
                                                std::optional<Clock::WallTime>& ask_again) const {
  const Clock::WallTime now = clock_.now();
  TRY(replicas_.wake(now));
  SchedulerInput input{.now = now, .free_workers = options_.workers - begun.size()};
  std::map<std::string, DueLook> due;
  if (input.free_workers > 0) {
    // What was handed out a moment ago may not have its lease yet: then it is among those that are due. In this order
    // it is counted twice when it gets the lease just now, and never not at all.
    std::vector<DueLook> all = TRY(replicas_.due(now, 2 * options_.workers));
    input.load = TRY(replicas_.load());
    for (DueLook& look : all) {
      if (begun.contains(look.replica)) {
        input.load.push_back(
            {.source_host = look.source_host, .destination_host = look.destination_host, .at_work = 1});
        continue;
      }
      due[look.replica] = look;
      input.due.push_back(std::move(look));
    }
  }
  input.next_event = TRY(replicas_.next_event(now));
  const SchedulerStep step = schedule(input, gates);
  ask_again = step.ask_again;
  std::vector<DueLook> chosen;
  for (const std::string& name : step.begin) chosen.push_back(std::move(due.at(name)));
  return chosen;
}

// When to ask again. Whoever nudges does not wait for the catalogue.
std::optional<Clock::WallTime> Dispatcher::begin_looks() {
  std::unique_lock lock(mutex_);
  is_nudged_ = false;
  const std::set<std::string> begun = begun_;
  const HostGates gates = gates_;
  lock.unlock();
  std::optional<Clock::WallTime> ask_again;
  Result<std::vector<DueLook>> chosen = choose(begun, gates, ask_again);
  if (!chosen) {
    if (observer_ != nullptr) observer_->on_trouble(chosen.error());
    return std::nullopt;
  }
  lock.lock();
  for (DueLook& look : *chosen) {
    begun_.insert(look.replica);
    handed_out_.push_back(std::move(look));
    has_work_.notify_one();
  }
  return ask_again;
}

void Dispatcher::wait(std::optional<Clock::WallTime> until, std::stop_token stop) {
  Milliseconds longest = options_.ask_every;
  if (until)
    longest = std::clamp(std::chrono::duration_cast<Milliseconds>(*until - clock_.now()), Milliseconds(1), longest);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::move(stop), longest, [this] { return is_nudged_; });
}

// What no thread has begun yet stays in the queue.
void Dispatcher::close() {
  const std::lock_guard lock(mutex_);
  for (const DueLook& look : handed_out_) begun_.erase(look.replica);
  handed_out_.clear();
  is_over_ = true;
  has_work_.notify_all();
}

void Dispatcher::run(std::stop_token stop, std::stop_token looks) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < options_.workers; ++i) threads.emplace_back([this, looks] { work(looks); });
  while (!stop.stop_requested()) wait(begin_looks(), stop);
  close();
}

}  // namespace packferry
