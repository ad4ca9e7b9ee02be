// The part of a crossing that moves: ref commands and packs, into legs whose plan stands. Legs that need the same pack
// share one fetch; a pack that is too large for one push goes in parts. An inner room of crossing.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "engine/announcer.h"
#include "engine/inquiry.h"
#include "engine/leg.h"
#include "engine/source.h"

namespace packferry {

class Carrier {
 public:
  // `listing` is the source's, `offered` what of it is selected, under the names of the destinations; both are complete
  // before the first call. All of it outlives the carrier.
  Carrier(Source& source, const Listing& listing, const RefMap& offered, Inquiry& inquiry,
          const CrossingOptions& options, const Announcer& announcer, std::stop_token stop)
      : source_(source),
        listing_(listing),
        offered_(offered),
        inquiry_(inquiry),
        options_(options),
        announcer_(announcer),
        stop_(std::move(stop)) {}

  // Ref commands alone, or with the pack of nothing: everything they need is over there.
  Result<> push_without_source(Leg& leg, const std::vector<PlannedUpdate>& batch);
  // What each plan says is to be carried. What becomes of it the legs note.
  void carry(const std::vector<Leg*>& legs);

  // Packs asked of the source.
  std::uint64_t fetches() const { return fetches_; }

 private:
  bool is_atomic(const Leg& leg) const;
  bool takes_everything(const Leg& leg) const;
  void ask_what_it_needs(Leg& leg) const;
  void carry_group(const std::vector<Leg*>& group);
  void carry_batch(std::vector<Leg*> legs, const std::vector<PlannedUpdate>& batch, const std::vector<Oid>& delivered);
  Result<std::unique_ptr<PushWriter>> open(Leg& leg, const std::vector<PlannedUpdate>& batch, bool atomic,
                                           std::vector<Oid> haves = {});
  Result<std::unique_ptr<PackStream>> fetch(const std::vector<Leg*>& legs, const std::vector<PlannedUpdate>& batch,
                                            const std::vector<Oid>& delivered, FetchRequest& request);
  Result<std::unique_ptr<PackStream>> ask_for(FetchRequest& request, const std::vector<Leg*>& legs);
  std::vector<Leg*> pour(PackStream& pack, const std::vector<Oid>& haves, const std::vector<Leg*>& legs,
                         const std::vector<PlannedUpdate>& batch, bool again,
                         std::optional<std::uint64_t> bytes_max = std::nullopt);
  std::uint64_t push_bytes_max(const Leg& leg) const;

  void carry_in_parts(Leg& leg);
  Result<> push_parts(Leg& leg, const History& history);
  Result<std::uint64_t> push_part(Leg& leg, const History& history, const std::vector<PlannedUpdate>& marks,
                                  std::uint64_t bytes_max);
  Error too_large(const Leg& leg) const;

  Source& source_;
  const Listing& listing_;
  const RefMap& offered_;
  Inquiry& inquiry_;
  const CrossingOptions& options_;
  const Announcer& announcer_;
  const std::stop_token stop_;
  std::uint64_t fetches_ = 0;
};

}  // namespace packferry
