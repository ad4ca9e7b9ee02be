// One history of a service that keeps replicas true: two instances of it share a catalogue, hosts fail and throttle,
// people push, pause, remove and approve, workers die or stand still past their leases, answers get lost, the calendar
// jumps. A lookout watches it, which dies too, and whose disk and telephone fail. After each step the promises of
// scheduler, queue, catalogue and lookout are checked against what really happened; then all faults end, and everything
// has to become true by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "planted_bugs.h"

namespace packferry::simulation {

struct Outcome {
  std::optional<std::string> broken;  // which promise, and how; none: all were kept
  std::uint64_t looks = 0;            // recorded
  std::uint64_t refused = 0;          // said by workers that had lost their lease
  std::uint64_t heard = 0;            // said by the lookout, to a person
};

// The same for the same seed. `trace` prints what happens.
Outcome simulate(std::uint64_t seed, Bug bug, bool trace);

}  // namespace packferry::simulation
