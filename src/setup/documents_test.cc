#include "setup/documents.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "testing/golden.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::expect_golden;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;

const std::string kWriter = "arn:aws:iam::111122223333:role/packferry-backup-build";
const std::string kReader = "arn:aws:iam::444455556666:role/restore";
const std::string kKey = "arn:aws:kms:eu-central-1:444455556666:key/0a1b2c3d-0000-4000-8000-000000000001";
const std::string kPrefix = "projects/codecommit-backup/111122223333";
const std::string kPackage = "https://downloads.example.org/packferry_0.1.0_amd64.deb";
const std::string kDigest(64, 'a');

SetupWords with(SetupWords words, const SetupWords& more) {
  for (const auto& [name, values] : more) words[name] = values;
  return words;
}

const SetupWords kPlace = {{"bucket", {"example-backups"}}, {"prefix", {kPrefix}}};
const SetupWords kPolicy = with(kPlace, {{"writer", {kWriter}}});
const SetupWords kJob = {{"account", {"111122223333"}}, {"region", {"eu-central-1,us-east-1"}}};
const SetupWords kSpec = with(kPlace, {{"package", {kPackage}}, {"package-digest", {kDigest}}});

struct Sample {
  std::string file;
  std::string document;
  SetupWords words;
};

// What is checked by people (the golden files) and by other people's tools (tests/setup).
const std::vector<Sample>& samples() {
  static const std::vector<Sample> kSamples = {
      {"bucket-policy.json", "bucket-policy", kPolicy},
      {"bucket-policy-all.json", "bucket-policy",
       with(kPolicy, {{"reader", {kReader}}, {"sse-kms-key-id", {kKey}}, {"object-lock", {"GOVERNANCE=30"}}})},
      {"bucket-policy-put-only.json", "bucket-policy", with(kPolicy, {{"put-only", {""}}})},
      {"codebuild-policy.json", "codebuild-policy", with(kJob, kPlace)},
      {"codebuild-policy-all.json", "codebuild-policy",
       with(with(kJob, kPlace), {{"repository", {"app-*", "web"}},
                                 {"project", {"packferry-backup", "packferry-backup-one"}},
                                 {"sse-kms-key-id", {kKey}},
                                 {"package", {"s3://example-packages/packferry.deb"}},
                                 {"object-lock", {"GOVERNANCE=30"}}})},
      {"codebuild-policy-put-only.json", "codebuild-policy", with(with(kJob, kPlace), {{"put-only", {""}}})},
      {"codebuild-policy-batch.json", "codebuild-policy", with(kJob, {{"role", {"batch"}}})},
      {"codebuild-policy-events.json", "codebuild-policy", with(kJob, {{"role", {"events"}}})},
      {"codebuild-trust.json", "codebuild-trust", kJob},
      {"codebuild-trust-events.json", "codebuild-trust", with(kJob, {{"role", {"events"}}})},
      {"replication-policy.json",
       "replication-policy",
       {{"source", {"arn:aws:codecommit:eu-central-1:111122223333:web"}},
        {"destination", {"arn:aws:codecommit:us-east-1:111122223333:web"}}}},
      {"replication-policy-all.json",
       "replication-policy",
       {{"destination", {"arn:aws:codecommit:us-east-1:111122223333:mirror-*"}},
        {"ref", {"refs/heads/main", "refs/tags/*"}},
        {"create", {""}}}},
      {"gitlab-ci-role-trust.json",
       "gitlab-ci-role",
       {{"document", {"trust"}}, {"account", {"111122223333"}}, {"gitlab-project", {"app/web"}}, {"branch", {"main"}}}},
      {"gitlab-ci-role-trust-wildcard.json",
       "gitlab-ci-role",
       {{"document", {"trust"}},
        {"account", {"111122223333"}},
        {"issuer", {"https://git.example.org"}},
        {"gitlab-project", {"app/web"}},
        {"branch", {"main", "release/*"}}}},
      {"gitlab-ci-role-policy.json",
       "gitlab-ci-role",
       {{"document", {"policy"}},
        {"account", {"111122223333"}},
        {"region", {"eu-central-1"}},
        {"repository", {"web"}}}},
      {"buildspec-single.yml", "buildspec",
       with(kSpec, {{"mode", {"single"}}, {"region", {"eu-central-1", "us-east-1"}}})},
      {"buildspec-single-all.yml", "buildspec",
       with(kPlace, {{"mode", {"single"}},
                     {"region", {"eu-central-1"}},
                     {"include", {"app-*", "web"}},
                     {"exclude", {"app-old"}},
                     {"jobs", {"4"}},
                     {"recipient", {"age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"}},
                     {"sse-kms-key-id", {kKey}},
                     {"object-lock", {"GOVERNANCE=30"}},
                     {"expected-bucket-owner", {"444455556666"}},
                     {"package", {"s3://example-packages/packferry.deb"}}})},
      {"buildspec-event.yml", "buildspec", with(kSpec, {{"mode", {"event"}}})},
      {"buildspec-batch.yml", "buildspec",
       with(kPlace, {{"mode", {"batch"}}, {"region", {"eu-central-1"}}, {"shards", {"2"}}})},
      {"event-rule.json", "event-rule", {{"document", {"rule"}}}},
      {"event-targets.json",
       "event-rule",
       {{"document", {"targets"}},
        {"project-arn", {"arn:aws:codebuild:eu-central-1:111122223333:project/packferry-backup-one"}},
        {"role-arn", {"arn:aws:iam::111122223333:role/packferry-start"}}}},
      {"event-schedule.json", "event-rule", {{"document", {"schedule"}}, {"schedule", {"cron(0 3 * * ? *)"}}}},
      {"event-schedule-targets.json",
       "event-rule",
       {{"document", {"schedule-targets"}},
        {"project-arn", {"arn:aws:codebuild:eu-central-1:111122223333:project/packferry-backup"}},
        {"role-arn", {"arn:aws:iam::111122223333:role/packferry-start"}}}},
      {"stack-backup.yml", "cloudformation", with(kPolicy, {{"part", {"backup"}}})},
      {"stack-backup-all.yml", "cloudformation",
       with(kPolicy, {{"part", {"backup"}},
                      {"reader", {kReader}},
                      {"object-lock", {"GOVERNANCE=30"}},
                      {"noncurrent-days", {"60"}},
                      {"sse-kms-key-id", {kKey}}})},
      {"stack-source.yml", "cloudformation", with(with(kJob, kSpec), {{"part", {"source"}}})},
      {"stack-source-all.yml", "cloudformation",
       with(with(kJob, kSpec), {{"part", {"source"}},
                                {"events", {""}},
                                {"alarm-email", {"ops@example.org"}},
                                {"schedule", {"cron(0 3 * * ? *)"}},
                                {"sse-kms-key-id", {kKey}},
                                {"expected-bucket-owner", {"444455556666"}}})},
      {"gitlab-ci.yml",
       "gitlab-ci",
       {{"role-arn", {"arn:aws:iam::111122223333:role/packferry-gitlab"}},
        {"region", {"eu-central-1"}},
        {"repository", {"web"}},
        {"branch", {"main"}},
        {"package", {kPackage}}}},
      {"gitlab-ci-all.yml",
       "gitlab-ci",
       {{"role-arn", {"arn:aws:iam::111122223333:role/packferry-gitlab"}},
        {"issuer", {"https://git.example.org"}},
        {"region", {"eu-central-1"}},
        {"repository", {"web"}},
        {"branch", {"main", "release/*"}},
        {"ref", {"refs/heads/*"}},
        {"create", {""}},
        {"image", {"registry.example.org/packferry:1"}}}},
      {"monitors-prometheus.yml", "monitors", {{"format", {"prometheus"}}}},
      {"monitors-prometheus-all.yml",
       "monitors",
       {{"format", {"prometheus"}},
        {"name", {"ferry-2"}},
        {"lag", {"5m"}},
        {"failing", {"30m"}},
        {"backup-age", {"8h"}},
        {"queue", {"20m"}}}},
      {"monitors-alertmanager.yml",
       "monitors",
       {{"format", {"alertmanager"}}, {"webhook", {"https://alarms.example.org/hook"}}}},
      {"monitors-alertmanager-all.yml",
       "monitors",
       {{"format", {"alertmanager"}},
        {"webhook", {"https://alarms.example.org/hook"}},
        {"heartbeat", {"https://heartbeat.example.org/packferry"}}}},
      {"monitors-grafana.json", "monitors", {{"format", {"grafana"}}}},
      {"stack-monitors.yml", "monitors", {{"format", {"cloudwatch"}}}},
      {"stack-monitors-all.yml",
       "monitors",
       {{"format", {"cloudwatch"}},
        {"name", {"ferry-2"}},
        {"lag", {"5m"}},
        {"backup-age", {"8h"}},
        {"queue", {"20m"}},
        {"alarm-email", {"ops@example.org"}}}},
  };
  return kSamples;
}

