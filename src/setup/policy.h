// IAM policies, as text: who may do what in the bucket of the backup account, what the job's roles may do, and who may
// take them. Pure; the same options give the same bytes. What each statement is for is said by its Sid, and line by
// line in docs/setup.md. Values are expected to have passed check_value().
#pragma once

#include <string>
#include <vector>

namespace packferry {

// The place in the bucket where backups lie, and what is asked of objects there.
struct BackupPlace {
  std::string partition = "aws";
  std::string bucket = {};
  std::string prefix = {};
  std::string kms_key = {};  // an ARN; empty: the bucket's own encryption
  bool put_only = false;     // writers may neither list nor read
  bool object_lock = false;  // writers say themselves how long an object is kept (backup --object-lock)
};

struct BucketPolicyOptions {
  BackupPlace place = {};
  std::vector<std::string> writers = {};  // ARNs: the roles that make backups
  std::vector<std::string> readers = {};  // ARNs: the roles that restore and verify
};

// For the bucket: over TLS only; writers add below the prefix and never delete or replace, readers read there.
std::string bucket_policy(const BucketPolicyOptions& options);

// A job in CodeBuild, in the account that has the repositories.
struct BackupJob {
  std::string partition = "aws";
  std::string account = {};
  std::vector<std::string> regions = {};       // where there are repositories
  std::vector<std::string> repositories = {};  // names, '*' allowed
  std::string job_region = {};                 // where the job runs
  std::vector<std::string> projects = {};      // of CodeBuild
  std::string package = {};                    // the .deb; only one in S3 needs a right
};

// What the build does: find repositories, pull them, put backups, write its log.
std::string build_policy(const BackupJob& job, const BackupPlace& place);
// What a batch does: start its builds.
std::string batch_policy(const BackupJob& job);
// What a rule of EventBridge does: start one.
std::string events_policy(const BackupJob& job);

// Who may take the role: CodeBuild for these projects; EventBridge for rules whose names begin as theirs.
std::string build_trust(const BackupJob& job);
std::string events_trust(const BackupJob& job);

struct ReplicationPolicyOptions {
  std::vector<std::string> sources = {};       // ARNs of CodeCommit repositories to read; none: the source is elsewhere
  std::vector<std::string> destinations = {};  // ARNs of CodeCommit repositories to push to
  std::vector<std::string> refs = {};          // only these may be pushed; none: all
  bool create = false;                         // may make a destination that is not there
};
std::string replication_policy(const ReplicationPolicyOptions& options);

struct GitLabTrustOptions {
  std::string partition = "aws";
  std::string account = {};
  std::string issuer = "https://gitlab.com";  // the address of the GitLab server
  std::string project = {};                   // GROUP/PROJECT
  std::vector<std::string> branches = {};     // protected ones; '*' allowed
};
// For jobs of these branches of this project, and of nothing else on that server.
std::string gitlab_trust(const GitLabTrustOptions& options);

}  // namespace packferry
