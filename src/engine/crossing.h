// One trip: one source, one or more legs. Observe, plan, carry, confirm, report.
//
// What is always true: no ref is set to a value that the source did not list in one complete listing; every update
// names the value it expects over there; a leg that fails never fails the others; success is what a destination lists
// afterwards, never what it answered; a source that fails in mid-pack moves nothing anywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/destination.h"
#include "engine/plan.h"
#include "engine/source.h"
#include "io/pace.h"

namespace packferry {

enum class LegStatus {
  UpToDate,  // nothing had to be done
  Done,      // everything planned is confirmed
  Planned,   // dry run: see the plan
  Held,      // the guard stopped something; the rest, if any, is confirmed
  Partial,   // some refs were refused or could not be confirmed; the rest is
  Failed,    // see the error; what is confirmed anyway stands in the refs
};
std::string_view to_string(LegStatus status);  // "up-to-date", "done", "planned", "held", "partial", "failed"

enum class RefOutcome {
  Planned,    // dry run
  Confirmed,  // listed at its new value afterwards
  Withheld,   // see objection and reason
  Rejected,   // the host said no: reason
  NotDone,    // the leg failed before it, or another hand moved the ref: reason
};
std::string_view to_string(RefOutcome outcome);

struct RefResult {
  RefUpdate update;
  Change change = Change::Create;
  RefOutcome outcome = RefOutcome::NotDone;
  std::optional<Objection> objection;
  std::string reason;
  std::string remedy = {};  // Withheld::remedy

  // What a person at the command line reads.
  std::string in_full() const { return remedy.empty() ? reason : reason + "; " + remedy; }
};

struct LegReport {
  std::string destination;
  LegStatus status = LegStatus::Failed;
  std::optional<Error> error;
  std::vector<RefResult> refs;  // by name; unchanged ones are only counted
  std::size_t unchanged = 0;
  std::string held_digest = {};  // see Plan
  std::uint64_t pack_bytes = 0;
  std::uint64_t pack_objects = 0;
  // The destination's own word afterwards: when it was listed, and whether every selected ref is the source's.
  std::optional<Clock::WallTime> confirmed_at;
  bool equal_to_source = false;
  bool head_set = false;
  Milliseconds duration{0};
};

struct CrossingReport {
  std::string source;
  std::optional<Error> error;  // the source could not be listed: no leg was tried
  Head head;
  std::size_t selected_refs = 0;
  std::size_t offered_refs = 0;
  ObjectFormat format = ObjectFormat::Sha1;
  int protocol = 0;
  std::vector<LegReport> legs;  // in the order of the destinations
  std::uint64_t fetches = 0;    // packs asked of the source
  Milliseconds duration{0};
};

// What a watcher is told while it happens. Called from several threads; must not block for long.
struct CrossingEvent {
  enum class Kind {
    SourceListed,   // count: refs selected
    LegListed,      // count: refs over there
    LegPlanned,     // plan
    StepStarted,    // text: "keeping old tips", "carrying", "removing"; count: ref updates in it
    PackStarted,    // objects
    PackMoved,      // bytes so far, objects: of the pack
    RemoteMessage,  // text, printable; leg: who said it (npos: the source)
    LegFinished,    // leg report
  };
  static constexpr std::size_t kSource = static_cast<std::size_t>(-1);

  Kind kind;
  std::size_t leg = kSource;
  std::string_view text = {};
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  std::uint64_t objects = 0;
  const Plan* plan = nullptr;
  const LegReport* report = nullptr;
};

class CrossingObserver {
 public:
  virtual ~CrossingObserver() = default;
  virtual void on_event(const CrossingEvent& event) = 0;
};

struct CrossingOptions {
  Policy policy;
  bool dry_run = false;
  Patience patience = {};
  // A push with more than this is split along the source's history; 0: what the host's profile says.
  std::uint64_t push_bytes_max = 0;
  // How often a leg is observed and planned again when something moved under us (Conflict).
  unsigned attempts_max = 3;
  // See PlanInput::approved; for crossings with one leg.
  std::string approved = {};
};

class Crossing {
 public:
  // The references outlive the crossing. `observer` may be null.
  Crossing(Source& source, std::vector<Destination*> destinations, CrossingOptions options, const Clock& clock,
           CrossingObserver* observer = nullptr);
  CrossingReport run(std::stop_token stop);

 private:
  Source& source_;
  const std::vector<Destination*> destinations_;
  const CrossingOptions options_;
  const Clock& clock_;
  CrossingObserver* const observer_;
};

}  // namespace packferry
