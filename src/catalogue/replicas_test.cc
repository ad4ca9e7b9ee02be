#include "catalogue/replicas.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "catalogue/catalogue.h"
#include "catalogue/schema.h"
#include "testing/child_process.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::die_within;
using testing::in_a_process;
using testing::must;
using testing::status_of;

constexpr Milliseconds kSecond{1'000}, kMinute{60'000}, kHour{3'600'000};
constexpr Milliseconds kLease = kMinute;

Clock::WallTime at(std::int64_t seconds) { return Clock::WallTime(std::chrono::seconds(seconds)); }
const Clock::WallTime kStart = at(1'700'000'000);

ReplicaOrder order(const std::string& name) {
  return {.name = name,
          .source = {.url = "https://gitlab.example/" + name, .host = "https://gitlab.example"},
          .destination = {.url = "codecommit::eu-central-1://" + name, .host = "codecommit:eu-central-1"},
          .created_at = kStart};
}

ReplicaOrder full_order() {
  ReplicaOrder full = order("web");
  full.source.type = "GitLab";
  full.source.id = "4711";
  full.destination.type = "CodeCommit";
  full.destination.id = "arn:aws:codecommit:eu-central-1:111122223333:web";
  full.account_name = "payments-prod";
  full.link = "https://console.example/web";
  full.policy = "ref refs/heads/*\nfollow mirror\n";
  full.schedule = "every 5m";
  full.role = "arn:aws:iam::111122223333:role/replicator";
  full.regions = "eu-central-1 us-west-2";
  full.freshness = kHour * 2;
  full.created_at = kStart + Milliseconds(7);
  return full;
}

Look equal(Clock::WallTime next) { return {.source_state = "state", .next_look_at = next}; }

Look failed(Clock::WallTime next, ErrorKind kind = ErrorKind::Unavailable) {
  return {.outcome = LookOutcome::Failed,
          .failure = LookFailure{.kind = kind, .message = "push: 503", .remedy = "wait"},
          .next_look_at = next};
}

Look held(const std::string& digest, Clock::WallTime expires_at) {
  return {.outcome = LookOutcome::Held,
          .source_state = "state",
          .is_behind = true,
          .plan_digest = digest,
          .held = HeldPlan{.digest = digest, .text = "delete 40 branches", .expires_at = expires_at},
          .next_look_at = expires_at};
}

const Replicas::Admission kWelcome = [](const Replicas::WriterOf&) { return Result<>(); };

class ReplicasTest : public ::testing::Test {
 protected:
  std::unique_ptr<Replicas> open() { return must(Replicas::open(path)); }
  Replicas& replicas() {
    if (opened_ == nullptr) opened_ = open();
    return *opened_;
  }

  void close() { opened_.reset(); }  // before a fork

  void create(const std::string& name) { must(replicas().create(order(name), "alice", kWelcome)); }
  // Created, and its first look has ended so.
  void create_looked_at(const std::string& name, Clock::WallTime next = kStart + kHour) {
    create(name);
    must(replicas().record(take(name, kStart), equal(next), kStart));
  }
  std::optional<Lease> try_to_take(const std::string& name, Clock::WallTime now) {
    return must(replicas().take(name, "worker", kLease, FakeClock(now)));
  }
  Lease take(const std::string& name, Clock::WallTime now) {
    const std::optional<Lease> lease = try_to_take(name, now);
    CHECK(lease.has_value());
    return *lease;
  }
  ReplicaRecord find(const std::string& name) { return must(replicas().find(name)).value(); }
  ReplicaMemory memory(const std::string& name) { return find(name).memory; }
  std::vector<std::string> due(Clock::WallTime now, std::size_t per_lane = 10) {
    std::vector<std::string> names;
    for (const DueLook& look : must(replicas().due(now, per_lane))) names.push_back(look.replica);
    return names;
  }
  std::vector<std::string> audited(const std::string& replica = "") {
    std::vector<std::string> lines;
    for (const AuditEntry& e : must(replicas().audit(replica, 0, 1000)))
      lines.push_back(
          fmt::format("{} {} {} {} {} {} {}", e.who, e.what, e.replica, e.ref, e.old_oid, e.new_oid, e.plan_digest));
    return lines;
  }

  const testing::TempDir dir;
  const std::string path = dir / "packferry.db";

 private:
  std::unique_ptr<Replicas> opened_;
};

using Names = std::vector<std::string>;

// --- Standing orders ---

TEST_F(ReplicasTest, RemembersAnOrderAndWantsItsFirstLook) {
  must(open()->create(full_order(), "alice", kWelcome));
  const ReplicaRecord found = find("web");
  EXPECT_EQ(found.order, full_order());
  EXPECT_EQ(found.memory, ReplicaMemory{});
  EXPECT_FALSE(found.paused);
  EXPECT_FALSE(found.deleting);
  ASSERT_TRUE(found.waiting);
  EXPECT_EQ(found.waiting->reason, LookReason::Created);
  EXPECT_EQ(found.waiting->announced_at, std::nullopt);
  EXPECT_EQ(due(full_order().created_at), Names{"web"});
}

TEST_F(ReplicasTest, KnowsNoneOfAnotherName) {
  EXPECT_FALSE(must(replicas().find("web")));
  EXPECT_FAILS(replicas().trigger("web", LookReason::Sync, kStart), ErrorKind::NotFound, "no replica 'web'");
  EXPECT_FAILS(replicas().pause("web", "alice", kStart), ErrorKind::NotFound, "'web'");
  EXPECT_FAILS(replicas().resume("web", "alice", kStart), ErrorKind::NotFound, "'web'");
  EXPECT_FAILS(replicas().remove("web", "alice", kStart), ErrorKind::NotFound, "'web'");
  EXPECT_FAILS(replicas().approve("web", "abc", "alice", kStart), ErrorKind::NotFound, "'web'");
  EXPECT_FAILS(replicas().history("web", 1), ErrorKind::NotFound, "'web'");
  EXPECT_FALSE(try_to_take("web", kStart));
}

TEST_F(ReplicasTest, ANameIsGivenOnce) {
  create("web");
  EXPECT_FAILS(replicas().create(order("web"), "bob", kWelcome), ErrorKind::Conflict, "'web' already");
  EXPECT_EQ(audited(), Names{"alice create web    "});
}

TEST_F(ReplicasTest, AnotherOneIsAdmittedOrNotBySomebodyWhoAsksWhoWritesWhere) {
  create("a");
  create("b");
  const auto refuse = [](const Replicas::WriterOf& writer_of) -> Result<> {
    EXPECT_FALSE(must(writer_of({"codecommit::eu-central-1://c", "https://gitlab.example/a"})));
    const std::optional<ReplicaOrder> writer = must(writer_of({"nowhere", "codecommit::eu-central-1://b"}));
    return Error(ErrorKind::Invalid, "{} is in the way", writer ? writer->name : "nobody");
  };
  EXPECT_FAILS(replicas().create(order("c"), "alice", refuse), ErrorKind::Invalid, "b is in the way");
  EXPECT_FALSE(must(replicas().find("c")));
}

TEST_F(ReplicasTest, TellsTheSourcesOfThoseThatAreNew) {
  create("b");
  create("a");
  const auto all = must(replicas().sources(0));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].source_url, find("b").order.source.url);
  EXPECT_EQ(all[1].id, find("a").id);
  EXPECT_EQ(must(replicas().sources(all[0].id)).size(), 1U);
  EXPECT_TRUE(must(replicas().sources(all[1].id)).empty());
  must(replicas().remove("a", "alice", kStart));
  create("a");
  EXPECT_EQ(must(replicas().sources(all[1].id)).size(), 1U) << "a number is never given twice";
}

