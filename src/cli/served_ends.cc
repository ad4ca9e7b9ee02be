#include "cli/served_ends.h"

#include <algorithm>

#include "aws/codecommit_address.h"
#include "service/known_hosts.h"

namespace packferry {
namespace {

// An order that names a role is carried out with that.
const FleetHost* host_for(const Fleet& fleet, const std::string& role, const Url& url) {
  return role.empty() ? host_of(fleet, url) : nullptr;
}

// As replica_side() calls those whose names tell.
std::string type_of(HostKind kind) {
  switch (kind) {
    case HostKind::GitLab:
      return "GitLab";
    case HostKind::GitHub:
      return "GitHub";
    case HostKind::Gitea:
      return "Gitea";
    case HostKind::Bitbucket:
    case HostKind::BitbucketServer:
      return "Bitbucket";
    case HostKind::CodeCommit:
    case HostKind::Directory:
    case HostKind::List:
      return {};
  }
  CHECK(!"a HostKind is one of these");
  return {};
}

}  // namespace

Result<std::unique_ptr<Source>> ServedEnds::source(const ReplicaOrder& order) {
  const Url url = TRY(Url::parse(order.source.url));
  if (const FleetHost* const host = host_for(fleet_, order.role, url))
    return ends_.source(*host, HostedRepository{.name = order.source.id, .url = url});
  return others_.source(order);
}

Result<std::unique_ptr<Destination>> ServedEnds::destination(const ReplicaOrder& order) {
  const Url url = TRY(Url::parse(order.destination.url));
  if (const FleetHost* const host = host_for(fleet_, order.role, url)) return ends_.destination(*host, url, nullptr);
  return others_.destination(order);
}

Result<> ServedEnds::admit(const ReplicaWish& wish) const {
  for (const Url* url : {&wish.source, &wish.destination})
    if (host_of(fleet_, *url) == nullptr)
      return Error(ErrorKind::Denied, "{}: the service's configuration names no such host; add it under [hosts]",
                   url->text());
  const auto has_role = [&wish](const FleetHost& host) { return host.identity.role_arn == wish.role; };
  if (!wish.role.empty() && std::ranges::none_of(fleet_.hosts, has_role))
    return Error(ErrorKind::Denied, "the service's configuration names no such role; write it at a host under [hosts]");
  return {};
}

Result<ReplicaWish> ServedEnds::complete(ReplicaWish wish, std::stop_token stop) {
  wish.source_facts = TRY(facts(wish.source, Side::Source, wish.role, stop));
  wish.destination_facts = TRY(facts(wish.destination, Side::Destination, wish.role, std::move(stop)));
  wish.account_name = wish.destination_facts.account;
  return wish;
}

Result<SideFacts> ServedEnds::facts(const Url& url, Side side, const std::string& role, std::stop_token stop) {
  const FleetHost* const host = host_for(fleet_, role, url);
  if (host == nullptr) return others_.facts(url, side, role, std::move(stop));
  if (!is_codecommit(url)) return SideFacts{.type = type_of(host->kind)};
  Host& account = *TRY(ends_.host(*host));
  const Result<HostedRepository> found = account.find(url.path().substr(url.path().rfind('/') + 1), std::move(stop));
  if (found) return SideFacts{.region = found->region, .account = found->account};
  if (found.error().kind() == ErrorKind::NotFound) return SideFacts{.region = host->region};
  return found.error();
}

}  // namespace packferry
