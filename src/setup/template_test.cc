#include "setup/template.h"

#include <gmock/gmock.h>

#include "testing/must.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using testing::must;

TEST(Template, FillsItsGaps) {
  EXPECT_EQ(must(fill_template("a: '@{x}', '@{y}' ${z}\n", {.words = {{"x", "1"}, {"y", "2"}}})), "a: '1', '2' ${z}\n");
  EXPECT_EQ(must(fill_template("@{x}@{x}", {.words = {{"x", "1"}}})), "11\n");
}

TEST(Template, ABlockIsIndentedAsItsGap) {
  EXPECT_EQ(must(fill_template("a:\n  @{b}\nc\n", {.blocks = {{"b", "x:\n\n  y\n"}}})), "a:\n  x:\n\n    y\nc\n");
  EXPECT_EQ(must(fill_template("a:\n  @{b}\nc\n", {.blocks = {{"b", ""}}})), "a:\nc\n");
}

TEST(Template, UnknownAndUnusedNamesAreRefused) {
  EXPECT_THAT(fill_template("@{x}", {}).error().message(), HasSubstr("gap 'x'"));
  EXPECT_THAT(fill_template("", {.words = {{"x", "1"}}}).error().message(), HasSubstr("no gap 'x'"));
  EXPECT_THAT(fill_template("", {.blocks = {{"x", ""}}}).error().message(), HasSubstr("no gap 'x'"));
  EXPECT_THAT(fill_template("a @{x} b", {.blocks = {{"x", "1"}}}).error().message(), HasSubstr("gap 'x'"));
  EXPECT_THAT(fill_template("@{x", {.words = {{"x", "1"}}}).error().message(), HasSubstr("not closed"));
}

TEST(Template, AValueCannotBreakOut) {
  for (const char* value :
       {"it's", "\"", "$HOME", "${AWS::Region}", "`id`", "a\\b", "a\nb", "a\tb", "\x7f", "\xff", "\xe2\x80\xae"})
    EXPECT_THAT(fill_template("'@{x}'", {.words = {{"x", value}}}).error().message(), HasSubstr("holds")) << value;
  EXPECT_TRUE(is_inert("cron(0 3 * * ? *) ä@{x}"));
}

TEST(Template, AFilledGapIsNotLookedAtAgain) {
  EXPECT_EQ(must(fill_template("@{x} @{y}", {.words = {{"x", "@{y}"}, {"y", "2"}}})), "@{y} 2\n");
}

}  // namespace
}  // namespace packferry
