// The schema that editors use and the reader that decides know the same keys, and the examples are right for both.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "config/config_file.h"
#include "config/config_keys.h"
#include "testing/golden.h"

namespace packferry {
namespace {

using Json = nlohmann::json;
using Keys = std::set<std::string>;

constexpr HostKind kKinds[] = {
    HostKind::GitLab,          HostKind::GitHub,     HostKind::Gitea,     HostKind::Bitbucket,
    HostKind::BitbucketServer, HostKind::CodeCommit, HostKind::Directory, HostKind::List};

template <typename Names>
Keys set_of(const Names& names) {
  return Keys(names.begin(), names.end());
}

Keys properties(const Json& object) {
  Keys keys;
  for (const auto& [key, value] : object.at("properties").items()) keys.insert(key);
  EXPECT_EQ(object.at("additionalProperties"), false) << object.dump();
  return keys;
}

Json schema() { return Json::parse(config_schema()); }

TEST(ConfigSchema, KnowsTheKeysThatTheReaderKnowsAndNoOthers) {
  const Json whole = schema();
  const Json& defs = whole.at("$defs");
  EXPECT_EQ(properties(whole), set_of(keys_of(ConfigTable::File)));
  const std::map<std::string, ConfigTable> tables = {{"app", ConfigTable::App},
                                                     {"secret", ConfigTable::Secret},
                                                     {"store", ConfigTable::Store},
                                                     {"defaults", ConfigTable::Defaults},
                                                     {"backup", ConfigTable::Backup},
                                                     {"chain", ConfigTable::Chain},
                                                     {"replica", ConfigTable::Replica},
                                                     {"source", ConfigTable::Source},
                                                     {"destination", ConfigTable::Destination},
                                                     {"serve", ConfigTable::Serve},
                                                     {"webhook", ConfigTable::Webhook},
                                                     {"queue", ConfigTable::Queue},
                                                     {"id_tokens", ConfigTable::IdTokens},
                                                     {"projects", ConfigTable::Projects},
                                                     {"alarm", ConfigTable::Alarm},
                                                     {"objective", ConfigTable::Objective}};
  for (const auto& [name, table] : tables) EXPECT_EQ(properties(defs.at(name)), set_of(keys_of(table))) << name;
  EXPECT_EQ(properties(defs.at("host")), set_of(keys_of_host(std::nullopt)));
  EXPECT_EQ(defs.size(), tables.size() + 3) << "the host and two kinds of text are all that is left";
}

TEST(ConfigSchema, KnowsWhichKeysAHostOfEachKindHas) {
  const Json whole = schema();
  for (const HostKind kind : kKinds) {
    int rows = 0;
    for (const Json& row : whole.at("$defs").at("host").at("allOf")) {
      const Json& kinds = row.at("if").at("properties").at("kind").at("enum");
      if (std::ranges::count(kinds, Json(std::string(to_string(kind)))) == 0) continue;
      ++rows;
      EXPECT_EQ(properties(row.at("then")), set_of(keys_of_host(kind))) << to_string(kind);
    }
    EXPECT_EQ(rows, 1) << to_string(kind);
  }
}

TEST(ConfigSchema, KnowsEveryKindOfHost) {
  Keys expected{"forgejo"};
  for (const HostKind kind : kKinds) expected.insert(std::string(to_string(kind)));
  EXPECT_EQ(
      set_of(schema().at("$defs").at("host").at("properties").at("kind").at("enum").get<std::vector<std::string>>()),
      expected);
}

TEST(ConfigSchema, DescribesEveryKey) {
  const Json whole = schema();
  for (const auto& [name, def] : whole.at("$defs").items()) {
    const Json members = def.value("properties", Json::object());
    for (const auto& [key, value] : members.items())
      EXPECT_TRUE(value.contains("description") || value.contains("$ref")) << name << "." << key;
  }
}

std::string the_page() {
  std::ifstream page(PACKFERRY_CONFIG_PAGE);
  return {std::istreambuf_iterator<char>(page), {}};
}

TEST(ConfigPage, NamesEveryKey) {
  const std::string page = the_page();
  Keys keys = set_of(keys_of_host(std::nullopt));
  for (const ConfigTable table :
       {ConfigTable::File, ConfigTable::App, ConfigTable::Secret, ConfigTable::Store, ConfigTable::Defaults,
        ConfigTable::Backup, ConfigTable::Chain, ConfigTable::Replica, ConfigTable::Source, ConfigTable::Destination,
        ConfigTable::Serve, ConfigTable::Webhook, ConfigTable::Queue, ConfigTable::IdTokens, ConfigTable::Projects,
        ConfigTable::Alarm, ConfigTable::Objective})
    keys.merge(set_of(keys_of(table)));
  for (const std::string& key : keys) EXPECT_TRUE(std::regex_search(page, std::regex("\\b" + key + "\\b"))) << key;
}

TEST(ConfigPage, HasAnExampleThatIsFine) {
  const std::string page = the_page();
  const std::size_t begin = page.find("```toml\n");
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = page.find("```", begin + 3);
  const ConfigReading reading = read_config(page.substr(begin + 8, end - begin - 8), "/");
  for (const ConfigMistake& mistake : reading.mistakes) ADD_FAILURE() << mistake.line << ": " << mistake.what;
}

TEST(ConfigExample, IsReadAsItIsForEachKindOfHost) {
  for (const HostKind kind : kKinds) {
    const std::string text = config_example(kind);
    const ConfigReading reading = read_config(text, "/etc/packferry");
    for (const ConfigMistake& mistake : reading.mistakes)
      ADD_FAILURE() << to_string(kind) << ":" << mistake.line << ":" << mistake.column << ": " << mistake.what;
    ASSERT_TRUE(reading.fleet);
    EXPECT_EQ(reading.fleet->host("source")->kind, kind);
    EXPECT_EQ(reading.fleet->backups.size(), 1u);
    EXPECT_EQ(reading.fleet->replicas.size(), 1u);
    testing::expect_golden(text, fmt::format("config/example-{}.toml", to_string(kind)));
  }
}

TEST(ConfigExample, IsOfGitLabWhenNothingIsSaid) {
  EXPECT_EQ(config_example(std::nullopt), config_example(HostKind::GitLab));
}

}  // namespace
}  // namespace packferry
