#include "service/fleet_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/digest.h"
#include "base/printable.h"
#include "service/fleet_item.h"
#include "service/sweep.h"

namespace packferry {
namespace {

constexpr unsigned kListAttemptsMax = 6;
// What a kill -9 forgets at most; it is only looked at again.
constexpr std::size_t kRecordedTogether = 200;

class Sweeper {
 public:
  Sweeper(const Fleet& fleet, FleetEnds& ends, Catalogue& catalogue, const SweepOptions& options, const Clock& clock,
          SweepObserver* observer, std::stop_token stop)
      : catalogue_(catalogue),
        options_(options),
        observer_(observer),
        stop_(std::move(stop)),
        context_{fleet, ends, options, clock, observer} {}

  Result<SweepReport> run() {
    const Clock::SteadyTime began = context_.clock.steady();
    report_.began_at = context_.clock.now();
    FleetPlan plan = TRY(make_plan());
    report_.repositories = plan.items.size();
    report_.passed_over = plan.passed_over;
    if (observer_ != nullptr) observer_->on_planned(plan);
    TRY(note_missing(plan));
    for (const FleetPlan::Refused& refused : plan.refused)
      report_.legs.push_back(
          {.key = {refused.order, refused.source, ""}, .state = LegState::Refused, .error = refused.error});
    work(plan);

    std::ranges::sort(report_.legs, {}, &LegOutcome::key);
    report_.was_stopped = stop_.stop_requested();
    report_.duration = std::chrono::duration_cast<Milliseconds>(context_.clock.steady() - began);
    return std::move(report_);
  }

 private:
  Result<FleetPlan> make_plan() {
    const std::vector<DeliveryKey> known = TRY(catalogue_.keys());
    FleetListings listings = list_all();
    const UrlAtHost url_at = [this](const FleetHost& host, std::string_view name) -> Result<Url> {
      return TRY(context_.ends.host(host))
      ->url_of(name);
    };
    FleetPlan plan = TRY(plan_fleet(context_.fleet, std::move(listings), known, url_at));
    select_items(plan, options_.only, options_.shard, options_.shards);
    return plan;
  }

  Result<Delivery> known(const DeliveryKey& key) const {
    return TRY(catalogue_.find(key))
    .value_or(Delivery{.key = key});
  }

  // A host that throttles, or does not answer, is asked again: without its list all of it is left out.
  FleetListings list_all() {
    const std::vector<ListingKey> keys = listings_of(context_.fleet);
    std::map<std::string, std::size_t> lane_of;
    std::vector<std::size_t> lanes;
    std::vector<Result<std::vector<HostedRepository>>> lists;
    for (const ListingKey& key : keys) {
      lanes.push_back(lane_of.try_emplace(key.host, lane_of.size()).first->second);
      lists.push_back(Error(ErrorKind::Cancelled, "stopped before it was listed"));
    }
    const auto list = [&](std::size_t i, unsigned) -> std::optional<Error> {
      const Result<Host*> host = context_.ends.host(*context_.fleet.host(keys[i].host));
      lists[i] = host ? (*host)->list(keys[i].owner, stop_) : Result<std::vector<HostedRepository>>(host.error());
      if (!lists[i]) return lists[i].error();
      if (observer_ != nullptr) observer_->on_listed(keys[i], lists[i]->size());
      return std::nullopt;
    };
    run_sweep(lanes,
              {.jobs = static_cast<unsigned>(std::min<std::size_t>(keys.size(), jobs())),
               .attempts_max = kListAttemptsMax,
               .backoff = options_.backoff,
               .seed = options_.seed},
              list, context_.clock, stop_);

    FleetListings listings;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (lists[i]) {
        listings.emplace(keys[i], std::move(lists[i]).value());
      } else {
        report_.unlisted.push_back({keys[i], std::move(lists[i]).error()});
      }
    }
    note_listings(listings);
    return listings;
  }

