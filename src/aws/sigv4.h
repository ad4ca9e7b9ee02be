// AWS Signature Version 4, as a header: what proves to an AWS service, or to one that speaks like it, who sends a
// request and that nobody changed it. "Signing AWS API requests", IAM User Guide; for S3 also "Authenticating Requests
// (AWS Signature Version 4)", S3 API Reference.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "aws/aws_credentials.h"
#include "base/clock.h"
#include "net/http.h"

namespace packferry {

// The hash of no body.
inline constexpr std::string_view kEmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
// Of a body that is not hashed; only S3 takes it, and only over https is it sound.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

struct SigningScope {
  std::string region;
  std::string service;  // "s3", "sts", "codecommit", …
};

// Adds X-Amz-Date, X-Amz-Security-Token (when there is a token), X-Amz-Content-Sha256 (for S3) and Authorization. All
// headers that the request has by then are signed, so they must be complete. `payload_hash`: the SHA-256 of the body in
// hex, or kUnsignedPayload.
void sign(HttpRequest& request, const AwsCredentials& credentials, const SigningScope& scope,
          std::string_view payload_hash, Clock::WallTime now);

// The steps of it, for tests and for a server that checks.
struct CanonicalRequest {
  std::string text;
  std::string signed_headers;  // "host;x-amz-date"
};
// `target` is the path as it was sent. Services other than S3 remove "." and "..", and encode a second time.
CanonicalRequest canonical_request(std::string_view method, std::string_view path, std::string_view query,
                                   const std::vector<HttpHeader>& headers, std::string_view payload_hash, bool is_s3);
// `timestamp`: "20261122T134500Z", as it is signed; CodeCommit's passwords have no 'Z' there.
std::string sigv4_signature(const CanonicalRequest& request, const Secret& secret_access_key, const SigningScope& scope,
                            std::string_view timestamp);
std::array<std::byte, 32> sigv4_signing_key(const Secret& secret_access_key, const SigningScope& scope,
                                            std::string_view date);  // "20261122"

}  // namespace packferry
