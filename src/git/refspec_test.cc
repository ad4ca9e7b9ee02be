#include "git/refspec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "io/process.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"
#include "testing/nasty_names.h"

namespace packferry {
namespace {

using testing::GitSandbox;
using testing::must;

RefName name(std::string_view text) { return must(RefName::parse(text)); }
Refspec spec(std::string_view text) { return must(Refspec::parse(text)); }

RefspecSet set_of(const std::vector<std::string>& texts) {
  std::vector<Refspec> specs;
  for (const std::string& text : texts) specs.push_back(spec(text));
  return must(RefspecSet::from(std::move(specs)));
}

RefMap refs(const std::vector<std::string>& names) {
  std::vector<Ref> list;
  for (const std::string& text : names) list.push_back({name(text), must(Oid::parse(std::string(40, '1')))});
  return must(RefMap::from(std::move(list)));
}

std::vector<std::string> names_of(const RefMap& map) {
  std::vector<std::string> names;
  for (const Ref& ref : map) names.push_back(ref.name.text());
  return names;
}

TEST(Refspec, MapsNamesAsWritten) {
  const struct {
    const char *spec, *name;
    std::optional<std::string> mapped;
  } cases[] = {
      {"refs/heads/*", "refs/heads/a/b", "refs/heads/a/b"},
      {"+refs/heads/*:refs/kept/*", "refs/heads/main", "refs/kept/main"},
      {"refs/heads/*", "refs/tags/v1", std::nullopt},
      {"refs/heads/main", "refs/heads/main", "refs/heads/main"},
      {"refs/heads/main", "refs/heads/main2", std::nullopt},
      {"refs/heads/main:refs/heads/trunk", "refs/heads/main", "refs/heads/trunk"},
      {"refs/heads/fix-*-done:refs/done/*/fix", "refs/heads/fix-12-done", "refs/done/12/fix"},
      {"refs/heads/ab*ba:refs/x/n*", "refs/heads/aba", std::nullopt},
      {"refs/heads/ab*ba:refs/x/n*", "refs/heads/abba", "refs/x/n"},
      {"refs/*:refs/from/*", "refs/heads/main", "refs/from/heads/main"},
      {"refs/heads/*", "HEAD", std::nullopt},
      {"^refs/heads/*", "refs/heads/main", std::nullopt},
  };
  for (const auto& c : cases) {
    const std::optional<RefName> mapped = spec(c.spec).map(name(c.name));
    ASSERT_EQ(mapped.has_value(), c.mapped.has_value()) << c.spec << " " << c.name;
    if (mapped) {
      EXPECT_EQ(mapped->text(), *c.mapped);
      EXPECT_EQ(spec(c.spec).map_back(*mapped), name(c.name));
    }
  }
}

TEST(Refspec, NeverMakesAnInvalidName) {
  EXPECT_EQ(spec("refs/heads/*:refs/heads/a.*").map(name("refs/heads/lock")), std::nullopt);
  EXPECT_EQ(spec("refs/heads/a*:refs/heads/*").map(name("refs/heads/a")), std::nullopt);
  EXPECT_EQ(spec("refs/heads/a*:refs/heads/*").map(name("refs/heads/a/b")), std::nullopt);
  EXPECT_EQ(spec("refs/heads/a*:refs/heads/*").map(name("refs/heads/a.b")), std::nullopt);
  EXPECT_EQ(spec("refs/heads/a.*:refs/heads/*").map_back(name("refs/heads/lock")), std::nullopt);
}

TEST(Refspec, ExcludesButStillMatches) {
  const Refspec wip = spec("^refs/heads/wip/*");
  EXPECT_TRUE(wip.is_negative());
  EXPECT_FALSE(wip.is_forced());
  EXPECT_TRUE(wip.matches(name("refs/heads/wip/a")));
  EXPECT_EQ(wip.map(name("refs/heads/wip/a")), std::nullopt);
  EXPECT_EQ(wip.map_back(name("refs/heads/wip/a")), std::nullopt);
  EXPECT_TRUE(spec("+refs/heads/*").is_forced());
}

TEST(Refspec, RefusesWhatPicksNoRefs) {
  const struct {
    const char *text, *why;
  } cases[] = {
      {"", "empty"},
      {"+", "empty"},
      {"^", "empty"},
      {":", "empty"},
      {"refs/heads/main:", "empty"},
      {":refs/heads/main", "empty"},
      {"HEAD", "name the branch"},
      {"@:refs/heads/main", "name the branch"},
      {"refs/heads/main:HEAD", "name the branch"},
      {"main", "does not begin with 'refs/'"},
      {"*", "does not begin with 'refs/'"},
      {"0123456789012345678901234567890123456789:refs/heads/main", "does not begin with 'refs/'"},
      {"refs/heads/*:refs/heads/main", "on one side only"},
      {"refs/heads/main:refs/heads/*", "on one side only"},
      {"refs/*/heads/*", "more than one '*'"},
      {"refs/heads/**", "more than one '*'"},
      {"^refs/heads/a:refs/heads/b", "cannot rename"},
      {"refs/heads/a:refs/heads/b:refs/heads/c", "forbidden character"},
      {"+^refs/heads/a", "does not begin with 'refs/'"},
      {"^+refs/heads/a", "does not begin with 'refs/'"},
      {"refs/heads/a..b", "'..'"},
      {"refs/heads/*.lock", "'.lock'"},
      {"refs/heads/\x1b[2J", "\\x1b"},
  };
  for (const auto& c : cases) EXPECT_FAILS(Refspec::parse(c.text), ErrorKind::Invalid, c.why);
}

TEST(Refspec, IsWrittenAsItIsRead) {
  for (const char* text :
       {"refs/heads/*", "+refs/heads/*:refs/kept/*", "^refs/heads/wip/*", "refs/heads/a:refs/heads/b"})
    EXPECT_EQ(spec(text).text(), text);
  EXPECT_EQ(spec("refs/heads/*:refs/heads/*").text(), "refs/heads/*");
  EXPECT_EQ(spec("refs/heads/*:refs/heads/*"), spec("refs/heads/*"));
}

TEST(Refspec, KnowsTheShortFormsOfPeople) {
  const struct {
    const char *typed, *meant;
  } cases[] = {
      {"main", "refs/heads/main"},
      {"release/*", "refs/heads/release/*"},
      {"*", "refs/heads/*"},
      {"heads/main", "refs/heads/main"},
      {"tags/v1", "refs/tags/v1"},
      {"tags/*", "refs/tags/*"},
      {"tag v1", "refs/tags/v1"},
      {"^wip/*", "^refs/heads/wip/*"},
      {"^tags/nightly-*", "^refs/tags/nightly-*"},
      {"+main", "+refs/heads/main"},
      {"main:trunk", "refs/heads/main:refs/heads/trunk"},
      {"main:tags/v1", "refs/heads/main:refs/tags/v1"},
      {"tags/v1:v2", "refs/tags/v1:refs/tags/v2"},
      {"refs/heads/*:mirror/*", "refs/heads/*:refs/heads/mirror/*"},
      {"main:refs/notes/main", "refs/heads/main:refs/notes/main"},
      {"refs/*", "refs/*"},
      {"refs/notes/*:refs/notes/*", "refs/notes/*"},
      {"refs", "refs/heads/refs"},
  };
  for (const auto& c : cases) EXPECT_EQ(must(Refspec::parse_short(c.typed)).text(), c.meant) << c.typed;
}

TEST(Refspec, RefusesShortFormsThatMeanNothing) {
  const struct {
    const char *typed, *why;
  } cases[] = {
      {"", "empty"},
      {"main:", "empty"},
      {":main", "empty"},
      {"HEAD", "name the branch"},
      {"@", "name the branch"},
      {"a b", "forbidden character"},
      {"tag ", "empty component"},
      {"refs/notes/x:y", "does not begin with 'refs/'"},
      {"^main:trunk", "cannot rename"},
      {"-.", "ends with '.'"},
  };
  for (const auto& c : cases) EXPECT_FAILS(Refspec::parse_short(c.typed), ErrorKind::Invalid, c.why);
}

TEST(RefspecSet, SelectsWhatIsMatchedAndNotExcluded) {
  const RefspecSet set = set_of({"^refs/heads/wip/*", "refs/heads/*", "refs/tags/v*"});
  EXPECT_TRUE(set.selects(name("refs/heads/main")));
  EXPECT_TRUE(set.selects(name("refs/tags/v1")));
  EXPECT_FALSE(set.selects(name("refs/heads/wip/a")));
  EXPECT_FALSE(set.selects(name("refs/tags/w1")));
  EXPECT_EQ(set.map(name("refs/heads/wip/a")), std::nullopt);
  EXPECT_EQ(set.map(name("refs/heads/main")), name("refs/heads/main"));
}

TEST(RefspecSet, MeansEverythingWhenNothingIsPicked) {
  EXPECT_TRUE(set_of({}).selects(name("refs/notes/commits")));
  EXPECT_TRUE(set_of({"^refs/pull/*"}).selects(name("refs/heads/main")));
  EXPECT_FALSE(set_of({"^refs/pull/*"}).selects(name("refs/pull/1/head")));
  EXPECT_FALSE(RefspecSet().selects(name("refs/heads/main")));
}

TEST(RefspecSet, MeansBranchesAndTagsByDefault) {
  const RefspecSet set = RefspecSet::branches_and_tags();
  EXPECT_TRUE(set.selects(name("refs/heads/a/b")));
  EXPECT_TRUE(set.selects(name("refs/tags/v1")));
  EXPECT_FALSE(set.selects(name("refs/pull/1/head")));
  EXPECT_FALSE(set.selects(name("HEAD")));
}

TEST(RefspecSet, LetsTheFirstThatMatchesDecide) {
  const RefspecSet set = set_of({"refs/heads/main:refs/heads/trunk", "refs/heads/*:refs/heads/mirror/*"});
  EXPECT_EQ(set.map(name("refs/heads/main")), name("refs/heads/trunk"));
  EXPECT_EQ(set.map(name("refs/heads/a")), name("refs/heads/mirror/a"));
}

TEST(RefspecSet, RefusesARefspecThatCouldNeverDecide) {
  const auto from = [](std::string_view first, std::string_view second) {
    return RefspecSet::from({spec(first), spec(second)});
  };
  EXPECT_FAILS(from("refs/heads/*:refs/a/*", "refs/heads/*:refs/b/*"), ErrorKind::Invalid, "never applies");
  EXPECT_FAILS(from("refs/heads/*:refs/a/*", "refs/heads/main"), ErrorKind::Invalid, "'refs/heads/main' never applies");
  EXPECT_FAILS(from("refs/*:refs/a/*", "refs/heads/x*"), ErrorKind::Invalid, "never applies");
  EXPECT_TRUE(from("refs/heads/x*", "refs/*:refs/a/*").has_value());
  EXPECT_TRUE(from("refs/heads/*", "refs/heads/main").has_value());
  EXPECT_TRUE(from("refs/heads/*:refs/a/*", "^refs/heads/main").has_value());
}

TEST(RefspecSet, CoversWhatItCouldProduce) {
  const RefspecSet set = set_of({"refs/heads/main:refs/heads/trunk", "refs/heads/*:refs/heads/mirror/*", "refs/tags/v*",
                                 "^refs/heads/wip/*", "^refs/tags/v0"});
  EXPECT_TRUE(set.covers(name("refs/heads/trunk")));
  EXPECT_TRUE(set.covers(name("refs/heads/mirror/a")));
  EXPECT_TRUE(set.covers(name("refs/tags/v1")));
  EXPECT_FALSE(set.covers(name("refs/heads/main")));
  EXPECT_FALSE(set.covers(name("refs/heads/mirror/main"))) << "main becomes trunk";
  EXPECT_FALSE(set.covers(name("refs/heads/mirror/wip/a"))) << "its source is excluded";
  EXPECT_FALSE(set.covers(name("refs/tags/v0")));
  EXPECT_FALSE(set.covers(name("refs/notes/commits")));
}

TEST(RefspecSet, MapsAllThatASideHolds) {
  Ref tag{name("refs/tags/v1"), must(Oid::parse(std::string(40, '1')))};
  tag.peeled = must(Oid::parse(std::string(40, '2')));
  const RefMap source = must(RefMap::from({tag, *refs({"refs/heads/z"}).begin(), *refs({"refs/notes/n"}).begin()}));
  const RefMap mapped = must(set_of({"refs/tags/*", "refs/heads/*:refs/zz/*"}).map(source));
  EXPECT_EQ(names_of(mapped), (std::vector<std::string>{"refs/tags/v1", "refs/zz/z"}));
  EXPECT_EQ(mapped.begin()->peeled, tag.peeled);
}

TEST(RefspecSet, RefusesToLandTwoRefsOnOneName) {
  EXPECT_FAILS(
      set_of({"refs/heads/*:refs/all/*", "refs/tags/*:refs/all/*"}).map(refs({"refs/heads/v1", "refs/tags/v1"})),
      ErrorKind::Invalid, "'refs/heads/v1' and 'refs/tags/v1' would both become 'refs/all/v1'");
}

TEST(RefspecSet, RefusesToLeaveOutWhatCannotBeNamed) {
  EXPECT_FAILS(set_of({"refs/heads/*:refs/heads/a.*"}).map(refs({"refs/heads/lock"})), ErrorKind::Invalid,
               "makes no ref name of 'refs/heads/lock'");
}

TEST(RefspecSet, AsksAServerForNoLessThanIsSelected) {
  EXPECT_EQ(RefspecSet::branches_and_tags().prefixes(), (std::vector<std::string>{"refs/heads/", "refs/tags/"}));
  EXPECT_EQ(set_of({"refs/heads/release-*", "refs/heads/main", "refs/heads/release-1", "refs/tags/v*x"}).prefixes(),
            (std::vector<std::string>{"refs/heads/main", "refs/heads/release-", "refs/tags/v"}));
  EXPECT_EQ(set_of({"^refs/heads/a"}).prefixes(), (std::vector<std::string>{"refs/"}));
}

TEST(Refspec, TakesThePatternsThatGitTakes) {
  const GitSandbox sandbox;
  std::vector<std::string> sides = testing::nasty_names(600, 3);
  std::erase_if(sides, [](const std::string& side) { return side.find(':') != std::string::npos; });
  const ProcessOutput git = must(run_process({.argv = {"sh", "-c",
                                                       "while IFS= read -r side; do git check-ref-format "
                                                       "--refspec-pattern \"$side\" && printf '%s\\n' \"$side\"; done"},
                                              .environment = sandbox.environment(),
                                              .directory = {}},
                                             testing::joined_lines(sides), 1 << 20, Patience{}, {}));
  std::vector<std::string> accepted;
  for (const std::string& side : sides)
    if (Refspec::parse(side)) accepted.push_back(side);
  testing::expect_same_names(accepted, testing::lines_of(git.output));
  EXPECT_GT(accepted.size(), 100u);
  EXPECT_TRUE(std::any_of(accepted.begin(), accepted.end(), [](const auto& s) { return s.find('*') != s.npos; }));
}

// What git makes of refspecs: the refs that a fetch or a push with them leaves behind in an empty repository.
class RefspecOfGit : public ::testing::Test {
 protected:
  RefspecOfGit() {
    const std::string id = sandbox_.commit("source", "main", "content");
    std::string commands;
    for (const std::string& text : names_) commands += "update " + text + " " + id + "\n";
    sandbox_.git_fed("source", {"update-ref", "--stdin"}, commands);
  }