TEST_F(ReplicasTest, ListsByNameInPages) {
  for (const char* name : {"d", "b", "a", "c"}) create(name);
  const auto names = [this](const std::string& after, std::size_t count) {
    Names all;
    for (const ReplicaRecord& replica : must(replicas().list(after, count))) all.push_back(replica.order.name);
    return all;
  };
  EXPECT_EQ(names("", 3), (Names{"a", "b", "c"}));
  EXPECT_EQ(names("c", 3), Names{"d"});
  EXPECT_EQ(names("d", 3), Names{});
}

TEST_F(ReplicasTest, APausedOneIsNotLookedAtAndLooksWhenItIsResumed) {
  create_looked_at("web");
  must(replicas().trigger("web", LookReason::Webhook, kStart + kSecond));
  must(replicas().pause("web", "alice", kStart + kSecond * 2));
  must(replicas().trigger("web", LookReason::Sync, kStart + kSecond * 3));
  must(replicas().wake(kStart + kHour * 10));
  EXPECT_EQ(due(kStart + kHour * 10), Names{});
  EXPECT_FALSE(try_to_take("web", kStart + kHour * 10));
  EXPECT_EQ(must(replicas().next_event(kStart + kHour * 10)), std::nullopt);
  EXPECT_EQ(must(replicas().depth()).waiting, 0u);
  must(replicas().resume("web", "bob", kStart + kHour * 10));
  EXPECT_EQ(due(kStart + kHour * 10), Names{"web"});
  EXPECT_EQ(find("web").waiting->announced_at, kStart + kSecond) << "what was announced is not forgotten";
  EXPECT_EQ(audited().size(), 3u);
}

TEST_F(ReplicasTest, ALookThatEndsWhilePausedDoesNotAnswerWhatWasAnnouncedSinceItBegan) {
  create("web");
  const Lease lease = take("web", kStart);
  must(replicas().pause("web", "alice", kStart));
  must(replicas().trigger("web", LookReason::Webhook, kStart + kSecond));
  must(replicas().record(lease, equal(kStart + kHour), kStart + kMinute));
  must(replicas().resume("web", "alice", kStart + kHour));
  EXPECT_EQ(find("web").waiting->announced_at, kStart + kSecond);
}

TEST_F(ReplicasTest, PausingTwiceIsPausingOnce) {
  create("web");
  for (int i = 0; i < 2; ++i) must(replicas().pause("web", "alice", kStart));
  for (int i = 0; i < 2; ++i) must(replicas().resume("web", "alice", kStart));
  EXPECT_EQ(audited("web"), (Names{"alice create web    ", "alice pause web    ", "alice resume web    "}));
}

TEST_F(ReplicasTest, ALookThatIsAtWorkOutlivesThePause) {
  create("web");
  const Lease lease = take("web", kStart);
  must(replicas().pause("web", "alice", kStart));
  must(replicas().record(lease, equal(kStart + kHour), kStart + kSecond));
  EXPECT_EQ(memory("web").confirmed_at, kStart);
  EXPECT_EQ(memory("web").next_look_at, std::nullopt);
}

TEST_F(ReplicasTest, ARemovedOneIsGoneAndItsNameIsFree) {
  create_looked_at("web");
  must(replicas().remove("web", "alice", kStart));
  EXPECT_FALSE(must(replicas().find("web")));
  EXPECT_EQ(due(kStart + kHour), Names{});
  create("web");
  EXPECT_EQ(must(replicas().history("web", 10)).size(), 0u);
  EXPECT_EQ(audited("web"), (Names{"alice create web    ", "alice delete web    ", "alice create web    "}));
}

TEST_F(ReplicasTest, ARemovedOneWaitsForItsLookAndTellsItsWorkerToStop) {
  create("web");
  Lease lease = take("web", kStart);
  must(replicas().trigger("web", LookReason::Webhook, kStart));
  must(replicas().remove("web", "alice", kStart));
  must(replicas().remove("web", "alice", kStart));
  EXPECT_TRUE(find("web").deleting);
  EXPECT_FALSE(find("web").waiting);
  must(replicas().trigger("web", LookReason::Webhook, kStart));
  EXPECT_FALSE(find("web").waiting);
  EXPECT_FAILS(replicas().renew(lease, kLease, kStart), ErrorKind::Cancelled, "being deleted");
  EXPECT_FAILS(replicas().pause("web", "alice", kStart), ErrorKind::Conflict, "being deleted");
  EXPECT_FAILS(replicas().create(order("web"), "alice", kWelcome), ErrorKind::Conflict, "which is being deleted");
  must(replicas().give_back(lease, kStart));
  EXPECT_FALSE(must(replicas().find("web")));
}

