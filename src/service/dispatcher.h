// Has replicas looked at, by itself, until it is told to stop: asks the queue what is due, lets service/scheduler
// choose, and hands each look to one of its threads. Several programs may do so on one catalogue; leases keep them
// apart.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "catalogue/replicas.h"
#include "service/replica_worker.h"
#include "service/scheduler.h"

namespace packferry {

struct DispatcherOptions {
  std::size_t workers = 16;  // looks at work at a time, all hosts together
  // And of one host, as long as it does not throttle.
  HostGates::Width host_width = [](const std::string&) { return std::size_t{8}; };
  Milliseconds ask_every{500};  // other programs trigger, too, and tell nobody
};

// Called from several threads; must not block for long.
class DispatchObserver {
 public:
  virtual ~DispatchObserver() = default;
  virtual void on_begin(const DueLook&) {}
  virtual void on_end(const DueLook&, const Looked&, Milliseconds /*duration*/) {}
  // The catalogue did not answer, or a look came to no end that could be remembered. It is tried again.
  virtual void on_trouble(const Error&) {}
};

class Dispatcher {
 public:
  // All of it outlives this; `observer` may be null.
  Dispatcher(Replicas& replicas, ReplicaWorker& worker, DispatcherOptions options, const Clock& clock,
             DispatchObserver* observer)
      : replicas_(replicas),
        worker_(worker),
        options_(options),
        clock_(clock),
        observer_(observer),
        gates_(options.host_width) {}

  // Until `stop`. Then no look begins any more; those at work come to their end, or go back to the queue when `looks`
  // is told to stop, too. Returns when all have ended. Called once.
  void run(std::stop_token stop, std::stop_token looks);

  // Something was triggered: look into the queue now.
  void nudge();

  struct HostState {
    std::size_t width = 0;
    bool is_closed = false;
    std::uint64_t throttles = 0;  // since the start
  };
  // Of those that a look has ended with.
  std::map<std::string, HostState> hosts() const;

 private:
  struct Ended {
    DueLook due;
    std::optional<Looked> looked;  // none: nothing came of it
  };
  void work(std::stop_token looks);
  void apply(const Ended& ended);
  Result<std::vector<DueLook>> choose(const std::set<std::string>& begun, const HostGates& gates,
                                      std::optional<Clock::WallTime>& ask_again) const;
  std::optional<Clock::WallTime> begin_looks();
  void wait(std::optional<Clock::WallTime> until, std::stop_token stop);
  void close();

  Replicas& replicas_;
  ReplicaWorker& worker_;
  const DispatcherOptions options_;
  const Clock& clock_;
  DispatchObserver* const observer_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;  // for the one that begins looks
  std::condition_variable has_work_;     // for those that look: one is woken for each look
  bool is_nudged_ = false;               // or a look has ended: there is something to do
  bool is_over_ = false;                 // nothing is handed out any more
  std::deque<DueLook> handed_out_;       // that no thread has taken yet
  std::set<std::string> begun_;          // handed out, and not ended
  HostGates gates_;
  std::map<std::string, std::uint64_t> hosts_;  // throttles, by host
};

}  // namespace packferry
