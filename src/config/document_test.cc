#include "config/document.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

using Kind = ConfigValue::Kind;

ConfigValue value_of(std::string_view text) {
  const auto document = read_document(text);
  if (const auto* mistake = std::get_if<ConfigMistake>(&document)) ADD_FAILURE() << mistake->what;
  return document.index() == 0 ? std::get<ConfigValue>(document) : ConfigValue();
}

TEST(Document, ValuesKnowWhatTheyAreAndWhereTheyStand) {
  const ConfigValue root = value_of("a = \"x\"\nb = [1, true]\n\n[c.d]\ne = 1.5\n");
  EXPECT_EQ(root.find("a")->text, "x");
  EXPECT_EQ(root.find("a")->place, (ConfigPlace{1, 5}));
  EXPECT_EQ(root.find("a")->key_place, (ConfigPlace{1, 1}));
  const ConfigValue& list = *root.find("b");
  ASSERT_EQ(list.kind, Kind::List);
  EXPECT_EQ(list.children[0].number, 1);
  EXPECT_EQ(list.children[1].truth, true);
  EXPECT_EQ(list.children[1].place, (ConfigPlace{2, 9}));
  const ConfigValue& table = *root.find("c")->find("d");
  EXPECT_EQ(table.place, (ConfigPlace{4, 1}));
  EXPECT_EQ(table.find("e")->kind, Kind::Other);
  EXPECT_EQ(root.find("z"), nullptr);
  EXPECT_EQ(list.find("a"), nullptr) << "a list has no members";
}

TEST(Document, MembersStandInTheOrderOfTheText) {
  const ConfigValue root = value_of("z = 1\n[m]\n[a]\n");
  ASSERT_EQ(root.children.size(), 3u);
  EXPECT_EQ(root.children[0].key, "z");
  EXPECT_EQ(root.children[1].key, "m");
  EXPECT_EQ(root.children[2].key, "a");
}

TEST(Document, ColumnsCountCharacters) {
  EXPECT_EQ(value_of("a = { \"äöü\" = 1, b = 2 }").find("a")->find("b")->place, (ConfigPlace{1, 22}));
}

TEST(Document, DotsInTextAndCommentsMakeNoTables) {
  const std::string dots(200, '.');
  EXPECT_EQ(value_of("# " + dots + "\na = \"\\\"" + dots + "\" # " + dots + "\nb = '" + dots + "'").find("b")->text,
            dots);
}

TEST(Document, EveryKindHasWords) {
  for (const Kind kind : {Kind::Text, Kind::Number, Kind::Truth, Kind::List, Kind::Table, Kind::Other})
    EXPECT_FALSE(words_for(kind).empty());
}

}  // namespace
}  // namespace packferry
