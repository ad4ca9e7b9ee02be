#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return Error(ErrorKind::Invalid, "'{}' is no digit", c);
  return c - '0';
}

Result<int> sum_of(char a, char b) {
  return TRY(parse_digit(a))
  +TRY(parse_digit(b).context("second"));
}

Result<> is_digit(char c) {
  TRY(parse_digit(c));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> value = parse_digit('7');
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
  EXPECT_FAILS(parse_digit('x'), ErrorKind::Invalid, "'x' is no digit");
}

TEST(Result, ReturnsEarlyFromTry) {
  EXPECT_EQ(must(sum_of('1', '2')), 3);
  EXPECT_FAILS(sum_of('x', '2'), ErrorKind::Invalid, "'x' is no digit");
  EXPECT_TRUE(is_digit('1'));
  EXPECT_FALSE(is_digit('x'));
}

TEST(Result, ReadsItsContextFromTheOutsideIn) {
  const Result<int> result = parse_digit('x').context("line {}", 3).context("file '{}'", "a");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "file 'a': line 3: 'x' is no digit");
  EXPECT_EQ(result.error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(*parse_digit('7').context("unused"), 7);
}

TEST(Result, KeepsItsContextWhenTheMessageIsLong) {
  // Longer than a std::string holds in itself: a message that had been freed would show.
  const std::string cause(1000, 'c');
  const Result<> result = Result<>(Error(ErrorKind::Corrupt, "{}", cause)).context("outside");
  EXPECT_EQ(result.error().message(), "outside: " + cause);
}

TEST(Result, CarriesWhatCanOnlyBeMoved) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  const auto pass_on = [&]() -> Result<std::unique_ptr<int>> { return TRY(make().context("made")); };
  EXPECT_EQ(*must(pass_on()), 5);
}

TEST(Result, TakesWhatConvertsToItsType) {
  const Result<std::string> text = "literal";
  EXPECT_EQ(*text, "literal");
  const Result<std::optional<int>> nothing = std::nullopt;
  EXPECT_EQ(*nothing, std::nullopt);
}

TEST(Error, KeepsTheDelayItWasAskedForThroughContext) {
  const Error error =
      Error(ErrorKind::Throttled, "slow down").retry_after(std::chrono::seconds(7)).context("push to '{}'", "b");
  EXPECT_EQ(error.retry_after(), std::chrono::seconds(7));
  EXPECT_EQ(error.message(), "push to 'b': slow down");
  EXPECT_EQ(Error(ErrorKind::Throttled, "x").retry_after(), std::nullopt);
}

TEST(Error, KindsAreWordsOfTheReports) {
  const struct {
    ErrorKind kind;
    const char* word;
  } cases[] = {
      {ErrorKind::NotFound, "not-found"},  {ErrorKind::Unsupported, "unsupported"}, {ErrorKind::Denied, "denied"},
      {ErrorKind::Invalid, "invalid"},     {ErrorKind::Rejected, "rejected"},       {ErrorKind::Conflict, "conflict"},
      {ErrorKind::Throttled, "throttled"}, {ErrorKind::Unavailable, "unavailable"}, {ErrorKind::Corrupt, "corrupt"},
      {ErrorKind::Exhausted, "exhausted"}, {ErrorKind::Cancelled, "cancelled"},
  };
  for (const auto& c : cases) EXPECT_EQ(to_string(c.kind), c.word);
}

TEST(ResultDeathTest, AskingForWhatIsNotThereIsABug) {
  const Result<int> failed = parse_digit('x');
  const Result<int> fine = parse_digit('7');
  EXPECT_DEATH(static_cast<void>(failed.value()), "broken invariant, please report it: has_value()");
  EXPECT_DEATH(static_cast<void>(fine.error()), "broken invariant, please report it: !has_value()");
}

}  // namespace
}  // namespace packferry
