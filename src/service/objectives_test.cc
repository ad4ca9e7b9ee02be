#include "service/objectives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

namespace packferry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Milliseconds kMinute{60'000}, kHour{3'600'000};
const Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};

// Confirmed a minute ago, and nothing is known to be missing.
ReplicaRecord well(const std::string& name = "web") {
  ReplicaRecord replica;
  replica.order.name = name;
  replica.order.freshness = kHour;
  replica.order.created_at = kNow - 100 * kHour;
  replica.memory.outcome = LookOutcome::Equal;
  replica.memory.looked_at = replica.memory.confirmed_at = kNow - kMinute;
  replica.memory.next_look_at = kNow + kMinute;
  return replica;
}

Delivery backup(Milliseconds age) {
  return {.key = {.order = "nightly", .source = "gitlab/app/web", .destination = "vault/app/web"},
          .confirmed_at = kNow - age};
}

struct Given {
  std::vector<ReplicaRecord> replicas = {};
  std::map<std::string, Clock::WallTime> failing_since = {};
  std::vector<Delivery> backups = {};
  std::vector<ObjectiveFor> overrides = {};
};

std::vector<Trouble> troubles_of(const Given& given) {
  const LookoutObjectives objectives;
  Inspection inspection(kNow, objectives, given.overrides);
  for (const ReplicaRecord& replica : given.replicas) {
    const auto since = given.failing_since.find(replica.order.name);
    inspection.see(replica, since == given.failing_since.end() ? std::nullopt : std::optional(since->second));
  }
  for (const Delivery& backup : given.backups) inspection.see(backup);
  return inspection.troubles();
}

// "lag warning, held warning"
std::string kinds(const Given& input) {
  std::string kinds;
  for (const Trouble& trouble : troubles_of(input))
    kinds += (kinds.empty() ? "" : ", ") + trouble.kind + " " + std::string(to_string(trouble.severity));
  return kinds;
}
Given only(ReplicaRecord replica) { return {.replicas = {std::move(replica)}}; }
Given only(Delivery delivery) { return {.backups = {std::move(delivery)}}; }
std::string words(const Given& input) {
  const std::vector<Trouble> troubles = troubles_of(input);
  if (troubles.empty()) return "all is well";
  return troubles.front().subject + ": " + troubles.front().summary + " | " + troubles.front().remedy;
}

ReplicaRecord behind(Milliseconds lag) {
  ReplicaRecord replica = well();
  replica.memory.behind_since = kNow - lag;
  return replica;
}

ReplicaRecord failing() {
  ReplicaRecord replica = well();
  replica.memory.outcome = LookOutcome::Failed;
  replica.memory.failures = 7;
  replica.memory.failure = LookFailure{.kind = ErrorKind::Denied, .message = "push: 403", .remedy = "mend the token"};
  return replica;
}

ReplicaRecord held() {
  ReplicaRecord replica = well();
  replica.memory.outcome = LookOutcome::Held;
  replica.memory.held = HeldPlan{.digest = "0123456789abcdef", .text = "", .expires_at = kNow + kHour};
  return replica;
}

TEST(Objectives, OfWhatIsWellNothingIsSaid) {
  EXPECT_EQ(words({.replicas = {well()}, .backups = {backup(25 * kHour)}}), "all is well");
}

TEST(Objectives, LagIsMeasuredByItsObjective) {
  EXPECT_EQ(kinds(only(behind(15 * kMinute))), "");
  EXPECT_EQ(kinds(only(behind(16 * kMinute))), "lag warning");
  EXPECT_EQ(kinds(only(behind(46 * kMinute))), "lag critical");
  EXPECT_EQ(words(only(behind(40 * kMinute))),
            "replica web: 40 minutes behind its source, where 15 minutes are allowed; nobody has looked yet | "
            "packferry replica get web shows what it waits for");
}

TEST(Objectives, TheFirstThatFitsCounts) {
  Given input = only(behind(16 * kMinute));
  input.overrides = {{.replicas = {"w*"}, .objectives = {.lag = kHour}},
                     {.replicas = {"web"}, .objectives = {.lag = kMinute}}};
  EXPECT_EQ(kinds(input), "");
  input.overrides.front().replicas = {"api*"};
  EXPECT_EQ(kinds(input), "lag critical");
}

