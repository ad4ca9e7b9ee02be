#include "engine/prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/printable.h"
#include "base/quantity.h"

namespace packferry {
namespace {

using std::chrono::days;

// 1970-01-01 was a Thursday; ISO weeks begin on Mondays.
std::int64_t day_of(Clock::WallTime time) { return std::chrono::floor<days>(time).time_since_epoch().count(); }
std::int64_t week_of(Clock::WallTime time) {
  return std::chrono::floor<std::chrono::weeks>(days(day_of(time) + 3)).count();
}
std::int64_t month_of(Clock::WallTime time) {
  const std::chrono::year_month_day date(std::chrono::floor<days>(time));
  return static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month()));
}

// The newest (by number) of each of the `count` newest periods. `snapshots` from the newest on.
template <typename PeriodOf>
void keep_newest_of_each(const std::vector<const KnownSnapshot*>& snapshots, unsigned count, PeriodOf period_of,
                         std::string_view reason, std::map<std::uint64_t, std::vector<std::string>>& kept) {
  std::map<std::int64_t, std::uint64_t, std::greater<>> newest;
  for (const KnownSnapshot* snapshot : snapshots) newest.emplace(period_of(snapshot->created_at), snapshot->number);
  for (auto at = newest.begin(); at != newest.end() && count > 0; ++at, --count) kept[at->second].emplace_back(reason);
}

}  // namespace

bool RetentionPolicy::is_empty() const {
  return keep_last == 0 && keep_daily == 0 && keep_weekly == 0 && keep_monthly == 0 && keep_within.count() == 0;
}

Result<std::chrono::hours> parse_keep_within(std::string_view text) {
  const Result<Milliseconds> duration = parse_duration(text);
  if (duration && *duration % std::chrono::hours(1) == Milliseconds(0))
    return std::chrono::duration_cast<std::chrono::hours>(*duration);
  return Error(ErrorKind::Invalid, "'{}' is no length of time: 12h, 30d and 8w are", printable(text, 100));
}

Result<std::vector<Kept>> choose_kept(const std::vector<KnownSnapshot>& snapshots, const RetentionPolicy& policy,
                                      Clock::WallTime now) {
  if (policy.is_empty()) return Error(ErrorKind::Invalid, "nothing is said of what to keep; say it with --keep-…");
  std::vector<const KnownSnapshot*> newest_first;
  for (const KnownSnapshot& snapshot : snapshots) newest_first.push_back(&snapshot);
  std::sort(newest_first.begin(), newest_first.end(),
            [](const KnownSnapshot* a, const KnownSnapshot* b) { return a->number > b->number; });
  if (!newest_first.empty() && newest_first.front()->created_at > now)
    return Error(ErrorKind::Invalid, "it is {} here, and snapshot {} is of {}: one of two clocks is wrong",
                 to_iso8601(now), newest_first.front()->number, to_iso8601(newest_first.front()->created_at));

  std::map<std::uint64_t, std::vector<std::string>> kept;
  // What is damaged, or made by a clock that was wrong, takes nobody's place.
  std::vector<const KnownSnapshot*> counted;
  for (const KnownSnapshot* snapshot : newest_first) {
    if (snapshot->created_at > now) {
      kept[snapshot->number].emplace_back("of the future");
    } else if (snapshot->good) {
      counted.push_back(snapshot);
    }
  }
  for (std::size_t i = 0; i < counted.size() && i < policy.keep_last; ++i)
    kept[counted[i]->number].emplace_back("last");
  keep_newest_of_each(counted, policy.keep_daily, day_of, "daily", kept);
  keep_newest_of_each(counted, policy.keep_weekly, week_of, "weekly", kept);
  keep_newest_of_each(counted, policy.keep_monthly, month_of, "monthly", kept);
  for (const KnownSnapshot* snapshot : newest_first)
    if (policy.keep_within.count() > 0 && snapshot->created_at <= now &&
        now - snapshot->created_at <= policy.keep_within)
      kept[snapshot->number].emplace_back("within");

  const auto good = std::find_if(newest_first.begin(), newest_first.end(),
                                 [](const KnownSnapshot* snapshot) { return snapshot->good; });
  if (good != newest_first.end()) {
    if (kept[(*good)->number].empty()) kept[(*good)->number].emplace_back("last good");
  } else {
    for (const KnownSnapshot* snapshot : newest_first) kept[snapshot->number].emplace_back("none is good");
  }

  std::vector<Kept> sorted;
  for (auto& [number, reasons] : kept) sorted.push_back({number, std::move(reasons)});
  return sorted;
}

namespace {

// What prune has to know of a snapshot; its refs are read and forgotten.
struct Snapshot {
  SnapshotEntry entry;
  std::string sha256;
  Clock::WallTime created_at;
  std::vector<DataObject> chain;
  bool good = true;
};

// The keys that this repository's data may have: known ones with another time and another "-2". Only where the name of
// the repository comes before the time, and nothing but an extension after it: elsewhere the data of "web-2" could pass
// for a second attempt at "web".
struct KeyPattern {
  static constexpr std::string_view kTime = "00000000T000000Z";

