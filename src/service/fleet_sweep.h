// One pass over a fleet: every order brought up to date, at the cost of what changed, and a report that can be
// believed.
//
// What a leg's source offers is compared with what the leg's destination was last seen to hold. Where that is the same,
// nothing else is asked; a destination's own word is good for Fleet::confirm_every, and a host's word that nothing was
// pushed for Fleet::trust_listing. Whatever else there is goes the way of every crossing: observed, planned, carried,
// confirmed. Nothing is ever deleted because a repository, a page or a listing is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/backoff.h"
#include "catalogue/catalogue.h"
#include "engine/crossing.h"
#include "service/fleet.h"
#include "service/fleet_ends.h"
#include "service/fleet_plan.h"

namespace packferry {

enum class LegState {
  UpToDate,  // the destination holds what the source offers; nothing had to be done
  Done,      // and now it does
  Planned,   // dry run
  Held,      // a person has to look; see the error
  Partial,   // some refs were refused
  Failed,
  Absent,    // a wiki that there is not, and never was
  Missing,   // its source is in no listing any more; what was delivered stays
  Refused,   // the order makes no sense for this repository; see the error
  NotBegun,  // the run was stopped before
};
std::string_view to_string(LegState state);  // "up-to-date", "done", …: part of the JSON report

// How we know that a leg is up to date.
enum class Proof {
  None,
  Listing,    // the host's listing says that nothing was pushed
  Source,     // the source offers what the destination was last seen to hold
  Confirmed,  // the destination was listed in this run
};
std::string_view to_string(Proof proof);  // "none", "listing", "source", "confirmed"

struct LegOutcome {
  DeliveryKey key;
  LegState state = LegState::NotBegun;
  Proof proof = Proof::None;
  std::optional<Error> error = {};
  std::size_t refs_changed = 0;
  std::size_t refs_withheld = 0;
  std::uint64_t pack_bytes = 0;
  std::optional<std::uint64_t> snapshot = {};  // of a backup: the new one
  unsigned attempts = 0;
  Milliseconds duration{0};
  // When the destination was last seen to hold what the source offered then; none: never.
  std::optional<Clock::WallTime> confirmed_at = {};
  // Since when it is known to be behind; none: it is not.
  std::optional<Clock::WallTime> behind_since = {};
};

struct SweepReport {
  std::vector<LegOutcome> legs;  // by key
  struct Unlisted {
    ListingKey key;
    Error error;
  };
  std::vector<Unlisted> unlisted = {};
  std::vector<std::string> alarms = {};  // "gitlab lists 40 repositories; last time there were 100"
  std::size_t repositories = 0;
  std::size_t passed_over = 0;
  std::uint64_t source_listings = 0;          // questions about refs that sources were asked
  std::uint64_t fetches = 0;                  // packs that they were asked for
  std::optional<Error> catalogue_error = {};  // what happened is not all remembered
  bool was_stopped = false;
  Clock::WallTime began_at{};
  Milliseconds duration{0};

  std::size_t count(LegState state) const;
};

struct SweepOptions {
  std::vector<std::string> only = {};
  unsigned shard = 1;
  unsigned shards = 1;
  unsigned jobs = 0;  // 0: the fleet's
  bool dry_run = false;
  bool look_only = false;    // move nothing, and remember what is equal
  bool confirm_all = false;  // list every destination, whatever is remembered
  Patience patience = {};
  unsigned attempts_max = 4;
  Backoff backoff{.first = Milliseconds(2'000), .longest = Milliseconds(60'000)};
  std::uint64_t seed = 0;
};

// What a watcher is told while it happens. Called from several threads; must not block for long.
class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  virtual void on_listed(const ListingKey&, std::size_t /*repositories*/) {}
  virtual void on_planned(const FleetPlan&) {}
  virtual void on_begin(const FleetItem&, unsigned /*attempt*/) {}
  // Of the crossing that is under way for this repository.
  virtual void on_event(const FleetItem&, const CrossingEvent&) {}
  virtual void on_again(const FleetItem&, const Error&) {}
  virtual void on_end(const FleetItem&, const std::vector<LegOutcome>&) {}
};

// Errors are those of the fleet as a whole: plan_fleet()'s, a catalogue that cannot be read, an order without its host.
// One repository that fails, and one host that cannot be listed, are in the report.
Result<SweepReport> sweep_fleet(const Fleet& fleet, FleetEnds& ends, Catalogue& catalogue, const SweepOptions& options,
                                const Clock& clock, SweepObserver* observer, std::stop_token stop);

// What a destination of this policy is to hold, as one word: equal words, nothing to do.
std::string state_of(const Listing& listing, const Policy& policy);

}  // namespace packferry
