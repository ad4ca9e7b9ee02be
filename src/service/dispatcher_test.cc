#include "service/dispatcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "testing/fake_replica_ends.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::FakeReplicaEnds;
using testing::must;
using testing::refs_at;

// Threads are waited for, never timed.
template <typename Predicate>
bool eventually(const Predicate& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!is_so() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(Milliseconds(1));
  return is_so();
}

class Counting final : public DispatchObserver {
 public:
  void on_begin(const DueLook&) override { ++begun; }
  void on_end(const DueLook&, const Looked&, Milliseconds) override { ++ended; }
  void on_trouble(const Error& error) override {
    const std::lock_guard lock(mutex_);
    troubles_.push_back(error.message());
  }
  std::vector<std::string> troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }

  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> troubles_;
};

class DispatcherTest : public ::testing::Test {
 protected:
  void order(const std::string& name, const std::string& host) {
    const std::string here = fmt::format("https://{}/{}", host, name);
    const std::string there = fmt::format("https://mirror.example/{}", name);
    ends.sources[here].holds = refs_at({{"refs/heads/main", 3}});
    ends.destinations.try_emplace(there, there);
    must(replicas->create({.name = name,
                           .source = {.url = here, .host = host},
                           .destination = {.url = there, .host = "mirror.example"},
                           .created_at = clock.now()},
                          "ada", [](const auto&) { return Result<>(); }));
  }
  testing::FakeSource& source(const std::string& name, const std::string& host) {
    return ends.sources.at(fmt::format("https://{}/{}", host, name));
  }
  std::optional<LookOutcome> outcome(const std::string& name) { return must(replicas->find(name))->memory.outcome; }

  // Runs until `is_so`, and until what is at work then has ended.
  template <typename Predicate>
  bool run_until(Dispatcher& dispatcher, const Predicate& is_so) {
    std::jthread thread([&](const std::stop_token& stop) { dispatcher.run(stop, looks.get_token()); });
    return eventually(is_so);
  }

  testing::TempDir dir;
  FakeClock clock;
  FakeReplicaEnds ends;
  std::unique_ptr<Replicas> replicas = must(Replicas::open(dir / "catalogue.db"));
  ReplicaWorker worker{*replicas, ends, {.owner = "test"}, clock};
  Counting seen;
  std::stop_source looks;
};

TEST_F(DispatcherTest, EveryReplicaThatIsDueIsLookedAtOnce) {
  for (int i = 0; i < 20; ++i) order(fmt::format("app-{}", i), "git.example");
  Dispatcher dispatcher(*replicas, worker, {.workers = 4}, clock, &seen);
  EXPECT_TRUE(run_until(dispatcher, [&] { return seen.ended == 20; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(outcome(fmt::format("app-{}", i)), LookOutcome::Equal);
  EXPECT_EQ(seen.ended, 20);
  EXPECT_EQ(must(replicas->depth()).waiting, 0u);
}

TEST_F(DispatcherTest, AHostHasNoMoreAtWorkThanItsWidth) {
  std::atomic<int> at_work = 0;
  std::atomic<int> most = 0;
  for (int i = 0; i < 12; ++i) {
    order(fmt::format("app-{}", i), "git.example");
    source(fmt::format("app-{}", i), "git.example").on_listing = [&] {
      const int now = ++at_work;
      for (int seen_most = most; now > seen_most && !most.compare_exchange_weak(seen_most, now);) {
      }
      std::this_thread::sleep_for(Milliseconds(2));
      --at_work;
    };
  }
  Dispatcher dispatcher(*replicas, worker, {.workers = 8, .host_width = [](const std::string&) { return 3; }}, clock,
                        &seen);
  EXPECT_TRUE(run_until(dispatcher, [&] { return seen.ended == 12; }));
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 1);
}

TEST_F(DispatcherTest, AHostThatThrottlesIsLeftAloneAndTheOthersAreNot) {
  order("busy", "busy.example");
  order("later", "busy.example");
  order("free", "git.example");
  source("busy", "busy.example").listing_error = Error(ErrorKind::Throttled, "429").retry_after(Milliseconds(600'000));
  source("later", "busy.example").listing_error = Error(ErrorKind::Throttled, "429").retry_after(Milliseconds(600'000));
  Dispatcher dispatcher(*replicas, worker, {.workers = 1, .host_width = [](const std::string&) { return 1; }}, clock,
                        &seen);
  EXPECT_TRUE(run_until(dispatcher, [&] { return outcome("free").has_value() && seen.ended == 2; }));
  EXPECT_EQ(outcome("free"), LookOutcome::Equal);
  EXPECT_EQ(seen.ended, 2) << "one question was enough to hear that it is too much";
  EXPECT_TRUE(dispatcher.hosts().at("busy.example").is_closed);
  EXPECT_EQ(dispatcher.hosts().at("busy.example").throttles, 1u);
  EXPECT_FALSE(dispatcher.hosts().at("mirror.example").is_closed) << "it was not even asked";
}

TEST_F(DispatcherTest, WhatIsAtWorkAtAStopComesToItsEnd) {
  order("web", "git.example");
  std::atomic<bool> is_stopped = false;
  source("web", "git.example").on_listing = [&] { eventually([&] { return is_stopped.load(); }); };
  Dispatcher dispatcher(*replicas, worker, {.workers = 2}, clock, &seen);
  std::jthread thread([&](const std::stop_token& stop) { dispatcher.run(stop, looks.get_token()); });
  EXPECT_TRUE(eventually([&] { return seen.begun == 1; }));
  thread.request_stop();
  is_stopped = true;
  thread.join();
  EXPECT_EQ(outcome("web"), LookOutcome::Equal);
}

TEST_F(DispatcherTest, ALookThatIsStoppedGoesBack) {
  order("web", "git.example");
  std::atomic<bool> may_go_on = false;
  source("web", "git.example").on_listing = [&] { eventually([&] { return may_go_on.load(); }); };
  Dispatcher dispatcher(*replicas, worker, {.workers = 1}, clock, &seen);
  std::jthread thread([&](const std::stop_token& stop) { dispatcher.run(stop, looks.get_token()); });
  EXPECT_TRUE(eventually([&] { return seen.begun == 1; }));
  source("web", "git.example").listing_error = Error(ErrorKind::Cancelled, "stopped");
  thread.request_stop();
  looks.request_stop();
  may_go_on = true;
  thread.join();
  EXPECT_EQ(seen.ended, 0);
  EXPECT_TRUE(must(replicas->find("web"))->waiting) << "somebody else may begin it at once";
  EXPECT_TRUE(seen.troubles().empty()) << seen.troubles().front();
}

TEST_F(DispatcherTest, WhatGoesWrongIsToldAndTriedAgain) {
  order("web", "git.example");
  testing::FakeSource& web = source("web", "git.example");
  web.on_listing = [&] {
    web.on_listing = nullptr;
    clock.advance(Milliseconds(10 * 60'000));
    must(replicas->wake(clock.now()));
    const std::optional<Lease> lease = must(replicas->take("web", "another", Milliseconds(300), clock));
    ASSERT_TRUE(lease);
    must(replicas->give_back(*lease, clock.now()));
  };
  Dispatcher dispatcher(*replicas, worker, {.workers = 1}, clock, &seen);
  EXPECT_TRUE(run_until(dispatcher, [&] { return seen.ended == 1; }));
  ASSERT_EQ(seen.troubles().size(), 1u) << "its lease was another's meanwhile";
  EXPECT_EQ(outcome("web"), LookOutcome::Equal);
}

}  // namespace
}  // namespace packferry