TEST(Objectives, FreshnessIsWhatWasOrdered) {
  ReplicaRecord stale = well();
  stale.memory.confirmed_at = kNow - 61 * kMinute;
  EXPECT_EQ(kinds(only(stale)), "freshness warning");
  EXPECT_THAT(words(only(stale)), HasSubstr("equal 61 minutes ago, where 60 minutes are allowed"));
  stale.memory.confirmed_at = kNow + kMinute;
  EXPECT_THAT(words(only(stale)), HasSubstr("at a time that has not come yet"));
}

TEST(Objectives, WhatWasNeverEqualIsMeasuredFromItsOrder) {
  ReplicaRecord young = well();
  young.memory = {.next_look_at = kNow};
  young.order.created_at = kNow - 59 * kMinute;
  EXPECT_EQ(kinds(only(young)), "");
  young.order.created_at = kNow - 2 * kHour;
  EXPECT_THAT(words(only(young)), HasSubstr("never been seen to be equal, since 2 hours"));
}

TEST(Objectives, AFailureIsMeasuredFromTheFirstInARow) {
  Given input = only(failing());
  input.failing_since["web"] = kNow - 10 * kMinute;
  EXPECT_EQ(kinds(input), "");
  input.failing_since["web"] = kNow - 20 * kMinute;
  EXPECT_EQ(kinds(input), "failing warning");
  EXPECT_EQ(words(input), "replica web: fails since 20 minutes, 7 times in a row: push: 403 | mend the token");
  input.failing_since["web"] = kNow - kHour;
  EXPECT_EQ(kinds(input), "failing critical");
}

TEST(Objectives, AFailureWithoutARemedyHasOneOfItsKind) {
  Given input = only(failing());
  input.failing_since["web"] = kNow - 20 * kMinute;
  input.replicas.front().memory.failure->remedy.clear();
  EXPECT_THAT(words(input), Not(HasSubstr("| nothing by itself")));
  input.replicas.front().memory.failure->kind = ErrorKind::Unavailable;
  EXPECT_THAT(words(input), HasSubstr("| nothing by itself: it is tried again"));
}

TEST(Objectives, WhatAPeerSaidCannotForgeALine) {
  Given input = only(failing());
  input.failing_since["web"] = kNow - 20 * kMinute;
  input.replicas.front().memory.failure->message = "bad\n\x1b[2Jgood";
  EXPECT_THAT(words(input), HasSubstr("bad\\x0a\\x1b[2Jgood"));
}

TEST(Objectives, AHeldPlanNamesWhatApprovesIt) {
  EXPECT_EQ(kinds(only(held())), "held warning");
  EXPECT_EQ(
      words(only(held())),
      "replica web: the guard stopped a change: plan 0123456789ab waits for a person until 2023-11-14T23:13:20Z | "
      "packferry replica get web shows it; packferry replica approve web 0123456789ab allows just that; else "
      "correct the source");
}

TEST(Objectives, AnApprovedPlanIsNoTrouble) {
  ReplicaRecord replica = held();
  replica.memory.approval = Approval{.digest = "0123456789abcdef", .expires_at = kNow + kHour};
  EXPECT_EQ(kinds(only(replica)), "");
}

TEST(Objectives, AnExpiredPlanCannotBeApproved) {
  ReplicaRecord replica = held();
  replica.memory.held->expires_at = kNow - kMinute;
  EXPECT_THAT(words(only(replica)), HasSubstr("expired | packferry replica sync web"));
}

TEST(Objectives, WhatHasDivergedWaitsForAPerson) {
  ReplicaRecord replica = well();
  replica.memory.outcome = LookOutcome::Diverged;
  EXPECT_EQ(kinds(only(replica)), "diverged warning");
}

TEST(Objectives, OfWhatIsPausedOrGoingNothingIsSaid) {
  ReplicaRecord replica = behind(1000 * kHour);
  replica.memory.confirmed_at.reset();
  replica.memory.next_look_at = kNow - kHour;
  replica.paused = true;
  EXPECT_EQ(kinds(only(replica)), "");
  replica.paused = false;
  replica.deleting = true;
  EXPECT_EQ(kinds(only(replica)), "");
}

TEST(Objectives, NobodyWorksWhenALookIsDueAndNoneIsAtWork) {
  ReplicaRecord due = well();
  due.memory.next_look_at = kNow - 11 * kMinute;
  EXPECT_EQ(kinds(only(due)), "queue critical");
  EXPECT_THAT(words(only(due)), HasSubstr("service: nobody works: 1 look is due for longer than 10 minutes"));

  ReplicaRecord triggered = well("api");
  triggered.waiting = WaitingLook{.triggered_at = kNow - kHour, .due_at = kNow - 12 * kMinute};
  EXPECT_THAT(words(only(triggered)), HasSubstr("the oldest for 12 minutes"));

  triggered.waiting->due_at = kNow + kMinute;
  EXPECT_EQ(kinds(only(triggered)), "") << "a failure is slept off";
}

