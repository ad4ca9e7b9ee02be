// Which looks begin now, and when to ask again: pure. It is told the time, what is due and what is at work; a queue
// that it knows nothing of does what it says, and a simulation drives both through years and faults.
//
// Looks are fair to hosts: of the lanes (a source host and a destination host), the one with the fewest at work goes
// first. No host has more at work than its gate lets in, as source and destination together, whoever does the work.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/replicas.h"

namespace packferry {

// How many may talk to each host at once. One that throttles gets half as many and a pause; each round of that many
// successes widens its gate by one, up to what it was. One for a process; belongs to one thread.
class HostGates {
 public:
  using Width = std::function<std::size_t(const std::string& host)>;
  explicit HostGates(Width width_max) : width_max_(std::move(width_max)) {}

  void succeeded(const std::string& host);
  // `hint`: how long it wants us to wait.
  void throttled(const std::string& host, std::optional<Milliseconds> hint, Clock::WallTime now);

  std::size_t width(const std::string& host) const;
  // None: it is open.
  std::optional<Clock::WallTime> closed_until(const std::string& host, Clock::WallTime now) const;

 private:
  struct Gate {
    std::size_t width_max = 1;
    std::size_t width = 1;
    std::size_t successes = 0;  // since the width changed
    unsigned throttles = 0;     // since one succeeded
    Clock::WallTime closed_at{};
    Milliseconds pause{0};
  };
  Gate& gate(const std::string& host);

  Width width_max_;
  std::map<std::string, Gate> gates_;
};

struct SchedulerInput {
  Clock::WallTime now{};
  std::vector<DueLook> due = {};          // Replicas::due()
  std::vector<Replicas::Load> load = {};  // of all processes
  std::size_t free_workers = 0;           // of this one
  std::optional<Clock::WallTime> next_event = {};
};

struct SchedulerStep {
  std::vector<std::string> begin;  // replicas, in this order
  // Nothing more can begin before; none: not before something is triggered or ends.
  std::optional<Clock::WallTime> ask_again = {};
};

SchedulerStep schedule(const SchedulerInput& input, const HostGates& gates);

// How long a failure is slept off, after so many in a row: longer and longer, and never for good. What only a person
// can mend is tried again, slowly. `hint` is what the host asked for.
Milliseconds retry_delay(ErrorKind kind, unsigned failures, std::optional<Milliseconds> hint, std::uint64_t seed);

// When time brings the next look after one that began at `began_at` and did not fail: when the schedule says so, and
// early enough that the replica is not said to be up to date for longer than it is known to be.
Clock::WallTime next_look_at(Milliseconds freshness, std::optional<Clock::WallTime> scheduled, Clock::WallTime began_at,
                             Clock::WallTime now, std::uint64_t seed);

}  // namespace packferry
