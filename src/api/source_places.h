// Which replicas' sources are at a place, for the webhooks that speak of it: an index that is kept up to date from the
// catalogue at the cost of what is new. Safe from several threads.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "catalogue/replicas.h"

namespace packferry {

class SourcePlaces {
 public:
  explicit SourcePlaces(Replicas& replicas) : replicas_(replicas) {}

  // The addresses of all sources there, as the orders say them; see place_of(). Of a replica that is gone by now the
  // address may still be among them: nobody reads from it then.
  Result<std::set<std::string>> sources_at(const std::vector<std::string>& places);

 private:
  std::int64_t newest() const;
  void add(const Replicas::SourceOfReplica& replica);  // under the lock

  Replicas& replicas_;
  mutable std::mutex mutex_;
  std::int64_t newest_ = 0;  // number of the newest replica that is in the index
  std::map<std::string, std::set<std::string>, std::less<>> sources_;
};

}  // namespace packferry
