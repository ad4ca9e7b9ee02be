#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "config/config_file.h"
#include "testing/run_fixture.h"

namespace packferry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RunConfigTest : public testing::RunTest {
 protected:
  void write(std::string_view text) { std::ofstream(file) << text; }
  const std::string file = sandbox.path("packferry.toml");
};

TEST_F(RunConfigTest, AConfigurationThatIsFineIsToldInWords) {
  expect_golden_reports("config_fine", {"config", "check", file}, ExitStatus::Done,
                        [this] { write(config_example(std::nullopt)); });
}

TEST_F(RunConfigTest, EveryKindOfSelectionHasWords) {
  write(R"(trust_listing = "90s"
confirm_every = "3d"
[hosts.a]
kind = "github"
token = { env = "T" }
[stores.b]
address = "/srv/backup"
[[backups]]
name = "c"
source = { host = "a", include = ["x/*", "y/*"], visibility = ["private", "internal"], archived = false, forks = false, wikis = true }
store = "b"
format = "zip"
recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
)");
  EXPECT_EQ(run({"config", "check", file}), ExitStatus::Done) << err.said;
  EXPECT_THAT(out.said,
              HasSubstr("the repositories on a, named x/*, y/*; only private, internal; without archived ones; "
                        "without forks; with their wikis"));
  EXPECT_THAT(out.said, HasSubstr("to /srv/backup, each as ${host}/${path}, in zips, encrypted"));
  EXPECT_THAT(out.said, HasSubstr("every 3 days; a listing is believed for 90 s"));
}

TEST_F(RunConfigTest, MistakesAreToldAllAtOnceWithTheirPlaces) {
  expect_golden_reports("config_mistakes", {"config", "check", file}, ExitStatus::Usage,
                        [this] { write("jobs = 0\ncatalog = \"x\"\n"); });
  EXPECT_EQ(run({"config", "check", file}), ExitStatus::Usage);
  EXPECT_EQ(err.said, file +
                          ": nothing is to be backed up, and nothing to be replicated; write [[backups]] or "
                          "[[replicas]]; 'packferry config example' shows both\n" +
                          file + ":1:8: jobs is 0; from 1 to 256\n" + file +
                          ":2:1: unknown key 'catalog'; did you mean 'catalogue'?\npackferry: 3 mistakes in " + file +
                          "; nothing of it would run\n");
}

constexpr const char* kWithSecrets = R"([hosts.lab]
kind = "gitlab"
url = "https://lab.example"
token = { env = "LAB" }
[[serve.webhooks]]
name = "lab"
kind = "gitlab"
secrets = [{ env = "HOOK" }]
[[serve.alarms]]
kind = "slack"
url = { file = "slack" }
)";

TEST_F(RunConfigTest, SecretsAreReadWhenAskedFor) {
  const std::string slack = sandbox.path("slack").string();
  service_ends.secrets = {
      {"LAB", "T0KEN"}, {"HOOK", "T0KEN of the hook, long enough"}, {slack, "https://slack.example/T0KEN"}};
  write(kWithSecrets);
  EXPECT_EQ(run({"config", "check", file, "--secrets"}), ExitStatus::Done) << err.said;
  EXPECT_THAT(out.said, HasSubstr("3 of 3 secrets can be used\n"));
  EXPECT_THAT(out.said, Not(HasSubstr("T0KEN")));
  service_ends.secrets = {};
  EXPECT_EQ(run({"config", "check", file}), ExitStatus::Done) << "a machine without the secrets checks the file";
}

TEST_F(RunConfigTest, ASecretThatIsMissingIsToldWithWhoWantsIt) {
  service_ends.secrets = {{"LAB", "T0KEN"}, {"HOOK", "T0KEN"}};
  expect_golden_reports("config_secrets", {"config", "check", file, "--secrets"}, ExitStatus::Failed,
                        [this] { write(kWithSecrets); });
  EXPECT_THAT(err.said, Not(HasSubstr("T0KEN")));
}

TEST_F(RunConfigTest, NoSecretIsReadForAFileWithMistakes) {
  write("jobs = 0\n");
  EXPECT_EQ(run({"config", "check", file, "--secrets", "--json"}), ExitStatus::Usage);
  EXPECT_EQ(nlohmann::json::parse(out.said).at("secrets").size(), 0u);
}

TEST_F(RunConfigTest, AFileThatIsNotThereIsNoConfiguration) {
  EXPECT_EQ(run({"config", "check", file}), ExitStatus::Usage);
  EXPECT_THAT(err.said, HasSubstr("No such file"));
  EXPECT_EQ(run({"config", "check", file, "--json"}), ExitStatus::Usage);
  EXPECT_EQ(nlohmann::json::parse(out.said).at("error").at("kind"), "not-found");
}

TEST_F(RunConfigTest, AnExampleIsPrintedOrWrittenAndIsFine) {
  EXPECT_EQ(run({"config", "example", "forgejo"}), ExitStatus::Done);
  EXPECT_EQ(out.said, config_example(HostKind::Gitea));
  EXPECT_EQ(run({"config", "example", "--output", file}), ExitStatus::Done);
  EXPECT_EQ(out.said, "");
  EXPECT_EQ(run({"config", "check", file}), ExitStatus::Done);
  EXPECT_EQ(run({"config", "example", "--output", sandbox.path("no/such/file").string()}), ExitStatus::Failed);
}

TEST_F(RunConfigTest, TheSchemaIsPrinted) {
  EXPECT_EQ(run({"config", "schema"}), ExitStatus::Done);
  EXPECT_EQ(out.said, config_schema());
}

TEST_F(RunConfigTest, WhatDoesNotGoTogetherIsRefused) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"config"}, "check FILE, example [KIND] or schema"},
      {{"config", "chek"}, "check FILE, example [KIND] or schema"},
      {{"config", "check"}, "FILE is missing"},
      {{"config", "check", "a", "b"}, "'b' is too much"},
      {{"config", "check", "a", "--output", "b"}, "--output goes with example and schema"},
      {{"config", "example", "gitlub"}, "'gitlub' is no kind of host"},
      {{"config", "example", "--json"}, "--json goes with check"},
      {{"config", "example", "--secrets"}, "--secrets goes with check"},
      {{"config", "schema", "github"}, "there is one schema"},
  };
  for (const auto& [words, part] : cases) {
    EXPECT_EQ(run(words), ExitStatus::Usage);
    EXPECT_THAT(err.said, HasSubstr(part));
  }
}

}  // namespace
}  // namespace packferry
