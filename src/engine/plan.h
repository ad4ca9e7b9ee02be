// What ought to happen to one destination: pure. No clock, no network, no catalogue; printed it is the dry run, in a
// table it is the test. Everything dangerous is decided here and nowhere else, on the very listings that are then
// applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/policy.h"
#include "git/ref_update.h"
#include "host/host_profile.h"
#include "remote/ancestry.h"

namespace packferry {

enum class Change {
  Create,
  FastForward,
  Rewind,  // the old tip is not contained in the new one, or nobody can say
  Delete,
  Keep,  // a new kept name for a tip that is about to be rewound or deleted
};
std::string_view to_string(Change change);  // "create", "fast-forward", "rewind", "delete", "keep"

struct PlannedUpdate {
  RefUpdate update;
  Change change = Change::Create;

  friend bool operator==(const PlannedUpdate&, const PlannedUpdate&) = default;
};

enum class Objection {
  // The guard: a person may allow it. The leg counts as held.
  FirstContact,       // refs over there, and none of them is known to the source: another repository?
  EmptySource,        // the source lists nothing of what is selected, the destination has some
  DefaultBranchGone,  // HEAD of the source names a branch that the source no longer lists
  MassDeletion,
  MassRewind,
  ForeignRef,       // would be deleted or overwritten, and the source never had what it points at
  KeptNameRefused,  // the host takes no kept names, and the old tip must not be lost
  // Policy: nothing is wrong, it is left as it is.
  Diverged,         // fast-forward and additive
  DestinationOnly,  // additive
  // It cannot be done.
  HostsOwn,      // a namespace that the destination host keeps for itself
  NameConflict,  // "a" and "a/b" cannot both exist, and what stands in the way is not ours to remove
};
std::string_view to_string(Objection objection);  // "first-contact", …: part of the JSON report
bool is_hold(Objection objection);

// An update that was wanted and is not made, and why: a sentence for a person, without its full stop.
struct Withheld {
  RefUpdate update;
  Change change = Change::Create;
  Objection objection = Objection::Diverged;
  std::string reason;
  // How the command line allows it: "allow it with --allow-rewinds 7".
  std::string remedy = {};

  friend bool operator==(const Withheld&, const Withheld&) = default;
};

// What one leg does. The lists are disjoint and sorted by name. The order of a crossing is theirs: keep, clear, carry,
// remove. `keep` is confirmed by a listing before anything after it starts.
struct Plan {
  std::vector<PlannedUpdate> keep;    // kept names; objects are over there already
  std::vector<PlannedUpdate> clear;   // deletions that make room: "a" goes before "a/b" comes
  std::vector<PlannedUpdate> carry;   // creations, fast-forwards, rewinds: these need the pack
  std::vector<PlannedUpdate> remove;  // deletions
  std::vector<Withheld> withheld;
  std::size_t unchanged = 0;

  bool is_empty() const { return keep.empty() && clear.empty() && carry.empty() && remove.empty(); }
  bool is_held() const;
  // Of exactly what the guard holds: names, old and new values, objections. Empty: it holds nothing. Equal digests,
  // equal holds; what a person allows is one of these, and no other plan.
  std::string held_digest() const;
  std::size_t update_count() const { return keep.size() + clear.size() + carry.size() + remove.size(); }
};

struct PlanInput {
  ObjectFormat format = ObjectFormat::Sha1;
  const RefMap& offered;  // what the source lists, selected, under the names of the destination
  const Head& head;       // the source's, with its target under the name of the destination
  const RefMap& held;     // everything that the destination lists
  const Policy& policy;
  const HostProfile& profile;
  // For every update of an existing ref: questions_for(). A missing answer is Unknown.
  std::vector<AncestryAnswer> ancestry;
  // Which of overwritten_by() the source knows; nothing: it could not be asked.
  std::optional<std::unordered_set<Oid>> known_to_source;
  std::string kept_stamp;  // "20261122T134500Z"
  // The Plan::held_digest() that a person has allowed: where this plan holds just that, it goes through. Old tips are
  // kept all the same. Empty: none.
  std::string approved = {};
};

// The creations and moves that following the source would make, before anything is withheld.
std::vector<RefUpdate> arrivals(const RefMap& offered, const RefMap& held, const Policy& policy);
// Those whose ancestry the plan depends on.
std::vector<RefUpdate> questions_for(const RefMap& offered, const RefMap& held, const Policy& policy);
// The values that following the source would delete or rewind: the ones that it must know to be ours to touch.
std::vector<Oid> overwritten_by(const RefMap& offered, const RefMap& held, const Policy& policy,
                                const std::vector<AncestryAnswer>& ancestry);

Plan plan_leg(const PlanInput& input);

// refs/packferry/kept/<stamp>/heads/main for refs/heads/main
inline constexpr std::string_view kKeptPrefix = "refs/packferry/kept/";
RefName kept_name(const RefName& name, std::string_view stamp);
bool is_kept_name_of(const RefName& kept, const RefName& name);

// Objects to name as `have`, each once; the first ones matter most. Annotated tags are named by what they peel to
// where that is known, which spares the server a look-up each. docs/notes/haves.md.
struct Haves {
  // Old values of what is carried; where something is created, also the branches that others are made from. Enough for
  // a question about the history in between, and cheap: old branches make the source walk far.
  std::vector<Oid> few;
  // Those, then such branches, then what both sides list, then the rest of what the receiver has, at most `count_max`.
  std::vector<Oid> all;

  // For several receivers: only what all of them have may be left out of a pack.
  void keep_common(const Haves& other);
};
inline constexpr std::size_t kFewHavesMax = 256;
Haves choose_haves(const std::vector<RefUpdate>& carry, const RefMap& offered, const RefMap& held,
                   const std::vector<Oid>& extra_haves, std::size_t count_max);

// A boundary leaves this many commits for this many refs: is that near enough to what must be sent?
bool is_near(std::uint64_t commits, std::size_t refs);

// The updates in pieces of at most `count_max` (0: no limit), in order.
std::vector<std::vector<PlannedUpdate>> in_batches(const std::vector<PlannedUpdate>& updates, std::size_t count_max);

// What is planned, without the reasons; and the objects that it names, sorted, each once.
std::vector<RefUpdate> bare_updates(const std::vector<PlannedUpdate>& updates);
std::vector<Oid> new_oids(const std::vector<RefUpdate>& updates);
std::vector<Oid> new_oids(const std::vector<PlannedUpdate>& updates);

}  // namespace packferry
