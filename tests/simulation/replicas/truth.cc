#include "truth.h"

#include <algorithm>

namespace packferry::simulation {
namespace {

// Whose worker died is looked at again after a pause, and the longest is this.
constexpr Milliseconds kLostLeasePauseMax = kMinute * 15;

}  // namespace

void Truth::triggered(bool is_announced, Moment now) {
  if (is_announced) {
    last_announcement = now.step;
    unanswered.push_back(now);
  }
  if (!is_deleting) last_trigger = now;
}

void Truth::look_recorded(std::int64_t epoch, const Look& look) {
  const Moment& began = begun[epoch];
  last_look = began.step;
  outcome = look.outcome;
  is_approved = false;
  if (look.outcome == LookOutcome::Held) is_held = true;
  if (look.outcome != LookOutcome::Failed) {
    failing_since.reset();
  } else if (!failing_since) {
    failing_since = began;
  }
  if (look.outcome != LookOutcome::Equal) return;
  confirmed = began;
  is_held = false;
  std::erase_if(unanswered, [&began](const Moment& each) { return each.step <= began.step; });
}

bool Truth::is_stale(Clock::WallTime now) const {
  if (confirmed && confirmed->calendar > now) return true;  // nobody knows when
  return now - confirmed.value_or(created).calendar > kFreshness;
}

bool Truth::is_failing(Clock::WallTime now) const {
  return failing_since && now - failing_since->calendar > kFailingMax;
}

bool Truth::is_lagging(Clock::WallTime now) const {
  return std::ranges::any_of(unanswered, [now](const Moment& each) { return now - each.calendar > kLagMax; });
}

bool Truth::is_left_alone(Moment dead_since, Moment now) const {
  const Moment& since = last_trigger.age < dead_since.age ? dead_since : last_trigger;
  if (last_trigger.step <= last_look || failing_since || last_trigger.set_back < now.set_back) return false;
  return dead_since.set_back == now.set_back && now.age - since.age > kLease + kLostLeasePauseMax + kQueueMax;
}

}  // namespace packferry::simulation