  static std::optional<KeyPattern> of(std::string_view key, std::string_view repository) {
    for (std::size_t at = 0; at + kTime.size() <= key.size(); ++at)
      if (is_time(key.substr(at, kTime.size())) && is_rest(key.substr(at + kTime.size())) &&
          key.substr(0, at).find(repository) != std::string_view::npos)
        return KeyPattern{std::string(key.substr(0, at))};
    return std::nullopt;
  }

  // When it was made, as the key says; nothing for a key that is not one of these.
  std::optional<Clock::WallTime> match(std::string_view key) const {
    if (!key.starts_with(before_time)) return std::nullopt;
    key.remove_prefix(before_time.size());
    if (key.size() < kTime.size() || !is_rest(key.substr(kTime.size()))) return std::nullopt;
    return from_compact_iso8601(key.substr(0, kTime.size()));
  }

  static bool is_time(std::string_view text) { return from_compact_iso8601(text).has_value(); }
  static bool is_rest(std::string_view text) {
    if (text.starts_with('-')) {
      const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
      if (end == 1) return false;
      text.remove_prefix(end);
    }
    return text == ".bundle" || text == ".zip" || text == ".bundle.age" || text == ".zip.age";
  }

  std::string before_time;
  friend auto operator<=>(const KeyPattern&, const KeyPattern&) = default;
};

class Pruning {
 public:
  Pruning(const SnapshotLog& log, const PruneOptions& options, Clock::WallTime now, std::stop_token stop)
      : log_(log), options_(options), now_(now), stop_(std::move(stop)) {
    report_.repository = log.repository().text();
  }

  Result<PruneReport> run() {
    TRY(look());
    TRY(choose());

    // From here on things go: first names out of the list, then, after the grace time, data, and manifests last.

    TRY(retire());
    TRY(remove_data());
    TRY(remove_manifests());
    TRY(remove_leftovers());
    TRY(sweep_uploads());
    return std::move(report_);
  }

 private:
  // Everything that is there, before anything goes. What cannot be read may need anything.
  Result<> look() {
    for (SnapshotEntry& entry : TRY(log_.list(stop_))) {
      if (entry.pruned_at) {
        if (entry.has_manifest) half_removed_.push_back(entry.number);
        continue;
      }
      if (!entry.has_manifest)
        return Error(ErrorKind::Corrupt, "'{}' is missing and was not pruned: what snapshot {} needs is not known",
                     log_.manifest_key(entry.number), entry.number);
      ReadManifest read = TRY(log_.read(entry.number, stop_));
      snapshots_.push_back({.entry = std::move(entry),
                            .sha256 = std::move(read.sha256),
                            .created_at = read.manifest.created_at,
                            .chain = std::move(read.manifest.chain)});
    }
    return look_at_data();
  }

  Result<> look_at_data() {
    for (const Snapshot& snapshot : snapshots_)
      for (const DataObject& link : snapshot.chain) {
        named_.insert(link.key);
        if (const auto pattern = KeyPattern::of(link.key, log_.repository().key())) patterns_.insert(*pattern);
      }
    for (const KeyPattern& pattern : patterns_)
      for (ObjectInfo& object : TRY(log_.store().list(pattern.before_time, stop_)))
        there_.insert_or_assign(object.key, object);
    for (const std::string& key : named_)
      if (!there_.contains(key))
        if (std::optional<ObjectInfo> object = TRY(log_.store().find(key, stop_)))
          there_.emplace(key, *std::move(object));
    for (Snapshot& snapshot : snapshots_)
      snapshot.good = std::all_of(snapshot.chain.begin(), snapshot.chain.end(), [&](const DataObject& link) {
        const auto object = there_.find(link.key);
        return object != there_.end() && object->second.bytes == link.bytes;
      });
    return {};
  }

  Result<> choose() {
    std::vector<KnownSnapshot> live;
    for (const Snapshot& snapshot : snapshots_)
      if (snapshot.entry.is_live()) live.push_back({snapshot.entry.number, snapshot.created_at, snapshot.good});
    report_.kept = TRY(choose_kept(live, options_.policy, now_));
    std::set<std::uint64_t> kept;
    for (const Kept& snapshot : report_.kept) kept.insert(snapshot.number);
    // A retired one may be the last that is good: then nothing is taken away for good.
    const bool one_is_good =
        std::any_of(live.begin(), live.end(), [](const KnownSnapshot& known) { return known.good; });

    for (const Snapshot& snapshot : snapshots_) {
      const std::uint64_t number = snapshot.entry.number;
      if (snapshot.entry.is_live()) {
        if (!kept.contains(number)) report_.retired.push_back(number);
      } else if (one_is_good && *snapshot.entry.retired_at <= now_ - options_.grace) {
        going_.push_back(&snapshot);
        continue;
      } else {
        report_.waiting.push_back(number);
      }
      for (const DataObject& link : snapshot.chain) needed_.insert(link.key);
    }
    return {};
  }

