// S3 in memory on loopback, stricter than the real thing: it checks every signature, hash and checksum, knows one
// region and one bucket, and misbehaves on request. A thread a connection.
//
//   S3Server server;                                             // bucket "backups", path style and virtual host
//   server.interfere([](const S3Call& call) { return call.is("PUT") ? S3Fault::LoseAnswer : S3Fault::None; });
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "aws/aws_credentials.h"
#include "base/clock.h"

namespace packferry::testing {

// What was asked for. `operation` is S3's name of it: "PutObject", "UploadPart", "ListObjectsV2", …
struct S3Call {
  std::string operation;
  std::string method;
  std::string host;
  std::string key;
  std::map<std::string, std::string, std::less<>> query;    // decoded
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case
  std::string body;

  std::string_view header(std::string_view name) const;
  std::string parameter(std::string_view name) const;
};

enum class S3Fault {
  None,
  InternalError,   // 500, nothing done
  SlowDown,        // 503 with Retry-After, nothing done
  SkewedClock,     // 403 RequestTimeTooSkewed
  Refuse,          // 403 AccessDenied, nothing done
  NotImplemented,  // 501, nothing done
  Race,            // 409 ConditionalRequestConflict, nothing done
  ErrorInside,     // 200 with an <Error>, nothing done
  Hangup,          // no answer, nothing done
  LoseAnswer,      // done, but the answer is lost
  CutAnswer,       // done, but only half of the answer's body arrives
  Garble,          // done, but the answer's body is no XML
  LosePart,        // says that it was done, but it was not
  DropPart,        // completes an upload as if all was well, but without its last part
  WrongEtag,       // done, with another ETag in the answer
  SamePage,        // a listing whose continuation leads back to its start
  IgnoreRange,     // the whole object, whatever was asked for
  IgnoreWishes,    // done, but not encrypted
};

class S3Server {
 public:
  struct Object {
    std::string bytes;
    std::map<std::string, std::string, std::less<>> headers;  // the x-amz- ones that it came with
    Clock::WallTime modified_at;
  };
  struct Upload {
    std::string key;
    std::map<int, std::string> parts;
    std::map<std::string, std::string, std::less<>> headers;
    Clock::WallTime initiated_at;
  };

  explicit S3Server(const Clock& clock);
  ~S3Server();
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;

  static constexpr std::string_view kBucket = "backups";
  std::string endpoint() const;        // "http://127.0.0.1:PORT"
  std::string named_endpoint() const;  // "http://localhost:PORT", where buckets may be part of the name
  static AwsCredentials credentials();

  // From the next request on. Called on the thread of a connection, one call at a time.
  void interfere(std::function<S3Fault(const S3Call&)> interference);
  // In which the bucket is. What is signed for another one gets 400 with the region, or a redirect with this status,
  // and then only HeadBucket tells the region.
  void set_region(std::string region, int redirect = 400);
  void expect_token(std::string token);  // others are ExpiredToken
  void ignore_conditions();
  void set_page_size(std::size_t size);
  // What its answers say of the time; unless set they say nothing.
  void set_date(std::string date);

  void put(const std::string& key, std::string bytes);
  std::map<std::string, Object> objects() const;
  std::map<std::string, Upload> uploads() const;
  std::vector<S3Call> calls() const;  // without bodies
  std::size_t count(std::string_view operation) const;

 private:
  struct Answer {
    int status = 200;
    std::vector<std::string> headers = {};
    std::string body = {};
    std::optional<std::uint64_t> head_length = {};
  };

  void accept_all();
  void serve(int socket);
  bool answer(int socket, S3Call call, const std::string& target);
  std::optional<Answer> check(const S3Call& call, const std::string& target) const;
  Answer perform(const S3Call& call, S3Fault fault);
  Answer put_object(const S3Call& call);
  Answer get_object(const S3Call& call, S3Fault fault) const;
  Answer list_objects(const S3Call& call, S3Fault fault) const;
  Answer create_upload(const S3Call& call);
  Answer put_part(const S3Call& call, S3Fault fault);
  Answer complete_upload(const S3Call& call, S3Fault fault);
  Answer list_uploads(const S3Call& call) const;

  const Clock& clock_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::string region_ = "us-east-1";
  int redirect_ = 400;
  std::string token_;
  bool ignores_conditions_ = false;
  std::size_t page_size_ = 1000;
  std::string date_;

  mutable std::mutex mutex_;
  bool closing_ = false;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::function<S3Fault(const S3Call&)> interference_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  int upload_number_ = 0;
  std::vector<S3Call> calls_;
  std::thread acceptor_;
};

}  // namespace packferry::testing
