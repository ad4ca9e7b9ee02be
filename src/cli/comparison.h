// What two listings have, or have not, in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "git/ref.h"
#include "git/refspec.h"

namespace packferry {

// A ref at which the second side is not what the first is.
struct Difference {
  RefName name;               // over there, in the second
  std::optional<Oid> first;   // none: only the second has it
  std::optional<Oid> second;  // none: only the first has it

  friend bool operator==(const Difference&, const Difference&) = default;
};

// Sorted by name. Both maps are selected already, under the names of the second side.
std::vector<Difference> differences(const RefMap& first, const RefMap& second);

struct ComparedRepository {
  std::string repository;
  std::optional<Error> error;  // it could not be listed: the rest says nothing
  Head head;
  std::size_t refs = 0;  // selected ones
  std::vector<Difference> differences = {};
};

struct Comparison {
  ComparedRepository first;
  std::vector<ComparedRepository> others;
};

}  // namespace packferry
