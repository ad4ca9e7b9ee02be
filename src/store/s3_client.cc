#include "store/s3_client.h"

#include <algorithm>

#include "aws/sigv4.h"
#include "base/digest.h"
#include "base/printable.h"
#include "store/s3_answer.h"

namespace packferry {
namespace {

constexpr std::size_t kRefusalBytesMax = 64 * 1024;
// A page of 1,000 keys of 1,024 bytes, each written as %XX, is under 4 MiB.
constexpr std::size_t kAnswerBytesMax = 16 * 1024 * 1024;
constexpr std::string_view kFirstGuess = "us-east-1";
constexpr std::string_view kEncryptionHeader = "x-amz-server-side-encryption";

struct KnownCode {
  std::string_view code;
  ErrorKind kind;
  std::string_view remedy = {};
};

// "Error responses", S3 API Reference, and the throttling and clock errors that botocore retries. What is not here goes
// by its status.
constexpr KnownCode kKnownCodes[] = {
    {"NoSuchKey", ErrorKind::NotFound},
    {"NoSuchBucket", ErrorKind::NotFound, "create the bucket, or correct its name"},
    {"NoSuchUpload", ErrorKind::NotFound},
    {"AccessDenied", ErrorKind::Denied},
    {"InvalidAccessKeyId", ErrorKind::Denied, "check AWS_ACCESS_KEY_ID, or the profile"},
    {"SignatureDoesNotMatch", ErrorKind::Denied, "check the secret access key"},
    {"ExpiredToken", ErrorKind::Denied, "renew the session"},
    {"ExpiredTokenException", ErrorKind::Denied, "renew the session"},
    {"InvalidToken", ErrorKind::Denied, "check AWS_SESSION_TOKEN"},
    {"InvalidObjectState", ErrorKind::Denied, "the object is archived: restore it from its storage class first"},
    {"RequestTimeTooSkewed", ErrorKind::Invalid, "set the clock of this machine"},
    {"RequestExpired", ErrorKind::Invalid, "set the clock of this machine"},
    {"InvalidBucketName", ErrorKind::Invalid},
    {"InvalidStorageClass", ErrorKind::Invalid},
    {"AccessControlListNotSupported", ErrorKind::Invalid, "the bucket takes no ACLs: leave the ACL option out"},
    {"InvalidPart", ErrorKind::Corrupt, "the server lost a part of the upload"},
    {"PreconditionFailed", ErrorKind::Conflict},
    {"ConditionalRequestConflict", ErrorKind::Conflict},
    {"OperationAborted", ErrorKind::Unavailable},
    {"NotImplemented", ErrorKind::Unsupported},
    {"SlowDown", ErrorKind::Throttled},
    {"ServiceUnavailable", ErrorKind::Throttled},
    {"Throttling", ErrorKind::Throttled},
    {"ThrottlingException", ErrorKind::Throttled},
    {"TooManyRequestsException", ErrorKind::Throttled},
    {"RequestLimitExceeded", ErrorKind::Throttled},
    {"BandwidthLimitExceeded", ErrorKind::Throttled},
    {"RequestTimeout", ErrorKind::Unavailable},
    {"BadDigest", ErrorKind::Unavailable},
    {"XAmzContentSHA256Mismatch", ErrorKind::Unavailable},
    {"XAmzContentChecksumMismatch", ErrorKind::Unavailable},
    {"IncompleteBody", ErrorKind::Unavailable},
    {"InternalError", ErrorKind::Unavailable},
    {"QuotaExceeded", ErrorKind::Exhausted, "the bucket or its owner has used up a quota"},
};

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorKind::Denied;
    case 404:
      return ErrorKind::NotFound;
    case 405:
    case 501:
      return ErrorKind::Unsupported;
    case 408:
      return ErrorKind::Unavailable;
    case 409:
    case 412:
      return ErrorKind::Conflict;
    case 429:
    case 503:
    case 509:
      return ErrorKind::Throttled;
    default:
      return status >= 500 ? ErrorKind::Unavailable : ErrorKind::Rejected;
  }
}

