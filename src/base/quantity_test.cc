#include "base/quantity.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(Quantity, ASizeIsANumberWithAUnitOrNone) {
  EXPECT_EQ(must(parse_size("4096")), 4096u);
  EXPECT_EQ(must(parse_size("1K")), 1024u);
  EXPECT_EQ(must(parse_size("500M")), 500u * 1024 * 1024);
  EXPECT_EQ(must(parse_size("2G")), std::uint64_t{2} << 30);
  for (const char* wrong :
       {"", "M", "0", "0M", "-1", "+1", "1T", "1MB", "1 M", "1m", "99999999999999999999", "18000000000G"})
    EXPECT_FAILS(parse_size(wrong), ErrorKind::Invalid, "500M and 2G are");
}

TEST(Quantity, ALengthOfTimeHasAUnit) {
  using namespace std::chrono_literals;
  EXPECT_EQ(must(parse_duration("90s")), 90s);
  EXPECT_EQ(must(parse_duration("30m")), 30min);
  EXPECT_EQ(must(parse_duration("0h")), 0h);
  EXPECT_EQ(must(parse_duration("24h")), 24h);
  EXPECT_EQ(must(parse_duration("30d")), 720h);
  EXPECT_EQ(must(parse_duration("99999w")), std::chrono::weeks(99'999));
  for (const char* wrong :
       {"", "h", "24", "24H", "24 h", "-1h", "+1h", "1h30m", "100000h", "1.5h", "99999999999h", "-0h"})
    EXPECT_FAILS(parse_duration(wrong), ErrorKind::Invalid, "12h");
}

}  // namespace
}  // namespace packferry
