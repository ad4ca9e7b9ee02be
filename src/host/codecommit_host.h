// The repositories of one account of AWS CodeCommit in one region, through its API. "AWS CodeCommit API Reference".
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "aws/aws_client.h"
#include "aws/sts.h"
#include "host/host.h"

namespace packferry {

class CodeCommitHost final : public Host {
 public:
  // `endpoint` is the API's in `region`. `profile` stands in the URLs that are given out, so that they mean the same
  // account again; empty: none does. The referenced objects outlive it.
  CodeCommitHost(std::string region, Url endpoint, std::string profile, Sts sts, AwsCredentialSource& credentials,
                 AwsCaller& caller);

  std::string name() const override;
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  Result<Url> url_of(std::string_view repository) const override;
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  Result<std::string> account(std::stop_token stop);
  Result<> add_default_branches(std::vector<HostedRepository>& all, std::stop_token stop) const;
  Result<HostedRepository> described(std::string_view body, std::string_view repository, Url url) const;

  const std::string region_;
  const std::string profile_;
  const Sts sts_;
  AwsCredentialSource& credentials_;
  const AwsClient client_;
  std::mutex mutex_;
  std::string account_;
};

}  // namespace packferry
