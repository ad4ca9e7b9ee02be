// What must be true of a destination after any crossing, whatever became of it. Pure: evidence in, violations out. The
// evidence is git's own word, never the program's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/crossing.h"

namespace packferry::testing {

using Refs = std::map<std::string, std::string>;  // full name to object id

// One look at a repository.
struct Sight {
  Refs refs;
  std::set<std::string> reachable;  // every object that a ref leads to
  std::string broken;               // what git fsck or git rev-list complained of; empty: nothing is missing
};

// What was claimed of a destination.
struct Claim {
  bool success = false;  // done, or up to date
  bool equal = false;    // "every selected ref is the source's"
  Refs confirmed;        // refs that are said to be there; an empty id: said to be gone
  std::vector<Error> errors;
  bool has_reason = false;  // of a failure: an error, or a ref with its reason
};
Claim claim_of(const CrossingReport& report, std::size_t leg = 0);

struct Evidence {
  Refs offered;  // all that the source lists of what is selected
  Sight before;
  Sight after;
  Claim claim;
  std::optional<std::size_t> pushes;  // where one is all that is needed: how many there were
};

// Sentences, each one a broken promise. `expected` are the kinds of error that fit what was done to the crossing.
std::vector<std::string> violations(const Evidence& evidence, const std::set<ErrorKind>& expected);
// The same for an undisturbed run after it: it must also have made the destination equal.
std::vector<std::string> violations_of_second_run(const Evidence& evidence);

}  // namespace packferry::testing
