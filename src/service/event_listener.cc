#include "service/event_listener.h"

#include "base/backoff.h"

namespace packferry {
namespace {

constexpr Backoff kWhenItFails{.first = Milliseconds(1'000), .longest = Milliseconds(60'000)};

}  // namespace

Result<std::size_t> EventListener::listen_once(std::stop_token stop) {
  std::vector<QueueMessage> done;
  for (QueueMessage& message : TRY(queue_.receive(stop))) {
    const Result<CodeCommitEvent> event = read_codecommit_event(message.body);
    if (!event) {
      log_.warning("event.unknown", {{"queue", queue_.name()}, {"error", event.error().message()}});
      continue;
    }
    if (event->wants_a_look) {
      const std::size_t replicas = TRY(trigger_(*event));
      log_.debug("event.taken", {{"repository", event->repository}, {"replicas", fmt::format("{}", replicas)}});
    }
    done.push_back(std::move(message));
  }
  TRY(queue_.remove(done, std::move(stop)));
  return done.size();
}

void EventListener::run(std::stop_token stop) {
  unsigned failures = 0;
  while (!stop.stop_requested()) {
    const Result<std::size_t> heard = listen_once(stop);
    if (heard) {
      failures = 0;
      continue;
    }
    if (heard.error().kind() == ErrorKind::Cancelled) return;
    log_.warning("queue.failed", {{"queue", queue_.name()}, {"error", heard.error().message()}});
    ++failures;
    if (!clock_.sleep(kWhenItFails.delay(failures, heard.error().retry_after(), failures), stop)) return;
  }
}

}  // namespace packferry
