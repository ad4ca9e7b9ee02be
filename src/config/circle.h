// Replicas that come back to where they began, as far as that can be seen without asking the hosts: a name that a
// selection could choose is followed from replica to replica. Owners and globs decide whether it is chosen; visibility
// and the like are taken for right. What this finds is a circle as soon as such a repository is there; what it does not
// find may still be one, and a sweep looks again at real names.
#pragma once

#include <string>
#include <vector>

#include "service/fleet.h"

namespace packferry {

struct ReplicaCircle {
  std::vector<std::size_t> replicas;  // by their place in the fleet, in the order of the way
  std::string way;                    // "gitlab/app/web → aws/app-web → gitlab/app/web"
};

std::vector<ReplicaCircle> find_circles(const Fleet& fleet);

// What a template makes of a name of `host`, "group/name"; values that only the host knows are made up. Invalid: a
// variable that there is not, or that is empty for this name.
Result<std::string> sample_of(const NameTemplate& name_template, const FleetHost& host, std::string_view name);

}  // namespace packferry
