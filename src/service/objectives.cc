#include "service/objectives.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/printable.h"
#include "service/name_template.h"
#include "service/replica.h"
#include "service/replica_look.h"

namespace packferry {
namespace {

constexpr Milliseconds kSecond{1'000}, kMinute{60'000}, kHour{3'600'000}, kDay{24 * 3'600'000};
constexpr std::size_t kDigestDigits = 12;  // that many are enough for `approve`

Milliseconds age_of(Clock::WallTime since, Clock::WallTime now) {
  return std::chrono::duration_cast<Milliseconds>(now - since);
}

// None: it is not as old as that.
std::optional<Severity> severity_of(Milliseconds age, Milliseconds objective) {
  if (age <= objective) return std::nullopt;
  return age > objective * kCriticalFactor ? Severity::Critical : Severity::Warning;
}

// What stands in the way, for the end of a sentence.
std::string reason_of(const ReplicaRecord& replica, Clock::WallTime now) {
  switch (status_of(replica, now)) {
    case ReplicaStatus::Held:
      return "; it is held, until a person allows it";
    case ReplicaStatus::Diverged:
      return "; the destination has something of its own";
    case ReplicaStatus::Failing:
      return replica.memory.failure ? "; the last look failed: " + printable(replica.memory.failure->message, 300)
                                    : "; the last look failed";
    default:
      return replica.at_work ? "; a look is at work" : "; nobody has looked yet";
  }
}

// The troubles of one replica.
class Examination {
 public:
  Examination(const ReplicaRecord& replica, const LookoutObjectives& objectives, Clock::WallTime now)
      : replica_(replica),
        objectives_(objectives),
        now_(now),
        name_(printable(replica.order.name)),
        status_(status_of(replica, now)) {}

  std::vector<Trouble> troubles(std::optional<Clock::WallTime> failing_since) {
    if (status_ == ReplicaStatus::Paused || status_ == ReplicaStatus::Deleting) return {};
    check_lag();
    check_freshness();
    if (replica_.memory.outcome == LookOutcome::Failed && failing_since) check_failing(*failing_since);
    if (status_ == ReplicaStatus::Held) note_held();
    if (status_ == ReplicaStatus::Diverged)
      note("diverged", Severity::Warning, "the destination has something of its own, which the policy leaves alone",
           fmt::format("packferry replica parity {} shows it: remove it there, or give the replica the policy mirror",
                       name_));
    return std::move(troubles_);
  }

 private:
  void check_lag() {
    const Milliseconds lag = lag_of(replica_, now_);
    if (const std::optional<Severity> severity = severity_of(lag, objectives_.lag))
      note("lag", *severity,
           fmt::format("{} behind its source, where {} are allowed{}", in_words(lag), in_words(objectives_.lag),
                       reason_of(replica_, now_)),
           fmt::format("packferry replica get {} shows what it waits for", name_));
  }

  void check_freshness() {
    const std::optional<Clock::WallTime>& confirmed_at = replica_.memory.confirmed_at;
    // What was confirmed at a time that has not come yet was confirmed nobody knows when.
    const bool is_of_the_future = confirmed_at && *confirmed_at > now_;
    const Milliseconds age = age_of(confirmed_at.value_or(replica_.order.created_at), now_);
    const std::optional<Severity> severity =
        is_of_the_future ? Severity::Warning : severity_of(age, replica_.order.freshness);
    if (!severity) return;
    const std::string since = is_of_the_future ? "both sides were seen to be equal at a time that has not come yet"
                              : confirmed_at
                                  ? fmt::format("both sides were seen to be equal {} ago", in_words(age))
                                  : fmt::format("both sides have never been seen to be equal, since {}", in_words(age));
    note(
        "freshness", *severity,
        fmt::format("{}, where {} are allowed{}", since, in_words(replica_.order.freshness), reason_of(replica_, now_)),
        is_of_the_future ? "look at this machine's clock; the next look mends it"
                         : fmt::format("packferry replica sync {} looks now", name_));
  }

  void check_failing(Clock::WallTime since) {
    const Milliseconds age = age_of(since, now_);
    const std::optional<Severity> severity = severity_of(age, objectives_.failing);
    if (!severity) return;
    const LookFailure failure = replica_.memory.failure.value_or(LookFailure{});
    const std::string remedy = failure.remedy.empty() ? remedy_of(failure.kind) : failure.remedy;
    note(
        "failing", *severity,
        fmt::format("fails since {}, {} in a row: {}", in_words(age),
                    replica_.memory.failures == 1 ? "once" : fmt::format("{} times", replica_.memory.failures),
                    printable(failure.message, 500)),
        remedy.empty() ? "nothing by itself: it is tried again; see whether the host is well" : printable(remedy, 500));
  }

  void note_held() {
    const std::optional<HeldPlan>& held = replica_.memory.held;
    if (!held || held->expires_at <= now_) {
      note("held", Severity::Warning, "the guard stopped a change, and its plan has expired",
           fmt::format("packferry replica sync {} shows it anew", name_));
      return;
    }
    const std::string digest = printable(held->digest.substr(0, kDigestDigits));
    note("held", Severity::Warning,
         fmt::format("the guard stopped a change: plan {} waits for a person until {}", digest,
                     to_iso8601(held->expires_at)),
         fmt::format("packferry replica get {0} shows it; packferry replica approve {0} {1} allows just that; else "
                     "correct the source",
                     name_, digest));
  }

  void note(std::string_view kind, Severity severity, std::string summary, std::string remedy) {
    troubles_.push_back({.subject = "replica " + name_,
                         .kind = std::string(kind),
                         .severity = severity,
                         .summary = std::move(summary),
                         .remedy = std::move(remedy)});
  }