TEST_F(ReplicasTest, ARemovedOneGoesWithItsLookOrItsLease) {
  create("recorded");
  create("dead");
  const Lease lease = take("recorded", kStart);
  take("dead", kStart);
  for (const char* name : {"recorded", "dead"}) must(replicas().remove(name, "alice", kStart));
  Look look = equal(kStart + kHour);
  look.changes = {{.ref = "refs/heads/main", .old_oid = "", .new_oid = "1"}};
  must(replicas().record(lease, look, kStart));
  EXPECT_EQ(audited("recorded").back(), "worker carry recorded refs/heads/main  1 ") << "it did happen";
  must(replicas().wake(kStart + kLease));
  EXPECT_EQ(must(replicas().list("", 10)).size(), 0u);
}

// --- Triggers ---

TEST_F(ReplicasTest, ManyTriggersAreOneLook) {
  create_looked_at("web");
  must(replicas().trigger("web", LookReason::Schedule, kStart + kSecond));
  must(replicas().trigger("web", LookReason::Webhook, kStart + kSecond * 2));
  must(replicas().trigger("web", LookReason::Event, kStart + kSecond * 3));
  EXPECT_EQ(find("web").waiting, (WaitingLook{.reason = LookReason::Webhook,
                                              .triggered_at = kStart + kSecond,
                                              .announced_at = kStart + kSecond * 2,
                                              .triggers = 3,
                                              .due_at = kStart + kSecond}));
  EXPECT_EQ(must(replicas().depth()).waiting, 1u);
  EXPECT_EQ(must(replicas().depth()).oldest_trigger, kStart + kSecond);
}

TEST_F(ReplicasTest, ATriggerDuringALookWaitsForTheNext) {
  create("web");
  const Lease lease = take("web", kStart);
  for (int i = 1; i <= 3; ++i) must(replicas().trigger("web", LookReason::Webhook, kStart + kSecond * i));
  EXPECT_EQ(due(kStart + kMinute / 2), Names{}) << "one at work at a time";
  EXPECT_FALSE(try_to_take("web", kStart + kMinute / 2));
  must(replicas().record(lease, equal(kStart + kHour), kStart + kMinute / 2));
  EXPECT_EQ(due(kStart + kMinute / 2), Names{"web"});
  const Lease next = take("web", kStart + kMinute / 2);
  EXPECT_EQ(next.trigger.triggers, 3u);
  EXPECT_EQ(next.trigger.announced_at, kStart + kSecond);
}

TEST_F(ReplicasTest, AllReadersOfASourceAreTriggered) {
  ReplicaOrder second = order("second");
  second.source = order("web").source;
  create_looked_at("web");
  create_looked_at("other");
  must(replicas().create(second, "alice", kWelcome));
  must(replicas().record(take("second", kStart), equal(kStart + kHour), kStart));
  EXPECT_EQ(must(replicas().trigger_readers("https://gitlab.example/web", LookReason::Webhook, kStart)), 2u);
  EXPECT_EQ(due(kStart), (Names{"web", "second"}));
  EXPECT_EQ(must(replicas().trigger_readers("https://gitlab.example/unknown", LookReason::Webhook, kStart)), 0u);
}

TEST_F(ReplicasTest, TimeBringsTheNextLook) {
  create_looked_at("web", kStart + kHour);
  EXPECT_EQ(must(replicas().next_event(kStart)), kStart + kHour);
  EXPECT_EQ(must(replicas().wake(kStart + kHour - Milliseconds(1))), 0u);
  EXPECT_EQ(must(replicas().wake(kStart + kHour)), 1u);
  EXPECT_EQ(must(replicas().wake(kStart + kHour)), 0u);
  EXPECT_EQ(find("web").waiting->reason, LookReason::Schedule);
  EXPECT_EQ(memory("web").next_look_at, std::nullopt);
}

TEST_F(ReplicasTest, ALookThatIsAtWorkTakesThePlaceOfTheNextOne) {
  create_looked_at("web", kStart + kHour);
  must(replicas().trigger("web", LookReason::Webhook, kStart));
  take("web", kStart);
  EXPECT_EQ(memory("web").next_look_at, std::nullopt);
}

TEST_F(ReplicasTest, AFailureIsSleptOffUnlessAPersonAsks) {
  create("web");
  must(replicas().record(take("web", kStart), failed(kStart + kHour), kStart));
  must(replicas().trigger("web", LookReason::Webhook, kStart + kSecond));
  EXPECT_EQ(due(kStart + kMinute), Names{});
  EXPECT_FALSE(try_to_take("web", kStart + kMinute));
  EXPECT_EQ(must(replicas().next_event(kStart + kMinute)), kStart + kHour);
  EXPECT_EQ(due(kStart + kHour), Names{"web"});
  must(replicas().trigger("web", LookReason::Sync, kStart + kMinute * 2));
  EXPECT_EQ(due(kStart + kMinute * 2), Names{"web"});
}

// --- The order of the queue ---

TEST_F(ReplicasTest, WhatWasAskedForGoesBeforeWhatIsScheduledAndNotForEver) {
  for (const char* name : {"scheduled", "asked", "old"}) create_looked_at(name);
  must(replicas().trigger("old", LookReason::Schedule, kStart));
  must(replicas().trigger("scheduled", LookReason::Schedule, kStart + kMinute * 6));
  must(replicas().trigger("asked", LookReason::Webhook, kStart + kMinute * 7));
  EXPECT_EQ(due(kStart + kMinute * 8), (Names{"old", "asked", "scheduled"}));
}

TEST_F(ReplicasTest, EachLaneShowsItsFirst) {
  for (int host = 0; host < 3; ++host)
    for (int i = 0; i < 5; ++i) {
      ReplicaOrder one = order(fmt::format("{}-{}", host, i));
      one.destination.host = fmt::format("host-{}", host);
      one.created_at = kStart + kSecond * i;
      must(replicas().create(one, "alice", kWelcome));
    }
  EXPECT_EQ(due(kStart + kMinute, 2), (Names{"0-0", "0-1", "1-0", "1-1", "2-0", "2-1"}));
  take("1-0", kStart + kMinute);
  EXPECT_EQ(due(kStart + kMinute, 1), (Names{"0-0", "1-1", "2-0"}));
  const std::vector<Replicas::Load> load = must(replicas().load());
  ASSERT_EQ(load.size(), 1u);
  EXPECT_EQ(load[0].source_host, "https://gitlab.example");
  EXPECT_EQ(load[0].destination_host, "host-1");
  EXPECT_EQ(load[0].at_work, 1u);
}

