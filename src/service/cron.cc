#include "service/cron.h"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <stdexcept>
#include <vector>

#include "base/ascii.h"
#include "base/printable.h"
#include "base/quantity.h"

namespace packferry {
namespace {

constexpr Milliseconds kCronSpread{60'000};
// A leap day comes after eight years at most, when a century is none.
constexpr int kDaysAhead = 9 * 366;

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; (end = text.find(separator)) != std::string_view::npos; text.remove_prefix(end + 1))
    parts.push_back(text.substr(0, end));
  parts.push_back(text);
  return parts;
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// One of the five.
struct Field {
  std::string_view what;
  unsigned first, last;
  std::span<const std::string_view> names = {};  // of `first` and those that follow

  Error wrong(std::string_view text) const {
    return Error(ErrorKind::Invalid, "'{}' is no {}: {} to {}, *, lists a,b, ranges a-b and steps /n", printable(text),
                 what, first, last);
  }

  std::optional<unsigned> value(std::string_view text) const {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (std::ranges::equal(text, names[i], {}, [](char c) { return to_lower(c); }))
        return first + static_cast<unsigned>(i);
    const std::optional<unsigned> number = parse_number(text);
    return number && *number >= first && *number <= last ? number : std::nullopt;
  }

  // "*", "5", "1-5", each with or without "/2": from, to, step.
  Result<std::array<unsigned, 3>> range(std::string_view text) const {
    const std::vector<std::string_view> parts = split(text, '/');
    const std::optional<unsigned> step = parts.size() == 2 ? parse_number(parts[1]) : 1u;
    if (parts.size() > 2 || !step || *step == 0) return wrong(text);
    if (parts[0] == "*") return std::array{first, last, *step};
    const std::vector<std::string_view> ends = split(parts[0], '-');
    const std::optional<unsigned> from = value(ends[0]);
    // "5/10" is from 5 on.
    const std::optional<unsigned> to = ends.size() == 2 ? value(ends[1]) : parts.size() == 2 ? last : from;
    if (ends.size() > 2 || !from || !to || *from > *to) return wrong(text);
    return std::array{*from, *to, *step};
  }

