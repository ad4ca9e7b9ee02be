// Replicas' ends in memory, by address.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "service/replica_worker.h"
#include "testing/borrowed_ends.h"
#include "testing/fake_ends.h"

namespace packferry::testing {

class FakeReplicaEnds final : public ReplicaEnds {
 public:
  Result<std::unique_ptr<Source>> source(const ReplicaOrder& order) override {
    if (error) return Error(*error);
    return std::make_unique<SourceAround>(sources[order.source.url]);
  }
  Result<std::unique_ptr<Destination>> destination(const ReplicaOrder& order) override {
    if (error) return Error(*error);
    return std::make_unique<BorrowedDestination>(
        destinations.try_emplace(order.destination.url, order.destination.url).first->second);
  }

  std::map<std::string, FakeSource> sources;
  std::map<std::string, FakeDestination> destinations;
  std::optional<Error> error;  // of both
};

}  // namespace packferry::testing