// --- Leases ---

TEST_F(ReplicasTest, OnlyOneOfManyGetsTheLease) {
  create("web");
  EXPECT_TRUE(try_to_take("web", kStart));
  EXPECT_FALSE(must(open()->take("web", "another", kLease, FakeClock(kStart))));
}

// Whoever waits for a look that began after a trigger compares two times. A worker that had asked the clock, and then
// waited for its turn behind that trigger, would answer it with a look that seems to be older.
TEST_F(ReplicasTest, ALookBeginsWhenNobodyCanTriggerItAnyMore) {
  class Witness final : public Clock {
   public:
    explicit Witness(Database& other) : other_(other) {}
    WallTime now() const override {
      const Result<std::unique_ptr<Transaction>> writer = Transaction::begin(other_);
      is_alone = !writer && writer.error().kind() == ErrorKind::Unavailable;
      return kStart + kSecond;
    }
    SteadyTime steady() const override { return {}; }
    bool sleep(Milliseconds, std::stop_token) override { return true; }
    mutable bool is_alone = false;

   private:
    Database& other_;
  };
  create("web");
  const std::unique_ptr<Database> other = must(Database::open(path, Milliseconds(0)));
  const Witness clock(*other);
  const std::optional<Lease> lease = must(replicas().take("web", "worker", kLease, clock));
  EXPECT_TRUE(clock.is_alone);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->began_at, kStart + kSecond);
}

TEST_F(ReplicasTest, ALeaseThatRanOutGoesBackToTheQueueWithWhatHasComeMeanwhile) {
  create_looked_at("web");
  must(replicas().trigger("web", LookReason::Webhook, kStart + kSecond));
  const Lease lost = take("web", kStart + kSecond);
  must(replicas().trigger("web", LookReason::Event, kStart + kSecond * 2));
  EXPECT_EQ(must(replicas().next_event(kStart + kSecond * 2)), lost.until);
  EXPECT_EQ(must(replicas().wake(lost.until - Milliseconds(1))), 0u);
  EXPECT_EQ(must(replicas().wake(lost.until)), 1u);
  EXPECT_EQ(find("web").waiting, (WaitingLook{.reason = LookReason::Webhook,
                                              .triggered_at = kStart + kSecond,
                                              .announced_at = kStart + kSecond,
                                              .triggers = 2,
                                              .due_at = lost.until}));
  EXPECT_GT(take("web", lost.until).epoch, lost.epoch);
}

TEST_F(ReplicasTest, ALeaseThatIsRenewedLives) {
  create("web");
  Lease lease = take("web", kStart);
  must(replicas().renew(lease, kLease, kStart + kMinute / 2));
  EXPECT_EQ(lease.until, kStart + kMinute * 3 / 2);
  EXPECT_EQ(must(replicas().wake(kStart + kMinute)), 0u);
  must(replicas().record(lease, equal(kStart + kHour), kStart + kMinute));
}

TEST_F(ReplicasTest, WhoLostTheLeaseRecordsNothing) {
  create("web");
  Lease old = take("web", kStart);
  const Clock::WallTime later = kStart + kMinute * 5;
  must(replicas().wake(later));
  const auto expect_refused = [&] {
    const ReplicaMemory before = memory("web");
    Look look = equal(later + kHour);
    look.changes = {{.ref = "refs/heads/main", .old_oid = "1", .new_oid = "2"}};
    EXPECT_FAILS(replicas().record(old, look, later), ErrorKind::Conflict, "was lost");
    EXPECT_FAILS(replicas().renew(old, kLease, later), ErrorKind::Conflict, "was lost");
    EXPECT_FAILS(replicas().note_change(old, "state", later), ErrorKind::Conflict, "was lost");
    EXPECT_FAILS(replicas().give_back(old, later), ErrorKind::Conflict, "was lost");
    EXPECT_EQ(memory("web"), before);
    EXPECT_EQ(audited(), Names{"alice create web    "});
  };
  expect_refused();  // nobody else has it yet
  const Lease lease = take("web", later);
  expect_refused();  // somebody else has it
  must(replicas().record(lease, failed(later + kHour), later));
  expect_refused();  // somebody else had it
}

TEST_F(ReplicasTest, WhoLostTheLeaseHasNoRightToAnotherReplicaOfThatName) {
  create("web");
  const Lease old = take("web", kStart);
  must(replicas().remove("web", "alice", kStart));
  must(replicas().wake(kStart + kLease));
  create("web");
  const Lease lease = take("web", kStart + kLease);
  EXPECT_GT(lease.epoch, old.epoch);
  EXPECT_FAILS(replicas().record(old, equal(kStart + kHour), kStart + kLease), ErrorKind::Conflict, "was lost");
}

TEST_F(ReplicasTest, ALateLookIsTakenAsLongAsNobodyElseHasBegun) {
  create("web");
  const Lease lease = take("web", kStart);
  must(replicas().record(lease, equal(kStart + kHour * 3), kStart + kHour));
  EXPECT_EQ(memory("web").confirmed_at, kStart);
}

TEST_F(ReplicasTest, WhatIsRecordedTwiceIsRememberedOnce) {
  create("web");
  const Lease lease = take("web", kStart);
  Look look = equal(kStart + kHour);
  look.changes = {{.ref = "refs/heads/main", .old_oid = "1", .new_oid = "2"}};
  for (int i = 0; i < 2; ++i) must(replicas().record(lease, look, kStart + kSecond));
  EXPECT_EQ(audited("web").size(), 2u);
  EXPECT_EQ(must(replicas().history("web", 10)).size(), 1u);
}

TEST_F(ReplicasTest, WhatIsGivenBackWaitsAsIfItHadNotBegun) {
  create("web");
  must(replicas().give_back(take("web", kStart), kStart + kSecond));
  EXPECT_EQ(find("web").waiting->reason, LookReason::Created);
  EXPECT_EQ(find("web").waiting->triggered_at, kStart);
  EXPECT_EQ(due(kStart + kSecond), Names{"web"});
  EXPECT_EQ(memory("web"), ReplicaMemory{});
}

