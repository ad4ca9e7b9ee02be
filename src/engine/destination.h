// Where refs and packs go: a Remote, later a vault of snapshots.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "host/host_profile.h"
#include "remote/remote.h"

namespace packferry {

class Destination {
 public:
  virtual ~Destination() = default;
  virtual std::string name() const = 0;
  virtual const HostProfile& profile() const = 0;
  // Everything it holds now; none: there is no repository yet, and create() can make it. Also the proof afterwards:
  // always asked anew.
  virtual Result<std::optional<Listing>> refs(std::stop_token stop) = 0;
  // Makes the repository that was not there, fit for what the source holds.
  virtual Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) = 0;
  virtual Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                                   std::stop_token stop) = 0;
  // Points HEAD at `branch`; false where a destination has no way to.
  virtual Result<bool> set_head(const RefName& branch, std::stop_token stop) = 0;
  // Must the pack that comes now stand by itself, with everything that the source offers? `offered`: what of `source`
  // is selected, under the names here; that pack holds what these reach and no more. Asked once the plan stands.
  virtual Result<bool> needs_everything(const Listing& /*source*/, const RefMap& /*offered*/, const Plan& /*plan*/,
                                        std::stop_token) {
    return false;
  }
  // All pushes of this crossing are over. A destination that shows them only as one whole does it now, and says true
  // when it has something to show. `source` is the listing that they were taken from.
  virtual Result<bool> publish(const Listing& /*source*/, const Plan& /*plan*/, std::stop_token) { return false; }
};

class RemoteDestination final : public Destination {
 public:
  RemoteDestination(std::unique_ptr<Remote> remote, HostProfile profile);
  std::string name() const override { return remote_->name(); }
  const HostProfile& profile() const override { return profile_; }
  Result<std::optional<Listing>> refs(std::stop_token stop) override;
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override;
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages, std::stop_token stop) override;
  Result<bool> set_head(const RefName&, std::stop_token) override { return false; }

 private:
  const std::unique_ptr<Remote> remote_;
  const HostProfile profile_;
};

// A repository on this machine, through the local git. A directory that does not exist, or is empty,
// counts as no repository yet; create() makes a bare one. Its HEAD can be set.
class LocalDestination final : public Destination {
 public:
  // `environment` is what the local git runs with; `path` is absolute.
  LocalDestination(std::unique_ptr<Remote> remote, std::string path, std::vector<std::string> environment);
  std::string name() const override { return remote_->name(); }
  const HostProfile& profile() const override { return profile_; }
  Result<std::optional<Listing>> refs(std::stop_token stop) override;
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override;
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages, std::stop_token stop) override;
  Result<bool> set_head(const RefName& branch, std::stop_token stop) override;

 private:
  bool is_absent() const;
  Result<std::string> git(std::vector<std::string> words, std::stop_token stop) const;

  const std::unique_ptr<Remote> remote_;
  const std::string path_;
  const std::vector<std::string> environment_;
  const HostProfile profile_;
};

}  // namespace packferry
