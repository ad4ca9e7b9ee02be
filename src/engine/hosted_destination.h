// A destination that its host may be asked to make: CodeCommit has an API for that, and Git's protocol has no words.
#pragma once

#include <memory>
#include <optional>

#include "engine/destination.h"
#include "host/host.h"

namespace packferry {

class HostedDestination final : public Destination {
 public:
  // `wanted.name` is the repository's at the host. `there` is the same repository as Git sees it.
  HostedDestination(std::unique_ptr<Destination> there, std::shared_ptr<Host> host, NewRepository wanted)
      : there_(std::move(there)), host_(std::move(host)), wanted_(std::move(wanted)) {}

  std::string name() const override { return there_->name(); }
  const HostProfile& profile() const override { return there_->profile(); }
  // What Git does not find, or may not see, the host is asked about: only when it knows no such repository either is
  // there none.
  Result<std::optional<Listing>> refs(std::stop_token stop) override;
  // One that somebody else has made meanwhile is as good. Unsupported: the host makes none of this format.
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override;
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    return there_->open(std::move(request), std::move(messages), std::move(stop));
  }
  // Only for what create() has made: else the default branch is somebody's choice.
  Result<bool> set_head(const RefName& branch, std::stop_token stop) override;

 private:
  const std::unique_ptr<Destination> there_;
  const std::shared_ptr<Host> host_;
  const NewRepository wanted_;
  bool created_ = false;
};

}  // namespace packferry
