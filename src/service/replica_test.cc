#include "service/replica.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>

namespace packferry {
namespace {

const Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};
constexpr Milliseconds kSecond{1'000}, kMinute{60'000}, kHour{3'600'000};

// Up to date: equal a minute ago, next look in an hour.
ReplicaRecord replica() {
  ReplicaRecord record;
  record.order = {.name = "web",
                  .source = {.url = "https://gitlab.example/web", .host = "https://gitlab.example", .type = "GitLab"},
                  .destination = {.url = "codecommit::eu-central-1://web",
                                  .host = "codecommit:eu-central-1",
                                  .type = "CodeCommit",
                                  .id = "arn:aws:codecommit:eu-central-1:111122223333:web"},
                  .account_name = "payments-prod",
                  .link = "https://console.example/web",
                  .policy = "follow mirror\n",
                  .freshness = kHour,
                  .created_at = kNow - kHour * 100};
  record.memory = {.source_state = "state",
                   .looked_at = kNow - kMinute,
                   .confirmed_at = kNow - kMinute,
                   .changed_at = kNow - kHour * 3,
                   .outcome = LookOutcome::Equal,
                   .next_look_at = kNow + kHour};
  return record;
}

WaitingLook announced(Clock::WallTime at) {
  return {.reason = LookReason::Webhook, .triggered_at = at, .announced_at = at, .due_at = at};
}
WaitingLook scheduled(Clock::WallTime at) { return {.triggered_at = at, .due_at = at}; }
LookAtWork at_work(const WaitingLook& trigger) { return {.trigger = trigger, .owner = "worker", .epoch = 1}; }
HeldPlan plan() { return {.digest = "plan", .text = "delete 40 branches", .expires_at = kNow + kHour}; }

// --- The state table of docs/replicas.md ---

constexpr std::size_t kFacts = 7;
using Cells = std::vector<std::string>;  // of a row: the facts, and the status

// What each fact may be, and a replica that is so. Later ones look at what earlier ones have made.
struct Value {
  std::string word;
  std::function<void(ReplicaRecord&)> apply;
};

std::vector<std::vector<Value>> facts() {
  const auto nothing = [](ReplicaRecord&) {};
  const auto outcome = [](LookOutcome is) { return [is](ReplicaRecord& r) { r.memory.outcome = is; }; };
  const auto approval = [](const std::string& digest, Clock::WallTime until) {
    return [=](ReplicaRecord& r) {
      r.memory.held = plan();
      r.memory.approval = Approval{.digest = digest, .expires_at = until};
    };
  };
  return {
      {{"no", nothing}, {"yes", [](ReplicaRecord& r) { r.deleting = true; }}},
      {{"no", nothing}, {"yes", [](ReplicaRecord& r) { r.paused = true; }}},
      {{"none", nothing},
       {"not approved", [](ReplicaRecord& r) { r.memory.held = plan(); }},
       {"not approved", approval("another", kNow + kHour)},
       {"not approved", approval("plan", kNow)},
       {"approved", approval("plan", kNow + kHour)}},
      {{"none", [](ReplicaRecord& r) { r.memory.outcome = std::nullopt; }},
       {"equal", outcome(LookOutcome::Equal)},
       {"diverged", outcome(LookOutcome::Diverged)},
       {"failed", outcome(LookOutcome::Failed)}},
      {{"never", [](ReplicaRecord& r) { r.memory.confirmed_at = std::nullopt; }},
       {"fresh", nothing},
       {"fresh", [](ReplicaRecord& r) { r.memory.confirmed_at = kNow - kHour; }},
       {"stale", [](ReplicaRecord& r) { r.memory.confirmed_at = kNow - kHour - Milliseconds(1); }},
       {"stale", [](ReplicaRecord& r) { r.memory.confirmed_at = kNow + Milliseconds(1); }}},
      {{"no", nothing},
       {"no", [](ReplicaRecord& r) { r.waiting = scheduled(kNow); }},
       {"yes", [](ReplicaRecord& r) { r.memory.behind_since = kNow; }},
       {"yes", [](ReplicaRecord& r) { r.waiting = announced(kNow); }}},
      {{"no", nothing}, {"yes", [](ReplicaRecord& r) { r.at_work = at_work(scheduled(kNow)); }}},
  };
}

// Without spaces and backquotes around it.
std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" `");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" `") - first + 1);
}

