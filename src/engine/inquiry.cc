#include "engine/inquiry.h"

#include <algorithm>

namespace packferry {
namespace {

void add_missing(std::vector<Oid>& oids, const std::vector<Oid>& more) {
  const std::unordered_set<Oid> there(oids.begin(), oids.end());
  std::copy_if(more.begin(), more.end(), std::back_inserter(oids),
               [&](const Oid& oid) { return !there.contains(oid); });
}

}  // namespace

bool Inquiry::AskedHistory::is_about(const std::vector<Oid>& some, const std::unordered_set<Oid>& held) const {
  return std::includes(wants.begin(), wants.end(), some.begin(), some.end()) &&
         std::all_of(haves.begin(), haves.end(), [&](const Oid& oid) { return held.contains(oid); });
}

Result<> Inquiry::ask_history(std::vector<Oid> wants, std::vector<Oid> haves) {
  asked_history_ = AskedHistory{wants, haves, std::nullopt};
  Result<History> history = source_.history(std::move(wants), std::move(haves), {}, stop_);
  if (history) {
    asked_history_->history = std::move(history).value();
    return {};
  }
  switch (history.error().kind()) {
    case ErrorKind::Cancelled:
    case ErrorKind::Conflict:
    case ErrorKind::Throttled:
    case ErrorKind::Unavailable:
      return std::move(history).error();
    default:
      return {};
  }
}

Result<Inquiry::Answers> Inquiry::ask(const RefMap& held) {
  const std::vector<RefUpdate> questions = questions_for(offered_, held, policy_);
  Answers answers;
  if (!questions.empty()) {
    if (questions != asked_updates_ || !asked_ancestry_) {
      const AncestryDetail detail =
          policy_.follow == FollowMode::Mirror ? AncestryDetail::NothingLost : AncestryDetail::EachRef;
      const std::vector<RefUpdate> updates = arrivals(offered_, held, policy_);
      TRY(ask_history(new_oids(updates), choose_haves(updates, offered_, held, {}, kHavesMax).few));
      asked_ancestry_ = TRY(source_.ancestry(questions, detail, asked_history_->history.value_or(History()), stop_));
      asked_updates_ = questions;
    }
    answers.ancestry = *asked_ancestry_;
  }
  std::vector<Oid> overwritten = overwritten_by(offered_, held, policy_, answers.ancestry);
  if (overwritten.empty() || offered_.empty()) return answers;
  if (overwritten != asked_values_ || !asked_known_) {
    Result<std::vector<Oid>> known = source_.known({offered_.begin()->oid}, overwritten, stop_);
    if (!known && known.error().kind() == ErrorKind::Unsupported) return answers;
    const std::vector<Oid> values = TRY(std::move(known));
    asked_known_ = std::unordered_set<Oid>(values.begin(), values.end());
    asked_values_ = std::move(overwritten);
  }
  answers.known = asked_known_;
  return answers;
}

Result<std::vector<Oid>> Inquiry::haves_for(const std::vector<Leg*>& legs, const std::vector<PlannedUpdate>& batch,
                                            const std::vector<Oid>& delivered) {
  std::optional<Haves> haves;
  for (const Leg* leg : legs) {
    Haves theirs = choose_haves(bare_updates(batch), offered_, leg->held(), leg->listing()->extra_haves, kHavesMax);
    if (haves) {
      haves->keep_common(theirs);
    } else {
      haves = std::move(theirs);
    }
  }
  for (std::vector<Oid>* oids : {&haves->few, &haves->all})
    oids->insert(oids->end(), delivered.begin(), delivered.end());

  const std::vector<Oid> wants = new_oids(batch);
  const std::unordered_set<Oid> held(haves->all.begin(), haves->all.end());
  if (!asked_history_ || !asked_history_->is_about(wants, held)) {
    if (haves->all.size() <= kCheapHaves || haves->few.empty()) return std::move(haves->all);
    TRY(ask_history(wants, haves->few));
  }
  if (!asked_history_->history) return std::move(haves->all);
  History::Boundary boundary = asked_history_->history->boundary(wants, held);
  if (!is_near(boundary.count_above, batch.size())) return std::move(haves->all);
  // A want that the answer left out is something that the haves reach, or no commit: for the first they are needed.
  if (!boundary.has_all_tips) add_missing(boundary.oids, asked_history_->haves);
  return std::move(boundary.oids);
}

}  // namespace packferry
