// One question to an AWS service: signed, asked again where that makes sense, its refusals as Errors. What STS and the
// JSON services have in common; S3 has ways of its own (store/s3_client.h).
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws/aws_credentials.h"
#include "aws/sigv4.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "net/http_question.h"

namespace packferry {

// What a service says when it refuses. From a peer: made printable by whoever parsed it.
struct AwsFailure {
  std::string code;
  std::string message;

  friend bool operator==(const AwsFailure&, const AwsFailure&) = default;
};

struct KnownAwsCode {
  std::string_view code;
  ErrorKind kind;
  std::string_view remedy = {};
};

struct AwsCall {
  std::string doing;  // "list repositories of codecommit eu-central-1": begins the message of an Error
  Url url;
  std::vector<HttpHeader> headers;
  Secret body;  // of a POST; some hold tokens
  SigningScope scope;
  AwsCredentialSource* credentials = nullptr;  // none: not signed
  // Nothing when the body is something else, such as a proxy's page.
  std::function<std::optional<AwsFailure>(const HttpResponse&, std::string_view body)> read_failure;
  std::span<const KnownAwsCode> known = {};  // before those that all services have
};

// "Retry behavior", AWS SDKs and Tools Reference Guide: standard mode.
inline constexpr RetryLimits kAwsRetries{.attempts_max = 3,
                                         .backoff = {.first = Milliseconds(1'000), .longest = Milliseconds(20'000)}};

// Safe from several threads. What is passed in outlives it.
class AwsCaller {
 public:
  AwsCaller(HttpClient& http, Clock& clock, RetryLimits limits = kAwsRetries)
      : http_(http), clock_(clock), retries_(limits, clock) {}

  // The body of a 200. What connections break, what is throttled, and answers of 500 and above are asked again; expired
  // credentials are renewed once; once our clock is corrected by the service's when it objects to the time. Redirects
  // are never followed.
  //   Denied       credentials and policies, in the service's words
  //   Throttled    slow down; with Retry-After
  //   Unavailable  connections, 5xx
  //   Rejected     any other refusal that `known` does not know better
  Result<std::string> call(const AwsCall& call, std::stop_token stop);

 private:
  Result<HttpAnswer> ask_once(const AwsCall& call, const std::optional<AwsCredentials>& credentials,
                              std::stop_token stop);
  bool correct_clock(const HttpResponse& response);

  HttpClient& http_;
  Clock& clock_;
  Retries retries_;
  std::atomic<std::int64_t> clock_is_late_ms_ = 0;
};

}  // namespace packferry