TEST_F(ReplicasTest, ALookThatKillsItsWorkersIsPausedLongerAndLonger) {
  create("web");
  Clock::WallTime now = kStart;
  std::vector<Milliseconds> pauses;
  for (int i = 0; i < 12; ++i) {
    take("web", now);
    now += kLease;
    must(replicas().wake(now));
    pauses.push_back(std::chrono::duration_cast<Milliseconds>(find("web").waiting->due_at - now));
    must(replicas().trigger("web", LookReason::Webhook, now));
    now = find("web").waiting->due_at;
  }
  EXPECT_EQ(pauses[0], Milliseconds(0)) << "kill -9 once costs nothing but the lease";
  EXPECT_GE(pauses[1], Milliseconds(2'500));
  EXPECT_GE(pauses[11], kMinute * 7);
  EXPECT_LE(pauses[11], kMinute * 15);
  must(replicas().record(take("web", now), equal(now + kHour), now));
  must(replicas().trigger("web", LookReason::Webhook, now));
  take("web", now);
  must(replicas().wake(now + kLease));
  EXPECT_EQ(find("web").waiting->due_at, now + kLease) << "one that ended forgives those before";
}

// --- The calendar ---

TEST_F(ReplicasTest, ACalendarThatIsSetBackHoldsNothingUp) {
  create_looked_at("scheduled", kStart + kHour);
  create("dead");
  create("failing");
  take("dead", kStart);
  must(replicas().record(take("failing", kStart), failed(kStart + kHour), kStart));
  must(replicas().trigger("failing", LookReason::Webhook, kStart));
  const Clock::WallTime earlier = kStart - kHour * 24 * 365;
  must(replicas().wake(earlier));
  EXPECT_EQ(due(earlier), (Names{"failing", "scheduled"}));
  EXPECT_EQ(find("dead").at_work->lease_until, earlier + kLease) << "who lives can renew it";
  must(replicas().wake(earlier + kLease));
  EXPECT_EQ(due(earlier + kLease), (Names{"failing", "dead", "scheduled"}));
}

TEST_F(ReplicasTest, ATriggerDoesNotHideThatTheCalendarWasSetBack) {
  create_looked_at("web");
  must(replicas().trigger("web", LookReason::Webhook, kStart));
  must(replicas().trigger("web", LookReason::Webhook, kStart - kHour));
  must(replicas().wake(kStart - kHour));
  EXPECT_EQ(due(kStart - kHour), Names{"web"});
}

TEST_F(ReplicasTest, NorIsAFailureSleptOffByTheOldCalendar) {
  create("failing");
  must(replicas().record(take("failing", kStart), failed(kStart + kHour), kStart));
  const Clock::WallTime earlier = kStart - kHour * 24;
  must(replicas().trigger("failing", LookReason::Webhook, earlier));
  must(replicas().wake(earlier));
  EXPECT_EQ(due(earlier), Names{"failing"});
}

TEST_F(ReplicasTest, ACalendarThatIsSetForwardsCostsALease) {
  create("web");
  const Lease lease = take("web", kStart);
  must(replicas().wake(kStart + kHour * 24));
  EXPECT_FAILS(replicas().record(lease, equal(kStart + kHour), kStart), ErrorKind::Conflict, "was lost");
  EXPECT_EQ(due(kStart + kHour * 24), Names{"web"});
}

// --- What looks leave behind ---

TEST_F(ReplicasTest, AnEqualLookConfirmsWhatTheSourceHadWhenItBegan) {
  create("web");
  must(replicas().record(take("web", kStart + kSecond), equal(kStart + kHour), kStart + kMinute));
  const ReplicaMemory found = memory("web");
  EXPECT_EQ(found.outcome, LookOutcome::Equal);
  EXPECT_EQ(found.source_state, "state");
  EXPECT_EQ(found.observed_at, kStart + kSecond);
  EXPECT_EQ(found.looked_at, kStart + kSecond);
  EXPECT_EQ(found.confirmed_at, kStart + kSecond);
  EXPECT_EQ(found.changed_at, std::nullopt) << "nothing had to be carried";
  EXPECT_EQ(found.behind_since, std::nullopt);
  EXPECT_EQ(found.next_look_at, kStart + kHour);
  EXPECT_EQ(find("web").at_work, std::nullopt);
}

TEST_F(ReplicasTest, AChangeCountsFromItsAnnouncementUntilItIsThere) {
  create_looked_at("web");
  must(replicas().trigger("web", LookReason::Webhook, kStart + kSecond));
  const Lease lease = take("web", kStart + kSecond * 2);
  must(replicas().note_change(lease, "new state", kStart + kSecond * 3));
  EXPECT_EQ(memory("web").behind_since, kStart + kSecond);
  EXPECT_EQ(memory("web").source_state, "new state");
  must(replicas().record(lease, failed(kStart + kMinute), kStart + kSecond * 4));
  EXPECT_EQ(memory("web").behind_since, kStart + kSecond) << "a failure does not make it younger";
  Look look = equal(kStart + kHour);
  look.changes = {{.ref = "refs/heads/main", .old_oid = "1", .new_oid = "2"}};
  must(replicas().wake(kStart + kMinute));
  must(replicas().record(take("web", kStart + kMinute), look, kStart + kMinute));
  EXPECT_EQ(memory("web").behind_since, std::nullopt);
  EXPECT_EQ(memory("web").changed_at, kStart + kSecond);
}

TEST_F(ReplicasTest, AnUnannouncedChangeCountsFromTheLookThatSawIt) {
  create_looked_at("web");
  must(replicas().wake(kStart + kHour));
  const Lease lease = take("web", kStart + kHour);
  Look look = failed(kStart + kHour * 2);
  look.is_behind = true;
  must(replicas().record(lease, look, kStart + kHour + kMinute));
  EXPECT_EQ(memory("web").behind_since, kStart + kHour);
}

TEST_F(ReplicasTest, FailuresAreCountedAndEndWithOneThatDoesNotFail) {
  create("web");
  Clock::WallTime now = kStart;
  for (unsigned i = 1; i <= 3; ++i) {
    must(replicas().record(take("web", now), failed(now + kHour, ErrorKind::Denied), now));
    EXPECT_EQ(memory("web").failures, i);
    EXPECT_EQ(memory("web").failure,
              (LookFailure{.kind = ErrorKind::Denied, .message = "push: 503", .remedy = "wait"}));
    now += kHour;
    must(replicas().wake(now));
  }
  must(replicas().record(take("web", now), equal(now + kHour), now));
  EXPECT_EQ(memory("web").failures, 0u);
  EXPECT_EQ(memory("web").failure, std::nullopt);
}

TEST_F(ReplicasTest, EveryKindOfFailureIsReadAsItWasWritten) {
  create("web");
  Clock::WallTime now = kStart;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::Cancelled); ++kind) {
    must(replicas().record(take("web", now), failed(now + kHour, static_cast<ErrorKind>(kind)), now));
    EXPECT_EQ(memory("web").failure->kind, static_cast<ErrorKind>(kind));
    now += kHour;
    must(replicas().wake(now));
  }
}