Cells cells_of(const std::string& line) {
  Cells cells;
  for (std::size_t begin = 1, end = 0; (end = line.find('|', begin)) != std::string::npos; begin = end + 1)
    cells.push_back(trimmed(line.substr(begin, end - begin)));
  return cells;
}

std::vector<Cells> documented_table() {
  std::ifstream page(PACKFERRY_REPLICAS_PAGE);
  std::vector<Cells> rows;
  bool is_inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("#")) is_inside = false;
    const bool is_rule = line.starts_with("| ---");
    if (is_inside && line.starts_with("| ") && !is_rule) rows.push_back(cells_of(line));
    if (line.starts_with("| deleting |")) is_inside = true;
  }
  return rows;
}

bool fits(const Cells& row, const Cells& words) {
  for (std::size_t i = 0; i < kFacts; ++i)
    if (row[i] != "·" && row[i] != words[i]) return false;
  return true;
}

TEST(ReplicaStatusTest, IsWhatTheDocumentedTableSaysInEveryCase) {
  const std::vector<Cells> table = documented_table();
  ASSERT_EQ(table.size(), 9u);
  for (const Cells& row : table) ASSERT_EQ(row.size(), kFacts + 1);
  const std::vector<std::vector<Value>> all_facts = facts();
  std::set<std::string> decided_by;
  std::size_t cases = 0;
  const std::function<void(std::size_t, ReplicaRecord, Cells)> check = [&](std::size_t fact, ReplicaRecord record,
                                                                           Cells words) {
    if (fact < kFacts) {
      for (const Value& value : all_facts[fact]) {
        ReplicaRecord with = record;
        value.apply(with);
        Cells and_word = words;
        and_word.push_back(value.word);
        check(fact + 1, with, and_word);
      }
      return;
    }
    ++cases;
    const auto row = std::ranges::find_if(table, [&](const Cells& cells) { return fits(cells, words); });
    ASSERT_NE(row, table.end()) << fmt::format("{}", fmt::join(words, ", "));
    EXPECT_EQ(to_string(status_of(record, kNow)), row->back()) << fmt::format("{}", fmt::join(words, ", "));
    decided_by.insert(row->back());
  };
  check(0, replica(), {});
  EXPECT_EQ(decided_by.size(), table.size()) << "each row decides something";
  EXPECT_EQ(cases, 2u * 2 * 5 * 4 * 5 * 4 * 2);
}

TEST(ReplicaStatusTest, ALookThatEndedHeldIsHeldUntilAnotherOneEnds) {
  ReplicaRecord record = replica();
  record.memory.outcome = LookOutcome::Held;
  EXPECT_EQ(status_of(record, kNow), ReplicaStatus::Held);
}

TEST(ReplicaStatusTest, AnAnnouncementThatIsBeingLookedAtIsReplicating) {
  ReplicaRecord record = replica();
  record.at_work = at_work(announced(kNow));
  EXPECT_EQ(status_of(record, kNow), ReplicaStatus::Replicating);
}

// --- Actions ---

std::string actions(const ReplicaRecord& record) {
  std::string all;
  for (const ReplicaAction action : permitted_actions(record, kNow)) all += fmt::format("{} ", to_string(action));
  return all;
}

TEST(ReplicaActionsTest, AreThoseThatMakeSenseNow) {
  ReplicaRecord record = replica();
  EXPECT_EQ(actions(record), "deleteReplica viewInDestinationSystem pauseReplica syncReplica ");
  record.memory.held = plan();
  EXPECT_EQ(actions(record), "deleteReplica viewInDestinationSystem pauseReplica syncReplica approvePlan ");
  record.paused = true;
  EXPECT_EQ(actions(record), "deleteReplica viewInDestinationSystem resumeReplica approvePlan ");
  record.memory.approval = Approval{.digest = "plan", .expires_at = kNow + kHour};
  record.order.link.clear();
  EXPECT_EQ(actions(record), "deleteReplica resumeReplica ");
  record.deleting = true;
  EXPECT_EQ(actions(record), "");
}

TEST(ReplicaActionsTest, APlanThatHasExpiredCannotBeApproved) {
  ReplicaRecord record = replica();
  record.memory.held = plan();
  record.memory.held->expires_at = kNow;
  EXPECT_EQ(actions(record), "deleteReplica viewInDestinationSystem pauseReplica syncReplica ");
}

