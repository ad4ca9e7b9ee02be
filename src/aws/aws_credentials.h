// Who we are to AWS: an access key, its secret and often a token that expires. Where it is found: aws_chain.h.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
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

// Keeps what another source gave, until 15 minutes before it expires, or until somebody says that it has. Then it asks
// again; while that fails, the old ones serve until the last minute by our clock. So a refusal that meant something
// else costs one question, and takes nothing from the others who use the same session.
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
  bool is_doubted_ = false;
  Clock::WallTime ask_again_at_{};
};

// What metadata services say: {"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": …}. Denied when they
// say that there are none.
Result<AwsCredentials> parse_metadata_credentials(std::string_view text);
// What a credential_process prints: {"Version": 1, "AccessKeyId": …, "SecretAccessKey": …, "SessionToken": …,
// "Expiration": …}, the last two where there are any.
Result<AwsCredentials> parse_process_credentials(std::string_view text);

}  // namespace packferry
