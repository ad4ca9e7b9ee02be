#include "git/ref_update.h"

namespace packferry {

std::vector<RefUpdate> diff(const RefMap& from, const RefMap& to, ObjectFormat format) {
  const Oid none(format);
  std::vector<RefUpdate> updates;
  auto old_ref = from.begin();
  auto new_ref = to.begin();
  while (old_ref != from.end() || new_ref != to.end()) {
    if (new_ref == to.end() || (old_ref != from.end() && old_ref->name < new_ref->name)) {
      updates.push_back({old_ref->name, old_ref->oid, none});
      ++old_ref;
    } else if (old_ref == from.end() || new_ref->name < old_ref->name) {
      updates.push_back({new_ref->name, none, new_ref->oid});
      ++new_ref;
    } else {
      if (old_ref->oid != new_ref->oid) updates.push_back({new_ref->name, old_ref->oid, new_ref->oid});
      ++old_ref;
      ++new_ref;
    }
  }
  return updates;
}

}  // namespace packferry
