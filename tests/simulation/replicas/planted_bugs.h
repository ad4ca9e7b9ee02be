// Bugs that a queue of replicas must not have, one at a time, so that the simulation can show that it would find them.
#pragma once

#include <memory>
#include <string_view>

#include "catalogue/replicas.h"

namespace packferry::simulation {

enum class Bug {
  None,
  LostTrigger,  // what comes while a look is at work is taken to be seen by it
  NoFence,      // whoever is done may record, whether the lease is still theirs or not
  DeadLeases,   // a lease that ran out stays
  StaleClaim,   // having looked, however it ended, counts as having confirmed
  NoChain,      // a changed destination triggers nobody
};
inline constexpr Bug kBugs[] = {Bug::LostTrigger, Bug::NoFence, Bug::DeadLeases, Bug::StaleClaim, Bug::NoChain};
std::string_view to_string(Bug bug);

// `replicas`, with that bug.
std::unique_ptr<Replicas> with_bug(std::unique_ptr<Replicas> replicas, Bug bug);

}  // namespace packferry::simulation