TEST_F(ReplicasTest, EveryReasonIsReadAsItWasWritten) {
  for (int reason = 0; reason <= static_cast<int>(LookReason::Resumed); ++reason) {
    const std::string name(to_string(static_cast<LookReason>(reason)));
    create_looked_at(name);
    must(replicas().trigger(name, static_cast<LookReason>(reason), kStart));
    EXPECT_EQ(find(name).waiting->reason, static_cast<LookReason>(reason));
  }
}

TEST_F(ReplicasTest, ADivergedOneIsNotConfirmed) {
  create("web");
  must(replicas().record(take("web", kStart),
                         {.outcome = LookOutcome::Diverged, .is_behind = true, .next_look_at = kStart + kHour},
                         kStart));
  EXPECT_EQ(memory("web").outcome, LookOutcome::Diverged);
  EXPECT_EQ(memory("web").confirmed_at, std::nullopt);
  EXPECT_EQ(memory("web").behind_since, kStart);
}

// --- Held plans ---

TEST_F(ReplicasTest, APersonApprovesThePlanThatIsHeldAndNoOther) {
  create("web");
  must(replicas().record(take("web", kStart), held("plan-1", kStart + kHour), kStart));
  EXPECT_EQ(memory("web").held, (HeldPlan{"plan-1", "delete 40 branches", kStart + kHour}));
  EXPECT_FAILS(replicas().approve("web", "plan-2", "alice", kStart), ErrorKind::Conflict, "holds plan 'plan-1', not");
  EXPECT_FAILS(replicas().approve("web", "plan-1", "alice", kStart + kHour), ErrorKind::Conflict, "has expired");
  must(replicas().approve("web", "plan-1", "alice", kStart + kMinute));
  EXPECT_EQ(memory("web").approval, (Approval{"plan-1", kStart + kHour}));
  EXPECT_EQ(due(kStart + kMinute), Names{"web"});
  EXPECT_EQ(audited("web").back(), "alice approve web    plan-1");
  must(replicas().record(take("web", kStart + kMinute), equal(kStart + kHour), kStart + kMinute));
  EXPECT_EQ(memory("web").held, std::nullopt);
  EXPECT_EQ(memory("web").approval, std::nullopt);
  EXPECT_FAILS(replicas().approve("web", "plan-1", "alice", kStart), ErrorKind::Conflict, "holds no plan");
}

TEST_F(ReplicasTest, AnApprovalOutlivesAFailureAndALookThatHoldsTheSame) {
  create("web");
  must(replicas().record(take("web", kStart), held("plan-1", kStart + kHour), kStart));
  must(replicas().trigger("web", LookReason::Webhook, kStart));
  const Lease at_work = take("web", kStart);
  must(replicas().approve("web", "plan-1", "alice", kStart));
  must(replicas().record(at_work, held("plan-1", kStart + kHour), kStart));
  EXPECT_EQ(memory("web").approval->digest, "plan-1") << "it came too late for that look";
  must(replicas().record(take("web", kStart), failed(kStart), kStart));
  EXPECT_EQ(memory("web").approval->digest, "plan-1");
  EXPECT_EQ(memory("web").held->digest, "plan-1");
}

TEST_F(ReplicasTest, AnApprovalEndsWhenAnotherPlanIsHeld) {
  create("web");
  must(replicas().record(take("web", kStart), held("plan-1", kStart + kHour), kStart));
  must(replicas().approve("web", "plan-1", "alice", kStart));
  must(replicas().record(take("web", kStart), held("plan-2", kStart + kHour), kStart));
  EXPECT_EQ(memory("web").approval, std::nullopt);
  EXPECT_EQ(memory("web").held->digest, "plan-2");
}

// --- Chains, history, audit ---

TEST_F(ReplicasTest, AChangedDestinationTriggersItsReadersInTheSameBreath) {
  ReplicaOrder onward = order("onward");
  onward.source = order("web").destination;
  create("web");
  must(replicas().create(onward, "alice", kWelcome));
  must(replicas().record(take("onward", kStart), equal(kStart + kHour), kStart));
  must(replicas().record(take("web", kStart), equal(kStart), kStart));
  must(replicas().record(take("onward", kStart), equal(kStart + kHour), kStart));
  must(replicas().wake(kStart));
  must(replicas().record(take("web", kStart), equal(kStart), kStart));
  EXPECT_FALSE(find("onward").waiting) << "nothing was carried";
  must(replicas().wake(kStart));
  Look look = equal(kStart + kHour);
  look.changes = {{.ref = "refs/heads/main", .old_oid = "1", .new_oid = "2"}};
  must(replicas().record(take("web", kStart), look, kStart + kSecond));
  EXPECT_EQ(find("onward").waiting->reason, LookReason::Chain);
  EXPECT_EQ(find("onward").waiting->announced_at, kStart + kSecond);
}

TEST_F(ReplicasTest, WhatWasCarriedByOneWhoDiedIsHandedOnByTheNext) {
  ReplicaOrder onward = order("onward");
  onward.source = order("web").destination;
  create_looked_at("web");
  must(replicas().create(onward, "alice", kWelcome));
  must(replicas().record(take("onward", kStart), equal(kStart + kHour), kStart));
  must(replicas().trigger("web", LookReason::Webhook, kStart));
  take("web", kStart);  // carries, and dies
  must(replicas().wake(kStart + kLease));
  Look look = equal(kStart + kHour);
  look.source_state = "new state";
  must(replicas().record(take("web", kStart + kLease), look, kStart + kLease));
  EXPECT_EQ(memory("web").changed_at, kStart);
  EXPECT_EQ(find("onward").waiting->reason, LookReason::Chain);
}

