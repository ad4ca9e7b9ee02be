#include "service/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

namespace packferry {
namespace {

const Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};
constexpr Milliseconds kSecond{1'000}, kMinute{60'000}, kHour{3'600'000};

using Names = std::vector<std::string>;

DueLook look(const std::string& replica, const std::string& source, const std::string& destination, int rank = 0) {
  return {.replica = replica,
          .source_host = source,
          .destination_host = destination,
          .due_at = kNow,
          .rank_at = kNow + kSecond * rank};
}

HostGates as_wide_as(std::size_t width) {
  return HostGates([width](const std::string&) { return width; });
}

class SchedulerTest : public ::testing::Test {
 protected:
  Names begun() const { return schedule(input, gates).begin; }

  HostGates gates = as_wide_as(2);
  SchedulerInput input{.now = kNow, .free_workers = 10};
};

TEST_F(SchedulerTest, BeginsWhatIsDueInItsOrder) {
  gates = as_wide_as(10);
  input.due = {look("c", "gitlab", "aws", 1), look("a", "gitlab", "aws", 2), look("b", "gitlab", "aws", 3)};
  EXPECT_EQ(begun(), (Names{"c", "a", "b"}));
}

TEST_F(SchedulerTest, BeginsNoMoreThanThereAreWorkers) {
  input.due = {look("a", "gitlab", "aws"), look("b", "gitlab", "aws")};
  input.free_workers = 1;
  EXPECT_EQ(begun(), Names{"a"});
  input.free_workers = 0;
  EXPECT_EQ(begun(), Names{});
}

TEST_F(SchedulerTest, NoHostHasMoreAtWorkThanItsGateLetsIn) {
  input.due = {look("a", "gitlab", "aws"), look("b", "gitlab", "aws"), look("c", "gitlab", "aws")};
  EXPECT_EQ(begun(), (Names{"a", "b"}));
  input.load = {{.source_host = "aws", .destination_host = "forge", .at_work = 1}};
  EXPECT_EQ(begun(), Names{"a"}) << "as source and destination together";
  input.load[0].at_work = 2;
  EXPECT_EQ(begun(), Names{});
}

TEST_F(SchedulerTest, AHostThatIsBothSidesCountsOnce) {
  input.due = {look("a", "gitlab", "gitlab"), look("b", "gitlab", "gitlab"), look("c", "gitlab", "gitlab")};
  EXPECT_EQ(begun(), (Names{"a", "b"}));
}

TEST_F(SchedulerTest, HostsTakeTurns) {
  gates = as_wide_as(100);
  for (int i = 0; i < 5; ++i) input.due.push_back(look("many-" + std::to_string(i), "gitlab", "aws", i));
  input.due.push_back(look("few-0", "gitlab", "forge", 100));
  input.due.push_back(look("few-1", "gitlab", "forge", 101));
  input.free_workers = 5;
  EXPECT_EQ(begun(), (Names{"many-0", "few-0", "many-1", "few-1", "many-2"}));
  input.load = {{.source_host = "gitlab", .destination_host = "aws", .at_work = 3}};
  EXPECT_EQ(begun(), (Names{"few-0", "few-1", "many-0", "many-1", "many-2"}));
}

TEST_F(SchedulerTest, AHostThatIsFullHoldsUpNoOther) {
  input.load = {{.source_host = "slow", .destination_host = "slow", .at_work = 2}};
  for (int i = 0; i < 5; ++i) input.due.push_back(look("slow-" + std::to_string(i), "slow", "aws", i));
  input.due.push_back(look("quick", "quick", "aws", 100));
  EXPECT_EQ(begun(), Names{"quick"});
}

TEST_F(SchedulerTest, AHostThatThrottlesIsLeftAloneForAWhile) {
  gates.throttled("aws", kMinute, kNow);
  input.due = {look("a", "gitlab", "aws"), look("b", "gitlab", "forge")};
  const SchedulerStep step = schedule(input, gates);
  EXPECT_EQ(step.begin, Names{"b"});
  EXPECT_EQ(step.ask_again, kNow + kMinute);
  input.now += kMinute;
  EXPECT_EQ(begun(), (Names{"a", "b"}));
}

TEST_F(SchedulerTest, AsksAgainWhenTimeBringsSomething) {
  EXPECT_EQ(schedule(input, gates).ask_again, std::nullopt);
  input.next_event = kNow + kSecond;
  EXPECT_EQ(schedule(input, gates).ask_again, kNow + kSecond);
  gates.throttled("aws", kMinute, kNow);
  input.due = {look("a", "gitlab", "aws")};
  EXPECT_EQ(schedule(input, gates).ask_again, kNow + kSecond);
  input.next_event = kNow + kHour;
  EXPECT_EQ(schedule(input, gates).ask_again, kNow + kMinute);
}

TEST_F(SchedulerTest, ALaneWaitsForTheLaterOfItsTwoHosts) {
  gates.throttled("aws", kMinute, kNow);
  gates.throttled("gitlab", kHour, kNow);
  input.due = {look("a", "gitlab", "aws")};
  EXPECT_EQ(schedule(input, gates).ask_again, kNow + kHour);
}

// --- Gates ---

TEST(HostGatesTest, NarrowByHalfAndWidenByOne) {
  HostGates gates = as_wide_as(8);
  Clock::WallTime now = kNow;
  EXPECT_EQ(gates.width("aws"), 8u);
  gates.throttled("aws", {}, now);
  EXPECT_EQ(gates.width("aws"), 4u);
  gates.throttled("aws", {}, now);
  EXPECT_EQ(gates.width("aws"), 4u) << "said to several at once it is one word";
  for (int i = 0; i < 5; ++i) gates.throttled("aws", {}, now += kHour);
  EXPECT_EQ(gates.width("aws"), 1u) << "and never shut for good";
  gates.succeeded("aws");
  EXPECT_EQ(gates.width("aws"), 2u);
  gates.succeeded("aws");
  EXPECT_EQ(gates.width("aws"), 2u);
  gates.succeeded("aws");
  EXPECT_EQ(gates.width("aws"), 3u);
  for (int i = 0; i < 100; ++i) gates.succeeded("aws");
  EXPECT_EQ(gates.width("aws"), 8u);
  EXPECT_EQ(gates.width("other"), 8u);
}

TEST(HostGatesTest, EachIsAsWideAsItsHostAllows) {
  HostGates gates([](const std::string& host) { return host == "weak" ? 2u : 8u; });
  EXPECT_EQ(gates.width("weak"), 2u);
  gates.throttled("weak", {}, kNow);
  gates.throttled("aws", {}, kNow);
  EXPECT_EQ(gates.width("weak"), 1u);
  EXPECT_EQ(gates.width("aws"), 4u);
  for (int i = 0; i < 100; ++i) {
    gates.succeeded("weak");
    gates.succeeded("aws");
  }
  EXPECT_EQ(gates.width("weak"), 2u);
  EXPECT_EQ(gates.width("aws"), 8u);
}

TEST(HostGatesTest, PauseLongerAndLongerUntilOneSucceeds) {
  HostGates gates = as_wide_as(8);
  const auto pause_at = [&gates](Clock::WallTime now) {
    gates.throttled("aws", {}, now);
    return *gates.closed_until("aws", now) - now;
  };
  EXPECT_LE(pause_at(kNow), kSecond * 5);
  for (int i = 1; i < 10; ++i) pause_at(kNow + kHour * i);
  EXPECT_GE(pause_at(kNow + kHour * 10), kMinute * 7);
  gates.succeeded("aws");
  EXPECT_LE(pause_at(kNow + kHour * 11), kSecond * 5);
}

TEST(HostGatesTest, ACalendarThatIsSetBackOpensThem) {
  HostGates gates = as_wide_as(8);
  gates.throttled("aws", kMinute, kNow);
  EXPECT_EQ(gates.closed_until("aws", kNow - kHour), std::nullopt);
}

// --- When next ---

TEST(RetryDelayTest, GrowsToWhatSuitsTheKindAndNeverEnds) {
  const struct {
    ErrorKind kind;
    Milliseconds first, longest;
  } cases[] = {
      {ErrorKind::Conflict, kSecond, kMinute},
      {ErrorKind::Throttled, kSecond * 5, kMinute * 15},
      {ErrorKind::Unavailable, kSecond * 5, kMinute * 15},
      {ErrorKind::Cancelled, kSecond * 5, kMinute * 15},
      {ErrorKind::Rejected, kMinute, kHour},
      {ErrorKind::Exhausted, kMinute, kHour},
      {ErrorKind::NotFound, kMinute * 5, kHour},
      {ErrorKind::Unsupported, kMinute * 5, kHour},
      {ErrorKind::Denied, kMinute * 5, kHour},
      {ErrorKind::Invalid, kMinute * 5, kHour},
      {ErrorKind::Corrupt, kMinute * 15, kHour * 6},
  };
  for (const auto& c : cases) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      EXPECT_LE(retry_delay(c.kind, 1, {}, seed), c.first) << to_string(c.kind);
      EXPECT_GE(retry_delay(c.kind, 1, {}, seed), c.first / 2) << to_string(c.kind);
      EXPECT_LE(retry_delay(c.kind, std::numeric_limits<unsigned>::max(), {}, seed), c.longest) << to_string(c.kind);
    }
  }
  EXPECT_EQ(retry_delay(ErrorKind::Throttled, 1, kHour * 2, 1), kHour * 2) << "a host that says how long is believed";
}