TEST(Objectives, ALeaseThatRanOutIsNoWork) {
  ReplicaRecord orphan = well();
  orphan.at_work = LookAtWork{.trigger = {}, .owner = "dead", .lease_until = kNow - 20 * kMinute};
  EXPECT_EQ(kinds(only(orphan)), "queue critical");
}

TEST(Objectives, SomebodyWorksButCannotKeepUp) {
  ReplicaRecord due = well();
  due.memory.next_look_at = kNow - 11 * kMinute;
  ReplicaRecord busy = well("api");
  busy.at_work = LookAtWork{.trigger = {}, .owner = "alive", .lease_until = kNow + kMinute};
  const Given input{.replicas = {due, busy}};
  EXPECT_EQ(kinds(input), "queue warning");
  EXPECT_THAT(words(input), HasSubstr("more work than workers"));
}

TEST(Objectives, ABackupIsAsOldAsItsNewestConfirmedSnapshot) {
  EXPECT_EQ(kinds(only(backup(27 * kHour))), "backup-age warning");
  EXPECT_EQ(kinds(only(backup(79 * kHour))), "backup-age critical");
  EXPECT_EQ(words(only(backup(27 * kHour))),
            "backup nightly: gitlab/app/web to vault/app/web: the newest snapshot that was confirmed is 27 hours old, "
            "where 26 hours are allowed | see whether `packferry sweep` runs, and what its last report says");
}

TEST(Objectives, ABackupThatNeverWasIsTheOldestOfAll) {
  Delivery never = backup(kHour);
  never.confirmed_at.reset();
  never.error = "put: 403";
  EXPECT_EQ(kinds(only(never)), "backup-age critical");
  EXPECT_THAT(words(only(never)), HasSubstr("no snapshot that was ever confirmed; last: put: 403"));
  never.behind_since = kNow - kHour;
  EXPECT_EQ(kinds(only(never)), "") << "it was ordered an hour ago";
}

TEST(Objectives, BackupsHaveObjectivesByTheirSource) {
  Given input = only(backup(3 * kHour));
  input.overrides = {{.replicas = {"gitlab/app/*"}, .objectives = {.backup_age = 2 * kHour}}};
  EXPECT_EQ(kinds(input), "backup-age warning");
}

TEST(Objectives, ABackupGoesToAStoreAndHasASource) {
  Delivery gone = backup(kHour);
  gone.missing_since = kNow;
  Delivery replica = backup(kHour);
  replica.key.destination = "github/app/web";
  EXPECT_EQ(backups_among({gone, replica, backup(kHour)}, {"vault"}), std::vector{backup(kHour)});
}

// Each kind of trouble has a row in docs/monitoring.md, and each row a kind.
TEST(Objectives, EveryKindIsExplained) {
  ReplicaRecord ill = failing();
  ill.memory.behind_since = kNow - kHour;
  ill.memory.confirmed_at.reset();
  ill.memory.next_look_at = kNow - kHour;
  ReplicaRecord stopped = held();
  stopped.order.name = "held";
  ReplicaRecord diverged = well("diverged");
  diverged.memory.outcome = LookOutcome::Diverged;
  std::set<std::string> kinds{"blind"};  // of the lookout itself
  for (const Trouble& trouble : troubles_of({.replicas = {ill, stopped, diverged},
                                .failing_since = {{"web", kNow - kHour}},
                                .backups = {backup(30 * kHour)}}))
    kinds.insert(trouble.kind);

  std::set<std::string> explained;
  std::ifstream page(PACKFERRY_MONITORING_PAGE);
  bool is_in_table = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| kind |")) is_in_table = true;
    if (line.empty()) is_in_table = false;
    if (is_in_table && line.starts_with("| `")) explained.insert(line.substr(3, line.find("` |") - 3));
  }
  EXPECT_EQ(kinds, explained);
}

TEST(Objectives, LengthsOfTimeAreSaidAsPeopleSayThem) {
  EXPECT_EQ(in_words(Milliseconds(1'500)), "1 second");
  EXPECT_EQ(in_words(Milliseconds(90'000)), "90 seconds");
  EXPECT_EQ(in_words(119 * kMinute), "119 minutes");
  EXPECT_EQ(in_words(47 * kHour), "47 hours");
  EXPECT_EQ(in_words(50 * kHour), "2 days");
}

}  // namespace
}  // namespace packferry
