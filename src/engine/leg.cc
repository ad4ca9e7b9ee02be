#include "engine/leg.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "engine/split.h"

namespace packferry {
namespace {

LegStatus status_of(const LegReport& report, bool dry_run) {
  const auto any = [&](RefOutcome outcome) {
    return std::any_of(report.refs.begin(), report.refs.end(),
                       [&](const RefResult& ref) { return ref.outcome == outcome; });
  };
  const bool held = std::any_of(report.refs.begin(), report.refs.end(),
                                [](const RefResult& ref) { return ref.objection && is_hold(*ref.objection); });
  if (report.error || any(RefOutcome::Rejected) || any(RefOutcome::NotDone))
    return any(RefOutcome::Confirmed) ? LegStatus::Partial : LegStatus::Failed;
  if (held) return LegStatus::Held;
  if (dry_run && any(RefOutcome::Planned)) return LegStatus::Planned;
  return any(RefOutcome::Confirmed) ? LegStatus::Done : LegStatus::UpToDate;
}

}  // namespace

const RefMap& Leg::held() const {
  static const RefMap kNone;
  return listing_ ? listing_->refs : kNone;
}

void Leg::fail(Error why) {
  if (!error_) error_ = std::move(why);
}

bool Leg::take_conflict() {
  if (!error_ || error_->kind() != ErrorKind::Conflict) return false;
  error_.reset();
  return true;
}

// What a run that was cut has marked is over there, and is no ref of anybody's.
void Leg::note_listing(std::optional<Listing> listing) {
  listing_ = std::move(listing);
  marks_.clear();
  if (!listing_) return;
  const auto is_mark = [](const Ref& ref) { return ref.name.starts_with(kSplitMarks); };
  for (const Ref& ref : listing_->refs.filtered(is_mark)) {
    marks_.push_back(ref);
    listing_->extra_haves.push_back(ref.oid);
  }
  if (!marks_.empty()) listing_->refs = listing_->refs.filtered(std::not_fn(is_mark));
}

void Leg::note_plan(Plan plan, RefOutcome outcome) {
  plan_ = std::move(plan);
  // Of an earlier attempt only what was proved still stands.
  std::erase_if(results_, [](const auto& entry) { return entry.second.outcome != RefOutcome::Confirmed; });
  for (const auto* updates : {&plan_.keep, &plan_.clear, &plan_.carry, &plan_.remove})
    for (const PlannedUpdate& planned : *updates)
      results_.insert_or_assign(planned.update.name,
                                RefResult{planned.update, planned.change, outcome, std::nullopt, {}, {}});
  for (const Withheld& withheld : plan_.withheld)
    results_.insert_or_assign(withheld.update.name, RefResult{withheld.update, withheld.change, RefOutcome::Withheld,
                                                              withheld.objection, withheld.reason, withheld.remedy});
  report_.unchanged = plan_.unchanged;
  report_.held_digest = plan_.held_digest();
  acknowledged_.clear();
}

bool Leg::note_report(const PushReport& report) {
  bool all_ok = true;
  for (const RefReport& ref : report.refs) {
    const auto planned = results_.find(ref.name);
    if (planned == results_.end()) {  // a mark of ours, without which nothing goes on
      if (!ref.ok) fail(Error(ErrorKind::Rejected, "{} is refused: {}", ref.name.text(), ref.reason));
      continue;
    }
    if (ref.ok) acknowledged_.insert(ref.name);
    RefResult& result = planned->second;
    result.outcome = ref.ok ? RefOutcome::NotDone : RefOutcome::Rejected;  // until it is seen
    result.reason = ref.ok ? std::string() : ref.reason;
    all_ok = all_ok && ref.ok;
  }
  return all_ok;
}

std::vector<PlannedUpdate> Leg::left_to_carry() const {
  std::vector<PlannedUpdate> left;
  std::copy_if(plan_.carry.begin(), plan_.carry.end(), std::back_inserter(left),
               [&](const PlannedUpdate& planned) { return !acknowledged_.contains(planned.update.name); });
  return left;
}

void Leg::note_pack(std::uint64_t bytes, std::uint64_t objects) {
  report_.pack_bytes += bytes;
  report_.pack_objects += objects;
}

void Leg::note_kept(const RefMap& there) {
  std::vector<RefName> unkept;
  for (const auto* updates : {&plan_.clear, &plan_.carry, &plan_.remove}) {
    for (const PlannedUpdate& planned : *updates) {
      const auto kept = std::find_if(plan_.keep.begin(), plan_.keep.end(), [&](const PlannedUpdate& keep) {
        return is_kept_name_of(keep.update.name, planned.update.name);
      });
      if (kept == plan_.keep.end()) continue;
      const Ref* seen = there.find(kept->update.name);
      if (seen == nullptr || seen->oid != kept->update.new_oid) unkept.push_back(planned.update.name);
    }
  }
  for (const RefName& name : unkept) {
    const auto kept = std::find_if(plan_.keep.begin(), plan_.keep.end(),
                                   [&](const PlannedUpdate& keep) { return is_kept_name_of(keep.update.name, name); });
    const RefResult& said = results_.at(kept->update.name);
    withhold(name, fmt::format("the host did not keep the old tip {} under {} ({}); give the tip up with "
                               "--no-keep-old-tips",
                               kept->update.new_oid.abbreviated(), kept->update.name.text(),
                               said.reason.empty() ? "it does not show the new ref" : said.reason));
    // It is told with the ref it was made for.
    results_.erase(kept->update.name);
    plan_.keep.erase(kept);
  }
}

void Leg::withhold(const RefName& name, std::string reason) {
  for (auto* updates : {&plan_.clear, &plan_.carry, &plan_.remove}) {
    const auto planned = std::find_if(updates->begin(), updates->end(),
                                      [&](const PlannedUpdate& each) { return each.update.name == name; });
    if (planned == updates->end()) continue;
    RefResult& result = results_.at(name);
    result.outcome = RefOutcome::Withheld;
    result.objection = Objection::KeptNameRefused;
    result.reason = std::move(reason);
    updates->erase(planned);
    return;
  }
}

void Leg::note_proof(const RefMap& there, bool equal_to_source, Clock::WallTime at) {
  report_.confirmed_at = at;
  report_.equal_to_source = equal_to_source;
  bool moved_by_others = false;
  for (auto& [name, result] : results_) {
    if (result.outcome == RefOutcome::Withheld) continue;
    const Ref* seen = there.find(name);
    const Oid value = seen != nullptr ? seen->oid : Oid(result.update.new_oid.format());
    if (value == result.update.new_oid) {
      result.outcome = RefOutcome::Confirmed;
      result.reason.clear();
    } else if (value != result.update.old_oid) {
      result.outcome = RefOutcome::NotDone;
      result.reason = value.is_zero() ? "another hand removed it meanwhile"
                                      : fmt::format("another hand moved it to {} meanwhile", value.abbreviated());
      moved_by_others = true;
    } else if (result.outcome != RefOutcome::Rejected) {
      result.outcome = RefOutcome::NotDone;
      if (is_live()) result.reason = "the host said ok but does not show the new value";
    }
  }
  // The answer was lost on the way, the work was not.
  if (all_confirmed()) error_.reset();
  if (moved_by_others) fail(Error(ErrorKind::Conflict, "refs moved at the destination while we were at it"));
}

bool Leg::all_confirmed() const {
  return !plan_.is_empty() && std::all_of(results_.begin(), results_.end(), [](const auto& entry) {
    return entry.second.outcome == RefOutcome::Confirmed || entry.second.outcome == RefOutcome::Withheld;
  });
}

LegReport Leg::finish(bool dry_run, Milliseconds duration) && {
  report_.destination = destination_.name();
  report_.error = std::move(error_);
  for (auto& [name, result] : results_) report_.refs.push_back(std::move(result));
  report_.status = status_of(report_, dry_run);
  report_.duration = duration;
  return std::move(report_);
}

std::vector<std::vector<PlannedUpdate>> Leg::in_pushes(const std::vector<PlannedUpdate>& updates) const {
  return in_batches(updates, destination_.profile().updates_per_push_max);
}

std::vector<Leg*> live(const std::vector<Leg*>& legs) {
  std::vector<Leg*> alive;
  std::copy_if(legs.begin(), legs.end(), std::back_inserter(alive), [](const Leg* leg) { return leg->is_live(); });
  return alive;
}

}  // namespace packferry
