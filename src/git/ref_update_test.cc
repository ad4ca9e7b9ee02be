#include "git/ref_update.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

Oid oid(char digit) { return must(Oid::parse(std::string(40, digit))); }
RefName name(std::string_view text) { return must(RefName::parse(text)); }

RefMap refs(const std::map<std::string, char>& held) {
  std::vector<Ref> list;
  for (const auto& [text, digit] : held) list.push_back({name(text), oid(digit)});
  return must(RefMap::from(std::move(list)));
}

// What applying the updates to `from` gives; every expected old value must be the one held.
std::map<std::string, char> applied(std::map<std::string, char> from, const std::vector<RefUpdate>& updates) {
  for (const RefUpdate& update : updates) {
    const auto held = from.find(update.name.text());
    EXPECT_EQ(update.old_oid, held == from.end() ? Oid() : oid(held->second));
    EXPECT_NE(update.old_oid, update.new_oid);
    if (update.is_delete())
      from.erase(update.name.text());
    else
      from[update.name.text()] = update.new_oid.hex()[0];
  }
  return from;
}

TEST(RefUpdate, KnowsCreationsAndDeletions) {
  const RefUpdate create{name("refs/heads/a"), Oid(), oid('1')};
  const RefUpdate move{name("refs/heads/a"), oid('1'), oid('2')};
  const RefUpdate remove{name("refs/heads/a"), oid('1'), Oid()};
  EXPECT_TRUE(create.is_create() && !create.is_delete());
  EXPECT_FALSE(move.is_create() || move.is_delete());
  EXPECT_TRUE(remove.is_delete() && !remove.is_create());
}

TEST(Diff, CreatesMovesAndDeletesInOrder) {
  const auto updates =
      diff(refs({{"refs/heads/gone", '1'}, {"refs/heads/moved", '1'}, {"refs/heads/same", '1'}}),
           refs({{"refs/heads/moved", '2'}, {"refs/heads/same", '1'}, {"refs/heads/a", '3'}}), ObjectFormat::Sha1);
  EXPECT_EQ(updates, (std::vector<RefUpdate>{{name("refs/heads/a"), Oid(), oid('3')},
                                             {name("refs/heads/gone"), oid('1'), Oid()},
                                             {name("refs/heads/moved"), oid('1'), oid('2')}}));
}

TEST(Diff, OfEqualMapsIsNothing) {
  const RefMap held = refs({{"refs/heads/a", '1'}, {"refs/tags/v1", '2'}});
  EXPECT_TRUE(diff(held, held, ObjectFormat::Sha1).empty());
  EXPECT_TRUE(diff(RefMap(), RefMap(), ObjectFormat::Sha1).empty());
}

TEST(Diff, SaysNoObjectInTheFormatAsked) {
  const Ref ref{name("refs/heads/a"), must(Oid::parse(std::string(64, '1')))};
  const auto updates = diff(RefMap(), must(RefMap::from({ref})), ObjectFormat::Sha256);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].old_oid, Oid(ObjectFormat::Sha256));
}

TEST(Diff, AppliedToOneSideGivesTheOther) {
  std::mt19937 random(7);
  const auto some_refs = [&] {
    std::map<std::string, char> held;
    for (unsigned i = 0; i < 30; ++i)
      if (random() % 2 == 0) held[fmt::format("refs/heads/{}", i)] = static_cast<char>('1' + random() % 3);
    return held;
  };
  for (int round = 0; round < 500; ++round) {
    const auto from = some_refs();
    const auto to = some_refs();
    EXPECT_EQ(applied(from, diff(refs(from), refs(to), ObjectFormat::Sha1)), to);
  }
}

}  // namespace
}  // namespace packferry
