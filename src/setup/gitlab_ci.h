// What a GitLab project includes in its CI, so that every push to it reaches CodeCommit as well.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "setup/buildspec.h"

namespace packferry {

struct GitLabCiOptions {
  std::string issuer = "https://gitlab.com";  // the address of the GitLab server
  std::string role = {};                      // ARN of the role that its jobs take
  std::string region = {};
  std::string repository = {};             // in CodeCommit
  std::vector<std::string> branches = {};  // jobs run for these, and the role knows them
  std::vector<std::string> refs = {};      // packferry replicate --ref; none: branches and tags
  bool create = false;                     // make the repository when it is not there
  std::string image = "debian:12";
  PackageSource package = {};
};

Result<std::string> gitlab_ci(const GitLabCiOptions& options);

}  // namespace packferry
