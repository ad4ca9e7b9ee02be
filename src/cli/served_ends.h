// The ends of replicas that a service keeps true: hosts that the configuration names are gone to as it says, any others
// as the command line and the environment say.
#pragma once

#include "cli/ordered_ends.h"
#include "service/fleet_ends.h"

namespace packferry {

// What is passed in outlives it.
class ServedEnds final : public ReplicaEnds {
 public:
  ServedEnds(const Fleet& fleet, FleetEnds& ends, OrderedEnds& others) : fleet_(fleet), ends_(ends), others_(others) {}

  Result<std::unique_ptr<Source>> source(const ReplicaOrder& order) override;
  Result<std::unique_ptr<Destination>> destination(const ReplicaOrder& order) override;

 private:
  const Fleet& fleet_;
  FleetEnds& ends_;
  OrderedEnds& others_;
};

}  // namespace packferry
