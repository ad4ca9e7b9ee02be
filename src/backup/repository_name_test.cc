#include "backup/repository_name.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(RepositoryName, IsWrittenIntoKeysAsTheFormatSays) {
  const struct {
    const char *name, *key, *last_part;
  } cases[] = {
      {"web", "web", "web"},
      {"app/web", "app/web", "web"},
      {"Group/Sub-Group/repo_1.x", "Group/Sub-Group/repo_1.x", "repo_1.x"},
      {"app/web site", "app/web%20site", "web site"},
      {"café", "caf%C3%A9", "café"},
      {"~user/100%", "%7Euser/100%25", "100%"},
      {"app/%20", "app/%2520", "%20"},
      {".github", "%2Egithub", ".github"},
      {"app/...", "app/%2E..", "..."},
      {"a\\b:c*d", "a%5Cb%3Ac%2Ad", "a\\b:c*d"},
      // These would lie where an object of "app" lies.
      {"app/0000000001.manifest", "app/0000000001%2Emanifest", "0000000001.manifest"},
      {"app/0000000001", "app/0000000001", "0000000001"},
      {"app/00000000011.manifest", "app/00000000011.manifest", "00000000011.manifest"},
      {"app/000000000a.manifest", "app/000000000a.manifest", "000000000a.manifest"},
      {"manifests", "manifests", "manifests"},
  };
  for (const auto& c : cases) {
    const RepositoryName name = must(RepositoryName::parse(c.name));
    EXPECT_EQ(name.text(), c.name);
    EXPECT_EQ(name.key(), c.key);
    EXPECT_EQ(name.last_part(), c.last_part);
    EXPECT_EQ(must(RepositoryName::from_key(c.key)), name);
  }
}

TEST(RepositoryName, RefusesWhatIsNoName) {
  EXPECT_FAILS(RepositoryName::parse(""), ErrorKind::Invalid, "empty part");
  EXPECT_FAILS(RepositoryName::parse("/app"), ErrorKind::Invalid, "empty part");
  EXPECT_FAILS(RepositoryName::parse("app/"), ErrorKind::Invalid, "empty part");
  EXPECT_FAILS(RepositoryName::parse("app//web"), ErrorKind::Invalid, "empty part");
  EXPECT_FAILS(RepositoryName::parse("."), ErrorKind::Invalid, "'.' or '..'");
  EXPECT_FAILS(RepositoryName::parse("app/../web"), ErrorKind::Invalid, "'.' or '..'");
  EXPECT_FAILS(RepositoryName::parse("app\nweb"), ErrorKind::Invalid, "'app\\x0aweb' has control characters");
  EXPECT_FAILS(RepositoryName::parse(std::string_view("a\0b", 3)), ErrorKind::Invalid, "control characters");
  EXPECT_FAILS(RepositoryName::parse("caf\xE9"), ErrorKind::Invalid, "not UTF-8");
}

TEST(RepositoryName, IsNotTooLongAsAKey) {
  const std::string part(199, 'a');
  EXPECT_TRUE(RepositoryName::parse(part + "a/" + part));
  EXPECT_FAILS(RepositoryName::parse(part + "/" + part + "/b"), ErrorKind::Invalid, "is too long");
  EXPECT_FAILS(RepositoryName::parse(part + "aa"), ErrorKind::Invalid, "a part that is too long");
  EXPECT_TRUE(RepositoryName::parse(std::string(66, ' ')));
  EXPECT_FAILS(RepositoryName::parse(std::string(67, ' ')), ErrorKind::Invalid, "a part that is too long");
}

TEST(RepositoryName, ReadsKeysInOneSpellingOnly) {
  for (const char* key : {"", "app//web", "app/web site", "%61pp", "caf%c3%a9", "app/100%", "app/%2", "app%2Fweb",
                          ".github", "%2E", "%2E.", "%2E%2E", "app/0000000001.manifest", "0000000001%2e", "%00", "%FF"})
    EXPECT_FAILS(RepositoryName::from_key(key), ErrorKind::Corrupt, "is not the key of a repository");
}

TEST(RepositoryName, NeverSharesAKey) {
  std::mt19937 random(20261122);
  constexpr std::string_view kPieces[] = {"a", "A", ".", "..", "/", "%", "%2E", "2E", " ", "0000000001", "é", "-", "~"};
  std::map<std::string, std::string> names;  // by key
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t pieces = 1 + random() % 5; pieces > 0; --pieces) text += kPieces[random() % std::size(kPieces)];
    const Result<RepositoryName> name = RepositoryName::parse(text);
    if (!name) continue;
    const auto [at, is_new] = names.emplace(name->key(), text);
    EXPECT_TRUE(is_new || at->second == text) << at->second << " and " << text;
    EXPECT_EQ(must(RepositoryName::from_key(name->key())).text(), text);
  }
}

}  // namespace
}  // namespace packferry
