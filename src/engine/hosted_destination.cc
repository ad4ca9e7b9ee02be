#include "engine/hosted_destination.h"

namespace packferry {
namespace {

constexpr std::string_view kBranches = "refs/heads/";

}  // namespace

Result<std::optional<Listing>> HostedDestination::refs(std::stop_token stop) {
  Result<std::optional<Listing>> listed = there_->refs(stop);
  if (listed) return listed;
  const bool may_not_be_there =
      listed.error().kind() == ErrorKind::NotFound || listed.error().kind() == ErrorKind::Denied;
  if (!may_not_be_there) return listed;
  const Result<HostedRepository> known = host_->find(wanted_.name, std::move(stop));
  if (!known && known.error().kind() == ErrorKind::NotFound) return std::optional<Listing>();
  if (!known && listed.error().kind() == ErrorKind::NotFound) return known.error();
  return listed;
}

Result<> HostedDestination::create(ObjectFormat format, const Head&, std::stop_token stop) {
  NewRepository wanted = wanted_;
  wanted.format = format;
  const Result<HostedRepository> made = host_->create(wanted, std::move(stop));
  if (!made && made.error().kind() != ErrorKind::Conflict) return made.error();
  created_ = made.has_value();
  return {};
}

Result<bool> HostedDestination::set_head(const RefName& branch, std::stop_token stop) {
  if (!created_ || !branch.starts_with(kBranches)) return false;
  TRY(host_->set_default_branch(wanted_.name, std::string_view(branch.text()).substr(kBranches.size()),
                                std::move(stop)));
  return true;
}

}  // namespace packferry
