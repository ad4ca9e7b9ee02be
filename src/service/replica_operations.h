// What can be done with replicas: the verbs that the command line and the API share. Who may do what is asked before.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "catalogue/replicas.h"
#include "net/url.h"
#include "service/replica_policy.h"
#include "service/replica_side.h"
#include "service/replica_worker.h"

namespace packferry {

// As a person orders it.
struct ReplicaWish {
  std::string name = {};  // empty: made of the source's path
  Url source;
  Url destination;
  SideFacts source_facts = {};
  SideFacts destination_facts = {};
  ReplicaPolicy policy = {};
  // What may be at the destination already and become the source's; old tips are kept.
  bool ignore_non_empty_destination = false;
  std::vector<std::string> replace_branches = {};  // short names

  bool may_replace(const std::string& ref) const;
  std::vector<std::string> allowed_regions = {};  // of a destination at CodeCommit; empty: any
  std::string schedule = {};
  std::string role = {};
  std::string account_name = {};
  Milliseconds freshness{3'600'000};
  // Whether whoever wishes may hear of the replica with that name; none: of all.
  std::function<bool(const std::string& name)> may_hear_of = {};
};

// The last part of the path, without ".git".
std::string replica_name_of(const Url& source);

class ReplicaOperations {
 public:
  // All of it outlives this.
  ReplicaOperations(Replicas& replicas, ReplicaEnds& ends, Clock& clock)
      : replicas_(replicas), ends_(ends), clock_(clock) {}

  // Invalid: a name, a region or a policy that cannot be; it would close a circle, which is named. Rejected: there is
  // one of this name, or one that writes to this place; the destination has refs that nobody said may be there. What
  // the destination says when it is listed, too: only a repository that is not there yet passes for empty.
  Result<ReplicaRecord> create(const ReplicaWish& wish, const std::string& by, std::stop_token stop);
  // NotFound, here and below: there is none of this name.
  Result<ReplicaRecord> get(const std::string& name);
  Result<std::vector<ReplicaRecord>> list();  // all of them, by name
  // `digest`: of the plan that is held, or its first twelve digits or more. Rejected: it is not what is held.
  Result<> approve(const std::string& name, const std::string& digest, const std::string& by);

  // The first look, at once: afterwards both sides are equal, or it is said why not. What it holds goes through if
  // `allow` says so, ref by ref; then the plan has been approved, as by a person. Where a service was quicker, it is
  // looked at once more. Conflict: it was paused meanwhile.
  using MayReplace = std::function<bool(const std::string& ref)>;
  Result<Looked> seed(const std::string& name, ReplicaWorker& worker, const MayReplace& allow, const std::string& by,
                      CrossingObserver* observer, std::stop_token stop);

  // The replicas from the first source of its chain to `name`, in the order in which a change passes them.
  Result<std::vector<ReplicaRecord>> chain(const std::string& name);

 private:
  Result<> check_destination(const ReplicaOrder& order, const ReplicaWish& wish, std::stop_token stop);

  Replicas& replicas_;
  ReplicaEnds& ends_;
  Clock& clock_;
};

}  // namespace packferry