  std::vector<std::string> after_fetch(const std::vector<std::string>& specs) {
    const std::string destination = new_destination();
    std::vector<std::string> words = {"fetch", "-q", "--no-tags", sandbox_.path("source").string()};
    for (const std::string& text : specs) words.push_back(with_both_sides(text));
    sandbox_.git(destination, words);
    return refs_of(destination);
  }

  std::vector<std::string> after_push(const std::vector<std::string>& specs) {
    const std::string destination = new_destination();
    std::vector<std::string> words = {"push", "-q", sandbox_.path(destination).string()};
    words.insert(words.end(), specs.begin(), specs.end());
    sandbox_.git("source", words);
    return refs_of(destination);
  }

  const std::vector<std::string> names_ = {
      "refs/heads/a",       "refs/heads/ab",      "refs/heads/aba",   "refs/heads/abba", "refs/heads/f/x",
      "refs/heads/main",    "refs/heads/f/x-1/y", "refs/heads/wip/a", "refs/heads/wip2", "refs/heads/\xc3\xa4",
      "refs/notes/commits", "refs/pull/1/head",   "refs/tags/v1",     "refs/tags/v1.1",  "refs/tags/w1"};

 private:
  std::string new_destination() {
    const std::string destination = "destination-" + std::to_string(++destinations_);
    sandbox_.init(destination);
    return destination;
  }