TEST(NextLookTest, ComesBeforeFreshnessEndsAndNotForAllAtOnce) {
  std::set<Clock::WallTime> times;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Clock::WallTime next = next_look_at(kHour, {}, kNow, kNow + kSecond, seed);
    EXPECT_GE(next, kNow + kMinute * 36);
    EXPECT_LE(next, kNow + kMinute * 48);
    times.insert(next);
  }
  EXPECT_GT(times.size(), 500u);
}

TEST(NextLookTest, ComesWhenTheScheduleSaysSoIfThatIsSooner) {
  EXPECT_EQ(next_look_at(kHour, kNow + kMinute * 5, kNow, kNow, 1), kNow + kMinute * 5);
  EXPECT_LE(next_look_at(kHour, kNow + kHour * 24, kNow, kNow, 1), kNow + kMinute * 48);
}

TEST(NextLookTest, ComesAtOnceWhenTheCalendarWasSetBackMeanwhile) {
  EXPECT_EQ(next_look_at(kHour, {}, kNow + kMinute, kNow, 1), kNow);
}

TEST(NextLookTest, IsNotInThePastOfALookThatTookLong) {
  EXPECT_EQ(next_look_at(kHour, {}, kNow, kNow + kHour * 5, 1), kNow + kHour * 5);
}

}  // namespace
}  // namespace packferry
