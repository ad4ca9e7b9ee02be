#include "service/lookout.h"

#include <fmt/format.h>

#include <algorithm>

namespace packferry {
namespace {

// After so long in one pass a channel's rest waits for the next, so that a slow one does not keep us from looking.
constexpr Milliseconds kTurn{30'000};

AlarmRecord record_of(const Alarm& alarm) {
  const Trouble& trouble = alarm.trouble;
  return {.subject = trouble.subject,
          .kind = trouble.kind,
          .severity = std::string(to_string(trouble.severity)),
          .summary = trouble.summary,
          .remedy = trouble.remedy,
          .since = alarm.since,
          .raised_at = alarm.raised_at,
          .said_at = alarm.said_at,
          .well_since = alarm.well_since};
}

Alarm alarm_of(const AlarmRecord& record) {
  const bool is_critical = record.severity == to_string(Severity::Critical);
  return {.trouble = {.subject = record.subject,
                      .kind = record.kind,
                      .severity = is_critical ? Severity::Critical : Severity::Warning,
                      .summary = record.summary,
                      .remedy = record.remedy},
          .since = record.since,
          .raised_at = record.raised_at,
          .said_at = record.said_at,
          .well_since = record.well_since};
}

Notice notice_of(const NoticeRecord& record) {
  Notice notice{.kind = Notice::Kind::Raised, .alarm = alarm_of(record.alarm)};
  for (const Notice::Kind kind : {Notice::Kind::Worse, Notice::Kind::StillThere, Notice::Kind::Over})
    if (record.state == to_string(kind)) notice.kind = kind;
  return notice;
}

// A summary that says "41 minutes" instead of "40" is not worth a row: the next look makes a new one anyway.
bool is_worth_writing(const AlarmRecord& before, AlarmRecord after) {
  after.summary = before.summary;
  after.remedy = before.remedy;
  return before != after;
}

Trouble blindness(const Error& why) {
  return {
      .subject = "service",
      .kind = "blind",
      .severity = Severity::Critical,
      .summary = "the lookout cannot see: " + why.message(),
      .remedy = "see the disk and the catalogue; until it can be read nothing new is known of replicas and backups"};
}

}  // namespace

Lookout::Lookout(LookoutWorld world, std::vector<std::unique_ptr<AlarmChannel>> channels, LookoutOptions options)
    : world_(world), options_(std::move(options)), book_(options_.rules) {
  std::map<std::string, int> times;
  for (std::unique_ptr<AlarmChannel>& channel : channels) {
    std::string key = channel->name();
    if (const int time = ++times[key]; time > 1) key += fmt::format(" #{}", time);
    lanes_.push_back({.channel = std::move(channel), .key = std::move(key)});
  }
}

Result<> Lookout::pass(std::stop_token stop) {
  const Clock::WallTime now = world_.clock.now();
  Result<> outcome = remember();
  if (outcome) {
    Result<std::vector<Trouble>> seen = inspect(now);
    if (seen) {
      last_seen_ = *std::move(seen);
    } else {
      outcome = std::move(seen).error();
    }
  }
  if (!outcome && outcome.error().kind() == ErrorKind::Cancelled) return outcome;

  std::vector<Trouble> present = last_seen_;
  if (!outcome) present.push_back(blindness(outcome.error()));
  if (outcome && unwritten_) present.push_back(blindness(*unwritten_));
  note(book_.look(present, now));
  publish(outcome.has_value());

  // First it is written down, then it is said: who is killed in between says it after all. What cannot be written is
  // said all the same.
  static_cast<void>(write());
  say(stop);
  const Result<> written = write();
  unwritten_ = written ? std::nullopt : std::optional(written.error());
  if (!written && outcome) outcome = written.error();

  if (outcome && !is_unheard()) beat_outward(stop);
  return outcome;
}

void Lookout::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (const Result<> seen = pass(stop); !seen) world_.log.error("lookout.blind", {{"error", seen.error().message()}});
    world_.clock.sleep(options_.interval, stop);
  }
}

