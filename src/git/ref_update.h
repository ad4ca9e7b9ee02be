// One movement of one ref, naming the value it expects to find: {name, old, new}.
#pragma once

#include <string>
#include <vector>

#include "git/ref.h"

namespace packferry {

struct RefUpdate {
  RefName name;
  Oid old_oid;  // zero: the ref must not exist yet
  Oid new_oid;  // zero: the ref goes away

  bool is_create() const { return old_oid.is_zero(); }
  bool is_delete() const { return new_oid.is_zero(); }

  friend bool operator==(const RefUpdate&, const RefUpdate&) = default;
};

// The updates that turn `from` into `to`, sorted by name. Both in one object format, `format`.
std::vector<RefUpdate> diff(const RefMap& from, const RefMap& to, ObjectFormat format);

}  // namespace packferry