  // A fetch stores nothing without a destination; the others leave the name as it is.
  static std::string with_both_sides(const std::string& text) {
    return text.starts_with('^') || text.find(':') != std::string::npos ? text : text + ":" + text;
  }

  std::vector<std::string> refs_of(const std::string& repository) const {
    return testing::lines_of(sandbox_.git_fed(repository, {"for-each-ref", "--format=%(refname)"}, ""));
  }

  GitSandbox sandbox_;
  int destinations_ = 0;
};

TEST_F(RefspecOfGit, PicksAndNamesTheSameRefs) {
  const std::vector<std::string> cases[] = {
      {"refs/heads/*"},
      {"refs/*"},
      {"refs/heads/a"},
      {"refs/heads/a*"},
      {"refs/heads/*a"},
      {"refs/heads/ab*ba"},
      {"refs/heads/a*a:refs/heads/x*y"},
      {"refs/heads/f*y:refs/kept/f*z"},
      {"+refs/heads/wip/*:refs/mirror/*"},
      {"refs/heads/*:refs/heads/mirror/*"},
      {"refs/*:refs/from/*"},
      {"refs/*s/v1:refs/x/*/y"},
      {"refs/heads/main:refs/heads/trunk", "refs/tags/*"},
      {"refs/heads/a:refs/tags/a", "refs/tags/v1:refs/heads/v1"},
  };
  for (const std::vector<std::string>& specs : cases) {
    const std::vector<std::string> ours = names_of(must(set_of(specs).map(refs(names_))));
    EXPECT_EQ(ours, after_push(specs)) << specs[0];
    EXPECT_EQ(ours, after_fetch(specs)) << specs[0];
  }
}

// Only fetch is asked: the push of git 2.39 looks for an excluded name among the destinations, and so excludes nothing
// where a refspec renames.
TEST_F(RefspecOfGit, ExcludesTheSameRefs) {
  const std::vector<std::string> cases[] = {
      {"refs/heads/*", "^refs/heads/wip/*"},
      {"refs/heads/*", "^refs/heads/wip*"},
      {"^refs/heads/a", "refs/heads/*:refs/m/*", "^refs/heads/f/*"},
      {"refs/*", "^refs/pull/*", "^refs/notes/*"},
      {"refs/heads/*", "refs/tags/v*", "^refs/tags/*.1"},
      {"refs/heads/*:refs/m/*", "^refs/m/a"},
  };
  for (const std::vector<std::string>& specs : cases)
    EXPECT_EQ(names_of(must(set_of(specs).map(refs(names_)))), after_fetch(specs)) << specs[0];
}

}  // namespace
}  // namespace packferry
