#include "remote/greeted_hosts.h"

namespace packferry {

std::shared_ptr<const Advertisement> GreetedHosts::recall(const std::string& origin) const {
  const std::lock_guard lock(mutex_);
  const auto host = hosts_.find(origin);
  return host != hosts_.end() && host->second.balks < kBalksMax ? host->second.said : nullptr;
}

void GreetedHosts::greeted(const std::string& origin, const Advertisement& said) {
  if (origin.empty()) return;
  auto kept = said.protocol == 2 ? std::make_shared<const Advertisement>(said) : nullptr;
  const std::lock_guard lock(mutex_);
  hosts_[origin].said.swap(kept);
}

void GreetedHosts::answered(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  Host& host = hosts_[origin];
  if (host.balks < kBalksMax) host.balks = 0;
}

void GreetedHosts::balked(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  Host& host = hosts_[origin];
  if (host.balks < kBalksMax) ++host.balks;
}

}  // namespace packferry
