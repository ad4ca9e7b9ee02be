// One destination during one crossing: what it listed, what is planned for it, what it said, what was seen afterwards.
// Bookkeeping only; the moving is done by crossing.cc. Touched by one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/crossing.h"

namespace packferry {

class Leg {
 public:
  Leg(std::size_t index, Destination& destination) : index_(index), destination_(destination) {}

  std::size_t index() const { return index_; }
  Destination& destination() const { return destination_; }
  const Plan& plan() const { return plan_; }
  const std::optional<Listing>& listing() const { return listing_; }
  const RefMap& held() const;  // nothing, where there is no repository yet
  bool takes(std::string_view capability) const { return listing_ && listing_->capabilities.has(capability); }

  // The first failure stands.
  bool is_live() const { return !error_.has_value(); }
  void fail(Error why);
  // After a Conflict the leg may be observed and planned again: true, and it is live.
  bool take_conflict();

  // Does it need a pack with everything?
  bool needs_everything() const { return needs_everything_; }
  void note_needs_everything(bool needs) { needs_everything_ = needs; }
  // Does it show something new, whatever became of its refs?
  bool published() const { return published_; }
  void note_published(bool published) { published_ = published; }

  // Was its pack too much for one push? Then it goes in parts.
  bool is_to_be_split() const { return is_to_be_split_; }
  void note_to_be_split(bool split) { is_to_be_split_ = split; }
  // Marks of the parts that are there: what is over there besides its refs, and has to go.
  std::vector<Ref>& marks() { return marks_; }

  void note_listing(std::optional<Listing> listing);
  void note_plan(Plan plan, RefOutcome outcome);
  // What the host said, ref by ref. True when no ref was refused.
  bool note_report(const PushReport& report);
  // Updates as this host takes them: a push each.
  std::vector<std::vector<PlannedUpdate>> in_pushes(const std::vector<PlannedUpdate>& updates) const;
  // What of plan().carry the host has not taken yet.
  std::vector<PlannedUpdate> left_to_carry() const;
  void note_pack(std::uint64_t bytes, std::uint64_t objects);
  void note_head_set(bool set) { report_.head_set = set; }
  // Which old tips have their kept name now. What would lose one that has not is withheld from here on.
  void note_kept(const RefMap& there);
  // The proof: what the destination lists when all is done. `selected_there` is the part of it that counts.
  void note_proof(const RefMap& there, bool equal_to_source, Clock::WallTime at);

  LegReport finish(bool dry_run, Milliseconds duration) &&;

 private:
  void withhold(const RefName& name, std::string reason);
  bool all_confirmed() const;

  const std::size_t index_;
  Destination& destination_;
  std::optional<Listing> listing_;
  bool needs_everything_ = false;
  bool published_ = false;
  bool is_to_be_split_ = false;
  std::vector<Ref> marks_;
  std::set<RefName> acknowledged_;
  Plan plan_;
  std::map<RefName, RefResult> results_;
  std::optional<Error> error_;
  LegReport report_;
};

// Those that have not failed.
std::vector<Leg*> live(const std::vector<Leg*>& legs);

// All at the same time; back when the last is done.
template <typename Work>
void together(const std::vector<Leg*>& legs, const Work& work) {
  if (legs.empty()) return;
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < legs.size(); ++i) others.emplace_back([&work, leg = legs[i]] { work(*leg); });
  work(*legs.front());
}

}  // namespace packferry
