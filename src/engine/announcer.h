// Tells whoever watches a crossing what happens in it. An inner room of crossing.cc; safe from several threads, as far
// as the observer is.
#pragma once

#include <string_view>

#include "engine/leg.h"

namespace packferry {

class Announcer {
 public:
  // `observer` may be null.
  explicit Announcer(CrossingObserver* observer) : observer_(observer) {}

  void tell(const CrossingEvent& event) const {
    if (observer_ != nullptr) observer_->on_event(event);
  }
  void tell_step(const Leg& leg, std::string_view step, std::size_t updates) const {
    tell({.kind = CrossingEvent::Kind::StepStarted, .leg = leg.index(), .text = step, .count = updates});
  }
  // What a host says meanwhile; CrossingEvent::kSource: the source. The announcer outlives it.
  RemoteMessages messages_of(std::size_t leg) const {
    return [this, leg](std::string_view line) {
      tell({.kind = CrossingEvent::Kind::RemoteMessage, .leg = leg, .text = line});
    };
  }

 private:
  CrossingObserver* const observer_;
};

}  // namespace packferry
