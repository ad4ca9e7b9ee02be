// Which replicas lead where, and whether one of them leads back.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/url.h"

namespace packferry {

// A change at `from` goes on to `to`. Two ends are one when their texts are.
struct ReplicaEdge {
  std::string from;
  std::string to;
};

// Of a repository there is one, however it is written: with ".git" or a '/' at its end, or without.
std::string end_at(const Url& url);

// The ends of one circle in their order, the first one again at the end; empty: there is none. The same circle for the
// same edges, whatever their order.
std::vector<std::string> find_circle(std::vector<ReplicaEdge> edges);
// Invalid, with the circle's name, where there is one.
Result<> refuse_circles(std::vector<ReplicaEdge> edges);

}  // namespace packferry
