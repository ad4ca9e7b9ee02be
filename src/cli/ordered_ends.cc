#include "cli/ordered_ends.h"

#include "aws/codecommit_address.h"

namespace packferry {

Result<std::unique_ptr<Source>> OrderedEnds::source(const ReplicaOrder& order) {
  const Url url = TRY(Url::parse(order.source.url));
  Ends& here = *TRY(ends(order.role));
  return here.source(url, Side::Source);
}

Result<std::unique_ptr<Destination>> OrderedEnds::destination(const ReplicaOrder& order) {
  const Url url = TRY(Url::parse(order.destination.url));
  Ends& here = *TRY(ends(order.role));
  return here.destination(url);
}

Result<SideFacts> OrderedEnds::facts(const Url& url, Side side, const std::string& role, std::stop_token stop) {
  if (!is_codecommit(url)) return SideFacts{};
  Ends& here = *TRY(ends(role));
  const HostedPlace place = TRY(here.hosted(url, side));
  const Result<HostedRepository> found = place.host->find(place.repository, std::move(stop));
  if (found) return SideFacts{.region = found->region, .account = found->account};
  if (found.error().kind() == ErrorKind::NotFound) return SideFacts{.region = url.region()};
  return found.error();
}

Result<Ends*> OrderedEnds::ends(const std::string& role) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Ends>& ends = by_role_[role];
  if (ends) return ends.get();
  EndOptions options = options_;
  if (!role.empty()) options.destination_identity.role_arn = role;
  ends = TRY(make_ends_(options));
  return ends.get();
}

}  // namespace packferry
