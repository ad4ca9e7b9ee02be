// Ends that stand for others: what the program makes is its own and goes with it; the others are the test's, and looked
// at afterwards.
#pragma once

#include <string>
#include <utility>

#include "engine/destination.h"
#include "engine/source.h"

namespace packferry::testing {

class BorrowedSource final : public SourceAround {
 public:
  BorrowedSource(Source& source, std::string name) : SourceAround(source), name_(std::move(name)) {}
  std::string name() const override { return name_; }

 private:
  const std::string name_;
};

class BorrowedDestination final : public Destination {
 public:
  explicit BorrowedDestination(Destination& destination) : destination_(destination) {}
  std::string name() const override { return destination_.name(); }
  const HostProfile& profile() const override { return destination_.profile(); }
  Result<std::optional<Listing>> refs(std::stop_token stop) override { return destination_.refs(stop); }
  Result<> create(ObjectFormat format, const Head& head, std::stop_token stop) override {
    return destination_.create(format, head, stop);
  }
  Result<std::unique_ptr<PushWriter>> open(PushRequest request, RemoteMessages messages,
                                           std::stop_token stop) override {
    return destination_.open(std::move(request), std::move(messages), stop);
  }
  Result<bool> set_head(const RefName& branch, std::stop_token stop) override {
    return destination_.set_head(branch, stop);
  }

 private:
  Destination& destination_;
};

}  // namespace packferry::testing
