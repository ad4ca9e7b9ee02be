#include "service/fleet_item.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/printable.h"
#include "engine/backup_destination.h"
#include "service/refusal.h"
#include "service/sweep.h"

namespace packferry {
namespace {

// A source whose refs have just been listed: the first who asks gets that listing, and whoever asks again a new one.
class SeenSource final : public SourceAround {
 public:
  SeenSource(Source& source, Listing seen) : SourceAround(source), seen_(std::move(seen)) {}

  Result<Listing> refs(const RefspecSet& selection, std::stop_token stop) override {
    if (!std::exchange(is_given_, true)) return seen_;
    seen_ = TRY(SourceAround::refs(selection, std::move(stop)));
    ++asked_;
    return seen_;
  }

  // The last one.
  const Listing& seen() const { return seen_; }
  std::uint64_t asked() const { return asked_; }

 private:
  Listing seen_;
  bool is_given_ = false;
  std::uint64_t asked_ = 0;
};

class Relay final : public CrossingObserver {
 public:
  Relay(const FleetItem& item, SweepObserver* observer) : item_(item), observer_(observer) {}
  void on_event(const CrossingEvent& event) override {
    if (observer_ != nullptr) observer_->on_event(item_, event);
  }

 private:
  const FleetItem& item_;
  SweepObserver* const observer_;
};

// A leg that brought some of its refs is not at its end either, where what stopped the others may pass.
bool is_settled(const LegOutcome& outcome) {
  if (outcome.state != LegState::Failed && outcome.state != LegState::Partial)
    return outcome.state != LegState::NotBegun;
  return !is_worth_another_attempt(*outcome.error);
}

// What an attempt has brought stays brought, whatever the next one says.
LegState of_all_attempts(const LegOutcome& outcome) {
  if (outcome.refs_changed > 0 && outcome.state == LegState::UpToDate) return LegState::Done;
  if (outcome.refs_changed > 0 && outcome.state == LegState::Failed) return LegState::Partial;
  return outcome.state;
}

bool fell_short(LegState state) {
  return state == LegState::Held || state == LegState::Partial || state == LegState::Failed;
}

LegState state_of(LegStatus status) {
  switch (status) {
    case LegStatus::UpToDate:
      return LegState::UpToDate;
    case LegStatus::Done:
      return LegState::Done;
    case LegStatus::Planned:
      return LegState::Planned;
    case LegStatus::Held:
      return LegState::Held;
    case LegStatus::Partial:
      return LegState::Partial;
    case LegStatus::Failed:
      return LegState::Failed;
  }
  CHECK(!"a LegStatus has a state");
  return LegState::Failed;
}

// Legs that one crossing can serve.
bool go_together(const FleetLeg& a, const FleetLeg& b) {
  const auto push_bytes = [](const FleetLeg& leg) { return leg.replica != nullptr ? leg.replica->push_bytes_max : 0; };
  return a.policy() == b.policy() && push_bytes(a) == push_bytes(b);
}

}  // namespace

FleetItemRun::FleetItemRun(const FleetItem& item, std::vector<Delivery> known, const FleetContext& context)
    : item_(item), context_(context), known_(std::move(known)), looked_at_(item.legs.size()) {
  CHECK(known_.size() == item_.legs.size());
  for (std::size_t leg = 0; leg < item_.legs.size(); ++leg)
    outcomes_.push_back({.key = item_.legs[leg].key,
                         .confirmed_at = known_[leg].confirmed_at,
                         .behind_since = known_[leg].behind_since});
}

std::optional<Error> FleetItemRun::attempt(unsigned number, std::stop_token stop) {
  const Clock::SteadyTime began = context_.clock.steady();
  const std::vector<std::size_t> legs = unsettled();
  for (const std::size_t leg : legs) outcomes_[leg].attempts = number;
  const std::vector<Group> groups = groups_to_bring(legs);
  if (!groups.empty())
    if (Result<> brought = bring(groups, std::move(stop)); !brought)
      for (const std::size_t leg : unsettled()) fail(leg, brought.error());

  const auto took = std::chrono::duration_cast<Milliseconds>(context_.clock.steady() - began);
  for (const std::size_t leg : legs) outcomes_[leg].duration += took;
  const std::vector<std::size_t> left = unsettled();
  return left.empty() ? std::nullopt : outcomes_[left.front()].error;
}

// What has to be asked about at all.
std::vector<FleetItemRun::Group> FleetItemRun::groups_to_bring(const std::vector<std::size_t>& legs) {
  const Clock::WallTime now = context_.clock.now();
  std::vector<Group> groups;
  for (const std::size_t leg : legs) {
    if (is_another_source(leg)) {
      hold(leg, Error(ErrorKind::Conflict,
                      "{} is another repository than the one that was delivered ({} was {}): if that is right, "
                      "`packferry catalogue forget` it",
                      printable(item_.name()), printable(item_.source->id), printable(known_[leg].source_id)));
      continue;
    }
    if (is_proved_by_listing(leg, now)) {
      settle(leg, LegState::UpToDate, Proof::Listing);
      continue;
    }
    const auto fits = [&](const Group& group) { return go_together(item_.legs[group.front()], item_.legs[leg]); };
    if (const auto group = std::ranges::find_if(groups, fits); group != groups.end()) {
      group->push_back(leg);
    } else {
      groups.push_back({leg});
    }
  }
  return groups;
}

std::vector<std::size_t> FleetItemRun::unsettled() const {
  std::vector<std::size_t> legs;
  for (std::size_t leg = 0; leg < outcomes_.size(); ++leg)
    if (!is_settled(outcomes_[leg])) legs.push_back(leg);
  return legs;
}

std::vector<Delivery> FleetItemRun::deliveries() const {
  std::vector<Delivery> looked_at;
  for (std::size_t leg = 0; leg < known_.size(); ++leg)
    if (looked_at_[leg]) looked_at.push_back(known_[leg]);
  return looked_at;
}

bool FleetItemRun::is_fresh(std::size_t leg, Clock::WallTime now) const {
  const Delivery& known = known_[leg];
  return !context_.options.confirm_all && !known.confirmed_state.empty() && known.confirmed_at && known.failures == 0 &&
         now - *known.confirmed_at < context_.fleet.confirm_every;
}

bool FleetItemRun::is_proved_by_listing(std::size_t leg, Clock::WallTime now) const {
  const Delivery& known = known_[leg];
  return is_fresh(leg, now) && !item_.source->last_push.empty() && known.last_push == item_.source->last_push &&
         known.source_seen_at && now - *known.source_seen_at < context_.fleet.trust_listing;
}

bool FleetItemRun::is_another_source(std::size_t leg) const {
  return !known_[leg].source_id.empty() && !item_.source->id.empty() && known_[leg].source_id != item_.source->id;
}

// Asked only when something is to be written there.
Result<bool> FleetItemRun::is_another_destination(std::size_t leg, std::stop_token stop) {
  const FleetLeg& order = item_.legs[leg];
  if (order.replica == nullptr) return false;
  Host& host = *TRY(context_.ends.host(*context_.fleet.host(order.end->host)));
  const Result<HostedRepository> there = host.find(order.name, std::move(stop));
  if (!there) {
    const ErrorKind kind = there.error().kind();
    if (kind == ErrorKind::NotFound || kind == ErrorKind::Unsupported) return false;
    return there.error();
  }
  std::string& known = known_[leg].destination_id;
  if (known.empty()) known = there->id;
  return known != there->id && !there->id.empty();
}

// The source is asked once, for all of it where groups want different refs.
Result<> FleetItemRun::bring(const std::vector<Group>& groups, std::stop_token stop) {
  const std::unique_ptr<Source> source = TRY(context_.ends.source(*context_.fleet.host(item_.host), *item_.source));
  ++source_listings_;
  const RefspecSet everything;
  const RefspecSet& wanted = groups.size() == 1 ? item_.legs[groups.front().front()].policy().selection : everything;
  const Result<Listing> listed = source->refs(wanted, stop);
  if (!listed && listed.error().kind() == ErrorKind::NotFound && item_.source->is_wiki) settle_absent();
  const Listing listing = TRY(listed);
  const Clock::WallTime now = context_.clock.now();
  for (const Group& group : groups) {
    const std::string state = state_of(listing, item_.legs[group.front()].policy());
    Group differing;
    for (const std::size_t leg : group) {
      if (known_[leg].confirmed_state != state || !is_fresh(leg, now)) {
        differing.push_back(leg);
        continue;
      }
      saw_source(leg, now);
      known_[leg].last_push = item_.source->last_push;
      settle(leg, LegState::UpToDate, Proof::Source);
    }
    if (differing.empty()) continue;
    if (Result<> crossed = cross(differing, *source, listing, state, stop); !crossed)
      for (const std::size_t leg : differing)
        if (!is_settled(outcomes_[leg])) fail(leg, crossed.error());
  }
  return {};
}

Result<> FleetItemRun::cross(const Group& legs, Source& source, const Listing& listing, const std::string& listed_state,
                             std::stop_token stop) {
  const Clock::WallTime seen_at = context_.clock.now();
  std::vector<std::unique_ptr<Destination>> made;
  std::vector<Destination*> destinations;
  std::vector<std::size_t> crossing_legs;
  for (const std::size_t leg : legs) {
    Result<std::unique_ptr<Destination>> destination = this->destination(leg, stop);
    if (!destination) {
      fail(leg, std::move(destination).error());
    } else if (*destination != nullptr) {
      destinations.push_back(made.emplace_back(std::move(destination).value()).get());
      crossing_legs.push_back(leg);
    }
  }
  if (destinations.empty()) return {};

  const FleetLeg& first = item_.legs[legs.front()];
  SeenSource seen(source, listing);
  Relay relay(item_, context_.observer);
  Crossing crossing(seen, destinations,
                    {.policy = first.policy(),
                     .dry_run = context_.options.dry_run || context_.options.look_only,
                     .patience = context_.options.patience,
                     .push_bytes_max = first.replica != nullptr ? first.replica->push_bytes_max : 0},
                    context_.clock, &relay);
  const CrossingReport report = crossing.run(std::move(stop));
  source_listings_ += seen.asked();
  fetches_ += report.fetches;
  if (report.error) return *report.error;
  const std::string state = seen.asked() == 0 ? listed_state : state_of(seen.seen(), first.policy());
  for (std::size_t i = 0; i < crossing_legs.size(); ++i) {
    const std::size_t leg = crossing_legs[i];
    note(leg, report.legs[i], state, seen_at);
    if (item_.legs[leg].backup == nullptr) continue;
    const auto& published = static_cast<const BackupDestination&>(*destinations[i]).published();
    if (published) outcomes_[leg].snapshot = published->manifest.number;
  }
  return {};
}

// Nothing when the leg is held instead.
Result<std::unique_ptr<Destination>> FleetItemRun::destination(std::size_t leg, std::stop_token stop) {
  const FleetLeg& order = item_.legs[leg];
  if (order.backup != nullptr) {
    const FleetBackup& backup = *order.backup;
    ObjectStore& store = *TRY(context_.ends.store(*context_.fleet.store(backup.store)));
    const bool knows_account = !item_.source->account.empty() && !item_.source->region.empty();
    BackupOptions options{.format = backup.format,
                          .keys = backup.keys.value_or(KeyTemplate::standard(knows_account)),
                          .limits = backup.limits,
                          .recipients = backup.recipients,
                          .source = item_.source->url.text(),
                          .environment = context_.ends.child_environment()};
    if (!item_.source->account.empty()) options.key_variables["account_id"] = item_.source->account;
    if (!item_.source->region.empty()) options.key_variables["region"] = item_.source->region;
    return std::make_unique<BackupDestination>(store, TRY(RepositoryName::parse(order.name)), std::move(options),
                                               context_.options.patience, context_.clock);
  }
  if (TRY(is_another_destination(leg, stop))) {
    hold(leg, Error(ErrorKind::Conflict,
                    "{} is another repository than the one that was delivered to: if that is right, `packferry "
                    "catalogue forget` it",
                    printable(order.key.destination)));
    return std::unique_ptr<Destination>();
  }
  const NewRepository wanted{.name = order.name, .visibility = order.end->visibility};
  return context_.ends.destination(*context_.fleet.host(order.end->host), *order.url,
                                   order.end->create ? &wanted : nullptr);
}

void FleetItemRun::note(std::size_t leg, const LegReport& report, const std::string& state, Clock::WallTime seen_at) {
  LegOutcome& outcome = outcomes_[leg];
  outcome.state = state_of(report.status);
  outcome.error.reset();
  if (fell_short(outcome.state))
    outcome.error = refusal_of(report).value_or(Error(ErrorKind::Unavailable, "nothing could be confirmed"));
  outcome.pack_bytes += report.pack_bytes;
  outcome.refs_changed += static_cast<std::size_t>(std::ranges::count_if(report.refs, [](const RefResult& ref) {
    return ref.outcome == RefOutcome::Confirmed || ref.outcome == RefOutcome::Planned;
  }));
  outcome.refs_withheld =
      static_cast<std::size_t>(std::ranges::count(report.refs, RefOutcome::Withheld, &RefResult::outcome));
  outcome.state = of_all_attempts(outcome);
  if (context_.options.dry_run) return;

  saw_source(leg, seen_at);
  Delivery& delivery = known_[leg];
  delivery.outcome = std::string(to_string(outcome.state));
  delivery.error = outcome.error ? outcome.error->message() : std::string();
  if (outcome.state == LegState::UpToDate || outcome.state == LegState::Done) {
    outcome.proof = Proof::Confirmed;
    delivery.source_id = item_.source->id;
    delivery.confirmed_state = state;
    delivery.confirmed_at = report.confirmed_at.value_or(seen_at);
    delivery.last_push = item_.source->last_push;
    delivery.behind_since.reset();
    delivery.failures = 0;
  } else {
    if (!delivery.behind_since) delivery.behind_since = seen_at;
    if (outcome.state != LegState::Planned) ++delivery.failures;
  }
  outcome.confirmed_at = delivery.confirmed_at;
  outcome.behind_since = delivery.behind_since;
}

void FleetItemRun::saw_source(std::size_t leg, Clock::WallTime at) {
  known_[leg].source_seen_at = at;
  known_[leg].missing_since.reset();
  looked_at_[leg] = true;
}

void FleetItemRun::settle(std::size_t leg, LegState state, Proof proof) {
  outcomes_[leg].state = state;
  outcomes_[leg].proof = proof;
  outcomes_[leg].error.reset();
}

// Hosts say that there may be a wiki; there is one once a page was written.
void FleetItemRun::settle_absent() {
  for (const std::size_t leg : unsettled())
    if (known_[leg].confirmed_state.empty()) settle(leg, LegState::Absent, Proof::None);
}

void FleetItemRun::hold(std::size_t leg, Error error) {
  outcomes_[leg].state = LegState::Held;
  outcomes_[leg].error = error;
  known_[leg].outcome = "held";
  known_[leg].error = error.message();
  looked_at_[leg] = true;
}

void FleetItemRun::fail(std::size_t leg, Error error) {
  outcomes_[leg].state = LegState::Failed;
  outcomes_[leg].state = of_all_attempts(outcomes_[leg]);
  Delivery& delivery = known_[leg];
  delivery.outcome = std::string(to_string(outcomes_[leg].state));
  delivery.error = error.message();
  ++delivery.failures;
  outcomes_[leg].error = std::move(error);
  looked_at_[leg] = true;
}

}  // namespace packferry