std::string refusal(const std::string& document, const SetupWords& words) {
  const Result<std::string> made = make_setup(document, words);
  return made ? "made" : made.error().message();
}

TEST(Documents, AreWhatWasReadAndApproved) {
  for (const Sample& sample : samples())
    expect_golden(must(make_setup(sample.document, sample.words)), "setup/" + sample.file);
}

// Every statement has a row in docs/setup.md, and every row a statement.
TEST(Documents, EveryStatementIsExplained) {
  std::set<std::string> made;
  for (const Sample& sample : samples()) {
    if (!sample.file.ends_with(".json")) continue;
    const auto document = nlohmann::json::parse(must(make_setup(sample.document, sample.words)));
    if (!document.contains("Statement")) continue;
    for (const auto& statement : document.at("Statement")) made.insert(statement.at("Sid"));
  }
  std::set<std::string> explained;
  std::ifstream page(PACKFERRY_SETUP_PAGE);
  bool in_statements = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| statement |")) in_statements = true;
    if (line.empty()) in_statements = false;
    const std::size_t end = line.find("` | ");
    if (in_statements && line.starts_with("| `") && end != std::string::npos) explained.insert(line.substr(3, end - 3));
  }
  EXPECT_EQ(made, explained);
}

TEST(Documents, AreTheSameEachTime) {
  for (const Sample& sample : samples())
    EXPECT_EQ(must(make_setup(sample.document, sample.words)), must(make_setup(sample.document, sample.words)));
}

