// What a fleet means for what is there: hosts' listings to repositories, and for each the places that it goes to. Pure:
// nothing is asked here, and nothing has moved when something is refused.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/catalogue.h"
#include "service/fleet.h"

namespace packferry {

// One place that a repository goes to: a backup, or one end of a replica.
struct FleetLeg {
  DeliveryKey key;
  std::string name;  // of the repository there
  const FleetBackup* backup = nullptr;
  const FleetReplica* replica = nullptr;
  const ReplicaEnd* end = nullptr;  // of the replica
  std::optional<Url> url = {};      // of the replica's end

  const Policy& policy() const { return backup != nullptr ? backup->policy : replica->policy; }
};

// A repository with all of its legs: what several of them need is fetched once.
struct FleetItem {
  std::string host;                                // as the configuration calls it
  std::shared_ptr<const HostedRepository> source;  // shared with the listing: there may be very many
  bool is_wiki = false;                            // its host says that there may be one
  std::vector<FleetLeg> legs = {};

  std::string name() const { return host + "/" + source->name; }
};

// One question to a host.
struct ListingKey {
  std::string host;
  std::string owner;

  std::string name() const;  // "gitlab app", for people

  friend auto operator<=>(const ListingKey&, const ListingKey&) = default;
};
using FleetListings = std::map<ListingKey, std::vector<HostedRepository>>;

// The listings that a fleet's orders are made from, each once.
std::vector<ListingKey> listings_of(const Fleet& fleet);

struct FleetPlan {
  std::vector<FleetItem> items;  // by name
  // Known deliveries whose source is in no listing any more, though its host was listed.
  std::vector<DeliveryKey> missing;
  // Repositories that cannot go where an order says, and why: one bad name does not stop the others.
  struct Refused {
    std::string order;
    std::string source;
    Error error;
  };
  std::vector<Refused> refused;
  std::size_t passed_over = 0;  // repositories that are listed and in no order
};

// Where a repository of this name is, or would be, at that host.
using UrlAtHost = std::function<Result<Url>(const FleetHost& host, std::string_view repository)>;

// Invalid, and nothing is planned: two sources with one destination, a repository that is its own destination, replicas
// that form a circle; the message names them. Listings that failed are missing from `listings`: what they would hold is
// neither planned nor missing. `known`: what was ever delivered. The fleet outlives the plan.
Result<FleetPlan> plan_fleet(const Fleet& fleet, FleetListings listings, const std::vector<DeliveryKey>& known,
                             const UrlAtHost& url_at);

// The part of it that --only and --shard select, as a person says them: globs of "HOST/NAME", none: all; shard `shard`
// of `shards`, the same for the same name whatever else comes and goes.
void select_items(FleetPlan& plan, const std::vector<std::string>& only, unsigned shard, unsigned shards);

}  // namespace packferry
