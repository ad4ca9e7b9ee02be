// Whether alarms reach anybody, tried while nothing is wrong.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "service/alarm_ends.h"

namespace packferry {

// Recognised by a person, and by a machine as the kind "trial". Nothing follows it: no reminder, and no end. `who`
// tries; empty: it does not say.
Notice trial_notice(std::string_view who, Clock::WallTime now);

struct AlarmTrial {
  std::string listener;  // "webhook https://hooks.example.com"; "webhook" alone where `heard` says the rest
  Result<> heard;
};

// Every channel is told once, in the order of the settings, and then the heartbeat is beaten once, whatever became of
// those before.
std::vector<AlarmTrial> try_alarms(const ServeSettings& settings, const AlarmWorld& world, std::string_view who,
                                   std::stop_token stop);

}  // namespace packferry
