// Both accounts' stacks, complete: as they stand they can be given to `aws cloudformation deploy`. A stack says what
// was said here and has no parameters: a change is a new file, which can be compared with the old one.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "setup/buildspec.h"
#include "setup/policy.h"

namespace packferry {

// The account that keeps the backups: bucket and bucket policy.
struct BackupStackOptions {
  BucketPolicyOptions policy = {};
  std::string object_lock = {};      // GOVERNANCE=30: every object's default, from the first one on
  std::string noncurrent_days = {};  // how long what was hidden by a delete is kept; empty: for ever
};
Result<std::string> backup_stack(const BackupStackOptions& options);

// The account that has the repositories: the job, its role, its schedule, its log, and who is told when it fails.
struct SourceStackOptions {
  BackupJob job = {};  // one project; with events a second one, NAME-one
  BackupPlace place = {};
  BuildspecOptions spec = {};  // what the build runs; mode, regions, bucket and prefix are taken from above
  std::string image = "public.ecr.aws/debian/debian:12";
  std::string schedule = "rate(1 day)";
  bool events = false;  // back up each repository of the job's region when it changes, too
  std::string log_days = "90";
  std::string alarm_hours = "26";  // no complete run for so long is an alarm
  std::string alarm_email = {};
};
Result<std::string> source_stack(const SourceStackOptions& options);

}  // namespace packferry
