// One signed request to one bucket, and what its answer means. Here is what S3 does to its clients: buckets that turn
// out to be in another region, credentials that expire, conditions that some servers do not know, errors in XML.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/aws_credentials.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "net/http.h"
#include "store/s3_address.h"

namespace packferry {

// Object Lock, for every object that is written: a bucket that has it enabled keeps them that long.
struct S3ObjectLock {
  std::string mode;  // GOVERNANCE or COMPLIANCE
  std::chrono::hours retain{0};
};

struct S3Options {
  std::string region = {};                     // empty: us-east-1, until the bucket says otherwise
  std::optional<Url> endpoint = std::nullopt;  // none: AWS
  S3Addressing addressing = S3Addressing::Auto;

  // Sent along with what is written; empty: not sent.
  std::string encryption = {};  // "AES256", "aws:kms"
  std::string kms_key_id = {};
  std::string storage_class = {};
  std::string acl = {};  // "bucket-owner-full-control"
  std::optional<S3ObjectLock> object_lock = std::nullopt;
  // An account number: whatever bucket has this name, it must be theirs. Sent with every request.
  std::string expected_bucket_owner = {};

  // How a part is tried again while its bytes are in hand. A stream that has moved cannot be replayed, so patience here
  // is cheaper than anywhere else: about five minutes.
  Backoff backoff{.first = Milliseconds(250), .longest = Milliseconds(20'000)};
  unsigned attempts_max = 20;
  std::size_t part_bytes = 8 * 1024 * 1024;
  std::size_t parts_max = 10'000;  // "Multipart upload limits", S3 User Guide
  // Spreads the delays, and tells our uploads from those of others: a different number in each process.
  std::uint64_t seed = 0;
};

using S3Query = std::vector<std::pair<std::string_view, std::string>>;

struct S3Request {
  std::string method;
  std::string_view doing;            // "write", "list": begins the message of an Error
  std::string_view permission;       // what a policy has to allow: "s3:PutObject"
  std::optional<std::string> key{};  // relative to the prefix; none: the bucket itself
  S3Query query{};
  std::vector<HttpHeader> headers{};
  std::span<const std::byte> body{};
  std::optional<Milliseconds> hurry{};  // no longer than this, stop token or not: for goodbyes
};

struct S3Answer {
  HttpResponse response;
  std::unique_ptr<HttpExchange> body;
};

// Safe from several threads. What is passed in outlives it.
class S3Client {
 public:
  S3Client(S3Location location, S3Options options, HttpClient& http, AwsCredentialSource& credentials, Clock& clock);

  const S3Location& location() const { return location_; }
  const S3Options& options() const { return options_; }
  Clock& clock() { return clock_; }

  // An answer with a 2xx status. Everything else is an Error that names the bucket and the key:
  //   NotFound     no such key, bucket or upload
  //   Denied       credentials, policies, locks; the message names the action to allow
  //   Conflict     a condition does not hold (412), or somebody else was writing the same (409)
  //   Throttled    SlowDown, 503, 429; with Retry-After
  //   Unavailable  500 and its like, connections, damage on the way
  //   Unsupported  501: this server does not know that
  //   Invalid      what a person has to set right: clock, bucket name, encryption key, …
  //   Rejected     any other refusal; or it was done, but not encrypted as it should have been
  // A bucket in another region is followed there once, expired credentials are renewed once.
  Result<S3Answer> send(const S3Request& request, std::stop_token stop);
  // The same with the whole of a short answer.
  Result<std::string> ask(const S3Request& request, std::stop_token stop);
  // The same, for a request that makes an object which must not be there yet (Conflict). Servers other than AWS are
  // asked first: some ignore conditions without a word.
  Result<std::string> ask_if_absent(S3Request request, std::stop_token stop);

  // What HEAD says; nothing when there is no such object.
  Result<std::optional<HttpResponse>> head(const std::string& key, std::stop_token stop);
  // The Error of an answer that came with a 200.
  Error failure_inside(const S3Request& request, std::string_view body) const;

  // For a new object, or for a multipart upload that will become one.
  std::vector<HttpHeader> headers_of_new_object() const;
  // x-amz-checksum-sha256 goes with every body: S3 wants it where Object Lock is on, and AWS checks and keeps it.
  bool sends_checksums() const { return !options_.endpoint || options_.object_lock; }

  // In which the bucket has turned out to be, so far.
  std::string region() const;
  // Our clock before that of the last answer; nothing when it bore no date.
  std::optional<Milliseconds> clock_ahead() const;

  // Again, with a pause before each attempt, while it is Throttled or Unavailable.
  Result<> patiently(const std::function<Result<>()>& attempt, std::stop_token stop);
  // Waits before the next attempt. `error` itself when there is no point in one.
  Result<> pause_after(unsigned attempts_made, const Error& error, std::stop_token stop);

 private:
  struct Refusal;

  Result<> check_encryption(const S3Request& request, const HttpResponse& response) const;
  Result<HttpRequest> prepare(const S3Request& request, const std::string& region,
                              const AwsCredentials& credentials) const;
  Result<S3Answer> exchange(const S3Request& request, const std::string& region, const AwsCredentials& credentials,
                            std::stop_token stop);
  Result<Refusal> read_refusal(S3Answer answer) const;
  bool follow_to_region(const S3Request& request, const Refusal& refusal, const std::string& tried,
                        std::stop_token stop);
  Error error_of(const S3Request& request, const Refusal& refusal) const;
  std::string place_of(const S3Request& request) const;
  Result<> look_first(const std::string& key, std::stop_token stop);

  const S3Location location_;
  const S3Options options_;
  HttpClient& http_;
  AwsCredentialSource& credentials_;
  Clock& clock_;
  Retries retries_;
  std::atomic<bool> refuses_conditions_ = false;
  mutable std::mutex mutex_;
  std::string region_;
  std::optional<Milliseconds> clock_ahead_;
};

}  // namespace packferry
