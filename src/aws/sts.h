// AWS's Security Token Service: who we are, and becoming a role for an hour.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "aws/aws_call.h"
#include "aws/sts_answer.h"

namespace packferry {

struct RoleRequest {
  std::string role_arn;
  std::string session_name = {};  // as it stands in CloudTrail; empty: "packferry"
  std::string external_id = {};   // what a third party's role asks for; not with a web identity
  std::optional<std::chrono::seconds> duration = std::nullopt;  // none: an hour

  // Invalid: what STS would refuse by its shape alone. Before anybody is asked, so that a slip on the command line is
  // told as one.
  Result<> check() const;
};

class Sts {
 public:
  // `region` may be empty: the one host for all. `endpoint` is used instead of AWS's own when it is not. `caller`
  // outlives it.
  static Result<Sts> at(const std::string& region, const std::string& endpoint, AwsCaller& caller);

  Result<AwsCredentials> assume_role(const RoleRequest& role, AwsCredentialSource& as, std::stop_token stop) const;
  // Proves itself by `token`, of an identity provider that the role trusts; nothing is signed.
  Result<AwsCredentials> assume_role_with_web_identity(const RoleRequest& role, const Secret& token,
                                                       std::stop_token stop) const;
  Result<CallerIdentity> caller_identity(AwsCredentialSource& as, std::stop_token stop) const;

 private:
  Sts(Url url, std::string region, AwsCaller& caller)
      : url_(std::move(url)), region_(std::move(region)), caller_(&caller) {}
  Result<std::string> ask(std::string doing, Secret form, AwsCredentialSource* as, std::stop_token stop) const;

  Url url_;
  std::string region_;  // that is signed for
  AwsCaller* caller_;
};

}  // namespace packferry
