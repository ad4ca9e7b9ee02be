#include "engine/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "base/digest.h"
#include "base/printable.h"

namespace packferry {
namespace {

// What following the source to the letter would do, before anybody objects. Sorted by name.
struct Wish {
  RefUpdate update;
  Change change;
  bool is_certain = true;  // false: a rewind because nobody can say that it is none
};

bool deletes_are_wished(const Policy& policy) { return policy.follow != FollowMode::Additive; }

std::vector<RefUpdate> selected_updates(const RefMap& offered, const RefMap& held, const Policy& policy) {
  const ObjectFormat format = !offered.empty() ? offered.begin()->oid.format()
                              : !held.empty()  ? held.begin()->oid.format()
                                               : ObjectFormat::Sha1;
  const RefMap ours = held.filtered([&](const Ref& ref) { return policy.selection.covers(ref.name); });
  return diff(ours, offered, format);
}

std::vector<Wish> wishes(const PlanInput& input) {
  std::map<RefName, Ancestry> answers;
  for (const AncestryAnswer& answer : input.ancestry) answers.emplace(answer.name, answer.ancestry);
  std::vector<Wish> all;
  for (RefUpdate& update : selected_updates(input.offered, input.held, input.policy)) {
    Change change = Change::Create;
    Ancestry ancestry = Ancestry::Rewind;
    if (update.is_delete()) {
      change = Change::Delete;
    } else if (!update.is_create()) {
      const auto answer = answers.find(update.name);
      ancestry = answer == answers.end() ? Ancestry::Unknown : answer->second;
      change = ancestry == Ancestry::FastForward ? Change::FastForward : Change::Rewind;
    }
    all.push_back({std::move(update), change, ancestry != Ancestry::Unknown});
  }
  return all;
}

std::size_t count_of(const std::vector<Wish>& wishes, Change change) {
  return static_cast<std::size_t>(
      std::count_if(wishes.begin(), wishes.end(), [&](const Wish& wish) { return wish.change == change; }));
}

// Do the two sides have anything to do with each other? One object that both name is enough.
bool are_related(const PlanInput& input, const std::vector<Wish>& wishes, const RefMap& ours) {
  if (count_of(wishes, Change::FastForward) > 0) return true;
  if (input.known_to_source && !input.known_to_source->empty()) return true;
  std::unordered_set<Oid> offered;
  for (const Ref& ref : input.offered) offered.insert(ref.oid);
  return std::any_of(ours.begin(), ours.end(), [&](const Ref& ref) { return offered.contains(ref.oid); });
}

// Why nothing at all may be deleted or rewound by this plan, or why a single ref may not. Asked in order; the first
// objection stands.
class Guard {
 public:
  Guard(const PlanInput& input, const std::vector<Wish>& wishes)
      : input_(input), ours_(input.held.filtered([&](const Ref& ref) {
          return input.policy.selection.covers(ref.name) && !input.profile.is_hidden(ref.name);
        })) {
    deletions_ = count_of(wishes, Change::Delete);
    rewinds_ = count_of(wishes, Change::Rewind);
    is_first_contact_ = !ours_.empty() && !input.offered.empty() && !are_related(input, wishes, ours_);
  }

  std::optional<Withheld> object(const Wish& wish) const {
    const auto because = [&](Objection objection, std::string reason, std::string remedy = {}) {
      return Withheld{wish.update, wish.change, objection, std::move(reason), std::move(remedy)};
    };
    const RefName& name = wish.update.name;
    if (input_.profile.is_hidden(name))
      return because(Objection::HostsOwn, fmt::format("{} keeps this namespace for itself", input_.profile.name));
    if (is_first_contact_ && !input_.policy.ignore_non_empty_destination)
      return because(Objection::FirstContact, "the destination has refs and none of them is known to the source",
                     "if it really is to become a copy of this source, allow it with --ignore-non-empty-destination");
    switch (wish.change) {
      case Change::Create:
      case Change::FastForward:
      case Change::Keep:
        return std::nullopt;
      case Change::Delete:
        return object_to_deletion(wish, because);
      case Change::Rewind:
        return object_to_rewind(wish, because);
    }
    return std::nullopt;
  }

