// Credentials that the host of a container or of an EC2 instance gives to what runs there.
#pragma once

#include <memory>
#include <string>

#include "aws/aws_credentials.h"
#include "aws/aws_profile.h"
#include "base/clock.h"
#include "net/http.h"

namespace packferry {

// For talking to a metadata service: it is near, or it is not there. Never through a proxy, which would be told
// secrets.
HttpOptions metadata_http_options(HttpOptions options);

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI is set: ECS, EKS pod identity, CodeBuild.
bool has_container_credentials(const EnvironmentLookup& environment);
// Invalid where the address is one that a token should not be sent to. `client` is made with metadata_http_options();
// it and `clock` outlive the source.
Result<std::unique_ptr<AwsCredentialSource>> container_credentials(const EnvironmentLookup& environment,
                                                                   HttpClient& client, Clock& clock);

// The metadata service of an EC2 instance, version 2 only. Nothing when AWS_EC2_METADATA_DISABLED is true.
Result<std::unique_ptr<AwsCredentialSource>> instance_credentials(const EnvironmentLookup& environment,
                                                                  HttpClient& client, Clock& clock);

}  // namespace packferry
