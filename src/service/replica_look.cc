#include "service/replica_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/printable.h"
#include "service/fleet_sweep.h"
#include "service/refusal.h"

namespace packferry {
namespace {

// So many lines of a plan a person reads; the digest stands for all of them.
constexpr std::size_t kPlanLinesMax = 200;

class WatchedSource final : public SourceAround {
 public:
  WatchedSource(Source& source, const LookOptions& options) : SourceAround(source), options_(options) {}

  Result<Listing> refs(const RefspecSet& selection, std::stop_token stop) override {
    Listing listing = TRY(SourceAround::refs(selection, std::move(stop)));
    const bool is_first = state_.empty();
    state_ = state_of(listing, options_.policy);
    if (is_first && options_.on_listed) options_.on_listed(state_);
    return listing;
  }

  // Of the last listing; empty: there was none.
  const std::string& state() const { return state_; }

 private:
  const LookOptions& options_;
  std::string state_;
};

bool objects(const RefResult& ref, Objection objection) { return ref.objection == objection; }

std::string text_of_held(const LegReport& leg) {
  std::string text;
  std::size_t lines = 0;
  std::size_t more = 0;
  for (const RefResult& ref : leg.refs) {
    if (!ref.objection || !is_hold(*ref.objection)) continue;
    if (lines == kPlanLinesMax) {
      ++more;
      continue;
    }
    ++lines;
    text += fmt::format("{} {} {} -> {}: {}: {}\n", to_string(ref.change), printable(ref.update.name.text()),
                        ref.update.old_oid.abbreviated(), ref.update.new_oid.abbreviated(), to_string(*ref.objection),
                        printable(ref.reason));
  }
  if (more > 0) text += fmt::format("and {} more\n", more);
  return text;
}

std::vector<std::string> held_refs_of(const LegReport& leg) {
  std::vector<std::string> names;
  for (const RefResult& ref : leg.refs)
    if (ref.objection && is_hold(*ref.objection) && ref.change != Change::Create)
      names.push_back(ref.update.name.text());
  return names;
}

std::vector<RefChange> changes_of(const LegReport& leg) {
  std::vector<RefChange> changes;
  const auto hex = [](const Oid& oid) { return oid.is_zero() ? std::string() : oid.hex(); };
  for (const RefResult& ref : leg.refs)
    if (ref.outcome == RefOutcome::Confirmed)
      changes.push_back({ref.update.name.text(), hex(ref.update.old_oid), hex(ref.update.new_oid)});
  return changes;
}

LookFailure failure_of(const Error& why) { return {why.kind(), why.message(), remedy_of(why.kind())}; }

LookOutcome outcome_of(const LegReport& leg) {
  switch (leg.status) {
    case LegStatus::Held:
      return LookOutcome::Held;
    case LegStatus::Partial:
    case LegStatus::Failed:
      return LookOutcome::Failed;
    case LegStatus::UpToDate:
    case LegStatus::Done:
      break;
    case LegStatus::Planned:
      CHECK(!"a look is no dry run");
  }
  const auto any = [&](Objection objection) {
    return std::ranges::any_of(leg.refs, [&](const RefResult& ref) { return objects(ref, objection); });
  };
  if (any(Objection::Diverged)) return LookOutcome::Diverged;
  // What an additive policy leaves over there is wanted there.
  return leg.equal_to_source || any(Objection::DestinationOnly) ? LookOutcome::Equal : LookOutcome::Failed;
}

}  // namespace

std::string remedy_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Denied:
      return "see that the credentials are there, have not run out, and may read the source and write the destination";
    case ErrorKind::NotFound:
      return "see that the repository is there under this name and that the credentials may see it";
    case ErrorKind::Invalid:
      return "correct the order";
    case ErrorKind::Unsupported:
    case ErrorKind::Rejected:
      return "see what the destination says, and change its rules or the order";
    case ErrorKind::Corrupt:
      return "run git fsck at the source; nothing of it was taken";
    case ErrorKind::Exhausted:
      return "make room, here or at the host that says so";
    case ErrorKind::Conflict:
      return "see who else writes to the destination: it should have one writer";
    case ErrorKind::Throttled:
    case ErrorKind::Unavailable:
    case ErrorKind::Cancelled:
      return {};
  }
  return {};
}

Looked failed_look(const Error& why) {
  return {.look = {.outcome = LookOutcome::Failed, .failure = failure_of(why)}, .error = why};
}

Result<Looked> look_at(Source& source, Destination& destination, const LookOptions& options, const Clock& clock,
                       CrossingObserver* observer, std::stop_token stop) {
  WatchedSource watched(source, options);
  CrossingOptions crossing{.policy = options.policy, .patience = options.patience, .approved = options.approved};
  const CrossingReport report = Crossing(watched, {&destination}, std::move(crossing), clock, observer).run(stop);
  CHECK(report.legs.size() == 1);
  const LegReport& leg = report.legs.front();
  const Error* error = report.error ? &*report.error : leg.error ? &*leg.error : nullptr;
  if (error != nullptr && error->kind() == ErrorKind::Cancelled) return *error;

  Look look{.outcome = report.error ? LookOutcome::Failed : outcome_of(leg),
            .source_state = watched.state(),
            .changes = changes_of(leg),
            .pack_bytes = leg.pack_bytes};
  look.is_behind = look.outcome != LookOutcome::Equal && !look.source_state.empty();
  if (!options.approved.empty() && leg.held_digest.empty()) look.plan_digest = options.approved;
  if (look.outcome == LookOutcome::Held)
    look.held =
        HeldPlan{.digest = leg.held_digest, .text = text_of_held(leg), .expires_at = clock.now() + options.held_for};
  if (look.outcome != LookOutcome::Failed) return Looked{.look = std::move(look), .held_refs = held_refs_of(leg)};
  const Error fell_short(ErrorKind::Rejected, "not all refs could be brought over");
  const Error why = error != nullptr ? *error : refusal_of(leg).value_or(fell_short);
  look.failure = failure_of(why);
  return Looked{.look = std::move(look), .error = why};
}

}  // namespace packferry