  // What a listing lacks is reported one by one as missing; that it has shrunk is said once more, for all of it.
  void note_listings(const FleetListings& listings) {
    const Result<std::vector<ListingRecord>> before = catalogue_.listings();
    if (!before) return forgets(before.error());
    for (const auto& [key, repositories] : listings) {
      const auto last = std::ranges::find_if(*before, [&key = key](const ListingRecord& record) {
        return record.host == key.host && record.owner == key.owner;
      });
      if (last != before->end() && repositories.size() < last->repositories)
        report_.alarms.push_back(fmt::format("{} lists {} repositories; last time there were {}", key.name(),
                                             repositories.size(), last->repositories));
      if (repositories.empty() && last == before->end())
        report_.alarms.push_back(
            fmt::format("{} lists no repository: is that its name, and may these credentials see it?", key.name()));
      if (options_.dry_run) continue;
      const Result<> kept =
          catalogue_.record(ListingRecord{key.host, key.owner, repositories.size(), report_.began_at});
      if (!kept) forgets(kept.error());
    }
  }

  Result<> note_missing(const FleetPlan& plan) {
    for (const DeliveryKey& key : plan.missing) {
      Delivery delivery = TRY(known(key));
      if (!delivery.missing_since) delivery.missing_since = report_.began_at;
      delivery.outcome = "missing";
      report_.legs.push_back({.key = key,
                              .state = LegState::Missing,
                              .error = Error(ErrorKind::NotFound,
                                             "{} is in no listing of its host any more, since {}; what was delivered "
                                             "stays as it is",
                                             printable(key.source), to_iso8601(*delivery.missing_since)),
                              .confirmed_at = delivery.confirmed_at,
                              .behind_since = delivery.behind_since});
      remember({std::move(delivery)});
    }
    return {};
  }

  // An item that has come to its end is let go: there may be very many.
  void work(FleetPlan& plan) {
    std::map<std::string, std::size_t> lane_of;
    std::vector<std::size_t> lanes;
    SweepLimits limits{
        .jobs = jobs(), .attempts_max = options_.attempts_max, .backoff = options_.backoff, .seed = options_.seed};
    for (const FleetItem& item : plan.items) {
      const auto [lane, is_new] = lane_of.try_emplace(item.host, lane_of.size());
      if (is_new) limits.lane_jobs.push_back(context_.fleet.host(item.host)->jobs);
      lanes.push_back(lane->second);
    }
    std::vector<std::unique_ptr<FleetItemRun>> runs(plan.items.size());
    const auto bring = [&](std::size_t i, unsigned attempt) -> std::optional<Error> {
      FleetItem& item = plan.items[i];
      if (observer_ != nullptr) observer_->on_begin(item, attempt);
      std::optional<Error> error = attempt_one(item, runs[i], attempt);
      if (error && is_worth_another_attempt(*error) && attempt < options_.attempts_max && !stop_.stop_requested()) {
        if (observer_ != nullptr) observer_->on_again(item, *error);
        return error;
      }
      finish(item, std::move(runs[i]), error);
      return error;
    };
    run_sweep(lanes, limits, bring, context_.clock, stop_);
    // Stopped before their next turn came, or their first.
    for (std::size_t i = 0; i < plan.items.size(); ++i)
      if (!plan.items[i].legs.empty()) finish(plan.items[i], std::move(runs[i]), std::nullopt);
    flush();
  }

  // Without what is known of it nothing is done: it may be another repository by now.
  std::optional<Error> attempt_one(const FleetItem& item, std::unique_ptr<FleetItemRun>& run, unsigned attempt) {
    if (!run) {
      std::vector<Delivery> all;
      for (const FleetLeg& leg : item.legs) {
        Result<Delivery> delivery = known(leg.key);
        if (!delivery) return std::move(delivery).error();
        all.push_back(std::move(delivery).value());
      }
      run = std::make_unique<FleetItemRun>(item, std::move(all), context_);
    }
    return run->attempt(attempt, stop_);
  }

