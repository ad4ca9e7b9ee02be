#include "host/host.h"

#include "base/check.h"

namespace packferry {

std::string_view to_string(Visibility visibility) {
  switch (visibility) {
    case Visibility::Private:
      return "private";
    case Visibility::Internal:
      return "internal";
    case Visibility::Public:
      return "public";
  }
  CHECK(!"a Visibility has a name");
  return {};
}

}  // namespace packferry