 private:
  template <typename Because>
  std::optional<Withheld> object_to_deletion(const Wish& wish, const Because& because) const {
    if (input_.offered.empty() && !input_.policy.allow_deletions)
      return because(Objection::EmptySource,
                     fmt::format("the source lists none of the selected refs and the destination has {}", ours_.size()),
                     fmt::format("if the source really is empty, allow it with --allow-deletions {}", deletions_));
    if (input_.head.target == wish.update.name && !input_.policy.allow_deletions)
      return because(Objection::DefaultBranchGone,
                     "HEAD of the source names this branch and the source no longer lists it",
                     fmt::format("allow it with --allow-deletions {}", deletions_));
    if (deletions_ > input_.policy.allow_deletions.value_or(Allowance{}).of(ours_.size()))
      return because(Objection::MassDeletion,
                     fmt::format("{} of {} refs would be deleted at once", deletions_, ours_.size()),
                     fmt::format("allow it with --allow-deletions {}", deletions_));
    return object_to_loss(wish, because);
  }

  template <typename Because>
  std::optional<Withheld> object_to_rewind(const Wish& wish, const Because& because) const {
    if (input_.policy.follow != FollowMode::Mirror)
      return because(Objection::Diverged,
                     fmt::format("the destination has commits here that the source has not; policy {} leaves it alone",
                                 to_string(input_.policy.follow)));
    if (rewinds_ > input_.policy.allow_rewinds.value_or(Allowance{}).of(ours_.size()))
      return because(Objection::MassRewind,
                     fmt::format("{} of {} refs would be rewound at once{}", rewinds_, ours_.size(),
                                 wish.is_certain ? "" : ", for all that the source can say of what it no longer lists"),
                     fmt::format("allow it with --allow-rewinds {}", rewinds_));
    return object_to_loss(wish, because);
  }

  template <typename Because>
  std::optional<Withheld> object_to_loss(const Wish& wish, const Because& because) const {
    if (input_.known_to_source && !input_.known_to_source->contains(wish.update.old_oid) &&
        !input_.policy.ignore_non_empty_destination)
      return because(Objection::ForeignRef,
                     fmt::format("the source does not know {}, which this ref names over there, so somebody else may "
                                 "have put it there",
                                 wish.update.old_oid.abbreviated()),
                     "allow it with --ignore-non-empty-destination");
    if (input_.policy.keep_old_tips && !input_.profile.takes_kept_refs)
      return because(Objection::KeptNameRefused,
                     fmt::format("{} takes no refs under {}, so the old tip {} cannot be kept", input_.profile.name,
                                 kKeptPrefix, wish.update.old_oid.abbreviated()),
                     "give it up with --no-keep-old-tips");
    return std::nullopt;
  }

  const PlanInput& input_;
  const RefMap ours_;  // what the destination holds of what is selected
  std::size_t deletions_ = 0;
  std::size_t rewinds_ = 0;
  bool is_first_contact_ = false;
};

// A ref "a" and a ref "a/b" cannot both exist. What stands in the way of a creation is removed before it when the plan
// removes it anyway; otherwise the creation has to wait.
class NameConflicts {
 public:
  NameConflicts(const RefMap& held, const std::vector<PlannedUpdate>& remove) {
    for (const Ref& ref : held) names_.insert(ref.name.text());
    for (const PlannedUpdate& planned : remove) going_.insert(planned.update.name.text());
  }

  // All refs over there that `name` cannot stand beside.
  std::vector<std::string> blockers(const RefName& name) const {
    const std::string& text = name.text();
    std::vector<std::string> found;
    for (std::size_t slash = text.find('/', 5); slash != std::string::npos; slash = text.find('/', slash + 1))
      if (const auto file = names_.find(text.substr(0, slash)); file != names_.end()) found.push_back(*file);
    for (auto below = names_.lower_bound(text + '/'); below != names_.end() && below->starts_with(text + '/'); ++below)
      found.push_back(*below);
    return found;
  }

