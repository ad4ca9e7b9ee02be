#include "service/replica_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_replica_ends.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::commit;
using testing::FakeReplicaEnds;
using testing::must;
using testing::refs_at;

class ReplicaWorkerTest : public ::testing::Test {
 protected:
  ReplicaWorkerTest() {
    source.holds = refs_at({{"refs/heads/main", 3}});
    source.parents = {{commit(4), commit(3)}};
    must(replicas->create({.name = "web",
                           .source = {.url = kHere, .host = "here"},
                           .destination = {.url = kThere, .host = "there"},
                           .created_at = clock.now()},
                          "ada", [](const auto&) { return Result<>(); }));
  }
  ReplicaMemory memory() { return must(replicas->find("web"))->memory; }

  static constexpr const char* kHere = "https://here.example/web";
  static constexpr const char* kThere = "https://there.example/web";

  testing::TempDir dir;
  FakeClock clock;
  FakeReplicaEnds ends;
  testing::FakeSource& source = ends.sources[kHere];
  std::unique_ptr<Replicas> replicas = must(Replicas::open(dir / "catalogue.db"));
  ReplicaWorker worker{*replicas, ends, {.owner = "test", .lease = Milliseconds(300)}, clock};
};

TEST_F(ReplicaWorkerTest, WhatItSawIsRemembered) {
  EXPECT_EQ(must(worker.work("web", nullptr, {}))->look.outcome, LookOutcome::Equal);
  EXPECT_EQ(memory().outcome, LookOutcome::Equal);
  EXPECT_TRUE(memory().next_look_at);
  EXPECT_FALSE(must(worker.work("web", nullptr, {}))) << "nobody asked for another";
}

TEST_F(ReplicaWorkerTest, AFailureIsSleptOffLongerAndLonger) {
  source.listing_error = Error(ErrorKind::Unavailable, "connection refused");
  Milliseconds last{0};
  for (unsigned failures = 1; failures <= 3; ++failures) {
    EXPECT_EQ(must(worker.work("web", nullptr, {}))->look.outcome, LookOutcome::Failed);
    EXPECT_EQ(memory().failures, failures);
    const auto pause = std::chrono::duration_cast<Milliseconds>(*memory().next_look_at - clock.now());
    EXPECT_GT(pause, last);
    last = pause;
    clock.advance(pause);
    must(replicas->wake(clock.now()));
  }
  source.listing_error.reset();
  EXPECT_EQ(must(worker.work("web", nullptr, {}))->look.outcome, LookOutcome::Equal);
  EXPECT_EQ(memory().failures, 0u);
}

TEST_F(ReplicaWorkerTest, EndsThatCannotBeMadeAreAFailureOfTheReplica) {
  ends.error = Error(ErrorKind::Denied, "no token");
  EXPECT_EQ(must(worker.work("web", nullptr, {}))->look.outcome, LookOutcome::Failed);
  EXPECT_EQ(memory().failure->kind, ErrorKind::Denied);
}

TEST_F(ReplicaWorkerTest, LagCountsFromTheListing) {
  must(worker.work("web", nullptr, {}));
  source.holds = refs_at({{"refs/heads/main", 4}});
  must(replicas->trigger("web", LookReason::Schedule, clock.now()));
  source.fetch_error = Error(ErrorKind::Unavailable, "cut");
  EXPECT_EQ(must(worker.work("web", nullptr, {}))->look.outcome, LookOutcome::Failed);
  EXPECT_EQ(memory().behind_since, clock.now());
}

TEST_F(ReplicaWorkerTest, OneThatIsStoppedGivesItsLookBack) {
  std::stop_source stop;
  source.on_listing = [&] {
    stop.request_stop();
    source.listing_error = Error(ErrorKind::Cancelled, "stopped");
  };
  EXPECT_EQ(worker.work("web", nullptr, stop.get_token()).error().kind(), ErrorKind::Cancelled);
  source.on_listing = nullptr;
  source.listing_error.reset();
  EXPECT_TRUE(must(worker.work("web", nullptr, {}))) << "it waits again";
}

TEST_F(ReplicaWorkerTest, WhoLostTheLeaseIsNotBelieved) {
  source.on_listing = [&] {
    source.on_listing = nullptr;
    clock.advance(Milliseconds(10'000));
    must(replicas->wake(clock.now()));
    EXPECT_TRUE(must(replicas->take("web", "another", Milliseconds(300), clock)));
  };
  EXPECT_EQ(worker.work("web", nullptr, {}).error().kind(), ErrorKind::Conflict);
  EXPECT_FALSE(memory().outcome) << "it is the other's to say";
}

TEST_F(ReplicaWorkerTest, ALongLookKeepsItsLease) {
  source.on_listing = [&] {
    // Three times the lease, on a calendar that goes on; the keeper renews by real time.
    for (int i = 0; i < 9; ++i) {
      const Clock::WallTime until = must(replicas->find("web"))->at_work->lease_until;
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      clock.advance(Milliseconds(100));
      while (must(replicas->find("web"))->at_work->lease_until == until && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    }
  };
  EXPECT_EQ(must(worker.work("web", nullptr, {}))->look.outcome, LookOutcome::Equal);
}

}  // namespace
}  // namespace packferry