// --- Lag ---

TEST(ReplicaLagTest, IsTheAgeOfTheOldestChangeThatIsNotThere) {
  ReplicaRecord record = replica();
  EXPECT_EQ(lag_of(record, kNow), Milliseconds(0));
  record.waiting = announced(kNow - kSecond);
  EXPECT_EQ(lag_of(record, kNow), kSecond);
  record.at_work = at_work(announced(kNow - kMinute));
  EXPECT_EQ(lag_of(record, kNow), kMinute);
  record.memory.behind_since = kNow - kHour;
  EXPECT_EQ(lag_of(record, kNow), kHour);
  EXPECT_EQ(lag_of(record, kNow - kHour * 2), Milliseconds(0)) << "the calendar was set back";
}

// --- The view ---

TEST(ReplicaViewTest, HoldsTheFieldsOfTheContract) {
  const ReplicaView view = view_of(replica(), kNow);
  EXPECT_EQ(view.source_type, "GitLab");
  EXPECT_EQ(view.source_id, "https://gitlab.example/web");
  EXPECT_EQ(view.destination_type, "CodeCommit");
  EXPECT_EQ(view.destination_id, "arn:aws:codecommit:eu-central-1:111122223333:web");
  EXPECT_EQ(view.aws_account_name, "payments-prod");
  EXPECT_EQ(view.last_replicated_source_change, kNow - kHour * 3);
  EXPECT_EQ(view.view_destination_link, "https://console.example/web");
  EXPECT_EQ(view.status, ReplicaStatus::UpToDate);
  EXPECT_EQ(view.permitted_actions.size(), 4u);
  EXPECT_EQ(view.creation_date, kNow - kHour * 100);
  EXPECT_EQ(view.name, "web");
  EXPECT_EQ(view.policy, "follow mirror\n");
  EXPECT_EQ(view.confirmed_at, kNow - kMinute);
  EXPECT_EQ(view.last_crossing->began_at, kNow - kMinute);
  EXPECT_EQ(view.last_crossing->outcome, LookOutcome::Equal);
  EXPECT_EQ(view.last_error, std::nullopt);
  EXPECT_EQ(view.next_run, kNow + kHour);
  EXPECT_EQ(view.held_plan, std::nullopt);
  EXPECT_FALSE(view.held_plan_is_approved);
}

TEST(ReplicaViewTest, TellsWhatIsWrong) {
  ReplicaRecord record = replica();
  record.memory.outcome = LookOutcome::Failed;
  record.memory.failure = LookFailure{.kind = ErrorKind::Denied, .message = "403", .remedy = "grant it"};
  record.memory.failures = 3;
  record.memory.held = plan();
  record.memory.approval = Approval{.digest = "plan", .expires_at = kNow + kHour};
  const ReplicaView view = view_of(record, kNow);
  EXPECT_EQ(view.status, ReplicaStatus::Failing);
  EXPECT_EQ(view.last_error->remedy, "grant it");
  EXPECT_EQ(view.failures, 3u);
  EXPECT_EQ(view.held_plan, plan());
  EXPECT_TRUE(view.held_plan_is_approved);
}

TEST(ReplicaViewTest, TellsWhenTheNextRunIs) {
  ReplicaRecord record = replica();
  record.waiting = scheduled(kNow + kMinute);
  EXPECT_EQ(view_of(record, kNow).next_run, kNow + kMinute);
  record.waiting = scheduled(kNow - kMinute);
  EXPECT_EQ(view_of(record, kNow).next_run, kNow) << "as soon as a worker is free";
  record.paused = true;
  EXPECT_EQ(view_of(record, kNow).next_run, std::nullopt);
  record.paused = false;
  record.waiting = std::nullopt;
  record.memory.next_look_at = std::nullopt;
  EXPECT_EQ(view_of(record, kNow).next_run, std::nullopt);
}

TEST(ReplicaViewTest, ANewOneHasNoCrossingYet) {
  ReplicaRecord record = replica();
  record.memory = {};
  record.waiting = WaitingLook{.reason = LookReason::Created, .due_at = kNow};
  const ReplicaView view = view_of(record, kNow);
  EXPECT_EQ(view.status, ReplicaStatus::Initializing);
  EXPECT_FALSE(view.last_crossing);
  EXPECT_FALSE(view.last_replicated_source_change);
}

}  // namespace
}  // namespace packferry
