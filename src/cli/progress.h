// What a person watches while a crossing happens: one line a leg on a terminal, one line an event elsewhere, a log with
// --verbose. All of it goes to standard error and none of it is the report.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "cli/output.h"
#include "engine/crossing.h"

namespace packferry {

// How the ends are called in progress: short, and different from each other.
struct Labels {
  std::string source;
  std::vector<std::string> legs;
};
Labels labels_of(const Url& source, const std::vector<Url>& destinations);

class Progress : public CrossingObserver {
 public:
  // A word of our own in between.
  virtual void note(std::string_view text) = 0;
  // Nothing of it stays half-drawn; called once, when the crossing is over.
  virtual void end() = 0;
};

// Lines that are redrawn in place, at most ten times a second, never wider than the window. A leg that has finished
// leaves its last line behind. The cursor is never hidden and the terminal's state never left changed between two
// writes, so that whatever ends us leaves it usable.
std::unique_ptr<Progress> make_terminal_progress(Output& terminal, Paint paint, const Clock& clock, Labels labels);
// A line an event, and one every ten seconds while a pack moves.
std::unique_ptr<Progress> make_plain_progress(Output& output, const Clock& clock, Labels labels);
std::unique_ptr<Progress> make_log_progress(Log& log, const Clock& clock, Labels labels);
std::unique_ptr<Progress> make_no_progress();

}  // namespace packferry
