// One look at one replica: a crossing, whether or not it finds anything to carry, and what there is to remember of it.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalogue/replica_records.h"
#include "engine/crossing.h"
#include "engine/destination.h"
#include "engine/source.h"

namespace packferry {

struct LookOptions {
  Policy policy;
  Patience patience = {};
  // What a person allowed, and still may: the digest of a plan that was held. Empty: nothing.
  std::string approved = {};
  // For how long a plan that is held now may be approved.
  Milliseconds held_for{24 * 3'600'000};
  // Told once, when the source has been listed, with a digest of what it offers.
  std::function<void(const std::string& source_state)> on_listed = {};
};

struct Looked {
  Look look;                                // all but its next_look_at
  std::optional<Error> error = {};          // with LookOutcome::Failed: with what the host said of when to come back
  std::vector<std::string> held_refs = {};  // full names: what the plan that is held replaces or removes
};

// Cancelled, and nothing else: it was stopped, and nothing can be said of it.
Result<Looked> look_at(Source& source, Destination& destination, const LookOptions& options, const Clock& clock,
                       CrossingObserver* observer, std::stop_token stop);

// Of a look that failed so, before it could see anything.
Looked failed_look(const Error& why);

// What a person can do about it; empty: wait.
std::string remedy_of(ErrorKind kind);

}  // namespace packferry
