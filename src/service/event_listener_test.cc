#include "service/event_listener.h"

#include <gtest/gtest.h>

#include <deque>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr const char* kPush = R"({"id": "e-1", "detail-type": "CodeCommit Repository State Change",
  "source": "aws.codecommit", "account": "111122223333", "time": "2026-11-22T10:00:00Z", "region": "eu-central-1",
  "resources": ["arn:aws:codecommit:eu-central-1:111122223333:web"],
  "detail": {"event": "referenceUpdated", "repositoryName": "web"}})";
constexpr const char* kComment = R"({"id": "e-2", "detail-type": "CodeCommit Comment on Commit",
  "source": "aws.codecommit", "account": "111122223333", "region": "eu-central-1", "resources": [],
  "detail": {"event": "commentOnCommitCreated", "repositoryName": "web"}})";

class FakeQueue final : public MessageQueue {
 public:
  std::string name() const override { return "queue"; }
  Result<std::vector<QueueMessage>> receive(std::stop_token stop) override {
    if (stop.stop_requested()) return Error(ErrorKind::Cancelled, "stopped");
    if (!failures.empty()) {
      const Error error = failures.front();
      failures.pop_front();
      return error;
    }
    return shown;
  }
  Result<> remove(const std::vector<QueueMessage>& messages, std::stop_token) override {
    for (const QueueMessage& message : messages) removed.push_back(message.receipt);
    if (on_removed) on_removed();
    return {};
  }

  std::vector<QueueMessage> shown;
  std::deque<Error> failures;
  std::vector<std::string> removed;
  std::function<void()> on_removed;
};

class EventListenerTest : public ::testing::Test {
 protected:
  EventListener::Trigger trigger = [this](const CodeCommitEvent& event) -> Result<std::size_t> {
    if (error) return Error(*error);
    triggered.push_back(event.repository);
    return 1;
  };
  FakeClock clock;
  NullLog log;
  FakeQueue queue;
  std::vector<std::string> triggered;
  std::optional<Error> error;
};

TEST_F(EventListenerTest, APushTriggersAndIsRemoved) {
  queue.shown = {{"r1", kPush}, {"r2", kComment}, {"r3", "hello"}};
  EXPECT_EQ(must(EventListener(queue, trigger, clock, log).listen_once({})), 2u);
  EXPECT_EQ(triggered, (std::vector<std::string>{"web"}));
  EXPECT_EQ(queue.removed, (std::vector<std::string>{"r1", "r2"})) << "what nobody understands stays";
}

TEST_F(EventListenerTest, WhatCouldNotBeRememberedComesAgain) {
  queue.shown = {{"r1", kPush}};
  error = Error(ErrorKind::Unavailable, "the catalogue is locked");
  EXPECT_EQ(EventListener(queue, trigger, clock, log).listen_once({}).error().kind(), ErrorKind::Unavailable);
  EXPECT_TRUE(queue.removed.empty());
}

TEST_F(EventListenerTest, GoesOnThroughFailuresUntilItIsStopped) {
  std::stop_source stop;
  queue.shown = {{"r1", kPush}};
  queue.failures = {Error(ErrorKind::Unavailable, "cut"), Error(ErrorKind::Denied, "no")};
  queue.on_removed = [&] { stop.request_stop(); };
  const auto began = clock.now();
  EventListener(queue, trigger, clock, log).run(stop.get_token());
  EXPECT_EQ(triggered.size(), 1u);
  EXPECT_GT(clock.now(), began) << "it waited in between";
}

}  // namespace
}  // namespace packferry
