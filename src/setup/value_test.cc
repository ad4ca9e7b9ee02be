#include "setup/value.h"

#include <gtest/gtest.h>

namespace packferry {
namespace {

TEST(Value, TakesWhatItShould) {
  const struct {
    ValueKind kind;
    const char* text;
  } good[] = {
      {ValueKind::Account, "111122223333"},
      {ValueKind::Partition, "aws-cn"},
      {ValueKind::Region, "us-gov-west-1"},
      {ValueKind::Bucket, "my.backups-1"},
      {ValueKind::KeyPrefix, "projects/a b/ä"},
      {ValueKind::Arn, "arn:aws:codecommit:eu-west-1:111122223333:app-*"},
      {ValueKind::Principal, "arn:aws:iam:::user/writer"},
      {ValueKind::Principal, "arn:aws:iam::tenant:role/path/backup"},
      {ValueKind::Repository, "team.tools_repo-*"},
      {ValueKind::Name, "packferry-backup"},
      {ValueKind::RefPattern, "refs/heads/release/*"},
      {ValueKind::ProjectPath, "group/sub/*"},
      {ValueKind::Branch, "feat/x"},
      {ValueKind::Address, "https://git.example.org:8443/gitlab"},
      {ValueKind::Package, "s3://bucket/packferry.deb"},
      {ValueKind::Glob, "app-[ab]?*"},
      {ValueKind::Image, "public.ecr.aws/debian/debian:12"},
      {ValueKind::Schedule, "cron(0/15 3 ? * MON-FRI *)"},
      {ValueKind::Email, "ops+git@example.org"},
      {ValueKind::Shards, "100"},
      {ValueKind::Duration, "15m"},
      {ValueKind::Duration, "365d"},
      {ValueKind::Lock, "COMPLIANCE=1"},
      {ValueKind::LogDays, "3653"},
      {ValueKind::AlarmHours, "168"},
      {ValueKind::Flag, ""},
  };
  for (const auto& each : good) EXPECT_TRUE(check_value(each.kind, each.text).has_value()) << each.text;
}

TEST(Value, RefusesTheRest) {
  const struct {
    ValueKind kind;
    const char* text;
  } bad[] = {
      {ValueKind::Account, "11112222333"},
      {ValueKind::Account, "11112222333x"},
      {ValueKind::Partition, "aws-iso"},
      {ValueKind::Region, "Frankfurt"},
      {ValueKind::Region, "eu-central-"},
      {ValueKind::Bucket, "My-Bucket"},
      {ValueKind::Bucket, "a..b"},
      {ValueKind::KeyPrefix, ""},
      {ValueKind::KeyPrefix, "/a"},
      {ValueKind::KeyPrefix, "a//b"},
      {ValueKind::KeyPrefix, "a*"},
      {ValueKind::KeyPrefix, "a${aws:username}"},
      {ValueKind::KeyPrefix, "a\nb"},
      {ValueKind::Arn, "arn:aws:codecommit:*:111122223333:web"},
      {ValueKind::Arn, "web"},
      {ValueKind::Principal, "arn:aws:iam::111122223333:*"},
      {ValueKind::Principal, "*"},
      {ValueKind::Repository, "app/web"},
      {ValueKind::Repository, "web.git"},
      {ValueKind::Name, "-x"},
      {ValueKind::Name, "x y"},
      {ValueKind::RefPattern, "main"},
      {ValueKind::RefPattern, "refs/heads/a b"},
      {ValueKind::ProjectPath, "web"},
      {ValueKind::ProjectPath, "a/../b c"},
      {ValueKind::Branch, "a:b"},
      {ValueKind::Branch, "a'b"},
      {ValueKind::Address, "http://git.example.org"},
      {ValueKind::Address, "https://git.example.org/"},
      {ValueKind::Address, "https://user@git.example.org"},
      {ValueKind::Package, "packferry.deb"},
      {ValueKind::Package, "https://x/$(id)"},
      {ValueKind::Sha256, "ABCD"},
      {ValueKind::Glob, "a'b"},
      {ValueKind::Glob, ""},
      {ValueKind::Recipient, "AGE-SECRET-KEY-1"},
      {ValueKind::Image, "a b"},
      {ValueKind::Schedule, "every day"},
      {ValueKind::Schedule, "rate(1 day); id"},
      {ValueKind::Email, "ops"},
      {ValueKind::Shards, "1"},
      {ValueKind::Duration, "59s"},
      {ValueKind::Duration, "366d"},
      {ValueKind::Duration, "15"},
      {ValueKind::Shards, "2x"},
      {ValueKind::Count, "0"},
      {ValueKind::Lock, "GOVERNANCE"},
      {ValueKind::Lock, "GOVERNANCE=0"},
      {ValueKind::Lock, "HOLD=3"},
      {ValueKind::LogDays, "91"},
      {ValueKind::AlarmHours, "169"},
      {ValueKind::Word, ""},
  };
  for (const auto& each : bad) {
    const Result<> checked = check_value(each.kind, each.text);
    ASSERT_FALSE(checked.has_value()) << each.text;
    EXPECT_NE(checked.error().message().find("' is not "), std::string::npos);
  }
}

}  // namespace
}  // namespace packferry