  // `run`: nothing was tried, for that reason or because of the stop.
  void finish(FleetItem& item, std::unique_ptr<FleetItemRun> run, const std::optional<Error>& error) {
    const std::vector<LegOutcome> outcomes = run ? run->outcomes() : untried(item, error);
    if (observer_ != nullptr && (run || error)) observer_->on_end(item, outcomes);
    const std::lock_guard lock(mutex_);
    report_.legs.insert(report_.legs.end(), outcomes.begin(), outcomes.end());
    if (run) {
      report_.source_listings += run->source_listings();
      report_.fetches += run->fetches();
      remember(run->deliveries());
    }
    item = {};
  }

  std::vector<LegOutcome> untried(const FleetItem& item, const std::optional<Error>& error) const {
    std::vector<LegOutcome> outcomes;
    for (const FleetLeg& leg : item.legs) {
      LegOutcome& outcome = outcomes.emplace_back();
      outcome.key = leg.key;
      outcome.state = error ? LegState::Failed : LegState::NotBegun;
      outcome.error = error;
      const Result<Delivery> delivery = known(leg.key);
      if (!delivery) continue;
      outcome.confirmed_at = delivery->confirmed_at;
      outcome.behind_since = delivery->behind_since;
    }
    return outcomes;
  }

  void remember(std::vector<Delivery> deliveries) {
    if (options_.dry_run) return;
    std::ranges::move(deliveries, std::back_inserter(to_record_));
    if (to_record_.size() >= kRecordedTogether) flush();
  }

  void flush() {
    if (to_record_.empty()) return;
    const Result<> recorded = catalogue_.record(std::exchange(to_record_, {}));
    if (!recorded) forgets(recorded.error());
  }

  // Only the next run is dearer for it.
  void forgets(const Error& error) {
    if (!report_.catalogue_error) report_.catalogue_error = error;
  }

  unsigned jobs() const { return std::max(1u, options_.jobs > 0 ? options_.jobs : context_.fleet.jobs); }

  Catalogue& catalogue_;
  const SweepOptions& options_;
  SweepObserver* const observer_;
  const std::stop_token stop_;
  const FleetContext context_;

  std::mutex mutex_;  // of all below, while items are at work
  SweepReport report_;
  std::vector<Delivery> to_record_;
};

}  // namespace

std::string_view to_string(LegState state) {
  switch (state) {
    case LegState::UpToDate:
      return "up-to-date";
    case LegState::Done:
      return "done";
    case LegState::Planned:
      return "planned";
    case LegState::Held:
      return "held";
    case LegState::Partial:
      return "partial";
    case LegState::Failed:
      return "failed";
    case LegState::Absent:
      return "absent";
    case LegState::Missing:
      return "missing";
    case LegState::Refused:
      return "refused";
    case LegState::NotBegun:
      return "not-begun";
  }
  CHECK(!"a LegState has a name");
  return {};
}

std::string_view to_string(Proof proof) {
  switch (proof) {
    case Proof::None:
      return "none";
    case Proof::Listing:
      return "listing";
    case Proof::Source:
      return "source";
    case Proof::Confirmed:
      return "confirmed";
  }
  CHECK(!"a Proof has a name");
  return {};
}

std::size_t SweepReport::count(LegState state) const {
  return static_cast<std::size_t>(std::ranges::count(legs, state, &LegOutcome::state));
}

std::string state_of(const Listing& listing, const Policy& policy) {
  Digest digest(DigestAlgorithm::Sha256);
  const auto add = [&digest](std::string_view text) {
    digest.update(as_bytes(text));
    digest.update(as_bytes("\n"));
  };
  add(to_string(policy.follow));
  add(listing.head.target ? listing.head.target->text() : "");
  if (listing.head.oid) add(listing.head.oid->hex());
  for (const Ref& ref : listing.refs)
    if (const std::optional<RefName> name = policy.selection.map(ref.name)) {
      digest.update(ref.oid.bytes());
      add(name->text());
    }
  return to_hex(digest.finish());
}

Result<SweepReport> sweep_fleet(const Fleet& fleet, FleetEnds& ends, Catalogue& catalogue, const SweepOptions& options,
                                const Clock& clock, SweepObserver* observer, std::stop_token stop) {
  return Sweeper(fleet, ends, catalogue, options, clock, observer, std::move(stop)).run();
}

}  // namespace packferry
