// What a person says for a document that AWS or GitLab is going to read: checked by what it is, before it is written
// down anywhere. A policy with a mistyped account is worse than none.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace packferry {

enum class ValueKind {
  Flag,         // takes no value
  Account,      // "111122223333"
  Partition,    // aws, aws-cn, aws-us-gov
  Region,       // "eu-central-1"
  Bucket,       // as S3 names them
  KeyPrefix,    // "projects/codecommit-backup/111122223333": parts between '/', none empty, no wildcards
  Arn,          // of anything; wildcards in its last part only
  Principal,    // an ARN without wildcards: a role, a user, a key
  Repository,   // a CodeCommit name, with '*' for any characters
  Name,         // of a CodeBuild project, a rule: letters, digits, '-', '_'
  RefPattern,   // "refs/heads/main", "refs/heads/release/*"
  ProjectPath,  // of GitLab: "group/project", '*' allowed
  Branch,       // a branch as the server names it, '*' allowed
  Address,      // https://…, without user, query or fragment
  Package,      // https://… or s3://…/….deb; http:// and file:// only where a digest is given with it
  Sha256,       // 64 hexadecimal digits
  Glob,         // of repository names
  Recipient,    // age1…
  Image,        // of a container
  Schedule,     // rate(…), cron(…)
  Email,
  Shards,      // 2 to 100
  Count,       // 1 to 10,000
  LogDays,     // as many as CloudWatch Logs can keep a log
  AlarmHours,  // 2 to 168: an alarm looks back seven days at most
  Duration,    // 15m, 26h
  Lock,        // GOVERNANCE=30, COMPLIANCE=30: days
  Word,        // one of a few, that the document knows
};

// Invalid: with what such a value looks like.
Result<> check_value(ValueKind kind, std::string_view text);

}  // namespace packferry
