#include "base/printable.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

TEST(Printable, LeavesOrdinaryTextAlone) {
  for (const char* text : {"", "refs/heads/main", "größer", "日本語", "👍", "back\\slash"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, ShowsControlCharacters) {
  const struct {
    std::string_view text;
    const char* shown;
  } cases[] = {
      {"\x1b[2J", "\\x1b[2J"},
      {"a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"},
      {std::string_view("a\0b", 3), "a\\x00b"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "2J",
       "\\u{009b}2J"},  // CSI as one C1 character
  };
  for (const auto& c : cases) EXPECT_EQ(printable(c.text), c.shown);
}

TEST(Printable, ShowsMarksThatReorderOrHideText) {
  const struct {
    const char *text, *shown;
  } cases[] = {
      {"\u202e", "\\u{202e}"}, {"\u2066", "\\u{2066}"}, {"\u200b", "\\u{200b}"},
      {"\u061c", "\\u{061c}"}, {"\u2028", "\\u{2028}"}, {"\ufeff", "\\u{feff}"},
  };
  for (const auto& c : cases) EXPECT_EQ(printable(c.text), c.shown);
}

TEST(Printable, ShowsBytesThatAreNoUtf8) {
  const struct {
    const char *text, *shown;
  } cases[] = {
      {"\x80", "\\x80"},                             // a continuation without a lead
      {"\xff", "\\xff"},                             // never in UTF-8
      {"\xc0\xaf", "\\xc0\\xaf"},                    // '/' in two bytes
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},           // and in three
      {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},  // and in four
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
      {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},  // a lead that is none
      {"\xe2\x82", "\\xe2\\x82"},                    // cut short
      {"\xe2(\xa1", "\\xe2(\\xa1"},                  // broken in the middle
  };
  for (const auto& c : cases) EXPECT_EQ(printable(c.text), c.shown);
}

TEST(Printable, CutsWhatIsTooLong) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef…");
  EXPECT_EQ(printable(std::string(1'000'000, 'x')).size(), 1000 + std::string_view("…").size());
  // Never inside a character.
  EXPECT_EQ(printable("äöü", 3), "äö…");
}

}  // namespace
}  // namespace packferry
