// What STS says, in XML, as values. Everything in it comes from a peer. "Actions", AWS STS API Reference.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/aws_call.h"
#include "aws/aws_credentials.h"

namespace packferry {

// AssumeRole and AssumeRoleWithWebIdentity. Corrupt: no such answer, one without keys or without a time of expiry, and
// keys with control characters in them.
Result<AwsCredentials> parse_sts_credentials(std::string_view body);

struct CallerIdentity {
  std::string account;  // twelve digits
  std::string arn;
};
// GetCallerIdentity.
Result<CallerIdentity> parse_caller_identity(std::string_view body);

// <ErrorResponse>. Nothing when the body is something else.
std::optional<AwsFailure> parse_sts_failure(std::string_view body);

}  // namespace packferry
