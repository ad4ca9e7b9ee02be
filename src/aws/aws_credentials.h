// Who we are to AWS: an access key, its secret and often a token that expires. Found where AWS's own tools find it, and
// in their order: the environment, the profile of the shared files, a container's host, an EC2 instance's host.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "aws/aws_profile.h"
#include "base/clock.h"
#include "net/http.h"
#include "net/url.h"

namespace packferry {

struct AwsCredentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty: none
  std::optional<Clock::WallTime> expires_at;
};

// Safe from several threads.
class AwsCredentialSource {
 public:
  virtual ~AwsCredentialSource() = default;
  virtual Result<AwsCredentials> get(std::stop_token stop) = 0;
  // The service said that these have expired, whatever we believe: get() must not give them again if it can help it.
  virtual void expired(const AwsCredentials&) {}
};

class FixedAwsCredentials final : public AwsCredentialSource {
 public:
  explicit FixedAwsCredentials(AwsCredentials held) : held_(std::move(held)) {}
  Result<AwsCredentials> get(std::stop_token) override { return held_; }

 private:
  const AwsCredentials held_;
};

// Keeps what another source gave, until 15 minutes before it expires. Then it asks again; while that fails, the old
// ones serve until the last minute.
class RefreshedAwsCredentials final : public AwsCredentialSource {
 public:
  RefreshedAwsCredentials(std::unique_ptr<AwsCredentialSource> from, Clock& clock)
      : from_(std::move(from)), clock_(clock) {}
  Result<AwsCredentials> get(std::stop_token stop) override;
  void expired(const AwsCredentials& credentials) override;

 private:
  const std::unique_ptr<AwsCredentialSource> from_;
  Clock& clock_;
  std::mutex mutex_;  // held while asking too: one asks, the others want the same answer
  std::optional<AwsCredentials> held_;
  Clock::WallTime ask_again_at_{};
};

// For talking to a metadata service: it is near, or it is not there. Never through a proxy, which would be told
// secrets.
HttpOptions metadata_http_options(HttpOptions options);

// The first of these that is set up decides; when it then fails, that is the answer, and no other one is tried:
//   1. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN), unless a profile is named explicitly
//   2. the profile: static keys. A profile with role_arn, web identity, SSO or credential_process is Unsupported, and
//      so is AWS_WEB_IDENTITY_TOKEN_FILE; the message says what to do instead.
//   3. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI: ECS, EKS pod identity, CodeBuild
//   4. the metadata service of an EC2 instance (version 2 only), unless AWS_EC2_METADATA_DISABLED is true
// Invalid when one of a pair is missing. Nobody is asked before the first get(). `metadata_client` is made with
// metadata_http_options(); it and `clock` outlive the source.
Result<std::unique_ptr<AwsCredentialSource>> find_aws_credentials(const AwsProfile& profile,
                                                                  const EnvironmentLookup& environment,
                                                                  HttpClient& metadata_client, Clock& clock);

}  // namespace packferry
