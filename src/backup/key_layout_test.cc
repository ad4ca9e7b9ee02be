#include "backup/key_layout.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

using Variables = std::map<std::string, std::string>;

const Clock::WallTime kTime = *from_compact_iso8601("20261122T134500Z");
constexpr BackupFormat kBundle = BackupFormat::Bundle;
constexpr BackupFormat kZip = BackupFormat::Zip;

RepositoryName repository(std::string_view name) { return must(RepositoryName::parse(name)); }

Result<std::string> key(std::string_view text, std::string_view name, BackupFormat format = kBundle,
                        bool encrypted = false, const Variables& variables = {}, unsigned attempt = 1) {
  return must(KeyTemplate::parse(text)).key(repository(name), kTime, format, encrypted, variables, attempt);
}

TEST(KeyTemplate, PutsThingsWhereTheFormatSays) {
  const Variables aws = {{"account_id", "123456789012"}, {"region", "eu-west-1"}};
  const KeyTemplate known = KeyTemplate::standard(true);
  EXPECT_EQ(must(known.key(repository("web"), kTime, kZip, false, aws)),
            "projects/codecommit-backup/123456789012/eu-west-1/web/web-20261122T134500Z.zip");
  const KeyTemplate unknown = KeyTemplate::standard(false);
  EXPECT_EQ(must(unknown.key(repository("app/my web"), kTime, kBundle, true, {})),
            "repositories/app/my%20web/app/my%20web-20261122T134500Z.bundle.age");
}

TEST(KeyTemplate, CanBeGivenAsTheStandardOnesAre) {
  EXPECT_TRUE(KeyTemplate::parse(
      "projects/codecommit-backup/${account_id}/${region}/${repo_name}/${repo_name}-${datetime}.zip"));
  EXPECT_TRUE(KeyTemplate::parse("repositories/${repo_name}/${repo_name}-${datetime}"));
}

TEST(KeyTemplate, HasRoomForTheLongestName) {
  const std::string part(200, 'a');
  const Variables aws = {{"account_id", "123456789012"}, {"region", "us-gov-northwest-1"}};
  EXPECT_TRUE(KeyTemplate::standard(true).key(repository(part.substr(1) + "/" + part), kTime, kBundle, true, aws, 99));
}

TEST(KeyTemplate, AddsWhatIsMissing) {
  const std::string text = "${repo_name}/${datetime}";
  EXPECT_EQ(must(key(text, "web")), "web/20261122T134500Z.bundle");
  EXPECT_EQ(must(key(text, "web", kZip, true)), "web/20261122T134500Z.zip.age");
  EXPECT_EQ(must(key(text + ".zip", "web", kZip)), "web/20261122T134500Z.zip");
  EXPECT_EQ(must(key(text + ".zip", "web", kZip, true)), "web/20261122T134500Z.zip.age");
  EXPECT_EQ(must(key(text + ".zip.age", "web", kZip, true)), "web/20261122T134500Z.zip.age");
  EXPECT_EQ(must(key(text + ".age", "web")), "web/20261122T134500Z.age.bundle");
  EXPECT_EQ(must(key(text + ".tar", "web")), "web/20261122T134500Z.tar.bundle");
  EXPECT_EQ(must(key("${datetime}/${repo_name}", "web.zip", kZip)), "20261122T134500Z/web.zip.zip");
  EXPECT_EQ(must(key(text, "web", kBundle, false, {}, 1)), "web/20261122T134500Z.bundle");
  EXPECT_EQ(must(key(text + ".bundle", "web", kBundle, true, {}, 3)), "web/20261122T134500Z-3.bundle.age");
  EXPECT_FAILS(key(text + ".zip", "web"), ErrorKind::Invalid, "its extension is not that of a bundle");
  EXPECT_FAILS(key(text + ".bundle", "web", kZip, true), ErrorKind::Invalid, "not that of an encrypted zip");
  EXPECT_FAILS(key(text + ".bundle.age", "web"), ErrorKind::Invalid, "its extension is not that of a bundle");
}

TEST(KeyTemplate, LetsNoValueLeaveItsPlace) {
  const std::string text = "backup/${account_id}/${region}/${repo_name}-${datetime}";
  EXPECT_EQ(must(key(text, "a/b", kBundle, false, {{"account_id", ".."}, {"region", "x/../y"}})),
            "backup/%2E./x%2F..%2Fy/a/b-20261122T134500Z.bundle");
  EXPECT_EQ(must(key("${repo_name}${datetime}", "$x{datetime}")), "%24x%7Bdatetime%7D20261122T134500Z.bundle");
  EXPECT_FAILS(key("${repo_name}/${datetime}", "manifests"), ErrorKind::Invalid, "there only manifests lie");
  EXPECT_FAILS(key("${repo_name}/${datetime}", "manifests/web"), ErrorKind::Invalid, "there only manifests lie");
  EXPECT_FAILS(
      key("${repo_name}/${repo_name}/${repo_name}/${datetime}", std::string(199, 'a') + "/" + std::string(200, 'a')),
      ErrorKind::Invalid, "longer than 900 bytes");
}

TEST(KeyTemplate, SaysWhatItDoesNotKnow) {
  const std::string text = "${account_id}/${repo_name}-${datetime}";
  EXPECT_FAILS(key(text, "web"), ErrorKind::Invalid,
               "the account_id is not known here; write it in the place of ${account_id}");
  EXPECT_FAILS(key(text, "web", kBundle, false, {{"account_id", ""}}), ErrorKind::Invalid, "is not known here");
}

TEST(KeyTemplate, RefusesWhatWouldMeetOrEscape) {
  const struct {
    const char *text, *complaint;
  } cases[] = {
      {"", "without ${repo_name}"},
      {"backups/${datetime}", "without ${repo_name} two repositories would meet"},
      {"backups/${repo_name}", "without ${datetime} two backups would meet"},
      {"${repo_name}-${datetime}-${day}", "there is no variable 'day'"},
      {"${repo_name}-${datetime}-${}", "there is no variable ''"},
      {"${repo_name}-${datetime}-${Region}", "there is no variable 'Region'"},
      {"${repo_name}-${datetime", "a variable without '}'"},
      {"/${repo_name}-${datetime}", "empty part"},
      {"a//${repo_name}-${datetime}", "empty part"},
      {"${repo_name}-${datetime}/", "empty part"},
      {"../${repo_name}-${datetime}", "'..'"},
      {"a/./${repo_name}-${datetime}", "'.'"},
      {"a\n${repo_name}-${datetime}", "control characters"},
      {"manifests/${repo_name}-${datetime}", "there only manifests lie"},
  };
  for (const auto& c : cases) EXPECT_FAILS(KeyTemplate::parse(c.text), ErrorKind::Invalid, c.complaint);
  EXPECT_TRUE(KeyTemplate::parse("cost in $/{x}/${repo_name}-${datetime}"));
}

}  // namespace
}  // namespace packferry
