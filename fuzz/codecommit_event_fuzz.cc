// A message of a queue: a repository that can be one, of an account and a region that look like one, or nothing to do.
#include "base/printable.h"
#include "fuzz.h"
#include "host/repository_list.h"
#include "service/webhook.h"

using namespace packferry;

FUZZ(input) {
  const Result<CodeCommitEvent> event = read_codecommit_event(input.rest());
  if (!event) {
    CHECK(event.error().kind() == ErrorKind::Invalid);
    return;
  }
  CHECK(printable(event->event, event->event.size() + 1) == event->event);
  CHECK(printable(event->message_id, event->message_id.size() + 1) == event->message_id);
  if (!event->wants_a_look) return;
  CHECK(event->account.size() == 12 && has_shape_of_aws_region(event->region) && !event->message_id.empty());
  CHECK(check_hosted_name(event->repository, 1, 1));
}
