#include "cli/amounts.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

TEST(Amounts, GroupsDigitsByThree) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(18'446'744'073'709'551'615u), "18,446,744,073,709,551,615");
}

TEST(Amounts, CountsThings) {
  EXPECT_EQ(counted(0, "ref"), "0 refs");
  EXPECT_EQ(counted(1, "ref"), "1 ref");
  EXPECT_EQ(counted(5590, "ref"), "5,590 refs");
}

TEST(Amounts, ShowsBytesInTheUnitThatFits) {
  EXPECT_EQ(in_bytes(0), "0 B");
  EXPECT_EQ(in_bytes(1'023), "1023 B");
  EXPECT_EQ(in_bytes(1'024), "1.0 KiB");
  EXPECT_EQ(in_bytes(1'048'575), "1.0 MiB");
  EXPECT_EQ(in_bytes(252'000'000), "240.3 MiB");
  EXPECT_EQ(in_bytes(18'446'744'073'709'551'615u), "16777216.0 TiB");
}

TEST(Amounts, ShowsDurationsAsCoarselyAsTheyAreLong) {
  EXPECT_EQ(in_seconds(Milliseconds(0)), "0.00 s");
  EXPECT_EQ(in_seconds(Milliseconds(420)), "0.42 s");
  EXPECT_EQ(in_seconds(Milliseconds(12'345)), "12.3 s");
  EXPECT_EQ(in_seconds(Milliseconds(187'000)), "3 min 07 s");
  EXPECT_EQ(in_seconds(Milliseconds(7'500'000)), "2 h 05 min");
}

TEST(Amounts, HasNoRateWithoutTime) {
  EXPECT_EQ(bytes_a_second(1'024, Milliseconds(0)), "");
  EXPECT_EQ(bytes_a_second(1'024, Milliseconds(500)), "2.0 KiB/s");
}

}  // namespace
}  // namespace packferry
