// What a build in CodeBuild does: installs Packferry, and backs CodeCommit up with it. For images of Debian or Ubuntu.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace packferry {

// Where a machine that has nothing gets Packferry from. Without an address it is expected to be there.
struct PackageSource {
  std::string address = {};  // of the .deb: https://, s3://; http:// and file:/// with a digest
  std::string sha256 = {};
};

// Shell commands, a line each, for root; the last one shows which version it is. Invalid: an address that needs a
// digest and has none.
Result<std::string> install_commands(const PackageSource& package);

enum class BuildspecMode {
  Single,  // all repositories, one after the other and some at once
  Event,   // the one that REPOSITORY_NAME, REPO_REGION and REFERENCE_NAME name
  Batch,   // all of them, divided among several builds
};

struct BuildspecOptions {
  BuildspecMode mode = BuildspecMode::Single;
  std::string bucket = {};
  std::string prefix = {};
  std::vector<std::string> regions = {};     // where there are repositories; not for Event
  std::vector<std::string> include = {};     // patterns of names; not for Event
  std::vector<std::string> exclude = {};     // the same
  std::vector<std::string> recipients = {};  // age: whom backups are encrypted for
  std::string bucket_owner = {};             // the account that the bucket must belong to
  std::string kms_key = {};                  // an ARN
  std::string object_lock = {};              // GOVERNANCE=30
  std::string jobs = {};                     // repositories at once
  unsigned shards = 2;                       // for Batch
  PackageSource package = {};
};

Result<std::string> buildspec(const BuildspecOptions& options);

// The store as backup is told it, and as its metrics name it.
std::string store_of(const std::string& bucket, const std::string& prefix);

}  // namespace packferry