bool is_success(const HttpResponse& response) { return response.status >= 200 && response.status < 300; }

std::string query_text(const S3Query& query) {
  std::string out;
  for (const auto& [name, value] : query)
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, percent_encode(value));
  return out;
}

void add_if_set(std::vector<HttpHeader>& headers, std::string_view name, const std::string& value) {
  if (!value.empty()) headers.push_back({std::string(name), value});
}

}  // namespace

struct S3Client::Refusal {
  HttpResponse response;
  S3Failure failure;  // with an empty code when the answer had no body of that kind
};

S3Client::S3Client(S3Location location, S3Options options, HttpClient& http, AwsCredentialSource& credentials,
                   Clock& clock)
    : location_(std::move(location)),
      options_(std::move(options)),
      http_(http),
      credentials_(credentials),
      clock_(clock),
      retries_({.attempts_max = options_.attempts_max, .backoff = options_.backoff, .seed = options_.seed}, clock),
      region_(options_.region.empty() ? kFirstGuess : options_.region) {}

std::string S3Client::region() const {
  const std::lock_guard lock(mutex_);
  return region_;
}

std::optional<Milliseconds> S3Client::clock_ahead() const {
  const std::lock_guard lock(mutex_);
  return clock_ahead_;
}

Result<S3Answer> S3Client::send(const S3Request& request, std::stop_token stop) {
  bool renewed = false;
  bool moved = false;
  while (true) {
    const AwsCredentials credentials = TRY(credentials_.get(stop).context("{}", place_of(request)));
    const std::string tried = region();
    S3Answer answer = TRY(exchange(request, tried, credentials, stop).context("{}", place_of(request)));
    if (is_success(answer.response)) {
      TRY(check_encryption(request, answer.response));
      return answer;
    }

    const Refusal refusal = TRY(read_refusal(std::move(answer)).context("{}", place_of(request)));
    // The answer to a HEAD has no body that could tell; it may be either of the two.
    const bool is_mute = request.method == "HEAD" && refusal.response.status == 400;
    if (!moved && follow_to_region(request, refusal, tried, stop)) {
      moved = true;
      continue;
    }
    if (!renewed && (refusal.failure.code.starts_with("ExpiredToken") || is_mute)) {
      credentials_.expired(credentials);
      renewed = true;
      continue;
    }
    return error_of(request, refusal);
  }
}

// Some servers take the wish and do nothing about it.
Result<> S3Client::check_encryption(const S3Request& request, const HttpResponse& response) const {
  const auto wish = std::find_if(request.headers.begin(), request.headers.end(),
                                 [](const HttpHeader& header) { return header.name == kEncryptionHeader; });
  if (wish == request.headers.end() || response.header(kEncryptionHeader) == wish->value) return {};
  return Error(ErrorKind::Rejected, "{}: the server did not encrypt as '{}'; use another kind of encryption there",
               place_of(request), wish->value);
}

Result<HttpRequest> S3Client::prepare(const S3Request& request, const std::string& region,
                                      const AwsCredentials& credentials) const {
  Url url = TRY(s3_bucket_url(location_.bucket, region, options_.endpoint, options_.addressing));
  if (request.key) url = url.with_path_suffix("/" + percent_encode(location_.full_key(*request.key), true));
  if (!request.query.empty()) url = url.with_query(query_text(request.query));
  const bool has_body = request.method == "PUT" || request.method == "POST";
  HttpRequest out{.method = request.method,
                  .url = std::move(url),
                  .headers = request.headers,
                  .body = has_body ? HttpRequest::Body::Counted : HttpRequest::Body::None,
                  .body_bytes = request.body.size()};
  add_if_set(out.headers, "x-amz-expected-bucket-owner", options_.expected_bucket_owner);
  std::string hash(kEmptyPayload);
  if (!request.body.empty()) hash = to_hex(digest_of(DigestAlgorithm::Sha256, request.body));
  sign(out, credentials, {region, "s3"}, hash, clock_.now());
  return out;
}