  Result<> retire() {
    if (options_.dry_run) return {};
    for (const Snapshot& snapshot : snapshots_)
      if (std::find(report_.retired.begin(), report_.retired.end(), snapshot.entry.number) != report_.retired.end())
        TRY(log_.note_retired(snapshot.entry.number, snapshot.sha256, now_, stop_));
    return {};
  }

  Result<> remove_data() {
    std::set<std::string> going;
    for (const Snapshot* snapshot : going_)
      for (const DataObject& link : snapshot->chain)
        if (!needed_.contains(link.key)) going.insert(link.key);
    for (const std::string& key : going) TRY(remove_object(key));
    return {};
  }

  // A manifest stays as long as an object that only it names: so that it is tried again.
  Result<> remove_manifests() {
    for (const Snapshot* snapshot : going_) {
      const bool is_locked = std::any_of(snapshot->chain.begin(), snapshot->chain.end(),
                                         [&](const DataObject& link) { return locked_.contains(link.key); });
      if (is_locked) {
        report_.waiting.push_back(snapshot->entry.number);
        continue;
      }
      if (!options_.dry_run) TRY(log_.note_pruned(snapshot->entry.number, snapshot->sha256, now_, stop_));
      half_removed_.push_back(snapshot->entry.number);
    }
    std::sort(report_.waiting.begin(), report_.waiting.end());
    std::sort(half_removed_.begin(), half_removed_.end());
    for (const std::uint64_t number : half_removed_) {
      const Result<> removed = options_.dry_run ? Result<>() : log_.remove(number, stop_);
      if (TRY(is_gone(log_.manifest_key(number), removed))) report_.removed.push_back(number);
    }
    return {};
  }

  // What a backup that was interrupted has left: nobody names it, and whoever made it had time to.
  Result<> remove_leftovers() {
    const Clock::WallTime before = now_ - options_.grace;
    for (const auto& [key, object] : there_) {
      if (named_.contains(key) || (object.modified_at && *object.modified_at > before)) continue;
      const bool is_old =
          std::any_of(patterns_.begin(), patterns_.end(), [&, key = std::string_view(key)](const KeyPattern& pattern) {
            const std::optional<Clock::WallTime> made_at = pattern.match(key);
            return made_at && *made_at <= before;
          });
      if (is_old) TRY(remove_object(key));
    }
    return {};
  }

  // What a writer that was killed has left is no object yet, and has no name to go by.
  Result<> sweep_uploads() {
    if (options_.dry_run) return {};
    const Result<std::size_t> swept = log_.store().sweep(options_.grace, stop_);
    if (swept) {
      report_.swept_uploads = *swept;
    } else if (swept.error().kind() == ErrorKind::Denied) {
      report_.still_there.push_back({"unfinished uploads", swept.error().message()});
    } else if (swept.error().kind() != ErrorKind::Unsupported) {  // who cannot list them leaves them to the bucket
      return swept.error();
    }
    return {};
  }

  Result<> remove_object(const std::string& key) {
    const auto object = there_.find(key);
    if (object == there_.end()) return {};  // gone already, by a prune that was interrupted
    const Result<> removed = options_.dry_run ? Result<>() : log_.store().remove(key, stop_);
    if (!TRY(is_gone(key, removed))) {
      locked_.insert(key);
      return {};
    }
    report_.removed_objects.push_back(key);
    report_.removed_bytes += object->second.bytes;
    return {};
  }

  // The store may keep what it likes; everything else that goes wrong ends the run.
  Result<bool> is_gone(const std::string& key, const Result<>& removed) {
    if (removed) return true;
    if (removed.error().kind() != ErrorKind::Denied) return Error(removed.error());
    report_.still_there.push_back({key, removed.error().message()});
    return false;
  }

  const SnapshotLog& log_;
  const PruneOptions& options_;
  const Clock::WallTime now_;
  const std::stop_token stop_;

  std::vector<Snapshot> snapshots_;          // by number; with a manifest that counts
  std::vector<std::uint64_t> half_removed_;  // their data is gone, their manifests are to go
  std::set<KeyPattern> patterns_;
  std::set<std::string> named_;  // by any of snapshots_
  std::map<std::string, ObjectInfo> there_;

  std::vector<const Snapshot*> going_;
  std::set<std::string> needed_;  // by what stays
  std::set<std::string> locked_;
  PruneReport report_;
};

}  // namespace

Result<PruneReport> prune(const SnapshotLog& log, const PruneOptions& options, const Clock& clock,
                          std::stop_token stop) {
  return Pruning(log, options, clock.now(), std::move(stop)).run();
}

}  // namespace packferry
