#include "catalogue/replica_records.h"

namespace packferry {

std::string_view to_string(LookReason reason) {
  switch (reason) {
    case LookReason::Created:
      return "created";
    case LookReason::Schedule:
      return "schedule";
    case LookReason::Webhook:
      return "webhook";
    case LookReason::Event:
      return "event";
    case LookReason::Sync:
      return "sync";
    case LookReason::Chain:
      return "chain";
    case LookReason::Approved:
      return "approved";
    case LookReason::Resumed:
      return "resumed";
  }
  CHECK(!"a LookReason has a name");
  return {};
}

bool is_announcement(LookReason reason) {
  return reason == LookReason::Webhook || reason == LookReason::Event || reason == LookReason::Sync ||
         reason == LookReason::Chain;
}

bool is_by_person(LookReason reason) {
  return reason == LookReason::Created || reason == LookReason::Sync || reason == LookReason::Approved ||
         reason == LookReason::Resumed;
}

std::string_view to_string(LookOutcome outcome) {
  switch (outcome) {
    case LookOutcome::Equal:
      return "equal";
    case LookOutcome::Held:
      return "held";
    case LookOutcome::Diverged:
      return "diverged";
    case LookOutcome::Failed:
      return "failed";
  }
  CHECK(!"a LookOutcome has a name");
  return {};
}

}  // namespace packferry