Result<S3Answer> S3Client::exchange(const S3Request& request, const std::string& region,
                                    const AwsCredentials& credentials, std::stop_token stop) {
  HttpRequest prepared = TRY(prepare(request, region, credentials));
  std::unique_ptr<HttpExchange> exchange = TRY(http_.start(std::move(prepared), stop));
  if (request.hurry) exchange->hurry(*request.hurry);
  // A server that refuses a body may say so before it has all of it; response() then has the reason.
  const Result<> written = request.body.empty() ? Result<>() : exchange->write(request.body);
  if (written) TRY(exchange->end_request());
  HttpResponse response = TRY(exchange->response());
  if (const std::optional<Clock::WallTime> theirs = response.date()) {
    const std::lock_guard lock(mutex_);
    clock_ahead_ = std::chrono::duration_cast<Milliseconds>(clock_.now() - *theirs);
  }
  if (!written && is_success(response)) return written.error();
  S3Answer answer;
  answer.response = std::move(response);
  answer.body = std::move(exchange);
  return answer;
}

Result<S3Client::Refusal> S3Client::read_refusal(S3Answer answer) const {
  Refusal refusal;
  refusal.response = std::move(answer.response);
  // What does not arrive, or is too long, leaves us with the status.
  const Result<std::vector<std::byte>> body = read_all(*answer.body, kRefusalBytesMax);
  if (!body && body.error().kind() == ErrorKind::Cancelled) return body.error();
  if (body) refusal.failure = parse_s3_failure(as_text(*body)).value_or(S3Failure());
  if (refusal.failure.request_id.empty())
    refusal.failure.request_id = printable(refusal.response.header("x-amz-request-id").value_or(""), 100);
  return refusal;
}

// True when the bucket turned out to be elsewhere; the region is from the answer, never the host of a Location header.
bool S3Client::follow_to_region(const S3Request& request, const Refusal& refusal, const std::string& tried,
                                std::stop_token stop) {
  const int status = refusal.response.status;
  const bool is_elsewhere = status == 301 || status == 307 || (status == 400 && request.method == "HEAD") ||
                            refusal.failure.code == "AuthorizationHeaderMalformed" ||
                            refusal.failure.code == "IllegalLocationConstraintException";
  if (!is_elsewhere) return false;
  std::string found(refusal.response.header("x-amz-bucket-region").value_or(refusal.failure.region));
  const bool asks_bucket = request.method == "HEAD" && !request.key;
  if (found.empty() && !asks_bucket) {
    // HeadBucket names the region even to those who may not do anything there.
    const S3Request head_bucket{.method = "HEAD", .doing = "find the region of", .permission = "s3:ListBucket"};
    const Result<AwsCredentials> credentials = credentials_.get(stop);
    if (!credentials) return false;
    const Result<S3Answer> answer = exchange(head_bucket, tried, *credentials, stop);
    if (answer) found = answer->response.header("x-amz-bucket-region").value_or("");
  }
  if (!is_aws_region(found) || found == tried) return false;
  const std::lock_guard lock(mutex_);
  region_ = found;
  return true;
}

std::string S3Client::place_of(const S3Request& request) const {
  if (!request.key) return fmt::format("{} {}", request.doing, location_.text());
  return fmt::format("{} '{}' of {}", request.doing, printable(*request.key), location_.text());
}

Error S3Client::error_of(const S3Request& request, const Refusal& refusal) const {
  const S3Failure& failure = refusal.failure;
  const auto* known = std::find_if(std::begin(kKnownCodes), std::end(kKnownCodes),
                                   [&](const KnownCode& k) { return k.code == failure.code; });
  const bool is_known = known != std::end(kKnownCodes);
  const ErrorKind kind = is_known ? known->kind : kind_of_status(refusal.response.status);

  std::string text = fmt::format("{}: HTTP {}", place_of(request), refusal.response.status);
  if (!failure.code.empty()) text += " " + failure.code;
  if (!failure.message.empty()) text += fmt::format(" \"{}\"", failure.message);
  if (!failure.request_id.empty()) text += fmt::format(" (request {})", failure.request_id);
  if (is_known && !known->remedy.empty()) {
    text += fmt::format("; {}", known->remedy);
  } else if (kind == ErrorKind::Denied) {
    text += fmt::format("; allow {} there, in the policy of the role and of the bucket", request.permission);
  }
  Error error(kind, "{}", text);
  const std::optional<Milliseconds> delay = refusal.response.retry_after();
  return delay && may_pass(error) ? std::move(error).retry_after(*delay) : error;
}

