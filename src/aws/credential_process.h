// A profile's credential_process: a program that prints credentials. "Sourcing credentials with an external process",
// AWS SDKs and Tools Reference Guide.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/aws_credentials.h"

namespace packferry {

// The words of a command, split as a shell would do it: quotes and backslashes count, and nothing else does; no shell
// ever sees them. Invalid: a quote without its other, a backslash at the end, no word at all. A message repeats
// nothing.
Result<std::vector<std::string>> split_command(std::string_view command);

// Runs the program for each get(). `environment` is what it runs with; what it says on standard error when it fails is
// in the message.
class ProcessCredentials final : public AwsCredentialSource {
 public:
  ProcessCredentials(std::vector<std::string> argv, std::vector<std::string> environment)
      : argv_(std::move(argv)), environment_(std::move(environment)) {}
  Result<AwsCredentials> get(std::stop_token stop) override;

 private:
  const std::vector<std::string> argv_;
  const std::vector<std::string> environment_;
};

}  // namespace packferry
