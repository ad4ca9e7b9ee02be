#include "store/retrying_store.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "store/memory_store.h"
#include "testing/faulty_store.h"
#include "testing/must.h"
#include "testing/object_store_conformance.h"

namespace packferry::testing {
namespace {

// Every request is disturbed, most of them several times, and nobody notices.
struct MakeDisturbed {
  static constexpr StoreTraits kTraits{};
  MakeDisturbed() { faulty_.begin_chaos(1); }
  ObjectStore& store() { return store_; }
  FakeClock clock_;
  MemoryStore memory_{clock_};
  FaultyStore faulty_{memory_};
  RetryingStore store_{faulty_,
                       {.attempts_max = 100, .patience = std::chrono::hours(10'000)},  // thousands of requests
                       clock_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Disturbed, ObjectStoreConformance, MakeDisturbed);

// Breaks off after so many bytes.
class BreakingReader final : public Reader {
 public:
  BreakingReader(std::unique_ptr<Reader> from, std::size_t left) : from_(std::move(from)), left_(left) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    if (left_ == 0) return Error(ErrorKind::Unavailable, "body broke off");
    const std::size_t count = TRY(from_->read(into.first(std::min(into.size(), left_))));
    left_ -= count;
    return count;
  }

 private:
  const std::unique_ptr<Reader> from_;
  std::size_t left_;
};

// A store that answers as it is told, request by request; told nothing, as the store below it.
class ScriptedStore final : public ObjectStore {
 public:
  explicit ScriptedStore(ObjectStore& store) : store_(store) {}
  struct Answer {
    Error error;
    bool done = false;  // before the error
  };
  void answer(Error error, bool done = false) { answers_.push_back({std::move(error), done}); }
  int requests() const { return requests_; }
  void break_bodies_after(std::size_t bytes) { break_bodies_after_ = bytes; }
  std::vector<std::uint64_t> offsets;  // at which objects were opened

  std::string name() const override { return store_.name(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
    return next([&] { return store_.create(key, stop); });
  }
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
    return next([&] { return store_.put_if_absent(key, bytes, stop); });
  }
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override {
    offsets.push_back(offset);
    auto reader = TRY(next([&] { return store_.open(key, offset, stop); }));
    return std::make_unique<BreakingReader>(std::move(reader), break_bodies_after_);
  }
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override {
    return next([&] { return store_.find(key, stop); });
  }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override {
    return next([&] { return store_.list(prefix, stop); });
  }
  Result<> remove(std::string_view key, std::stop_token stop) override {
    return next([&] { return store_.remove(key, stop); });
  }
  Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override {
    return next([&] { return store_.sweep(age, stop); });
  }

 private:
  template <typename Do>
  auto next(const Do& act) -> decltype(act()) {
    ++requests_;
    if (answers_.empty()) return act();
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    if (answer.done) static_cast<void>(act());
    return answer.error;
  }

  ObjectStore& store_;
  std::deque<Answer> answers_;
  int requests_ = 0;
  std::size_t break_bodies_after_ = 1'000'000;
};

Error unavailable() { return Error(ErrorKind::Unavailable, "connection lost"); }
Error throttled() { return Error(ErrorKind::Throttled, "slow down"); }

class RetryingStoreTest : public ::testing::Test {
 protected:
  Milliseconds waited() const { return std::chrono::duration_cast<Milliseconds>(clock.steady() - start); }
  Result<> put(std::string_view text, std::stop_token stop = {}) {
    return store.put_if_absent("a", as_bytes(text), stop);
  }

  FakeClock clock;
  const Clock::SteadyTime start = clock.steady();
  MemoryStore memory{clock};
  ScriptedStore script{memory};
  RetryingStore store{
      script, {.backoff = {.first = Milliseconds(1'000), .longest = Milliseconds(4'000)}, .attempts_max = 5}, clock};
};

TEST_F(RetryingStoreTest, WaitsLongerFromAttemptToAttempt) {
  for (int i = 0; i < 4; ++i) script.answer(i % 2 == 0 ? unavailable() : throttled());
  must(store.find("a", {}));
  EXPECT_EQ(script.requests(), 5);
  EXPECT_GE(waited(), Milliseconds(500 + 1'000 + 2'000 + 2'000));
  EXPECT_LE(waited(), Milliseconds(1'000 + 2'000 + 4'000 + 4'000));
}

TEST_F(RetryingStoreTest, GivesUpAfterItsAttempts) {
  for (int i = 0; i < 9; ++i) script.answer(unavailable());
  EXPECT_FAILS(store.list("", {}), ErrorKind::Unavailable, "tried 5 times: connection lost");
  EXPECT_EQ(script.requests(), 5);
}

TEST_F(RetryingStoreTest, WaitsAsLongAsItIsAskedTo) {
  script.answer(throttled().retry_after(Milliseconds(60'000)));
  must(store.remove("a", {}));
  EXPECT_EQ(waited(), Milliseconds(60'000));
}

TEST_F(RetryingStoreTest, DoesNotWaitLongerThanItsPatience) {
  script.answer(throttled().retry_after(std::chrono::hours(24)));
  const auto found = store.find("a", {});
  EXPECT_FAILS(found, ErrorKind::Throttled, "slow down");
  EXPECT_EQ(found.error().retry_after(), std::chrono::hours(24));
  EXPECT_EQ(waited(), Milliseconds(0));
}

TEST_F(RetryingStoreTest, RepeatsNothingThatWillNotPass) {
  for (const ErrorKind kind :
       {ErrorKind::NotFound, ErrorKind::Unsupported, ErrorKind::Denied, ErrorKind::Invalid, ErrorKind::Rejected,
        ErrorKind::Conflict, ErrorKind::Corrupt, ErrorKind::Exhausted, ErrorKind::Cancelled}) {
    const int before = script.requests();
    script.answer(Error(kind, "so it is"));
    EXPECT_FAILS(store.find("a", {}), kind, "so it is");
    EXPECT_EQ(script.requests(), before + 1);
  }
}

TEST_F(RetryingStoreTest, StopsWaitingWhenToldTo) {
  std::stop_source stop;
  stop.request_stop();
  script.answer(unavailable());
  EXPECT_FAILS(put("x", stop.get_token()), ErrorKind::Cancelled, "stopped before another attempt: connection lost");
  EXPECT_EQ(script.requests(), 1);
}

TEST_F(RetryingStoreTest, RepeatsEveryKindOfRequestButCreate) {
  must(put("x"));
  const std::function<bool()> requests[] = {
      [&] { return put("y").error().kind() == ErrorKind::Conflict; },
      [&] { return store.open("a", 0, {}).has_value(); },
      [&] { return store.find("a", {}).has_value(); },
      [&] { return store.list("", {}).has_value(); },
      [&] { return store.sweep(Milliseconds(0), {}).has_value(); },
      [&] { return store.remove("a", {}).has_value(); },
  };
  for (const auto& request : requests) {
    script.answer(throttled());
    EXPECT_TRUE(request());
  }
  script.answer(unavailable());
  EXPECT_FAILS(store.create("b", {}), ErrorKind::Unavailable, "connection lost");
}

TEST_F(RetryingStoreTest, KnowsItsOwnObjectAfterAnUnansweredPut) {
  script.answer(unavailable(), true);
  must(put("ours"));
  EXPECT_EQ(as_text(must(read_object(memory, "a", 100, {}))), "ours");
}

TEST_F(RetryingStoreTest, DoesNotTakeAnothersObjectForItsOwn) {
  for (const std::string_view theirs : {"them", "ours and more", "our", ""}) {
    must(memory.remove("a", {}));
    must(memory.put_if_absent("a", as_bytes(theirs), {}));
    script.answer(unavailable());
    EXPECT_FAILS(put("ours"), ErrorKind::Conflict, "'a'");
  }
}

TEST_F(RetryingStoreTest, AThrottledPutWasNotCarriedOut) {
  must(memory.put_if_absent("a", as_bytes("ours"), {}));
  script.answer(throttled());
  EXPECT_FAILS(put("ours"), ErrorKind::Conflict, "'a'");
  EXPECT_EQ(script.requests(), 2);
}

TEST_F(RetryingStoreTest, SaysSoWhenItCannotTellWhoseObjectItIs) {
  const Error taken(ErrorKind::Conflict, "taken");
  script.answer(unavailable());
  script.answer(taken);
  for (int i = 0; i < 5; ++i) script.answer(unavailable());
  EXPECT_FAILS(put("ours"), ErrorKind::Unavailable, "an attempt was not answered, and then the key was taken: tried 5");

  for (const ErrorKind kind : {ErrorKind::Denied, ErrorKind::NotFound}) {
    script.answer(unavailable());
    script.answer(taken);
    script.answer(Error(kind, "no"));
    EXPECT_FAILS(put("ours"), ErrorKind::Conflict, "taken");
  }
}

TEST_F(RetryingStoreTest, GoesOnWhereABodyBrokeOff) {
  must(put("0123456789"));
  script.break_bodies_after(3);
  const auto reader = must(store.open("a", 1, {}));
  EXPECT_EQ(as_text(must(read_all(*reader, 100))), "123456789");
  EXPECT_EQ(script.offsets, (std::vector<std::uint64_t>{1, 4, 7, 10}));
}

TEST_F(RetryingStoreTest, GivesUpABodyThatMakesNoHeadway) {
  must(put("0123456789"));
  script.break_bodies_after(0);
  const auto reader = must(store.open("a", 1, {}));
  EXPECT_FAILS(read_all(*reader, 100), ErrorKind::Unavailable, "tried 5 times: body broke off");
  EXPECT_EQ(script.offsets, (std::vector<std::uint64_t>{1, 1, 1, 1, 1}));
}

TEST_F(RetryingStoreTest, ABodyWhoseObjectWentAwayIsNotFound) {
  must(put("0123456789"));
  script.break_bodies_after(3);
  const auto reader = must(store.open("a", 0, {}));
  std::array<std::byte, 3> into;
  must(read_exactly(*reader, into));
  must(memory.remove("a", {}));
  EXPECT_FAILS(reader->read(into), ErrorKind::NotFound, "'a'");
}

}  // namespace
}  // namespace packferry::testing
