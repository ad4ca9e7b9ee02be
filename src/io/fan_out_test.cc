#include "io/fan_out.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr Patience kPatient{.stall_ms = Milliseconds(600'000)};
constexpr Patience kHasty{.stall_ms = Milliseconds(1)};

// What a test sees of a lane's end, and how it holds the lane up: everything waits for something that happens.
class Probe {
 public:
  std::unique_ptr<Writer> writer() { return std::make_unique<End>(*this); }

  // Before the writing starts.
  void fail_write(std::size_t number) { failing_write_ = number; }
  void fail_finish() { finish_fails_ = true; }
  void hold() { set(held_, true); }
  void release() { set(held_, false); }

  void await_writes(std::size_t count) {
    wait([=, this] { return writes_ >= count; });
  }
  void await_call() {
    wait([this] { return inside_; });
  }
  void await_end() {
    wait([this] { return destroyed_.has_value(); });
  }

  std::string text() { return get(text_); }
  bool finished() { return get(finished_); }
  bool destroyed() { return get(destroyed_).has_value(); }
  std::optional<std::thread::id> destroyed_on() { return get(destroyed_); }

 private:
  class End final : public Writer {
   public:
    explicit End(Probe& probe) : probe_(probe) {}
    ~End() override { probe_.set(probe_.destroyed_, std::optional(std::this_thread::get_id())); }
    Result<> write(std::span<const std::byte> bytes) override { return probe_.write(bytes); }
    Result<> finish() override { return probe_.finish(); }

   private:
    Probe& probe_;
  };

  Result<> write(std::span<const std::byte> bytes) {
    std::unique_lock lock(mutex_);
    pass_gate(lock);
    if (failing_write_ == writes_) return Error(ErrorKind::Unavailable, "lane broke at write {}", writes_);
    text_ += as_text(bytes);
    ++writes_;
    changed_.notify_all();
    return {};
  }
  Result<> finish() {
    std::unique_lock lock(mutex_);
    pass_gate(lock);
    if (finish_fails_) return Error(ErrorKind::Rejected, "lane refused");
    finished_ = true;
    return {};
  }
  void pass_gate(std::unique_lock<std::mutex>& lock) {
    inside_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    inside_ = false;
  }

  template <typename Predicate>
  void wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, predicate);
  }
  template <typename T>
  T get(const T& member) {
    const std::lock_guard lock(mutex_);
    return member;
  }
  template <typename T>
  void set(T& member, T value) {
    const std::lock_guard lock(mutex_);
    member = std::move(value);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::size_t writes_ = 0;
  std::optional<std::size_t> failing_write_;
  bool finish_fails_ = false;
  bool held_ = false;
  bool inside_ = false;
  bool finished_ = false;
  std::optional<std::thread::id> destroyed_;
};

class FanOutTest : public ::testing::Test {
 protected:
  FanOut& open(std::vector<Probe*> probes, Patience patience = kPatient) {
    std::vector<std::unique_ptr<Writer>> lanes;
    for (Probe* probe : probes) lanes.push_back(probe->writer());
    return fan_out.emplace(std::move(lanes), patience, source.get_token());
  }
  // As much as one lane can have taken over: what its queue holds, and the block in its hands.
  void fill(FanOut& out, Probe& held) {
    must(out.write(as_bytes("x")));
    held.await_call();
    for (std::size_t i = 0; i < FanOut::kQueueBlocks; ++i) must(out.write(as_bytes("x")));
  }
  Probe east;
  Probe west;
  Probe north;
  std::stop_source source;
  std::optional<FanOut> fan_out;
};

TEST_F(FanOutTest, GivesEveryLaneEverything) {
  FanOut& out = open({&east, &west, &north});
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(i) + " ";
    must(out.write(as_bytes(text)));
    all += text;
  }
  must(out.finish());
  for (Probe* probe : {&east, &west, &north}) {
    EXPECT_EQ(probe->text(), all);
    EXPECT_TRUE(probe->finished());
  }
  for (std::size_t lane = 0; lane < 3; ++lane) EXPECT_TRUE(out.outcome(lane));
}

TEST_F(FanOutTest, CutsLargeWritesIntoBlocks) {
  FanOut& out = open({&east, &west});
  const std::string text(2 * kBlockBytes + 1, 'x');
  must(out.write(as_bytes(text)));
  must(out.write({}));
  must(out.finish());
  EXPECT_EQ(east.text(), text);
  EXPECT_NO_FATAL_FAILURE(west.await_writes(3));
}

