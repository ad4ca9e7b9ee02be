// The ends of replicas, reached as the command line or the environment says; what an order says is taken on top.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "cli/ends.h"
#include "service/replica_side.h"
#include "service/replica_worker.h"

namespace packferry {

class OrderedEnds final : public ReplicaEnds {
 public:
  OrderedEnds(const MakeEnds& make_ends, EndOptions options) : make_ends_(make_ends), options_(std::move(options)) {}

  Result<std::unique_ptr<Source>> source(const ReplicaOrder& order) override;
  Result<std::unique_ptr<Destination>> destination(const ReplicaOrder& order) override;

  // What only the host knows of an address there, asked as `role`, if there is one. A repository that is not there yet
  // is in nobody's account.
  Result<SideFacts> facts(const Url& url, Side side, const std::string& role, std::stop_token stop);

 private:
  Result<Ends*> ends(const std::string& role);

  const MakeEnds make_ends_;
  const EndOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Ends>> by_role_;
};

}  // namespace packferry
