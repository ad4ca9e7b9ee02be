#include "aws/codecommit_password.h"

#include "aws/sigv4.h"

namespace packferry {

// Signature version 4 with three changes: the method is GIT, no payload is hashed, the time has no zone.
Credentials codecommit_password(const AwsCredentials& credentials, std::string_view region, const Url& git,
                                Clock::WallTime now) {
  std::string timestamp = to_compact_iso8601(now);
  timestamp.pop_back();
  const CanonicalRequest request = canonical_request("GIT", git.path(), "", {{"Host", git.host()}}, "", false);
  const std::string signature =
      sigv4_signature(request, credentials.secret_access_key, {std::string(region), "codecommit"}, timestamp);
  const std::string& token = credentials.session_token.reveal();
  return {.username = token.empty() ? credentials.access_key_id : credentials.access_key_id + "%" + token,
          .password = Secret(timestamp + "Z" + signature)};
}

Clock::WallTime codecommit_password_expiry(Clock::WallTime now) { return now + std::chrono::minutes(14); }

}  // namespace packferry
