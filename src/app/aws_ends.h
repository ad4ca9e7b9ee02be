// The ends that AWS is behind: under which identity each side goes there, and what that identity opens.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "app/environment.h"
#include "aws/aws_chain.h"
#include "aws/codecommit_address.h"
#include "aws/sqs.h"
#include "cli/ends.h"
#include "net/credentials.h"
#include "net/http.h"

namespace packferry {

// Safe from several threads. What is passed in outlives it, and it outlives what it hands out.
class AwsEnds {
 public:
  AwsEnds(const Environment& environment, const EndOptions& options, std::string user_agent, HttpClient& http,
          Clock& clock, std::uint64_t seed);

  // One identity, found: the same for all that ask for it, so that a role is assumed once for sixty repositories.
  struct Found {
    AwsProfile profile;
    std::unique_ptr<AwsCredentialSource> credentials;
  };
  Result<const Found*> for_store();

  // A repository of CodeCommit, and who we are to it.
  struct Repository {
    CodeCommitAddress address;
    std::unique_ptr<CredentialSource> credentials;
  };
  Result<Repository> repository(const Url& url, Side side);
  // Is an identity named for this side, or set up where AWS's tools look? Where not, git's credential helpers may know
  // somebody for an https URL of CodeCommit.
  Result<bool> has_identity(const Url& url, Side side) const;

  // As who the source side is. `wait`: see SqsQueue.
  Result<std::unique_ptr<MessageQueue>> queue(const Url& url, const std::string& region, std::chrono::seconds wait);
  // The account, in `region` or, when that is empty, in the profile's. `profile` goes before the side's.
  Result<std::unique_ptr<Host>> codecommit(const std::string& profile, const std::string& region, Side side);
  // Where a repository is, or would be.
  Result<HostedPlace> place(const Url& url, Side side);
  // The same, for one that is to be made; see Ends::hosted().
  Result<HostedPlace> place_to_make(const Url& url, Side side);
  Result<std::optional<GitPassword>> git_password(const Url& url, Side side, std::stop_token stop);

 private:
  // A repository's address, resolved as whom `side` is there.
  struct Resolved {
    AwsIdentity identity;
    const Found* found;
    CodeCommitAddress address;
  };
  Result<Resolved> resolve(const Url& url, Side side);
  Result<HostedPlace> place(const Resolved& there, Side side);
  AwsIdentity identity_of(const Url& url, Side side) const;
  std::optional<Url> codecommit_behind(const Url& url) const;
  Result<const Found*> find(const AwsIdentity& identity, const std::string& region);
  CodeCommitEndpoints endpoints(const AwsProfile& profile) const;

  const Environment& environment_;
  const EndOptions& options_;
  HttpClient& http_;
  Clock& clock_;
  HttpClient metadata_http_;
  AwsCaller caller_;
  const EnvironmentLookup lookup_;
  std::mutex mutex_;
  std::map<std::string, Found> found_;
};

}  // namespace packferry