TEST_F(ReplicasTest, HistoryTellsChangesAndSumsUpWhatIsAlwaysTheSame) {
  create("web");
  Clock::WallTime now = kStart;
  const auto look_so = [&](const Look& look) {
    must(replicas().trigger("web", LookReason::Sync, now));
    must(replicas().record(take("web", now), look, now + kSecond));
    now += kMinute;
  };
  Look changing = equal(now + kHour);
  changing.changes = {{"refs/heads/main", "1", "2"}, {"refs/tags/v1", "", "3"}};
  changing.pack_bytes = 4096;
  changing.plan_digest = "plan";
  look_so(changing);
  for (int i = 0; i < 3; ++i) look_so(equal(now + kHour));
  for (int i = 0; i < 2; ++i) look_so(failed(now + kHour));
  const std::vector<LookRecord> history = must(replicas().history("web", 10));
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].looks, 2u);
  EXPECT_EQ(history[0].outcome, LookOutcome::Failed);
  EXPECT_EQ(history[0].failure->message, "push: 503");
  EXPECT_EQ(history[0].began_at, kStart + kMinute * 4);
  EXPECT_EQ(history[0].ended_at, kStart + kMinute * 5 + kSecond);
  EXPECT_EQ(history[1].looks, 3u);
  EXPECT_EQ(history[1].outcome, LookOutcome::Equal);
  EXPECT_EQ(history[2].refs_changed, 2u);
  EXPECT_EQ(history[2].pack_bytes, 4096u);
  EXPECT_EQ(history[2].plan_digest, "plan");
  EXPECT_EQ(must(replicas().history("web", 1)).size(), 1u);
  EXPECT_EQ(audited("web")[1], "worker carry web refs/heads/main 1 2 plan");
  EXPECT_EQ(audited("web")[2], "worker carry web refs/tags/v1  3 plan");
}

TEST_F(ReplicasTest, HistoryIsTrimmedAndTheAuditLogIsNot) {
  create("web");
  create_looked_at("other");
  for (std::size_t i = 0; i < Replicas::kLooksKept + 20; ++i) {
    must(replicas().trigger("web", LookReason::Sync, kStart));
    Look look = equal(kStart + kHour);
    look.changes = {{.ref = "refs/heads/main", .old_oid = "", .new_oid = fmt::format("{}", i)}};
    must(replicas().record(take("web", kStart), look, kStart));
  }
  const std::vector<LookRecord> history = must(replicas().history("web", 1000));
  ASSERT_EQ(history.size(), Replicas::kLooksKept);
  EXPECT_GT(history.front().epoch, history.back().epoch);
  EXPECT_EQ(must(replicas().history("other", 1000)).size(), 1u);
  EXPECT_EQ(audited("web").size(), Replicas::kLooksKept + 21);
}

TEST_F(ReplicasTest, TheAuditLogIsReadInPages) {
  for (const char* name : {"a", "b", "c"}) create(name);
  const std::vector<AuditEntry> first = must(replicas().audit("", 0, 2));
  ASSERT_EQ(first.size(), 2u);
  const std::vector<AuditEntry> second = must(replicas().audit("", first.back().id, 2));
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].replica, "c");
  EXPECT_EQ(second[0].at, kStart);
  EXPECT_EQ(must(replicas().audit("b", 0, 2)).size(), 1u);
}

TEST_F(ReplicasTest, TheAuditLogIsReadFromItsNewEndToo) {
  for (const char* name : {"a", "b", "c"}) create(name);
  must(replicas().pause("b", "bob", kStart));
  must(replicas().remove("c", "bob", kStart));
  const auto said = [](const std::vector<AuditEntry>& entries) {
    Names lines;
    for (const AuditEntry& entry : entries) lines.push_back(entry.what + " " + entry.replica);
    return lines;
  };
  const std::vector<AuditEntry> first = must(replicas().newest_audit("", {}, 2));
  EXPECT_EQ(said(first), (Names{"delete c", "pause b"}));
  EXPECT_EQ(said(must(replicas().newest_audit("", first.back().id, 2))), (Names{"create c", "create b"}));
  EXPECT_EQ(said(must(replicas().newest_audit("", 1, 2))), Names{});
  EXPECT_EQ(said(must(replicas().newest_audit("b", {}, 9))), (Names{"pause b", "create b"}));
  EXPECT_EQ(said(must(replicas().newest_audit("b", first.back().id, 9))), Names{"create b"});
  EXPECT_EQ(said(must(replicas().newest_audit("b", 1, 9))), Names{}) << "the page behind the last one";
  EXPECT_EQ(must(replicas().newest_audit("c", {}, 9)).size(), 2u) << "it outlives its replica";
  EXPECT_FAILS(replicas().newest_audit("x", {}, 9), ErrorKind::NotFound, "no replica 'x'");
}

// --- The file ---

TEST_F(ReplicasTest, ACatalogueOfTheVersionBeforeGetsTheTables) {
  {
    const auto database = must(Database::open(path, Milliseconds(0)));
    must(migrate(*database, catalogue_migrations().first(1)));
  }
  must(must(Catalogue::open(path))->record({{.key = {.order = "o", .source = "s", .destination = "d"}}}));
  create("web");
  EXPECT_EQ(must(must(Catalogue::open(path))->deliveries()).size(), 1u);
}

// --- Many at once ---

// Looks at whatever is due until `looks` of its own are recorded, and triggers in between.
void work_much(Replicas& replicas, int worker, int looks) {
  std::mt19937 random(static_cast<unsigned>(worker));
  for (int recorded = 0; recorded < looks;) {
    must(replicas.trigger(fmt::format("replica-{}", random() % 5), LookReason::Sync, kStart));
    for (const DueLook& look : must(replicas.due(kStart, 5))) {
      const std::optional<Lease> lease =
          must(replicas.take(look.replica, fmt::format("{}", worker), kLease, FakeClock(kStart)));
      if (!lease) continue;
      Look done = equal(kStart + kHour);
      done.changes = {{.ref = "refs/heads/main", .old_oid = "", .new_oid = fmt::format("{}", lease->epoch)}};
      must(replicas.record(*lease, done, kStart));
      ++recorded;
    }
  }
}

