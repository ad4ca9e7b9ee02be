// Which troubles a person hears of, and when: pure. What is wrong for a while raises an alarm, once; it is said again
// now and then as long as it stays, and its end is said when all has been well for a while. So what comes and goes does
// not ring each time, and silence means what it seems to mean.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace packferry {

enum class Severity { Warning, Critical };
std::string_view to_string(Severity severity);  // "warning", "critical"

// Something that is wrong now, as a look at the world found it.
struct Trouble {
  std::string subject;  // what it is about: "replica app/web"
  std::string kind;     // "lag", "held", …; with the subject it is the same trouble at the next look
  Severity severity = Severity::Warning;
  std::string summary;  // a sentence; printable
  std::string remedy;   // what a person can do; printable, may be empty

  friend bool operator==(const Trouble&, const Trouble&) = default;
};

struct Alarm {
  Trouble trouble;                                 // as last seen
  Clock::WallTime since{};                         // it was first seen
  std::optional<Clock::WallTime> raised_at = {};   // none: it has not stayed long enough yet
  std::optional<Clock::WallTime> said_at = {};     // the last time a person was told
  std::optional<Clock::WallTime> well_since = {};  // it is gone since then; none: it is there

  friend bool operator==(const Alarm&, const Alarm&) = default;
};

struct Notice {
  enum class Kind { Raised, Worse, StillThere, Over } kind = Kind::Raised;
  Alarm alarm;
};
std::string_view to_string(Notice::Kind kind);  // "raised", "worse", "still-there", "over"

struct AlarmRules {
  Milliseconds raise_after{0};          // how long it has to stay
  Milliseconds over_after{5 * 60'000};  // how long it has to be gone
  Milliseconds say_again{24 * 3'600'000};
};

// Not for several threads at once.
class AlarmBook {
 public:
  explicit AlarmBook(AlarmRules rules) : rules_(rules) {}

  // What an earlier book of ours had open. What is in this one, too, stays as it was last seen, and counts as said from
  // the time when it first was.
  void recall(std::vector<Alarm> known);

  // All that is wrong at `now`, each trouble once, and what has to be said of it, by subject and kind. A clock that was
  // put back only makes things later; it raises and ends nothing.
  std::vector<Notice> look(const std::vector<Trouble>& present, Clock::WallTime now);

  // Raised or waiting to be; by subject and kind.
  std::vector<Alarm> open() const;

 private:
  using Key = std::pair<std::string, std::string>;
  std::optional<Notice> there(Alarm& alarm, const Trouble& trouble, Clock::WallTime now) const;
  std::optional<Notice> gone(Alarm& alarm, Clock::WallTime now) const;

  AlarmRules rules_;
  std::map<Key, Alarm> alarms_;
};

// When a host goes down, what reads from it fails all at once, and ten thousand messages say less than one. Of each
// kind of notice about each kind of trouble no more than `at_most` are left single; more become one, whose subject is
// their number.
std::vector<Notice> gathered(std::vector<Notice> notices, std::size_t at_most);

}  // namespace packferry
