#include "cli/served_ends.h"

#include "service/known_hosts.h"

namespace packferry {
namespace {

// An order that names a role is carried out with that.
const FleetHost* host_for(const Fleet& fleet, const ReplicaOrder& order, const Url& url) {
  return order.role.empty() ? host_of(fleet, url) : nullptr;
}

}  // namespace

Result<std::unique_ptr<Source>> ServedEnds::source(const ReplicaOrder& order) {
  const Url url = TRY(Url::parse(order.source.url));
  if (const FleetHost* const host = host_for(fleet_, order, url))
    return ends_.source(*host, HostedRepository{.name = order.source.id, .url = url});
  return others_.source(order);
}

Result<std::unique_ptr<Destination>> ServedEnds::destination(const ReplicaOrder& order) {
  const Url url = TRY(Url::parse(order.destination.url));
  if (const FleetHost* const host = host_for(fleet_, order, url)) return ends_.destination(*host, url, nullptr);
  return others_.destination(order);
}

}  // namespace packferry
