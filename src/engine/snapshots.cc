#include "engine/snapshots.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace packferry {
namespace {

// What a damaged or missing manifest is, and not a store that does not answer.
bool is_about_snapshot(const Error& error) {
  return error.kind() == ErrorKind::Corrupt || error.kind() == ErrorKind::NotFound ||
         error.kind() == ErrorKind::Unsupported;
}

Error nothing_there(const SnapshotLog& log, const std::vector<const SnapshotEntry*>& live, std::string_view wanted) {
  if (live.empty())
    return Error(ErrorKind::NotFound, "{} has no snapshots of {}", log.store().name(), log.repository().text());
  return Error(ErrorKind::NotFound, "{} has no snapshot {} of {}; there are {}, from {} to {}", log.store().name(),
               wanted, log.repository().text(), live.size(), live.front()->number, live.back()->number);
}

Result<> read_into(SnapshotView& view, const SnapshotLog& log, std::stop_token stop) {
  if (!view.entry.has_manifest) {
    view.error = Error(ErrorKind::NotFound, "'{}' is missing", log.manifest_key(view.entry.number));
    return {};
  }
  Result<ReadManifest> read = log.read(view.entry.number, stop);
  if (!read && !is_about_snapshot(read.error())) return std::move(read).error();
  if (!read) {
    view.error = std::move(read).error();
    return {};
  }
  view.ref_count = read->manifest.refs.size();
  read->manifest.refs = {};
  view.manifest = std::move(read->manifest);
  return {};
}

// `text` is all of it, in one of the spellings that people use.
std::optional<Clock::WallTime> parse_time(std::string_view text) {
  if (const auto time = from_iso8601(text)) return time;
  if (const auto time = from_compact_iso8601(text)) return time;
  const auto midnight = from_iso8601(fmt::format("{}T00:00:00Z", text));
  return midnight ? std::optional(*midnight + std::chrono::days(1) - std::chrono::seconds(1)) : std::nullopt;
}

Error damaged(const SnapshotLog& log, std::uint64_t number, Error why, const std::vector<const SnapshotEntry*>& live,
              std::stop_token stop) {
  for (auto entry = live.rbegin(); entry != live.rend(); ++entry)
    if ((*entry)->number != number && log.read((*entry)->number, stop))
      return std::move(why).context("snapshot {} is damaged; the newest one that is not is {}", number,
                                    (*entry)->number);
  return std::move(why).context("snapshot {} is damaged, and there is no other", number);
}

}  // namespace

Result<std::vector<SnapshotView>> view_snapshots(const SnapshotLog& log, std::stop_token stop) {
  std::vector<SnapshotView> views;
  for (SnapshotEntry& entry : TRY(log.list(stop))) {
    SnapshotView view{.entry = std::move(entry), .manifest = std::nullopt, .ref_count = 0, .error = std::nullopt};
    if (!view.entry.pruned_at) TRY(read_into(view, log, stop));
    views.push_back(std::move(view));
  }
  return views;
}

Result<SnapshotChoice> SnapshotChoice::parse(std::string_view text) {
  constexpr std::size_t kDigitsMax = 10;
  if (!text.empty() && text.size() <= kDigitsMax && text.find_first_not_of("0123456789") == std::string_view::npos)
    return SnapshotChoice{.number = std::stoull(std::string(text)), .at = std::nullopt};
  if (const auto time = parse_time(text)) return SnapshotChoice{.number = std::nullopt, .at = time};
  return Error(ErrorKind::Invalid,
               "'{}' is no snapshot: give its number, or a time as in 2026-11-22 or 2026-11-22T13:45:00Z (UTC)",
               printable(text, 100));
}

Result<ReadManifest> choose_snapshot(const SnapshotLog& log, const SnapshotChoice& choice, std::stop_token stop) {
  const std::vector<SnapshotEntry> entries = TRY(log.list(stop));
  std::vector<const SnapshotEntry*> live;
  for (const SnapshotEntry& entry : entries)
    if (entry.is_live()) live.push_back(&entry);

  std::vector<const SnapshotEntry*> candidates = live;
  if (choice.number) {
    candidates.clear();
    for (const SnapshotEntry& entry : entries)
      if (entry.number == *choice.number && !entry.pruned_at) candidates.push_back(&entry);
    if (candidates.empty()) return nothing_there(log, live, std::to_string(*choice.number));
  }
  for (auto entry = candidates.rbegin(); entry != candidates.rend(); ++entry) {
    Result<ReadManifest> read = log.read((*entry)->number, stop);
    if (!read && !is_about_snapshot(read.error())) return read;
    // It may be the one that was meant: nobody gets another one for it without knowing.
    if (!read)
      return damaged(log, (*entry)->number, Error(ErrorKind::Corrupt, "{}", read.error().message()), live, stop);
    if (!choice.at || read->manifest.created_at <= *choice.at) return read;
  }
  return nothing_there(log, live, choice.at ? "not later than " + to_iso8601(*choice.at) : "at all");
}

}  // namespace packferry
