#include "api/source_places.h"

#include <algorithm>

#include "service/webhook.h"

namespace packferry {

Result<std::set<std::string>> SourcePlaces::sources_at(const std::vector<std::string>& places) {
  const std::vector<Replicas::SourceOfReplica> fresh = TRY(replicas_.sources(newest()));
  const std::lock_guard lock(mutex_);
  for (const Replicas::SourceOfReplica& replica : fresh) add(replica);
  std::set<std::string> all;
  for (const std::string& place : places)
    if (const auto found = sources_.find(place); found != sources_.end())
      all.insert(found->second.begin(), found->second.end());
  return all;
}

std::int64_t SourcePlaces::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

// Two threads may bring the same one.
void SourcePlaces::add(const Replicas::SourceOfReplica& replica) {
  newest_ = std::max(newest_, replica.id);
  if (const Result<Url> source = Url::parse(replica.source_url)) sources_[place_of(*source)].insert(replica.source_url);
}

}  // namespace packferry
