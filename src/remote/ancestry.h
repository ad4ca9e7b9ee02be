// Does an update lose commits? Without objects of our own we ask the source, which has both ends: want OLD, have NEW.
// An empty pack means that everything in OLD is in NEW: a fast-forward. Objects coming means a rewind, and the stream
// is closed after its header. "not our ref" means that the source has no OLD (any more). docs/notes/ancestry.md.
#pragma once

#include <stop_token>
#include <vector>

#include "git/history.h"
#include "git/ref_update.h"
#include "remote/remote.h"

namespace packferry {

enum class Ancestry {
  FastForward,  // every commit of the old value is in the new one
  Rewind,       // some are not
  Unknown,      // the source cannot be asked, or no longer has the old value: treated as a rewind
};

struct AncestryAnswer {
  RefName name;
  Ancestry ancestry = Ancestry::Unknown;
};

enum class AncestryDetail {
  // Enough when refs are mirrored: "fast-forward" means that what the old value held is in one of the new values. One
  // request says so for all of them; only when it does not, the set is halved until the lossy ones are found.
  NothingLost,
  // Each ref against its own new value: one request for each, where one for all does not already say no.
  EachRef,
};

// One answer for each update that is neither a creation nor a deletion, in order. The source is not asked about those
// that `known` shows to be fast-forwards.
Result<std::vector<AncestryAnswer>> ask_ancestry(Remote& source, const std::vector<RefUpdate>& updates,
                                                 AncestryDetail detail, const History& known, std::stop_token stop);

}  // namespace packferry