TEST_F(FanOutTest, DropsALaneThatBreaksAndGoesOn) {
  west.fail_write(2);
  FanOut& out = open({&east, &west, &north});
  for (int i = 0; i < 50; ++i) must(out.write(as_bytes("x")));
  must(out.finish());
  EXPECT_EQ(east.text(), std::string(50, 'x'));
  EXPECT_EQ(north.text(), std::string(50, 'x'));
  EXPECT_FAILS(Result<>(out.outcome(1)), ErrorKind::Unavailable, "lane broke at write 2");
  EXPECT_TRUE(out.outcome(0));
  EXPECT_FALSE(west.finished());
}

TEST_F(FanOutTest, AbandonsABrokenLaneAtOnce) {
  west.fail_write(0);
  FanOut& out = open({&east, &west});
  must(out.write(as_bytes("x")));
  west.await_end();
  EXPECT_FALSE(east.destroyed());
  must(out.finish());
}

TEST_F(FanOutTest, FailsWithTheFirstLanesErrorWhenNoneIsLeft) {
  east.fail_write(1);
  west.fail_write(0);
  FanOut& out = open({&east, &west});
  must(out.write(as_bytes("x")));
  west.await_end();
  east.await_writes(1);
  Result<> last = {};
  while (last) last = out.write(as_bytes("x"));
  EXPECT_FAILS(last, ErrorKind::Unavailable, "lane broke at write 1");
  EXPECT_FAILS(out.write(as_bytes("x")), ErrorKind::Unavailable, "lane broke at write 1");
  EXPECT_FAILS(Result<>(out.outcome(1)), ErrorKind::Unavailable, "lane broke at write 0");
}

TEST_F(FanOutTest, SucceedsAsLongAsOneLaneFinishes) {
  east.fail_finish();
  FanOut& out = open({&east, &west});
  must(out.write(as_bytes("x")));
  must(out.finish());
  EXPECT_FAILS(Result<>(out.outcome(0)), ErrorKind::Rejected, "lane refused");
  EXPECT_TRUE(out.outcome(1));
}

TEST_F(FanOutTest, FailsWhenNoLaneFinishes) {
  east.fail_finish();
  west.fail_write(0);
  FanOut& out = open({&east, &west});
  must(out.write(as_bytes("x")));
  EXPECT_FAILS(out.finish(), ErrorKind::Rejected, "lane refused");
}

TEST_F(FanOutTest, FinishesItsLanesAtTheSameTime) {
  east.hold();
  west.hold();
  FanOut& out = open({&east, &west});
  const std::jthread releaser([&] {
    // One after the other would leave the second waiting outside for ever.
    east.await_call();
    west.await_call();
    east.release();
    west.release();
  });
  must(out.finish());
  EXPECT_TRUE(east.finished() && west.finished());
}

TEST_F(FanOutTest, LetsAFastLaneRunAheadOfASlowOne) {
  east.hold();
  FanOut& out = open({&east, &west});
  fill(out, east);
  west.await_writes(FanOut::kQueueBlocks + 1);
  EXPECT_EQ(east.text(), "");
  east.release();
  must(out.finish());
  EXPECT_EQ(east.text(), west.text());
}

TEST_F(FanOutTest, WaitsForASlowLaneWhoseQueueIsFull) {
  east.hold();
  FanOut& out = open({&east, &west});
  fill(out, east);
  west.await_writes(FanOut::kQueueBlocks + 1);
  std::jthread writer([&] { must(out.write(as_bytes("y"))); });
  EXPECT_EQ(west.text(), std::string(FanOut::kQueueBlocks + 1, 'x'));
  east.release();
  writer.join();
  must(out.finish());
  EXPECT_EQ(east.text(), std::string(FanOut::kQueueBlocks + 1, 'x') + "y");
}

TEST_F(FanOutTest, GivesUpALaneThatTakesNothing) {
  east.hold();
  FanOut& out = open({&east, &west}, kHasty);
  must(out.write(as_bytes("x")));
  east.await_call();
  // West has always room, so that only east can be found stalled, however slow this machine is.
  for (std::size_t i = 1; i < FanOut::kQueueBlocks + 3; ++i) {
    must(out.write(as_bytes("x")));
    west.await_writes(i + 1);
  }
  must(out.finish());
  EXPECT_FAILS(Result<>(out.outcome(0)), ErrorKind::Unavailable, "took nothing for 1 ms");
  EXPECT_EQ(west.text(), std::string(FanOut::kQueueBlocks + 3, 'x'));
  EXPECT_TRUE(west.finished());

  // Its late success changes nothing: it is abandoned, not finished.
  east.release();
  fan_out.reset();
  EXPECT_EQ(east.text(), "x");
  EXPECT_FALSE(east.finished());
}