Error S3Client::failure_inside(const S3Request& request, std::string_view body) const {
  Refusal refusal;
  refusal.response.status = 200;
  refusal.failure = parse_s3_failure(body).value_or(S3Failure());
  Error error = error_of(request, refusal);
  // 200 says nothing about the kind.
  if (error.kind() == ErrorKind::Rejected) return Error(ErrorKind::Unavailable, "{}", error.message());
  return error;
}

Result<std::string> S3Client::ask(const S3Request& request, std::stop_token stop) {
  S3Answer answer = TRY(send(request, stop));
  const std::vector<std::byte> body = TRY(read_all(*answer.body, kAnswerBytesMax).context("{}", place_of(request)));
  return std::string(as_text(body));
}

Result<std::string> S3Client::ask_if_absent(S3Request request, std::stop_token stop) {
  CHECK(request.key);
  const bool looks_first = options_.endpoint || refuses_conditions_;
  if (looks_first) TRY(look_first(*request.key, stop));
  if (!refuses_conditions_) {
    S3Request conditional = request;
    conditional.headers.push_back({"If-None-Match", "*"});
    Result<std::string> answer = ask(conditional, stop);
    if (answer || answer.error().kind() != ErrorKind::Unsupported) return answer;
    refuses_conditions_ = true;
    if (!looks_first) TRY(look_first(*request.key, stop));
  }
  return ask(request, stop);
}

Result<> S3Client::look_first(const std::string& key, std::stop_token stop) {
  const Result<std::optional<HttpResponse>> found = head(key, stop);
  // A role that may only write cannot look.
  if (!found && found.error().kind() == ErrorKind::Denied) return {};
  if (!found) return found.error();
  if (*found)
    return Error(ErrorKind::Conflict, "write '{}' of {}: it is there already", printable(key), location_.text());
  return {};
}

Result<std::optional<HttpResponse>> S3Client::head(const std::string& key, std::stop_token stop) {
  Result<S3Answer> answer =
      send({.method = "HEAD", .doing = "look for", .permission = "s3:GetObject and s3:ListBucket", .key = key}, stop);
  if (answer) return std::optional(std::move(answer->response));
  if (answer.error().kind() == ErrorKind::NotFound) return std::optional<HttpResponse>();
  return std::move(answer).error();
}

std::vector<HttpHeader> S3Client::headers_of_new_object() const {
  std::vector<HttpHeader> headers;
  add_if_set(headers, kEncryptionHeader, options_.encryption);
  add_if_set(headers, "x-amz-server-side-encryption-aws-kms-key-id", options_.kms_key_id);
  add_if_set(headers, "x-amz-storage-class", options_.storage_class);
  add_if_set(headers, "x-amz-acl", options_.acl);
  if (options_.object_lock) {
    add_if_set(headers, "x-amz-object-lock-mode", options_.object_lock->mode);
    add_if_set(headers, "x-amz-object-lock-retain-until-date", to_iso8601(clock_.now() + options_.object_lock->retain));
  }
  return headers;
}

Result<> S3Client::patiently(const std::function<Result<>()>& attempt, std::stop_token stop) {
  for (unsigned attempts = 1;; ++attempts) {
    Result<> done = attempt();
    if (done) return done;
    TRY(pause_after(attempts, done.error(), stop));
  }
}

Result<> S3Client::pause_after(unsigned attempts_made, const Error& error, std::stop_token stop) {
  return retries_.pause_after(attempts_made, error, std::move(stop));
}

}  // namespace packferry
