// Bugs that a queue of replicas and its lookout must not have, one at a time, so that the simulation can show that it
// would find them.
#pragma once

#include <memory>
#include <string_view>

#include "catalogue/alarm_records.h"
#include "catalogue/replicas.h"

namespace packferry::simulation {

enum class Bug {
  None,
  LostTrigger,     // what comes while a look is at work is taken to be seen by it
  NoFence,         // whoever is done may record, whether the lease is still theirs or not
  DeadLeases,      // a lease that ran out stays
  StaleClaim,      // having looked, however it ended, counts as having confirmed
  NoChain,         // a changed destination triggers nobody
  TrustsWorkers,   // the lookout takes what a worker has, dead or alive, for being well
  ForgetsAlarms,   // a new lookout does not know what an earlier one had said
  ForgetsNotices,  // nor what that still had to say
};
inline constexpr Bug kBugs[] = {Bug::LostTrigger, Bug::NoFence,       Bug::DeadLeases,    Bug::StaleClaim,
                                Bug::NoChain,     Bug::TrustsWorkers, Bug::ForgetsAlarms, Bug::ForgetsNotices};
std::string_view to_string(Bug bug);

// What each of them sees, with that bug where it is theirs.
std::unique_ptr<Replicas> for_service(Replicas& replicas, Bug bug);
std::unique_ptr<Replicas> for_lookout(Replicas& replicas, Bug bug);
std::unique_ptr<AlarmRecords> for_lookout(AlarmRecords& records, Bug bug);

}  // namespace packferry::simulation
