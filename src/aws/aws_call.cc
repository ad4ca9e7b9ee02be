#include "aws/aws_call.h"

#include <algorithm>

#include "base/digest.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kAnswerBytesMax = 16 * 1024 * 1024;
// A clock that is off by less was not the trouble.
constexpr Milliseconds kClockErrorMin = std::chrono::minutes(1);

// What all services say, and what botocore retries ("standard" mode).
constexpr KnownAwsCode kCommonCodes[] = {
    {"AccessDenied", ErrorKind::Denied},
    {"AccessDeniedException", ErrorKind::Denied},
    {"UnauthorizedOperation", ErrorKind::Denied},
    {"UnrecognizedClientException", ErrorKind::Denied, "check the access key, or renew the session"},
    {"InvalidClientTokenId", ErrorKind::Denied, "check the access key, or renew the session"},
    {"SignatureDoesNotMatch", ErrorKind::Denied, "check the secret access key"},
    {"IncompleteSignature", ErrorKind::Denied, "check the access key"},
    {"MissingAuthenticationToken", ErrorKind::Denied},
    {"OptInRequired", ErrorKind::Denied, "enable the region for this account"},
    {"ExpiredToken", ErrorKind::Denied, "renew the session"},
    {"ExpiredTokenException", ErrorKind::Denied, "renew the session"},
    {"RequestTimeTooSkewed", ErrorKind::Invalid, "set the clock of this machine"},
    {"RequestExpired", ErrorKind::Invalid, "set the clock of this machine"},
    {"InvalidSignatureException", ErrorKind::Denied, "check the secret access key, and the clock of this machine"},
    {"Throttling", ErrorKind::Throttled},
    {"ThrottlingException", ErrorKind::Throttled},
    {"ThrottledException", ErrorKind::Throttled},
    {"RequestThrottledException", ErrorKind::Throttled},
    {"RequestThrottled", ErrorKind::Throttled},
    {"TooManyRequestsException", ErrorKind::Throttled},
    {"RequestLimitExceeded", ErrorKind::Throttled},
    {"BandwidthLimitExceeded", ErrorKind::Throttled},
    {"LimitExceededException", ErrorKind::Throttled},
    {"SlowDown", ErrorKind::Throttled},
    {"RequestTimeout", ErrorKind::Unavailable},
    {"RequestTimeoutException", ErrorKind::Unavailable},
    {"PriorRequestNotComplete", ErrorKind::Unavailable},
    {"InternalFailure", ErrorKind::Unavailable},
    {"ServiceUnavailable", ErrorKind::Unavailable},
};

ErrorKind kind_of_status(int status) {
  if (status >= 300 && status < 400) return ErrorKind::Invalid;
  switch (status) {
    case 401:
    case 403:
      return ErrorKind::Denied;
    case 404:
      return ErrorKind::NotFound;
    case 408:
      return ErrorKind::Unavailable;
    case 429:
    case 509:
      return ErrorKind::Throttled;
    default:
      return status >= 500 ? ErrorKind::Unavailable : ErrorKind::Rejected;
  }
}

const KnownAwsCode* find_code(std::span<const KnownAwsCode> codes, std::string_view code) {
  const auto found = std::find_if(codes.begin(), codes.end(), [&](const KnownAwsCode& k) { return k.code == code; });
  return found == codes.end() ? nullptr : &*found;
}

Error error_of(const AwsCall& call, const HttpResponse& response, const std::optional<AwsFailure>& failure) {
  if (!failure) {
    const std::string_view what = response.status < 400 ? ", a redirect, which is not followed" : "";
    return Error(kind_of_status(response.status), "{}: HTTP {}{}", call.doing, response.status, what);
  }
  const KnownAwsCode* known = find_code(call.known, failure->code);
  if (known == nullptr) known = find_code(kCommonCodes, failure->code);
  std::string text = fmt::format("{}: {}", call.doing, failure->code);
  if (!failure->message.empty()) text += fmt::format(": {}", failure->message);
  if (known != nullptr && !known->remedy.empty()) text += fmt::format("; {}", known->remedy);
  return Error(known != nullptr ? known->kind : kind_of_status(response.status), "{}", text);
}

bool is_about_time(std::string_view code) {
  return code == "RequestTimeTooSkewed" || code == "RequestExpired" || code == "InvalidSignatureException" ||
         code == "SignatureDoesNotMatch";
}

}  // namespace

Result<std::string> AwsCaller::call(const AwsCall& call, std::stop_token stop) {
  bool renewed = false;
  bool corrected = false;
  for (unsigned attempts = 1;; ++attempts) {
    std::optional<AwsCredentials> credentials;
    if (call.credentials != nullptr) credentials = TRY(call.credentials->get(stop).context("{}", call.doing));
    Result<HttpAnswer> answer = ask_once(call, credentials, stop).context("{}", call.doing);
    if (!answer) {
      TRY(retries_.pause_after(attempts, answer.error(), stop));
      continue;
    }
    if (answer->response.status == 200) return std::move(answer->body);

    const std::optional<AwsFailure> failure = call.read_failure(answer->response, answer->body);
    if (failure && credentials && !renewed && failure->code.starts_with("ExpiredToken")) {
      call.credentials->expired(*credentials);
      renewed = true;
      continue;
    }
    if (failure && credentials && !corrected && is_about_time(failure->code) && correct_clock(answer->response)) {
      corrected = true;
      continue;
    }
    Error error = error_of(call, answer->response, failure);
    if (const std::optional<Milliseconds> delay = answer->response.retry_after(); delay && may_pass(error))
      error = std::move(error).retry_after(*delay);
    TRY(retries_.pause_after(attempts, error, stop));
  }
}

Result<HttpAnswer> AwsCaller::ask_once(const AwsCall& call, const std::optional<AwsCredentials>& credentials,
                                       std::stop_token stop) {
  const std::string& body = call.body.reveal();
  HttpRequest request{.method = "POST", .url = call.url, .headers = call.headers};
  if (credentials)
    sign(request, *credentials, call.scope, to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(body))),
         clock_.now() + Milliseconds(clock_is_late_ms_));
  return ask_http(http_, std::move(request), body, kAnswerBytesMax, std::move(stop));
}

// True when it was wrong, and the next attempt may do better.
bool AwsCaller::correct_clock(const HttpResponse& response) {
  const std::optional<Clock::WallTime> theirs = response.date();
  if (!theirs) return false;
  const auto late = std::chrono::duration_cast<Milliseconds>(*theirs - clock_.now());
  const bool was_right = std::chrono::abs(late - Milliseconds(clock_is_late_ms_)) < kClockErrorMin;
  clock_is_late_ms_ = late.count();
  return !was_right;
}

}  // namespace packferry
