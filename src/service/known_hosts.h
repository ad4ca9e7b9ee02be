// Which host of a fleet an address leads to: whose credentials are for it, and whether we go there at all when it is
// not a person at the machine who says so. Pure; asks nobody.
#pragma once

#include <optional>

#include "net/url.h"
#include "service/fleet.h"

namespace packferry {

// Where a person opens it: what the configuration says, or the public one of its kind. Nothing for those that have
// none.
std::optional<Url> web_address_of(const FleetHost& host);

// The first that `url` is at; null: none of them. A forge by its address, or over ssh by its name; CodeCommit by the
// region; a directory by what is in it, with no way out; a list by the servers in it.
const FleetHost* host_of(const Fleet& fleet, const Url& url);

// How many looks may be at work at a host, by its name in ReplicaSide::host: the `jobs` of the host of the fleet that
// it is; where it is several, the most; where it is none, as many as a host has that says nothing.
std::size_t width_of(const Fleet& fleet, const std::string& host);

}  // namespace packferry
