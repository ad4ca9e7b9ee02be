// Who we are to CodeCommit's Git service: a password for each request, made from AWS credentials that are asked for
// each time. One that was made when a conversation began would run out while a large repository is on its way.
#pragma once

#include <mutex>
#include <optional>

#include "aws/aws_credentials.h"
#include "aws/codecommit_address.h"
#include "base/clock.h"
#include "net/credentials.h"

namespace packferry {

class CodeCommitCredentials final : public CredentialSource {
 public:
  // For this repository and for no other host. `aws` and `clock` outlive it.
  CodeCommitCredentials(CodeCommitAddress address, AwsCredentialSource& aws, Clock& clock)
      : address_(std::move(address)), aws_(aws), clock_(clock) {}

  std::optional<Credentials> up_front(const Url&) override { return std::nullopt; }
  Result<std::optional<Credentials>> for_request(const Url& url, std::optional<Credentials> held,
                                                 std::stop_token stop) override;
  Result<Credentials> ask(const Url& url, std::stop_token stop) override;
  // 403 is what CodeCommit says to a password or a session that has run out, and to a role without the right.
  bool may_have_run_out(const Url& url, const Credentials& refused) override;

 private:
  Result<Credentials> make(std::stop_token stop);

  const CodeCommitAddress address_;
  AwsCredentialSource& aws_;
  Clock& clock_;
  std::mutex mutex_;
  std::optional<AwsCredentials> used_;
};

}  // namespace packferry
