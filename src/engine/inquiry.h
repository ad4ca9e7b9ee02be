// What one crossing asks the source about its history, so that nothing is asked twice. An inner room of crossing.cc.
#pragma once

#include <optional>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "engine/leg.h"
#include "engine/source.h"

namespace packferry {

class Inquiry {
 public:
  // `offered`, what the source lists of what is selected, is complete before the first question; all outlive this.
  Inquiry(Source& source, const RefMap& offered, const Policy& policy, std::stop_token stop)
      : source_(source), offered_(offered), policy_(policy), stop_(std::move(stop)) {}

  struct Answers {
    std::vector<AncestryAnswer> ancestry;
    std::optional<std::unordered_set<Oid>> known;  // of what would be overwritten; nothing: it cannot say
  };
  // What planning for a destination that holds `held` needs to know. Legs that stand at the same refs ask the same
  // questions: the source is asked once.
  Result<Answers> ask(const RefMap& held);

  // What to tell the source that all of `legs` have, when `batch` is fetched; `delivered` is what they got before.
  // Where the history in between is known its exact boundary is enough. Else many tips cost the source a look-up each,
  // and few make it send what is there already.
  Result<std::vector<Oid>> haves_for(const std::vector<Leg*>& legs, const std::vector<PlannedUpdate>& batch,
                                     const std::vector<Oid>& delivered);

 private:
  // What lies between what the source offers and what somebody holds. Good to have: where the source refuses it, or it
  // is too much to look at, there are other ways.
  struct AskedHistory {
    std::vector<Oid> wants;  // sorted
    std::vector<Oid> haves;
    std::optional<History> history;

    bool is_about(const std::vector<Oid>& some, const std::unordered_set<Oid>& held) const;
  };
  Result<> ask_history(std::vector<Oid> wants, std::vector<Oid> haves);

  Source& source_;
  const RefMap& offered_;
  const Policy& policy_;
  const std::stop_token stop_;

  std::vector<RefUpdate> asked_updates_;
  std::optional<std::vector<AncestryAnswer>> asked_ancestry_;
  std::optional<AskedHistory> asked_history_;
  std::vector<Oid> asked_values_;
  std::optional<std::unordered_set<Oid>> asked_known_;
};

// Up to so many named objects nobody notices that a server reads each; above the second figure some refuse the request
// (docs/notes/haves.md).
inline constexpr std::size_t kCheapHaves = 300;
inline constexpr std::size_t kHavesMax = 50'000;

}  // namespace packferry