  template <std::size_t kSize>
  Result<> parse(std::string_view text, std::bitset<kSize>& values) const {
    for (const std::string_view part : split(text, ',')) {
      const auto [from, to, step] = TRY(range(part));
      for (unsigned i = from; i <= to; i += step) values.set(i % kSize);
    }
    return {};
  }
};

constexpr Field kMinute{.what = "minute", .first = 0, .last = 59};
constexpr Field kHour{.what = "hour", .first = 0, .last = 23};
constexpr Field kDay{.what = "day of the month", .first = 1, .last = 31};
constexpr Field kMonth{.what = "month", .first = 1, .last = 12, .names = kMonths};
constexpr Field kWeekday{.what = "day of the week", .first = 0, .last = 7, .names = kWeekdays};

const date::time_zone* find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

std::uint64_t scrambled(std::uint64_t seed) {
  seed = (seed ^ (seed >> 31)) * 0x9E3779B97F4A7C15u;
  return seed ^ (seed >> 29);
}

// When a time of a day's clock really is. Where it is twice: both.
struct Instants {
  date::sys_seconds first;
  std::optional<date::sys_seconds> second = {};
  bool is_never = false;  // `first` is the end of the gap that it falls into
};

Instants instants_of(const date::time_zone& zone, date::local_seconds local) {
  const date::local_info info = zone.get_info(local);
  const date::sys_seconds plain{local.time_since_epoch()};
  switch (info.result) {
    case date::local_info::ambiguous:
      return {.first = plain - info.first.offset, .second = plain - info.second.offset};
    case date::local_info::nonexistent:
      return {.first = info.first.end, .is_never = true};
    default:
      return {.first = plain - info.first.offset};
  }
}

}  // namespace

Result<Schedule> Schedule::parse(std::string_view text) {
  Schedule schedule;
  if (text.starts_with("every ")) {
    schedule.interval_ = TRY(parse_duration(text.substr(6)).context("schedule '{}'", printable(text)));
    if (schedule.interval_.count() == 0) return Error(ErrorKind::Invalid, "schedule 'every 0' never ends");
    return schedule;
  }
  const std::vector<std::string_view> words = split(text, ' ');
  if (words.size() != 5 && words.size() != 6)
    return Error(ErrorKind::Invalid,
                 "schedule '{}' is neither 'every 5m' nor minute, hour, day, month, day of the week and a time zone",
                 printable(text));
  TRY(kMinute.parse(words[0], schedule.minutes_));
  TRY(kHour.parse(words[1], schedule.hours_));
  TRY(kDay.parse(words[2], schedule.days_));
  TRY(kMonth.parse(words[3], schedule.months_));
  TRY(kWeekday.parse(words[4], schedule.weekdays_));
  schedule.any_hour_ = words[1].starts_with('*');
  schedule.any_day_ = words[2].starts_with('*');
  schedule.any_weekday_ = words[4].starts_with('*');
  schedule.zone_ = words.size() == 6 ? words[5] : "UTC";
  if (find_zone(schedule.zone_) == nullptr)
    return Error(ErrorKind::Invalid, "'{}' is no time zone of this system; one is 'Europe/Berlin'",
                 printable(schedule.zone_));
  if (!schedule.next_time(Clock::WallTime{}))
    return Error(ErrorKind::Invalid, "schedule '{}' never comes: no month has that day", printable(text));
  return schedule;
}

Clock::WallTime Schedule::next_run(Clock::WallTime after, std::uint64_t seed) const {
  const auto offset_within = [seed](Milliseconds whole) {
    return Milliseconds(static_cast<Milliseconds::rep>(scrambled(seed) % static_cast<std::uint64_t>(whole.count())));
  };
  if (interval_.count() > 0) {
    const Milliseconds since = std::chrono::floor<Milliseconds>(after.time_since_epoch()) - offset_within(interval_);
    return after + interval_ - (since % interval_ + interval_) % interval_;
  }
  const Milliseconds offset = offset_within(kCronSpread);
  const std::optional<Clock::WallTime> time = next_time(after - offset);
  return time ? *time + offset : Clock::WallTime::max();
}

std::optional<Clock::WallTime> Schedule::next_time(Clock::WallTime after) const {
  const date::time_zone* const zone = find_zone(zone_);
  if (zone == nullptr) return std::nullopt;  // the system has forgotten it since
  const auto today = date::floor<date::days>(zone->to_local(date::floor<std::chrono::seconds>(after)));
  for (date::local_days day = today; day <= today + date::days(kDaysAhead); day += date::days(1)) {
    const date::year_month_day calendar(day);
    const bool is_day = days_[static_cast<unsigned>(calendar.day())];
    const bool is_weekday = weekdays_[date::weekday(day).c_encoding()];
    const bool is_one_enough = !any_day_ && !any_weekday_;
    if (!months_[static_cast<unsigned>(calendar.month())]) continue;
    if (is_one_enough ? !is_day && !is_weekday : !is_day || !is_weekday) continue;

    std::optional<Clock::WallTime> best;
    const auto consider = [&](Clock::WallTime time) {
      if (time > after && (!best || time < *best)) best = time;
    };
    for (unsigned minute = 0; minute < 24 * 60; ++minute) {
      if (!hours_[minute / 60] || !minutes_[minute % 60]) continue;
      const Instants instants = instants_of(*zone, day + std::chrono::minutes(minute));
      if (!instants.is_never || !any_hour_) consider(instants.first);
      if (instants.second && any_hour_) consider(*instants.second);
      // Those that follow are later, unless an hour comes back.
      if (best && !instants.second) break;
    }
    if (best) return best;
  }
  return std::nullopt;
}

}  // namespace packferry
