#include "service/alarms.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace packferry {
namespace {

constexpr Milliseconds kMinute{60'000};

Trouble lag(Severity severity = Severity::Warning) {
  return {.subject = "replica web", .kind = "lag", .severity = severity, .summary = "40 minutes behind", .remedy = ""};
}

class Alarms : public ::testing::Test {
 protected:
  // "raised replica web/lag, over …"
  std::string look(const std::vector<Trouble>& present) {
    std::string said;
    for (const Notice& notice : book.look(present, clock.now()))
      said += std::string(said.empty() ? "" : ", ") + std::string(to_string(notice.kind)) + " " +
              notice.alarm.trouble.subject + "/" + notice.alarm.trouble.kind;
    return said;
  }
  std::string look_after(Milliseconds pause, const std::vector<Trouble>& present) {
    clock.advance(pause);
    return look(present);
  }

  FakeClock clock;
  AlarmBook book{{.raise_after = 2 * kMinute, .over_after = 5 * kMinute, .say_again = 60 * kMinute}};
};

TEST_F(Alarms, WhatStaysIsSaidOnceAndItsEndIsSaid) {
  EXPECT_EQ(look({lag()}), "");
  EXPECT_EQ(look_after(kMinute, {lag()}), "");
  EXPECT_EQ(look_after(kMinute, {lag()}), "raised replica web/lag");
  EXPECT_EQ(look_after(kMinute, {lag()}), "");
  EXPECT_EQ(look_after(kMinute, {}), "");
  EXPECT_EQ(look_after(4 * kMinute, {}), "");
  EXPECT_EQ(look_after(kMinute, {}), "over replica web/lag");
  EXPECT_EQ(look_after(kMinute, {}), "");
  EXPECT_TRUE(book.open().empty());
}

TEST_F(Alarms, WhatComesAndGoesDoesNotRingEachTime) {
  look({lag()});
  EXPECT_EQ(look_after(2 * kMinute, {lag()}), "raised replica web/lag");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(look_after(3 * kMinute, {}), "");
    EXPECT_EQ(look_after(3 * kMinute, {lag()}), "");
  }
  EXPECT_EQ(book.open().size(), 1u);
}

TEST_F(Alarms, AShortTroubleIsNeverHeardOf) {
  look({lag()});
  EXPECT_EQ(look_after(kMinute, {}), "");
  EXPECT_TRUE(book.open().empty());
  EXPECT_EQ(look_after(10 * kMinute, {lag()}), "") << "it begins anew";
}

TEST_F(Alarms, WhatLastsIsSaidAgainAndWhatGetsWorseAtOnce) {
  look({lag()});
  look_after(2 * kMinute, {lag()});
  EXPECT_EQ(look_after(59 * kMinute, {lag()}), "");
  EXPECT_EQ(look_after(kMinute, {lag()}), "still-there replica web/lag");
  EXPECT_EQ(look_after(kMinute, {lag(Severity::Critical)}), "worse replica web/lag");
  EXPECT_EQ(look_after(kMinute, {lag()}), "") << "better is not well";
}

TEST_F(Alarms, EachSubjectAndKindIsATroubleOfItsOwn) {
  Trouble held = lag();
  held.kind = "held";
  Trouble other = lag();
  other.subject = "replica api";
  look({lag(), held, other});
  EXPECT_EQ(look_after(2 * kMinute, {lag(), held, other}),
            "raised replica api/lag, raised replica web/held, raised replica web/lag");
}

TEST_F(Alarms, ABookGoesOnWhereAnotherEnded) {
  look({lag()});
  look_after(2 * kMinute, {lag()});
  const std::vector<Alarm> known = book.open();
  book = AlarmBook({.over_after = 5 * kMinute});
  book.recall(known);
  EXPECT_EQ(look_after(kMinute, {lag()}), "") << "it has been said";
  look_after(kMinute, {});
  EXPECT_EQ(look_after(5 * kMinute, {}), "over replica web/lag");
}

TEST_F(Alarms, WhatABookFoundBeforeItCouldRecallIsTheSameTrouble) {
  look({lag()});
  look_after(2 * kMinute, {lag()});
  const std::vector<Alarm> known = book.open();
  book = AlarmBook({.raise_after = 2 * kMinute, .over_after = 5 * kMinute});
  look_after(kMinute, {lag(Severity::Critical)});
  book.recall(known);
  ASSERT_EQ(book.open().size(), 1u);
  EXPECT_EQ(book.open().front().trouble.severity, Severity::Critical) << "as it was last seen";
  EXPECT_EQ(look_after(kMinute, {lag(Severity::Critical)}), "") << "it has been said";
  look_after(kMinute, {});
  EXPECT_EQ(look_after(5 * kMinute, {}), "over replica web/lag") << "and so its end is, too";
}

TEST_F(Alarms, AClockThatWasPutBackRaisesAndEndsNothing) {
  look({lag()});
  clock.advance(-60 * kMinute);
  EXPECT_EQ(look({lag()}), "");
  EXPECT_EQ(look_after(2 * kMinute, {lag()}), "raised replica web/lag");
  look_after(kMinute, {});
  clock.advance(-60 * kMinute);
  EXPECT_EQ(look({}), "");
  EXPECT_EQ(look_after(5 * kMinute, {}), "over replica web/lag");
}

std::vector<Notice> lags(std::size_t count) {
  std::vector<Notice> notices;
  for (std::size_t i = 0; i < count; ++i) {
    notices.push_back({.kind = Notice::Kind::Raised, .alarm = {.trouble = lag(), .since = Clock::WallTime(kMinute)}});
    notices.back().alarm.trouble.subject = "replica " + std::to_string(i);
  }
  return notices;
}

TEST(GatheredAlarms, FewAreSaidOneByOne) { EXPECT_EQ(gathered(lags(10), 10).size(), 10u); }

TEST(GatheredAlarms, ManyThatAreAlikeAreOne) {
  std::vector<Notice> notices = lags(11);
  notices[7].alarm.trouble.severity = Severity::Critical;
  notices[7].alarm.since = Clock::WallTime{};
  Notice held = notices[3];
  held.alarm.trouble.kind = "held";
  notices.insert(notices.begin(), held);
  const std::vector<Notice> few = gathered(notices, 10);
  ASSERT_EQ(few.size(), 2u);
  EXPECT_EQ(few[0].alarm, held.alarm);
  EXPECT_EQ(few[1].kind, Notice::Kind::Raised);
  const Alarm& many = few[1].alarm;
  EXPECT_EQ(many.trouble.subject, "11 replicas");
  EXPECT_EQ(many.trouble.kind, "lag");
  EXPECT_EQ(many.trouble.severity, Severity::Critical);
  EXPECT_EQ(many.trouble.summary, "replica 0, replica 1, replica 2, …; the first: 40 minutes behind");
  EXPECT_EQ(many.since, Clock::WallTime{});
}

TEST(GatheredAlarms, WhatIsOverIsNotWhatBegins) {
  std::vector<Notice> notices = lags(12);
  for (std::size_t i = 0; i < 6; ++i) notices[i].kind = Notice::Kind::Over;
  EXPECT_EQ(gathered(notices, 10).size(), 12u);
}

}  // namespace
}  // namespace packferry