// What an earlier lookout had open, once. What this one has found before it could be read is newer, and may be the
// same.
Result<> Lookout::remember() {
  if (remembers_) return {};
  const std::vector<AlarmRecord> alarms = TRY(world_.records.alarms().context("the alarms that were open"));
  const std::vector<NoticeRecord> notices = TRY(world_.records.notices().context("what is still to be said"));
  std::vector<Alarm> known;
  for (const AlarmRecord& record : alarms) {
    known.push_back(alarm_of(record));
    written_[{record.subject, record.kind}] = record;
  }
  book_.recall(std::move(known));

  std::map<std::string, std::deque<Waiting>> unsaid;
  for (const NoticeRecord& record : notices) {
    unsaid[record.channel].push_back({notice_of(record), record.number});
    next_number_ = std::max(next_number_, record.number + 1);
  }
  for (Lane& lane : lanes_) {
    std::deque<Waiting>& earlier = unsaid[lane.key];
    lane.waiting.insert(lane.waiting.begin(), earlier.begin(), earlier.end());
    unsaid.erase(lane.key);
  }
  // The rest is for channels that there are no more.
  for (const auto& [channel, waiting] : unsaid)
    for (const Waiting& each : waiting) said_.push_back({channel, each.number});
  remembers_ = true;
  return {};
}

Result<std::vector<Trouble>> Lookout::inspect(Clock::WallTime now) {
  Inspection inspection(now, options_.objectives, options_.overrides);
  const auto see = [&](const ReplicaRecord& replica) -> Result<> {
    const bool has_failed = replica.memory.outcome == LookOutcome::Failed;
    inspection.see(replica, has_failed ? TRY(failing_since(replica)) : std::nullopt);
    return {};
  };
  TRY(for_each_replica(world_.replicas, see).context("the replicas"));
  for (const Delivery& backup :
       backups_among(TRY(world_.catalogue.deliveries().context("the backups")), options_.stores))
    inspection.see(backup);
  return inspection.troubles();
}

// Looks that fail alike are one entry of the history, so the first one is enough as a rule.
Result<std::optional<Clock::WallTime>> Lookout::failing_since(const ReplicaRecord& replica) {
  std::optional<Clock::WallTime> since;
  for (const std::size_t entries : {std::size_t{1}, Replicas::kLooksKept}) {
    const Result<std::vector<LookRecord>> looks = world_.replicas.history(replica.order.name, entries);
    if (!looks && looks.error().kind() == ErrorKind::NotFound) return since;  // removed since it was listed
    if (!looks) return looks.error();
    std::uint64_t failures = 0;
    for (const LookRecord& look : *looks) {
      if (look.outcome != LookOutcome::Failed) return since;
      since = look.began_at;
      failures += look.looks;
    }
    if (failures >= replica.memory.failures) return since;
  }
  return since;
}

// Every one of them is in the log; people hear of many that are alike as of one.
void Lookout::note(const std::vector<Notice>& notices) {
  for (const Notice& notice : notices) {
    const Trouble& trouble = notice.alarm.trouble;
    world_.log.write(notice.kind == Notice::Kind::Over ? LogLevel::Info : LogLevel::Warning, "alarm",
                     {{"state", std::string(to_string(notice.kind))},
                      {"subject", trouble.subject},
                      {"kind", trouble.kind},
                      {"severity", std::string(to_string(trouble.severity))},
                      {"summary", trouble.summary}});
  }
  for (const Notice& notice : gathered(notices, kSaidOneByOne))
    for (Lane& lane : lanes_) {
      if (lane.waiting.size() == kBacklogMax) give_up_oldest(lane);
      lane.waiting.push_back({notice});
    }
}

