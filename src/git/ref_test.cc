#include "git/ref.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "io/process.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"
#include "testing/nasty_names.h"

namespace packferry {
namespace {

using testing::expect_same_names;
using testing::GitSandbox;
using testing::joined_lines;
using testing::lines_of;
using testing::must;
using testing::nasty_names;

Oid oid(char digit) { return must(Oid::parse(std::string(40, digit))); }
RefName name(std::string_view text) { return must(RefName::parse(text)); }
Ref ref(std::string_view text, char digit) { return {name(text), oid(digit)}; }

TEST(RefName, IsAFullNameOrHead) {
  for (const char* good :
       {"HEAD", "refs/heads/main", "refs/tags/v1.0", "refs/stash", "refs/heads/feature/a/b", "refs/heads/\xc3\xa4",
        "refs/heads/\xff", "refs/heads/@", "refs/heads/-x", "refs/a.lock.b/c"})
    EXPECT_EQ(must(RefName::parse(good)).text(), good);
  for (const char* bad :
       {"", "main", "heads/main", "refs", "refs/", "head", "HEAD/x", "/refs/heads/x", "FETCH_HEAD", "@"})
    EXPECT_FALSE(RefName::parse(bad).has_value()) << bad;
}

TEST(RefName, NamesTheRuleThatIsBroken) {
  const struct {
    const char *text, *why;
  } cases[] = {
      {"refs/heads/a..b", "'..'"},
      {"refs/../../x", "begins with '.'"},
      {"refs/heads/.a", "begins with '.'"},
      {"refs/heads/a.lock", "'.lock'"},
      {"refs/heads/a.lock/b", "'.lock'"},
      {"refs/heads/a@{1}", "'@{'"},
      {"refs/heads//a", "empty component"},
      {"refs/heads/a/", "empty component"},
      {"refs/heads/a.", "ends with '.'"},
      {"refs/heads/a b", "forbidden character"},
      {"refs/heads/a\x1b[2J", "\\x1b"},
      {"refs/heads/a\x7f", "forbidden character"},
      {"refs/heads/*", "forbidden character"},
      {"main", "does not begin with 'refs/'"},
  };
  for (const auto& c : cases) EXPECT_FAILS(RefName::parse(c.text), ErrorKind::Invalid, c.why);
  EXPECT_FAILS(RefName::parse(std::string_view("refs/heads/a\0b", 14)), ErrorKind::Invalid, "\\x00");
}

TEST(RefName, IsBounded) {
  const std::string prefix = "refs/heads/";
  const std::string longest = prefix + std::string(RefName::kBytesMax - prefix.size(), 'a');
  EXPECT_TRUE(RefName::parse(longest).has_value());
  EXPECT_FAILS(RefName::parse(longest + "a"), ErrorKind::Invalid, "too long");
}

TEST(RefName, HasAShortFormForPeople) {
  EXPECT_EQ(name("refs/heads/feature/a").short_name(), "feature/a");
  EXPECT_EQ(name("refs/tags/v1").short_name(), "v1");
  EXPECT_EQ(name("refs/notes/commits").short_name(), "refs/notes/commits");
  EXPECT_EQ(name("HEAD").short_name(), "HEAD");
  EXPECT_TRUE(name("refs/heads/main").is_branch());
  EXPECT_FALSE(name("refs/heads").is_branch());
  EXPECT_TRUE(name("refs/tags/v1").is_tag());
}

TEST(RefName, SortsByteByByte) {
  std::vector<RefName> names;
  for (const char* text :
       {"refs/heads/\xff", "refs/heads/a", "refs/heads/a/b", "refs/heads/a-b", "refs/heads/B", "HEAD"})
    names.push_back(name(text));
  std::sort(names.begin(), names.end());
  std::vector<std::string> sorted;
  for (const RefName& n : names) sorted.push_back(n.text());
  EXPECT_EQ(sorted, (std::vector<std::string>{"HEAD", "refs/heads/B", "refs/heads/a", "refs/heads/a-b",
                                              "refs/heads/a/b", "refs/heads/\xff"}));
}

std::vector<std::string> accepted(const std::vector<std::string>& names) {
  std::vector<std::string> good;
  for (const std::string& one : names)
    if (RefName::parse(one)) good.push_back(one);
  return good;
}

TEST(RefName, IsWhatGitCheckRefFormatAccepts) {
  const GitSandbox sandbox;
  const std::vector<std::string> names = nasty_names(800, 1);
  const ProcessOutput git = must(run_process(
      {.argv = {"sh", "-c",
                "while IFS= read -r name; do git check-ref-format \"$name\" && printf '%s\\n' \"$name\"; done"},
       .environment = sandbox.environment(),
       .directory = {}},
      joined_lines(names), 1 << 20, Patience{}, {}));
  expect_same_names(accepted(names), lines_of(git.output));
  EXPECT_GT(accepted(names).size(), 150u);
  EXPECT_LT(accepted(names).size(), 650u);
}

// `git show-ref --exclude-existing` asks the same function about one line after the other, in one process. It looks
// only behind the last white space and before a final "^{}", so names with those are left to the test above.
TEST(RefName, IsWhatGitAcceptsAHundredThousandTimes) {
  GitSandbox sandbox;
  sandbox.init("repository");
  std::vector<std::string> names = nasty_names(100'000, 2);
  for (int c = 1; c < 256; ++c)
    for (const char* around : {"refs/{}", "refs/{}x", "refs/x{}", "refs/x{}y/z", "refs/x/{}{}"}) {
      std::string text = around;
      for (std::size_t at = 0; (at = text.find("{}")) != std::string::npos;)
        text.replace(at, 2, 1, static_cast<char>(c));
      names.push_back(text);
    }
  std::erase_if(names, [](const std::string& one) {
    return one.find_first_of(" \t\r\n") != std::string::npos || one.ends_with("^{}");
  });
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  expect_same_names(accepted(names),
                    lines_of(sandbox.git_fed("repository", {"show-ref", "--exclude-existing"}, joined_lines(names))));
  EXPECT_GT(names.size(), 80'000u);
  EXPECT_GT(accepted(names).size(), 10'000u);
}

TEST(RefMap, SortsAndFinds) {
  const RefMap map = must(RefMap::from({ref("refs/tags/v1", '3'), ref("refs/heads/b", '2'), ref("refs/heads/a", '1')}));
  EXPECT_EQ(map.size(), 3u);
  EXPECT_EQ(map.begin()->name.text(), "refs/heads/a");
  ASSERT_NE(map.find(name("refs/heads/b")), nullptr);
  EXPECT_EQ(map.find(name("refs/heads/b"))->oid, oid('2'));
  EXPECT_EQ(map.find(name("refs/heads/c")), nullptr);
  EXPECT_EQ(map.find(name("refs/zzz")), nullptr);
  EXPECT_FALSE(map.contains(name("HEAD")));
  EXPECT_TRUE(RefMap().empty());
  EXPECT_EQ(RefMap().find(name("HEAD")), nullptr);
}

TEST(RefMap, HoldsEachNameOnce) {
  EXPECT_FAILS(RefMap::from({ref("refs/heads/a", '1'), ref("refs/heads/b", '2'), ref("refs/heads/a", '1')}),
               ErrorKind::Corrupt, "'refs/heads/a' is listed twice");
}

TEST(RefMap, ComparesNamesAndOidsOnly) {
  Ref tag = ref("refs/tags/v1", '1');
  const RefMap plain = must(RefMap::from({tag}));
  tag.peeled = oid('2');
  EXPECT_EQ(must(RefMap::from({tag})), plain);
  EXPECT_FALSE(must(RefMap::from({ref("refs/tags/v1", '2')})) == plain);
  EXPECT_FALSE(must(RefMap::from({ref("refs/tags/v2", '1')})) == plain);
  EXPECT_FALSE(RefMap() == plain);
}

TEST(RefMap, IsFilteredInOrder) {
  const RefMap map = must(RefMap::from({ref("refs/tags/v1", '3'), ref("refs/heads/b", '2'), ref("refs/heads/a", '1')}));
  const RefMap branches = map.filtered([](const Ref& r) { return r.name.is_branch(); });
  EXPECT_EQ(branches, must(RefMap::from({ref("refs/heads/a", '1'), ref("refs/heads/b", '2')})));
  EXPECT_TRUE(map.filtered([](const Ref&) { return false; }).empty());
}

TEST(RefMap, HoldsHundredsOfThousandsInAnyOrder) {
  constexpr unsigned kRefs = 200'000;
  std::vector<Ref> refs;
  for (unsigned i = 0; i < kRefs; ++i) refs.push_back({name(fmt::format("refs/heads/{:06}", i)), oid('1')});
  const RefMap sorted = must(RefMap::from(refs));
  std::shuffle(refs.begin(), refs.end(), std::mt19937(1));
  const RefMap shuffled = must(RefMap::from(std::move(refs)));
  EXPECT_EQ(sorted, shuffled);
  for (unsigned i = 0; i < kRefs; i += 97) EXPECT_TRUE(shuffled.contains(name(fmt::format("refs/heads/{:06}", i))));
}

}  // namespace
}  // namespace packferry