TEST(Documents, EveryOneOfThemIsInASample) {
  std::set<std::string_view> made;
  std::set<std::string_view> used;
  for (const Sample& sample : samples()) {
    made.insert(sample.document);
    for (const auto& [name, values] : sample.words) used.insert(name);
  }
  for (const std::string_view name : setup_documents()) EXPECT_TRUE(made.contains(name)) << name;
  for (const SetupOption& option : setup_options()) {
    const bool is_plain = option.name == "partition" || option.name == "job-region" || option.name == "name" ||
                          option.name == "log-days" || option.name == "alarm-hours";
    EXPECT_TRUE(used.contains(option.name) || is_plain) << option.name;
  }
}

TEST(Documents, WhatIsMissingIsNamed) {
  EXPECT_THAT(refusal("bucket-policy", {}), HasSubstr("bucket-policy: --bucket is missing"));
  EXPECT_THAT(refusal("bucket-policy", kPlace), HasSubstr("--writer is missing"));
  EXPECT_THAT(refusal("codebuild-policy", kPlace), HasSubstr("--account is missing"));
  EXPECT_THAT(refusal("codebuild-policy", with(kPlace, {{"account", {"111122223333"}}})),
              HasSubstr("--region is missing"));
  EXPECT_THAT(refusal("replication-policy", {}), HasSubstr("--destination is missing"));
  EXPECT_THAT(refusal("gitlab-ci-role", {}), HasSubstr("--document is one of trust, policy"));
  EXPECT_THAT(refusal("event-rule", {{"document", {"targets"}}}), HasSubstr("--project-arn is missing"));
  EXPECT_THAT(refusal("buildspec", kPlace), HasSubstr("--mode is one of single, event, batch"));
  EXPECT_THAT(refusal("buildspec", with(kPlace, {{"mode", {"batch"}}, {"region", {"eu-west-1"}}})),
              HasSubstr("--shards is missing"));
  EXPECT_THAT(refusal("cloudformation", {{"part", {"middle"}}}), HasSubstr("not 'middle'"));
  EXPECT_THAT(refusal("gitlab-ci", {}), HasSubstr("--role-arn is missing"));
  EXPECT_THAT(refusal("monitors", {}), HasSubstr("--format is one of prometheus, alertmanager, cloudwatch, grafana"));
  EXPECT_THAT(refusal("monitors", {{"format", {"alertmanager"}}}), HasSubstr("--webhook is missing"));
  EXPECT_THAT(refusal("bucket", {}), HasSubstr("there is no document 'bucket'; there are bucket-policy, "));
}

