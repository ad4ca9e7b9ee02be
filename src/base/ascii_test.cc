#include "base/ascii.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

TEST(Ascii, ChangesTheCaseOfItsLettersAndOfNothingElse) {
  EXPECT_EQ(to_lower("@AZ[`az{ 09 Ä\xff"), "@az[`az{ 09 Ä\xff");
  EXPECT_EQ(to_upper("@AZ[`az{ 09 ä\xff"), "@AZ[`AZ{ 09 ä\xff");
  EXPECT_EQ(to_lower(""), "");
}

}  // namespace
}  // namespace packferry