  bool is_going(const std::string& name) const { return going_.contains(name); }

 private:
  std::set<std::string> names_;
  std::unordered_set<std::string> going_;
};

std::string_view below_refs(const RefName& name) {
  std::string_view rest = name.text();
  if (rest.starts_with("refs/")) rest.remove_prefix(5);
  return rest;
}

// main, develop, release-1: a branch without a '/' is seldom a topic.
bool is_trunk(const RefName& name) { return name.is_branch() && name.short_name().find('/') == std::string_view::npos; }

void make_room(Plan& plan, const RefMap& held) {
  const NameConflicts conflicts(held, plan.remove);
  std::unordered_set<std::string> first;
  std::vector<PlannedUpdate> possible;
  for (PlannedUpdate& planned : plan.carry) {
    std::vector<std::string> blockers;
    if (planned.change == Change::Create) blockers = conflicts.blockers(planned.update.name);
    const auto stays = std::find_if(blockers.begin(), blockers.end(),
                                    [&](const std::string& name) { return !conflicts.is_going(name); });
    if (stays != blockers.end()) {
      plan.withheld.push_back(
          {std::move(planned.update), planned.change, Objection::NameConflict,
           fmt::format("'{}' exists over there and is not removed; git cannot hold both", printable(*stays))});
      continue;
    }
    first.insert(blockers.begin(), blockers.end());
    possible.push_back(std::move(planned));
  }
  plan.carry = std::move(possible);
  const auto later = std::stable_partition(plan.remove.begin(), plan.remove.end(), [&](const PlannedUpdate& planned) {
    return first.contains(planned.update.name.text());
  });
  plan.clear.assign(std::make_move_iterator(plan.remove.begin()), std::make_move_iterator(later));
  plan.remove.erase(plan.remove.begin(), later);
}

void keep_old_tips(Plan& plan, const PlanInput& input) {
  if (!input.policy.keep_old_tips || input.profile.keeps_old_tips) return;
  for (const auto* updates : {&plan.clear, &plan.carry, &plan.remove})
    for (const PlannedUpdate& planned : *updates)
      if (planned.change == Change::Rewind || planned.change == Change::Delete)
        plan.keep.push_back(
            {RefUpdate{kept_name(planned.update.name, input.kept_stamp), Oid(input.format), planned.update.old_oid},
             Change::Keep});
  std::sort(plan.keep.begin(), plan.keep.end(),
            [](const PlannedUpdate& a, const PlannedUpdate& b) { return a.update.name < b.update.name; });
}

}  // namespace

std::string_view to_string(Change change) {
  switch (change) {
    case Change::Create:
      return "create";
    case Change::FastForward:
      return "fast-forward";
    case Change::Rewind:
      return "rewind";
    case Change::Delete:
      return "delete";
    case Change::Keep:
      return "keep";
  }
  CHECK(!"a Change has a name");
  return {};
}

std::string_view to_string(Objection objection) {
  switch (objection) {
    case Objection::FirstContact:
      return "first-contact";
    case Objection::EmptySource:
      return "empty-source";
    case Objection::DefaultBranchGone:
      return "default-branch-gone";
    case Objection::MassDeletion:
      return "mass-deletion";
    case Objection::MassRewind:
      return "mass-rewind";
    case Objection::ForeignRef:
      return "foreign-ref";
    case Objection::KeptNameRefused:
      return "kept-name-refused";
    case Objection::Diverged:
      return "diverged";
    case Objection::DestinationOnly:
      return "destination-only";
    case Objection::HostsOwn:
      return "hosts-own";
    case Objection::NameConflict:
      return "name-conflict";
  }
  CHECK(!"an Objection has a name");
  return {};
}

bool is_hold(Objection objection) {
  switch (objection) {
    case Objection::FirstContact:
    case Objection::EmptySource:
    case Objection::DefaultBranchGone:
    case Objection::MassDeletion:
    case Objection::MassRewind:
    case Objection::ForeignRef:
    case Objection::KeptNameRefused:
      return true;
    case Objection::Diverged:
    case Objection::DestinationOnly:
    case Objection::HostsOwn:
    case Objection::NameConflict:
      return false;
  }
  return false;
}

bool Plan::is_held() const {
  return std::any_of(withheld.begin(), withheld.end(),
                     [](const Withheld& update) { return is_hold(update.objection); });
}

std::string Plan::held_digest() const {
  if (!is_held()) return {};
  Digest digest(DigestAlgorithm::Sha256);
  for (const Withheld& held : withheld)
    if (is_hold(held.objection))
      digest.update(as_bytes(fmt::format("{} {} {} {}\n", held.update.name.text(), held.update.old_oid.hex(),
                                         held.update.new_oid.hex(), to_string(held.objection))));
  return to_hex(digest.finish());
}

std::vector<RefUpdate> arrivals(const RefMap& offered, const RefMap& held, const Policy& policy) {
  std::vector<RefUpdate> updates = selected_updates(offered, held, policy);
  std::erase_if(updates, [](const RefUpdate& update) { return update.is_delete(); });
  return updates;
}

std::vector<RefUpdate> questions_for(const RefMap& offered, const RefMap& held, const Policy& policy) {
  std::vector<RefUpdate> questions = arrivals(offered, held, policy);
  std::erase_if(questions, [](const RefUpdate& update) { return update.is_create(); });
  return questions;
}

std::vector<Oid> overwritten_by(const RefMap& offered, const RefMap& held, const Policy& policy,
                                const std::vector<AncestryAnswer>& ancestry) {
  std::unordered_set<std::string> forward;
  for (const AncestryAnswer& answer : ancestry)
    if (answer.ancestry == Ancestry::FastForward) forward.insert(answer.name.text());
  std::vector<Oid> values;
  for (const RefUpdate& update : selected_updates(offered, held, policy))
    if (!update.is_create() && !forward.contains(update.name.text())) values.push_back(update.old_oid);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

namespace {

Plan plan_by(const PlanInput& input) {
  const std::vector<Wish> all = wishes(input);
  const Guard guard(input, all);

  Plan plan;
  for (const Ref& ref : input.offered) {
    const Ref* there = input.held.find(ref.name);
    if (there != nullptr && there->oid == ref.oid) ++plan.unchanged;
  }
  for (const Wish& wish : all) {
    if (wish.change == Change::Delete && !deletes_are_wished(input.policy)) {
      plan.withheld.push_back({wish.update, wish.change, Objection::DestinationOnly,
                               "only the destination has it; policy additive deletes nothing"});
    } else if (std::optional<Withheld> withheld = guard.object(wish)) {
      plan.withheld.push_back(std::move(*withheld));
    } else {
      (wish.change == Change::Delete ? plan.remove : plan.carry).push_back({wish.update, wish.change});
    }
  }
  make_room(plan, input.held);
  keep_old_tips(plan, input);
  std::sort(plan.withheld.begin(), plan.withheld.end(),
            [](const Withheld& a, const Withheld& b) { return a.update.name < b.update.name; });
  return plan;
}

// A person has looked at what is held, and wants all of it.
Policy without_guard(Policy policy) {
  constexpr Allowance kAll{.count = std::numeric_limits<std::size_t>::max()};
  policy.allow_deletions = policy.allow_rewinds = kAll;
  policy.ignore_non_empty_destination = true;
  return policy;
}

}  // namespace

Plan plan_leg(const PlanInput& input) {
  Plan plan = plan_by(input);
  if (input.approved.empty() || plan.held_digest() != input.approved) return plan;
  const Policy policy = without_guard(input.policy);
  return plan_by({.format = input.format,
                  .offered = input.offered,
                  .head = input.head,
                  .held = input.held,
                  .policy = policy,
                  .profile = input.profile,
                  .ancestry = input.ancestry,
                  .known_to_source = input.known_to_source,
                  .kept_stamp = input.kept_stamp});
}

RefName kept_name(const RefName& name, std::string_view stamp) {
  Result<RefName> kept = RefName::parse(fmt::format("{}{}/{}", kKeptPrefix, stamp, below_refs(name)));
  CHECK(kept.has_value());
  return std::move(kept).value();
}

bool is_kept_name_of(const RefName& kept, const RefName& name) {
  if (!kept.starts_with(kKeptPrefix)) return false;
  const std::string_view stamped = std::string_view(kept.text()).substr(kKeptPrefix.size());
  return stamped.substr(stamped.find('/') + 1) == below_refs(name);
}

Haves choose_haves(const std::vector<RefUpdate>& carry, const RefMap& offered, const RefMap& held,
                   const std::vector<Oid>& extra_haves, std::size_t count_max) {
  std::unordered_map<Oid, Oid> peeled;
  std::unordered_set<Oid> known;
  for (const RefMap* refs : {&offered, &held})
    for (const Ref& ref : *refs)
      if (ref.peeled) peeled.emplace(ref.oid, *ref.peeled);
  for (const Ref& ref : offered) known.insert(ref.oid);

  Haves haves;
  std::unordered_set<Oid> seen;
  const auto add = [&](const Oid& oid) {
    const auto target = peeled.find(oid);
    const Oid& named = target == peeled.end() ? oid : target->second;
    if (haves.all.size() < count_max && seen.insert(named).second) haves.all.push_back(named);
  };
  for (const RefUpdate& update : carry)
    if (!update.is_create()) add(update.old_oid);
  std::size_t few = haves.all.size();
  for (const Ref& ref : held)
    if (is_trunk(ref.name)) add(ref.oid);
  if (std::any_of(carry.begin(), carry.end(), [](const RefUpdate& update) { return update.is_create(); }))
    few = haves.all.size();
  haves.few = {haves.all.begin(), haves.all.begin() + static_cast<std::ptrdiff_t>(std::min(few, kFewHavesMax))};

  for (const Ref& ref : held)
    if (known.contains(ref.oid)) add(ref.oid);
  for (const Ref& ref : held) add(ref.oid);
  for (const Oid& oid : extra_haves) add(oid);
  return haves;
}

void Haves::keep_common(const Haves& other) {
  const std::unordered_set<Oid> theirs(other.all.begin(), other.all.end());
  for (std::vector<Oid>* oids : {&few, &all})
    std::erase_if(*oids, [&](const Oid& oid) { return !theirs.contains(oid); });
}

bool is_near(std::uint64_t commits, std::size_t refs) { return commits <= std::max<std::uint64_t>(500, 20 * refs); }

std::vector<std::vector<PlannedUpdate>> in_batches(const std::vector<PlannedUpdate>& updates, std::size_t count_max) {
  std::vector<std::vector<PlannedUpdate>> batches;
  const std::size_t size = count_max == 0 ? updates.size() : count_max;
  for (std::size_t at = 0; at < updates.size(); at += size) {
    const auto begin = updates.begin() + static_cast<std::ptrdiff_t>(at);
    batches.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, updates.size() - at)));
  }
  return batches;
}

std::vector<RefUpdate> bare_updates(const std::vector<PlannedUpdate>& updates) {
  std::vector<RefUpdate> bare;
  for (const PlannedUpdate& planned : updates) bare.push_back(planned.update);
  return bare;
}

std::vector<Oid> new_oids(const std::vector<RefUpdate>& updates) {
  std::vector<Oid> oids;
  for (const RefUpdate& update : updates) oids.push_back(update.new_oid);
  std::sort(oids.begin(), oids.end());
  oids.erase(std::unique(oids.begin(), oids.end()), oids.end());
  return oids;
}

std::vector<Oid> new_oids(const std::vector<PlannedUpdate>& updates) { return new_oids(bare_updates(updates)); }

}  // namespace packferry