  const ReplicaRecord& replica_;
  const LookoutObjectives& objectives_;
  const Clock::WallTime now_;
  const std::string name_;
  const ReplicaStatus status_;
  std::vector<Trouble> troubles_;
};

bool is_at_work(const ReplicaRecord& replica, Clock::WallTime now) {
  return replica.at_work && replica.at_work->lease_until > now;
}

std::optional<Trouble> backup_trouble(const Delivery& backup, Milliseconds objective, Clock::WallTime now) {
  const std::optional<Clock::WallTime> since = backup_since(backup);
  const Milliseconds age = since ? age_of(*since, now) : objective * kCriticalFactor + Milliseconds(1);
  const std::optional<Severity> severity = severity_of(age, objective);
  if (!severity) return std::nullopt;
  const std::string summary =
      backup.confirmed_at ? fmt::format("the newest snapshot that was confirmed is {} old, where {} are allowed",
                                        in_words(age), in_words(objective))
                          : "there is no snapshot that was ever confirmed";
  return Trouble{.subject = backup_subject(backup.key),
                 .kind = "backup-age",
                 .severity = *severity,
                 .summary = backup.error.empty() ? summary : summary + "; last: " + printable(backup.error, 300),
                 .remedy = backup.error.empty() ? "see whether `packferry sweep` runs, and what its last report says"
                                                : "mend what the last try says; the next sweep tries again"};
}

}  // namespace

std::vector<Delivery> backups_among(std::vector<Delivery> deliveries, const std::vector<std::string>& stores) {
  std::erase_if(deliveries, [&stores](const Delivery& delivery) {
    const std::string& destination = delivery.key.destination;
    return delivery.missing_since ||
           std::ranges::find(stores, destination.substr(0, destination.find('/'))) == stores.end();
  });
  return deliveries;
}

std::optional<Clock::WallTime> backup_since(const Delivery& backup) {
  if (backup.confirmed_at) return backup.confirmed_at;
  return backup.behind_since;
}

std::string backup_subject(const DeliveryKey& key) {
  return fmt::format("backup {}: {} to {}", printable(key.order), printable(key.source), printable(key.destination));
}

std::optional<Clock::WallTime> overdue_since(const ReplicaRecord& replica, Clock::WallTime now) {
  if (replica.paused || replica.deleting || is_at_work(replica, now)) return std::nullopt;
  std::optional<Clock::WallTime> due = replica.memory.next_look_at;
  if (replica.waiting) due = replica.waiting->due_at;
  // Whoever had this lease died; nobody has taken it back since.
  if (replica.at_work) due = replica.at_work->lease_until;
  return due && *due < now ? due : std::nullopt;
}

std::string in_words(Milliseconds duration) {
  const auto counted = [](Milliseconds::rep count, std::string_view unit) {
    return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
  };
  if (duration < 2 * kMinute) return counted(duration / kSecond, "second");
  if (duration < 2 * kHour) return counted(duration / kMinute, "minute");
  if (duration < 2 * kDay) return counted(duration / kHour, "hour");
  return counted(duration / kDay, "day");
}

const LookoutObjectives& Inspection::objectives_for(const std::string& name) const {
  for (const ObjectiveFor& override : overrides_)
    if (matches_any(override.replicas, name)) return override.objectives;
  return objectives_;
}

void Inspection::see(const ReplicaRecord& replica, std::optional<Clock::WallTime> failing_since) {
  Examination examination(replica, objectives_for(replica.order.name), now_);
  std::ranges::move(examination.troubles(failing_since), std::back_inserter(troubles_));
  if (is_at_work(replica, now_)) ++at_work_;
  const std::optional<Clock::WallTime> since = overdue_since(replica, now_);
  if (!since || age_of(*since, now_) <= objectives_.queue) return;
  ++overdue_;
  longest_overdue_ = std::max(longest_overdue_, age_of(*since, now_));
}

void Inspection::see(const Delivery& backup) {
  if (std::optional<Trouble> trouble = backup_trouble(backup, objectives_for(backup.key.source).backup_age, now_))
    troubles_.push_back(*std::move(trouble));
}

// Who waits too long waits either for workers that are dead, or behind more work than they can do.
std::optional<Trouble> Inspection::queue_trouble() const {
  if (overdue_ == 0) return std::nullopt;
  const std::string waiting =
      fmt::format("{} {} due for longer than {}, the oldest for {}", overdue_, overdue_ == 1 ? "look is" : "looks are",
                  in_words(objectives_.queue), in_words(longest_overdue_));
  if (at_work_ == 0)
    return Trouble{.subject = "service",
                   .kind = "queue",
                   .severity = Severity::Critical,
                   .summary = "nobody works: " + waiting,
                   .remedy = "see whether `packferry serve` runs, and what its log says; start it again"};
  return Trouble{.subject = "service",
                 .kind = "queue",
                 .severity = Severity::Warning,
                 .summary = fmt::format("more work than workers: {}, and {} at work", waiting, at_work_),
                 .remedy = "see which host is slow or throttles; allow more workers, or look less often"};
}

std::vector<Trouble> Inspection::troubles() const {
  std::vector<Trouble> all = troubles_;
  if (std::optional<Trouble> trouble = queue_trouble()) all.push_back(*std::move(trouble));
  // Two long names may be one when they are printed; an AlarmBook wants each trouble once.
  std::set<std::pair<std::string, std::string>> seen;
  std::erase_if(all, [&seen](const Trouble& each) { return !seen.emplace(each.subject, each.kind).second; });
  return all;
}

}  // namespace packferry
