// The ends of replicas that a service keeps true: hosts that the configuration names are gone to as it says, any others
// as the command line and the environment say.
#pragma once

#include "cli/ordered_ends.h"
#include "service/fleet_ends.h"
#include "service/replica_operations.h"

namespace packferry {

// What is passed in outlives it.
class ServedEnds final : public ReplicaEnds {
 public:
  ServedEnds(const Fleet& fleet, FleetEnds& ends, OrderedEnds& others) : fleet_(fleet), ends_(ends), others_(others) {}

  Result<std::unique_ptr<Source>> source(const ReplicaOrder& order) override;
  Result<std::unique_ptr<Destination>> destination(const ReplicaOrder& order) override;

  // May somebody who is not at this machine order that? Between hosts that the configuration names, as whom it names:
  // so nobody has us ask addresses of our own network, or read our files. Denied otherwise.
  Result<> admit(const ReplicaWish& wish) const;
  // With what only the hosts know of both ends.
  Result<ReplicaWish> complete(ReplicaWish wish, std::stop_token stop);

 private:
  Result<SideFacts> facts(const Url& url, Side side, const std::string& role, std::stop_token stop);

  const Fleet& fleet_;
  FleetEnds& ends_;
  OrderedEnds& others_;
};

}  // namespace packferry
