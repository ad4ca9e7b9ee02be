// Where AWS credentials are found, in the order of AWS's own tools, and which roles are assumed with them.
//
// The first of these that is set up decides; when it then fails, that is the answer, and no other one is tried:
//   1. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN), unless a profile is named explicitly
//   2. the profile's role_arn, with its source_profile (which may itself have one, and so on) or credential_source
//   3. a web identity: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or the profile's web_identity_token_file and
//      role_arn; the file is read again whenever the session has to be renewed
//   4. the profile's single sign-on: Unsupported, the message says what to do instead
//   5. the profile's keys in the credentials file, its credential_process, its keys in the config file
//   6. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI: ECS, EKS pod identity, CodeBuild
//   7. the metadata service of an EC2 instance (version 2 only), unless AWS_EC2_METADATA_DISABLED is true
//
// The role of an AwsIdentity comes on top of that. A web identity token without a role of its own (AWS_ROLE_ARN not
// set) is what that role is assumed with directly: this is how a CI job of GitLab becomes another role for each side.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/aws_call.h"
#include "aws/aws_credentials.h"
#include "aws/aws_identity.h"
#include "aws/aws_profile.h"
#include "base/clock.h"
#include "net/http.h"

namespace packferry {

// What it takes to ask. The referenced objects outlive every source that was found with them.
struct AwsSurroundings {
  EnvironmentLookup environment;
  std::vector<std::string> child_environment;  // what a credential_process runs with
  HttpClient& metadata_client;                 // made with metadata_http_options()
  AwsCaller& caller;
  Clock& clock;
};

// `profile` is the identity's, loaded. `region` is where STS is asked when the profile and the environment name none.
// Invalid: half a pair of keys, a role whose source is missing, named twice or its own; Denied: nothing is set up.
// Nobody is asked before the first get().
Result<std::unique_ptr<AwsCredentialSource>> find_aws_credentials(const AwsProfile& profile,
                                                                  const AwsIdentity& identity,
                                                                  const std::string& region,
                                                                  const AwsSurroundings& around);

// Is anything of 1 to 6 set up? The metadata service can only be known by asking it.
bool has_aws_credentials(const AwsProfile& profile, const EnvironmentLookup& environment);

}  // namespace packferry