TEST_F(FanOutTest, KeepsWhatItSaidOfALaneThatBreaksLater) {
  east.hold();
  east.fail_write(0);
  FanOut& out = open({&east, &west}, kHasty);
  must(out.write(as_bytes("x")));
  east.await_call();
  for (std::size_t i = 1; i < FanOut::kQueueBlocks + 3; ++i) {
    must(out.write(as_bytes("x")));
    west.await_writes(i + 1);
  }
  const Result<>& said = out.outcome(0);
  EXPECT_FAILS(Result<>(said), ErrorKind::Unavailable, "took nothing");
  east.release();
  east.await_end();
  must(out.finish());
  EXPECT_FAILS(Result<>(said), ErrorKind::Unavailable, "took nothing");
}

TEST_F(FanOutTest, IsCancelledWhileItWaitsForALane) {
  east.hold();
  FanOut& out = open({&east, &west});
  fill(out, east);
  const std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FAILS(out.write(as_bytes("y")), ErrorKind::Cancelled, "asked to stop");
  EXPECT_FAILS(Result<>(out.outcome(0)), ErrorKind::Cancelled, "not finished");
  EXPECT_FAILS(Result<>(out.outcome(1)), ErrorKind::Cancelled, "not finished");
  east.release();
  fan_out.reset();
  EXPECT_FALSE(east.finished() || west.finished());
}

TEST_F(FanOutTest, AbandonsAtAStopWhatIsNotYetFinishing) {
  east.hold();
  FanOut& out = open({&east, &west});
  must(out.write(as_bytes("x")));
  east.await_call();
  west.await_writes(1);
  west.hold();
  std::jthread stopper([&] {
    west.await_call();  // in its finish()
    source.request_stop();
    west.release();
  });
  must(out.finish());
  EXPECT_FAILS(Result<>(out.outcome(0)), ErrorKind::Cancelled, "not finished");
  EXPECT_TRUE(out.outcome(1));
  east.release();
  fan_out.reset();
  EXPECT_FALSE(east.finished());
}

TEST_F(FanOutTest, AbandonsUnfinishedLanesOnTheirOwnThreads) {
  FanOut& out = open({&east, &west});
  must(out.write(as_bytes("x")));
  fan_out.reset();
  for (Probe* probe : {&east, &west}) {
    EXPECT_TRUE(probe->destroyed());
    EXPECT_NE(probe->destroyed_on(), std::this_thread::get_id());
    EXPECT_FALSE(probe->finished());
  }
}

TEST_F(FanOutTest, WritesASingleLaneDirectly) {
  FanOut& out = open({&east});
  must(out.write(as_bytes("x")));
  EXPECT_EQ(east.text(), "x");
  must(out.finish());
  EXPECT_TRUE(east.finished());
  EXPECT_TRUE(out.outcome(0));
  fan_out.reset();
  EXPECT_EQ(east.destroyed_on(), std::this_thread::get_id());
}

TEST_F(FanOutTest, RemembersHowItsSingleLaneBroke) {
  east.fail_write(0);
  FanOut& out = open({&east});
  EXPECT_FAILS(out.write(as_bytes("x")), ErrorKind::Unavailable, "lane broke");
  EXPECT_TRUE(east.destroyed());
  EXPECT_FAILS(out.write(as_bytes("x")), ErrorKind::Unavailable, "lane broke");
  EXPECT_FAILS(out.finish(), ErrorKind::Unavailable, "lane broke");
  EXPECT_FAILS(Result<>(out.outcome(0)), ErrorKind::Unavailable, "lane broke");
}

TEST_F(FanOutTest, ReportsASingleLaneThatWasNeverFinishedAsCancelled) {
  FanOut& out = open({&east});
  EXPECT_FAILS(Result<>(out.outcome(0)), ErrorKind::Cancelled, "not finished");
  fan_out.reset();
  EXPECT_FALSE(east.finished());
}

}  // namespace
}  // namespace packferry
