#include "base/result.h"

namespace packferry {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::NotFound:
      return "not-found";
    case ErrorKind::Unsupported:
      return "unsupported";
    case ErrorKind::Denied:
      return "denied";
    case ErrorKind::Invalid:
      return "invalid";
    case ErrorKind::Rejected:
      return "rejected";
    case ErrorKind::Conflict:
      return "conflict";
    case ErrorKind::Throttled:
      return "throttled";
    case ErrorKind::Unavailable:
      return "unavailable";
    case ErrorKind::Corrupt:
      return "corrupt";
    case ErrorKind::Exhausted:
      return "exhausted";
    case ErrorKind::Cancelled:
      return "cancelled";
  }
  CHECK(!"an ErrorKind has a name");
  return {};
}

}  // namespace packferry
