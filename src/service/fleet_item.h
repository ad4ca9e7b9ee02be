// One repository of a fleet and all of its legs, brought up to date; tried again, only what has not come to its end.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "service/fleet_sweep.h"

namespace packferry {

// What all items have in common. Everything in it outlives them.
struct FleetContext {
  const Fleet& fleet;
  FleetEnds& ends;
  const SweepOptions& options;
  const Clock& clock;
  SweepObserver* observer = nullptr;
};

class FleetItemRun {
 public:
  // `known[i]` is what is remembered of item.legs[i]: with its key at least. The item outlives it.
  FleetItemRun(const FleetItem& item, std::vector<Delivery> known, const FleetContext& context);

  // All legs that are not settled yet; why another attempt may help, or nothing.
  std::optional<Error> attempt(unsigned number, std::stop_token stop);

  // In the order of the item's legs.
  const std::vector<LegOutcome>& outcomes() const { return outcomes_; }
  // What is to be remembered, of the legs that were looked at.
  std::vector<Delivery> deliveries() const;
  std::uint64_t source_listings() const { return source_listings_; }
  std::uint64_t fetches() const { return fetches_; }

 private:
  std::vector<std::size_t> unsettled() const;
  bool is_proved_by_listing(std::size_t leg, Clock::WallTime now) const;
  bool is_fresh(std::size_t leg, Clock::WallTime now) const;
  bool is_another_source(std::size_t leg) const;
  Result<bool> is_another_destination(std::size_t leg, std::stop_token stop);
  using Group = std::vector<std::size_t>;  // legs that one crossing can serve
  std::vector<Group> groups_to_bring(const std::vector<std::size_t>& legs);
  Result<> bring(const std::vector<Group>& groups, std::stop_token stop);
  Result<> cross(const Group& legs, Source& source, const Listing& listing, const std::string& listed_state,
                 std::stop_token stop);
  Result<std::unique_ptr<Destination>> destination(std::size_t leg, std::stop_token stop);
  void note(std::size_t leg, const LegReport& report, const std::string& state, Clock::WallTime seen_at);
  void saw_source(std::size_t leg, Clock::WallTime at);
  void settle(std::size_t leg, LegState state, Proof proof);
  void settle_absent();
  void hold(std::size_t leg, Error error);
  void fail(std::size_t leg, Error error);

  const FleetItem& item_;
  const FleetContext& context_;
  std::vector<Delivery> known_;
  std::vector<LegOutcome> outcomes_;
  std::vector<bool> looked_at_;
  std::uint64_t source_listings_ = 0;
  std::uint64_t fetches_ = 0;
};

}  // namespace packferry