TEST(Documents, WhatHasNoUseIsRefused) {
  EXPECT_THAT(refusal("bucket-policy", with(kPolicy, {{"shards", {"3"}}})), HasSubstr("--shards has no use here"));
  EXPECT_THAT(refusal("buildspec", with(kPlace, {{"mode", {"event"}}, {"region", {"eu-west-1"}}})),
              HasSubstr("--region has no use here"));
  EXPECT_THAT(refusal("buildspec", with(kPlace, {{"mode", {"event"}}, {"include", {"a"}}})),
              HasSubstr("an event names its repository"));
  EXPECT_THAT(refusal("codebuild-policy", with(kJob, {{"role", {"batch"}}, {"bucket", {"example"}}})),
              HasSubstr("--bucket has no use here"));
  EXPECT_THAT(refusal("monitors", {{"format", {"grafana"}}, {"lag", {"5m"}}}), HasSubstr("--lag has no use here"));
  EXPECT_THAT(refusal("monitors", {{"format", {"cloudwatch"}}, {"failing", {"5m"}}}),
              HasSubstr("--failing has no use"));
  EXPECT_THAT(refusal("bucket-policy", with(kPolicy, {{"bucket", {"one", "two"}}})),
              HasSubstr("--bucket is given twice"));
  EXPECT_THAT(refusal("cloudformation", with(with(kJob, kPlace), {{"part", {"source"}}, {"project", {"a", "b"}}})),
              HasSubstr("one --project"));
}

TEST(Documents, AWrongValueIsRefusedBeforeAnythingIsMade) {
  EXPECT_THAT(refusal("bucket-policy", with(kPolicy, {{"writer", {"arn:aws:iam::111122223333:role/*"}}})),
              HasSubstr("--writer: 'arn:aws:iam::111122223333:role/*' is not the ARN"));
  EXPECT_THAT(refusal("bucket-policy", with(kPolicy, {{"prefix", {"a/*"}}})), HasSubstr("--prefix"));
  EXPECT_THAT(refusal("bucket-policy", with(kPolicy, {{"writer", {kWriter + "," + "x"}}})), HasSubstr("'x' is not"));
}

TEST(Documents, APackageOverAnInsecureWayNeedsItsDigest) {
  for (const std::string address : {"http://127.0.0.1:8080/packferry.deb", "file:///srv/packferry.deb"}) {
    SetupWords words = with(kPlace, {{"mode", {"single"}}, {"region", {"eu-west-1"}}, {"package", {address}}});
    EXPECT_THAT(refusal("buildspec", words), HasSubstr("--package-digest"));
    words["package-digest"] = {kDigest};
    EXPECT_THAT(must(make_setup("buildspec", words)), HasSubstr("sha256sum --check"));
  }
}

TEST(Documents, ABuildOfOneRepositoryDoesNotSilenceTheAlarms) {
  EXPECT_THAT(must(make_setup("buildspec", with(kPlace, {{"mode", {"event"}}}))), Not(HasSubstr("--metrics")));
}

// What EventBridge makes of the transformer, for the event of a ref that somebody has given a nasty name.
TEST(Documents, ARefNameAddsNothingToTheInputOfABuild) {
  const std::string rule =
      must(make_setup("event-rule", {{"document", {"targets"}},
                                     {"project-arn", {"arn:aws:codebuild:eu-west-1:111122223333:project/x"}},
                                     {"role-arn", {kWriter}}}));
  const auto made = nlohmann::json::parse(rule);
  const auto& transformer = made.at("Targets").at(0).at("InputTransformer");
  std::string input = transformer.at("InputTemplate");
  for (const auto& [name, path] : transformer.at("InputPathsMap").items()) {
    const std::string gap = "<" + name + ">";
    const std::size_t at = input.find(gap);
    ASSERT_NE(at, std::string::npos) << name;
    input.replace(at, gap.size(), name == "reference" ? R"("refs/heads/$(id);'`x`&&y")" : "\"web\"");
  }
  const auto start = nlohmann::json::parse(input);
  ASSERT_EQ(start.size(), 1u);
  EXPECT_EQ(start.at("environmentVariablesOverride").at(2).at("value"), "refs/heads/$(id);'`x`&&y");
}

}  // namespace
}  // namespace packferry