void Lookout::give_up_oldest(Lane& lane) {
  const Waiting& oldest = lane.waiting.front();
  world_.log.error("alarm.given-up", {{"channel", lane.key},
                                      {"subject", oldest.notice.alarm.trouble.subject},
                                      {"kind", oldest.notice.alarm.trouble.kind}});
  if (oldest.number != 0) said_.push_back({lane.key, oldest.number});
  lane.waiting.pop_front();
}

// What differs from what the catalogue has. What cannot be written now is written by the next pass.
Result<> Lookout::write() {
  if (!remembers_) return {};
  AlarmChange change{.said = said_};
  std::map<std::pair<std::string, std::string>, AlarmRecord> now;
  for (const Alarm& alarm : book_.open()) {
    AlarmRecord record = record_of(alarm);
    std::pair key(record.subject, record.kind);
    const auto before = written_.find(key);
    const bool is_new = before == written_.end() || is_worth_writing(before->second, record);
    if (is_new) change.open.push_back(record);
    now.emplace(std::move(key), is_new ? std::move(record) : before->second);
  }
  for (const auto& [key, record] : written_)
    if (!now.contains(key)) change.over.push_back({key.first, key.second});
  std::int64_t number = next_number_;
  for (const Lane& lane : lanes_)
    for (const Waiting& each : lane.waiting)
      if (each.number == 0)
        change.to_say.push_back(
            {lane.key, number++, std::string(to_string(each.notice.kind)), record_of(each.notice.alarm)});
  if (change.is_empty()) return {};
  TRY(world_.records.record(change).context("remember the alarms"));

  written_ = std::move(now);
  said_.clear();
  for (Lane& lane : lanes_)
    for (Waiting& each : lane.waiting)
      if (each.number == 0) each.number = next_number_++;
  return {};
}

// In turns of one notice: nobody waits behind another channel's backlog. Who fails, or takes too long, is left until
// the next pass.
void Lookout::say(const std::stop_token& stop) {
  std::vector<Milliseconds> left(lanes_.size(), kTurn);
  bool has_more = true;
  while (has_more && !stop.stop_requested()) {
    has_more = false;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (lanes_[i].waiting.empty() || left[i] <= Milliseconds(0)) continue;
      const Clock::SteadyTime began = world_.clock.steady();
      const bool was_heard = say_next(lanes_[i], stop);
      left[i] -= std::chrono::duration_cast<Milliseconds>(world_.clock.steady() - began);
      if (!was_heard) left[i] = Milliseconds(0);
      has_more = has_more || was_heard;
    }
  }
}

bool Lookout::say_next(Lane& lane, const std::stop_token& stop) {
  const Result<> said = lane.channel->say(lane.waiting.front().notice, stop);
  if (!said && stop.stop_requested()) return false;
  if (!said) {
    world_.log.warning(
        "alarm.unheard",
        {{"channel", lane.key}, {"waiting", std::to_string(lane.waiting.size())}, {"error", said.error().message()}});
    return false;
  }
  if (lane.waiting.front().number != 0) said_.push_back({lane.key, lane.waiting.front().number});
  lane.waiting.pop_front();
  return true;
}

// Something is to be said and nobody has heard it: then the heartbeat's silence has to say it.
bool Lookout::is_unheard() const {
  return !lanes_.empty() && std::ranges::none_of(lanes_, [](const Lane& lane) { return lane.waiting.empty(); });
}

void Lookout::beat_outward(std::stop_token stop) {
  if (!options_.heartbeat) return;
  if (const Result<> heard = beat(world_.http, *options_.heartbeat, std::move(stop)); !heard)
    world_.log.warning("heartbeat.unheard", {{"error", heard.error().message()}});
}

void Lookout::publish(bool has_seen) {
  const std::lock_guard lock(mutex_);
  open_ = book_.open();
  if (has_seen) seen_at_ = world_.clock.now();
}

std::vector<Alarm> Lookout::open_alarms() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

std::optional<Clock::WallTime> Lookout::seen_at() const {
  const std::lock_guard lock(mutex_);
  return seen_at_;
}

}  // namespace packferry
