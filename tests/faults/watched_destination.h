// Destinations around a destination.
#pragma once

#include <memory>

#include "engine/destination.h"

namespace packferry::testing {

// Passes everything on.
class DestinationAround : public Destination {
 public:
  explicit DestinationAround(std::unique_ptr<Destination> real) : real_(std::move(real)) {}
  std::string name() const override { return real_->name(); }
  const HostProfile& profile() const override { return real_->profile(); }
  Result<std::optional<Listing>> refs(std::stop_token stop) override { return real_->refs(stop); }
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override {
    return real_->create(format, head, stop);
  }
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    return real_->open(std::move(request), std::move(messages), stop);
  }
  Result<bool> set_head(const RefName& branch, std::stop_token stop) override { return real_->set_head(branch, stop); }

 private:
  const std::unique_ptr<Destination> real_;
};

class CountingDestination final : public DestinationAround {
 public:
  CountingDestination(std::unique_ptr<Destination> real, std::size_t& pushes)
      : DestinationAround(std::move(real)), pushes_(pushes) {}
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    ++pushes_;
    return DestinationAround::open(std::move(request), std::move(messages), stop);
  }

 private:
  std::size_t& pushes_;
};

}  // namespace packferry::testing
