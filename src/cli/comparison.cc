#include "cli/comparison.h"

namespace packferry {

std::vector<Difference> differences(const RefMap& first, const RefMap& second) {
  std::vector<Difference> found;
  auto a = first.begin();
  auto b = second.begin();
  while (a != first.end() || b != second.end()) {
    if (b == second.end() || (a != first.end() && a->name < b->name)) {
      found.push_back({a->name, a->oid, std::nullopt});
      ++a;
    } else if (a == first.end() || b->name < a->name) {
      found.push_back({b->name, std::nullopt, b->oid});
      ++b;
    } else {
      if (a->oid != b->oid) found.push_back({a->name, a->oid, b->oid});
      ++a;
      ++b;
    }
  }
  return found;
}

}  // namespace packferry
