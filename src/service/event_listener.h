// Listens to a queue for what happens at CodeCommit, and has those replicas looked at that read from there. An event is
// removed once that is remembered; what is no event of CodeCommit's is left to the queue's own rule for such messages.
#pragma once

#include <functional>
#include <stop_token>

#include "aws/sqs.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/webhook.h"

namespace packferry {

class EventListener {
 public:
  // Back when it is remembered that these replicas are to be looked at; how many there are.
  using Trigger = std::function<Result<std::size_t>(const CodeCommitEvent&)>;

  // All of it outlives this.
  EventListener(MessageQueue& queue, Trigger trigger, Clock& clock, Log& log)
      : queue_(queue), trigger_(std::move(trigger)), clock_(clock), log_(log) {}

  // Until `stop`, whatever fails.
  void run(std::stop_token stop);
  // What is there now, or comes within seconds; how many events were worked off.
  Result<std::size_t> listen_once(std::stop_token stop);

 private:
  MessageQueue& queue_;
  const Trigger trigger_;
  Clock& clock_;
  Log& log_;
};

}  // namespace packferry