class ManyAtOnceTest : public ReplicasTest {
 protected:
  void SetUp() override {
    const auto made = open();
    for (int i = 0; i < 5; ++i) must(made->create(order(fmt::format("replica-{}", i)), "alice", kWelcome));
  }
  // Each lease recorded once, and no epoch given twice.
  void expect_at_least(std::size_t looks) {
    std::set<std::string> epochs;
    std::size_t carried = 0;
    for (const AuditEntry& entry : must(replicas().audit("", 0, 100'000))) {
      if (entry.what != "carry") continue;
      ++carried;
      epochs.insert(entry.new_oid);
    }
    EXPECT_GE(carried, looks);
    EXPECT_EQ(epochs.size(), carried);
    EXPECT_EQ(must(replicas().depth()).at_work, 0u);
  }
};

TEST_F(ManyAtOnceTest, ThreadsThatShareOneNeverLookTwiceAtOnce) {
  {
    const auto shared = open();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&shared, i] { work_much(*shared, i, 50); });
  }
  expect_at_least(200);
}

TEST_F(ManyAtOnceTest, ProcessesNeverLookTwiceAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) children.push_back(in_a_process([&] { work_much(*open(), i, 30); }));
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  expect_at_least(90);
}

// One life of a worker whose calendar begins at `now` and goes on by itself: takes, records and tells what it has
// recorded.
void live(Replicas& replicas, Clock::WallTime now, int acknowledged) {
  for (;; now += kSecond) {
    must(replicas.wake(now));
    for (const DueLook& due : must(replicas.due(now, 5))) {
      const std::optional<Lease> lease = must(replicas.take(due.replica, "mortal", kLease, FakeClock(now)));
      if (!lease) continue;
      Look look = equal(now);
      look.changes = {{"refs/heads/a", "", fmt::format("{}", lease->epoch)},
                      {"refs/heads/b", "", fmt::format("{}", lease->epoch)}};
      must(replicas.record(*lease, look, now));
      CHECK(::write(acknowledged, &lease->epoch, sizeof lease->epoch) == sizeof lease->epoch);
    }
  }
}

TEST_F(ManyAtOnceTest, Kill9AtAnyTimeNeedsNoHandToGoOn) {
  // Lives of up to twenty looks, whatever this machine needs for one.
  const auto began = std::chrono::steady_clock::now();
  must(replicas().record(take("replica-0", kStart), equal(kStart), kStart));
  const auto one = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
  close();
  std::set<std::int64_t> acknowledged;
  std::mt19937 random(7);
  std::uniform_int_distribution<std::int64_t> delay_us(1, 20 * one.count());
  Clock::WallTime now = kStart;
  for (int life = 0; life < 40; ++life) {
    int pipes[2] = {};
    ASSERT_EQ(::pipe(pipes), 0);
    const std::chrono::microseconds delay(delay_us(random));
    const pid_t child = in_a_process([&] {
      const auto mine = open();
      die_within(delay);
      live(*mine, now, pipes[1]);
    });
    ::close(pipes[1]);
    const int status = status_of(child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (std::int64_t epoch = 0; ::read(pipes[0], &epoch, sizeof epoch) == sizeof epoch;) acknowledged.insert(epoch);
    ::close(pipes[0]);
    now += kHour;
  }
  EXPECT_FALSE(acknowledged.empty()) << "some lives were long enough to look at something";

  // What was said to be recorded is there, and each look is there as a whole.
  std::map<std::string, int> entries;
  for (const AuditEntry& entry : must(replicas().audit("", 0, 1'000'000)))
    if (entry.what == "carry") ++entries[entry.new_oid];
  for (const std::int64_t epoch : acknowledged) EXPECT_EQ(entries[fmt::format("{}", epoch)], 2) << epoch;
  for (const auto& [epoch, count] : entries) EXPECT_EQ(count, 2) << epoch;

  // And nobody has to do anything for all replicas to be looked at again.
  must(replicas().wake(now));
  now += kHour;
  must(replicas().wake(now));
  for (int i = 0; i < 5; ++i) must(replicas().record(take(fmt::format("replica-{}", i), now), equal(now + kHour), now));
}

// docs/formats/catalogue.md quotes what this prints.
TEST_F(ReplicasTest, HoldsTenThousandReplicas) {
  const auto ms_since = [](std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start).count();
  };
  const auto name = [](int i) { return fmt::format("group-{:03}/repository-{:05}", i % 100, i); };
  {
    // As a service of many years would find them; creating each is a commit to the disk.
    const auto database = must(Database::open(path, Milliseconds(0)));
    must(migrate(*database, catalogue_migrations()));
    must(database->run("BEGIN"));
    PreparedStatements statements(*database);
    for (int i = 0; i < 10'000; ++i)
      must(statements.run(
          "INSERT INTO replicas (name, source_url, source_host, source_type, source_id, destination_url,"
          " destination_host, destination_type, destination_id, account_name, link, policy, schedule, role, regions,"
          " freshness, created_at, next_look_at) VALUES (?1, 'https://gitlab.example/' || ?1, 'gitlab', 'GitLab', '',"
          " 'https://git.example/' || ?1, 'host-' || ?2, 'Git', '', '', '', 'follow mirror', '', '', '', 3600000, 0,"
          " 1000)",
          {name(i), std::int64_t{i % 20}}));
    must(database->run("COMMIT"));
  }
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(must(replicas().wake(kStart)), 10'000u);
  const auto woken = ms_since(start);

  start = std::chrono::steady_clock::now();
  std::size_t seen = 0;
  for (int i = 0; i < 100; ++i) seen += must(replicas().due(kStart, 8)).size();
  const auto listed = ms_since(start);
  EXPECT_EQ(seen, 100u * 20 * 8);

  start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) must(replicas().trigger(name(i), LookReason::Webhook, kStart));
  const auto triggered = ms_since(start);

  start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) must(replicas().record(take(name(i), kStart), equal(kStart + kHour), kStart));
  const auto looked = ms_since(start);
  std::printf(
      "10,000 replicas, all due: woken in %jd ms, first 8 of 20 lanes listed 100 times in %jd ms, 1,000 triggers in "
      "%jd ms, 1,000 looks taken and recorded in %jd ms\n",
      static_cast<std::intmax_t>(woken), static_cast<std::intmax_t>(listed), static_cast<std::intmax_t>(triggered),
      static_cast<std::intmax_t>(looked));
}

}  // namespace
}  // namespace packferry
