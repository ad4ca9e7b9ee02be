#include "service/alarms.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"

namespace packferry {
namespace {

// A clock that was put back has to come by again before time counts.
bool has_passed(Clock::WallTime& since, Milliseconds duration, Clock::WallTime now) {
  since = std::min(since, now);
  return now - since >= duration;
}

constexpr std::size_t kNamedOfMany = 3;

// Many that are alike, as one: it is as severe as the worst and as old as the oldest.
Notice merged(const std::vector<const Notice*>& many) {
  Notice one = *many.front();
  Trouble& trouble = one.alarm.trouble;
  std::vector<std::string_view> names;
  for (const Notice* notice : many) {
    if (names.size() < kNamedOfMany) names.push_back(notice->alarm.trouble.subject);
    trouble.severity = std::max(trouble.severity, notice->alarm.trouble.severity);
    one.alarm.since = std::min(one.alarm.since, notice->alarm.since);
  }
  trouble.summary = fmt::format("{}, …; the first: {}", fmt::join(names, ", "), trouble.summary);
  // "replica web" is one of so many replicas.
  trouble.subject = fmt::format("{} {}s", many.size(), trouble.subject.substr(0, trouble.subject.find(' ')));
  return one;
}

}  // namespace

std::string_view to_string(Severity severity) { return severity == Severity::Critical ? "critical" : "warning"; }

std::string_view to_string(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::Raised:
      return "raised";
    case Notice::Kind::Worse:
      return "worse";
    case Notice::Kind::StillThere:
      return "still-there";
    case Notice::Kind::Over:
      return "over";
  }
  CHECK(!"a Notice::Kind has a name");
  return {};
}

void AlarmBook::recall(std::vector<Alarm> known) {
  for (Alarm& alarm : known) {
    Key key(alarm.trouble.subject, alarm.trouble.kind);
    const auto [at, is_new] = alarms_.try_emplace(std::move(key), alarm);
    if (is_new) continue;
    Alarm& here = at->second;
    here.since = std::min(here.since, alarm.since);
    if (!here.raised_at) here.said_at = alarm.said_at;
    if (alarm.raised_at) here.raised_at = alarm.raised_at;
  }
}

std::vector<Notice> AlarmBook::look(const std::vector<Trouble>& present, Clock::WallTime now) {
  std::map<Key, const Trouble*> seen;
  for (const Trouble& trouble : present) {
    const Key key(trouble.subject, trouble.kind);
    CHECK(seen.emplace(key, &trouble).second);
    alarms_.try_emplace(key, Alarm{.trouble = trouble, .since = now});
  }
  std::vector<Notice> notices;
  for (auto at = alarms_.begin(); at != alarms_.end();) {
    const auto found = seen.find(at->first);
    std::optional<Notice> notice = found != seen.end() ? there(at->second, *found->second, now) : gone(at->second, now);
    // What never lasted long enough to be raised is forgotten the moment it is gone.
    const bool is_over =
        found == seen.end() && (!at->second.raised_at || (notice && notice->kind == Notice::Kind::Over));
    if (notice) notices.push_back(std::move(*notice));
    at = is_over ? alarms_.erase(at) : std::next(at);
  }
  return notices;
}

std::optional<Notice> AlarmBook::there(Alarm& alarm, const Trouble& trouble, Clock::WallTime now) const {
  const bool is_worse = trouble.severity > alarm.trouble.severity;
  alarm.trouble = trouble;
  alarm.well_since.reset();
  const auto say = [&](Notice::Kind kind) {
    alarm.said_at = now;
    return Notice{kind, alarm};
  };
  if (!alarm.raised_at) {
    if (!has_passed(alarm.since, rules_.raise_after, now)) return std::nullopt;
    alarm.raised_at = now;
    return say(Notice::Kind::Raised);
  }
  if (is_worse) return say(Notice::Kind::Worse);
  if (has_passed(*alarm.said_at, rules_.say_again, now)) return say(Notice::Kind::StillThere);
  return std::nullopt;
}

std::optional<Notice> AlarmBook::gone(Alarm& alarm, Clock::WallTime now) const {
  if (!alarm.raised_at) return std::nullopt;
  if (!alarm.well_since) alarm.well_since = now;
  if (!has_passed(*alarm.well_since, rules_.over_after, now)) return std::nullopt;
  return Notice{Notice::Kind::Over, alarm};
}

std::vector<Alarm> AlarmBook::open() const {
  std::vector<Alarm> open;
  for (const auto& [key, alarm] : alarms_) open.push_back(alarm);
  return open;
}

std::vector<Notice> gathered(std::vector<Notice> notices, std::size_t at_most) {
  using Likeness = std::pair<Notice::Kind, std::string_view>;
  const auto likeness_of = [](const Notice& notice) { return Likeness(notice.kind, notice.alarm.trouble.kind); };
  std::map<Likeness, std::vector<const Notice*>> groups;
  for (const Notice& notice : notices) groups[likeness_of(notice)].push_back(&notice);
  std::vector<Notice> few;
  for (const Notice& notice : notices) {
    const std::vector<const Notice*>& group = groups.at(likeness_of(notice));
    if (group.size() <= at_most) {
      few.push_back(notice);
    } else if (group.front() == &notice) {
      few.push_back(merged(group));
    }
  }
  return few;
}

}  // namespace packferry
