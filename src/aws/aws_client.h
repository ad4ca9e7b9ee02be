// A service of AWS that speaks JSON 1.1, as CodeCommit does, or 1.0, as SQS: POST / with the operation in X-Amz-Target.
// JSON goes in and comes out as text; whoever asks knows what is in it.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "aws/aws_call.h"

namespace packferry {

struct AwsService {
  std::string name;    // "codecommit": what is signed for, and named in messages
  std::string target;  // "CodeCommit_20150413"
  std::string region;
  Url endpoint;
  std::string_view json_version = "1.1";     // of the protocol; outlives the client
  std::span<const KnownAwsCode> known = {};  // outlives the client
};

// Safe from several threads. What is passed in outlives it.
class AwsClient {
 public:
  AwsClient(AwsService service, AwsCaller& caller, AwsCredentialSource& credentials)
      : service_(std::move(service)), caller_(caller), credentials_(credentials) {}

  const AwsService& service() const { return service_; }

  // What the operation answers, a JSON document. Errors begin with "ListRepositories of codecommit eu-central-1"; their
  // kinds are AwsCaller's, and those of `known`.
  Result<std::string> call(std::string_view operation, std::string_view body, std::stop_token stop) const;

 private:
  const AwsService service_;
  AwsCaller& caller_;
  AwsCredentialSource& credentials_;
};

// {"__type": "…#Code:…", "message": …}, or what the header x-amzn-errortype says. `type`: that header; empty: none.
// Nothing when neither has a code.
std::optional<AwsFailure> parse_json_failure(std::string_view type, std::string_view body);

}  // namespace packferry
