#include "testing/s3_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <regex>

#include "aws/sigv4.h"
#include "base/ascii.h"
#include "base/check.h"
#include "base/digest.h"
#include "io/stream.h"

namespace packferry::testing {
namespace {

using Headers = std::map<std::string, std::string, std::less<>>;

std::string hex_sha256(std::string_view bytes) { return to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(bytes))); }
std::string base64_sha256(std::string_view bytes) {
  return to_base64(digest_of(DigestAlgorithm::Sha256, as_bytes(bytes)));
}
// Not an MD5: nobody may rely on it.
std::string etag_of(std::string_view bytes) { return "\"" + hex_sha256(bytes).substr(0, 32) + "\""; }

std::string value_of(const Headers& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? std::string() : found->second;
}

// As S3 encodes keys in listings: like a form, with '+' for a space.
std::string url_encoded(std::string_view key) {
  std::string out = percent_encode(key, true);
  for (std::size_t at = 0; (at = out.find("%20", at)) != std::string::npos;) out.replace(at, 3, "+");
  return out;
}

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  return out;
}

std::string operation_of(const S3Call& call) {
  const bool has_key = !call.key.empty();
  const bool has_id = call.query.count("uploadId") > 0;
  if (call.query.count("versioning") > 0) return "GetBucketVersioning";
  if (call.query.count("object-lock") > 0) return "GetObjectLockConfiguration";
  if (call.method == "GET")
    return has_key ? "GetObject" : call.query.count("uploads") > 0 ? "ListMultipartUploads" : "ListObjectsV2";
  if (call.method == "HEAD") return has_key ? "HeadObject" : "HeadBucket";
  if (call.method == "PUT") return has_id ? "UploadPart" : "PutObject";
  if (call.method == "POST") return has_id ? "CompleteMultipartUpload" : "CreateMultipartUpload";
  return has_id ? "AbortMultipartUpload" : "DeleteObject";
}

std::string error_body(std::string_view code, std::string_view more = {}) {
  return fmt::format(
      "<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>says the test</Message>{}"
      "<RequestId>R1</RequestId></Error>",
      code, more);
}

bool say(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool hear_more(int socket, std::string& heard) {
  char block[64 * 1024];
  const ssize_t count = ::recv(socket, block, sizeof block, 0);
  if (count > 0) heard.append(block, static_cast<std::size_t>(count));
  return count > 0;
}

}  // namespace

std::string_view S3Call::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

std::string S3Call::parameter(std::string_view name) const { return value_of(query, name); }

AwsCredentials S3Server::credentials() {
  return {.access_key_id = "ADA",
          .secret_access_key = Secret("a secret/with+signs"),
          .session_token = {},
          .expires_at = {}};
}

S3Server::S3Server(const Clock& clock) : clock_(clock) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(listener_ >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(listener_, 64) == 0);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

S3Server::~S3Server() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string S3Server::endpoint() const { return fmt::format("http://127.0.0.1:{}", port_); }
std::string S3Server::named_endpoint() const { return fmt::format("http://s3.localhost:{}", port_); }

void S3Server::interfere(std::function<S3Fault(const S3Call&)> interference) {
  const std::lock_guard lock(mutex_);
  interference_ = std::move(interference);
}

void S3Server::set_region(std::string region, int redirect) {
  const std::lock_guard lock(mutex_);
  redirect_ = redirect;
  region_ = std::move(region);
}

void S3Server::expect_token(std::string token) {
  const std::lock_guard lock(mutex_);
  token_ = std::move(token);
}

void S3Server::ignore_conditions() {
  const std::lock_guard lock(mutex_);
  ignores_conditions_ = true;
}

void S3Server::set_page_size(std::size_t size) {
  const std::lock_guard lock(mutex_);
  page_size_ = size;
}

void S3Server::set_date(std::string date) {
  const std::lock_guard lock(mutex_);
  date_ = std::move(date);
}

void S3Server::put(const std::string& key, std::string bytes) {
  const std::lock_guard lock(mutex_);
  objects_[key] = {std::move(bytes), {}, clock_.now()};
}

std::map<std::string, S3Server::Object> S3Server::objects() const {
  const std::lock_guard lock(mutex_);
  return objects_;
}

std::map<std::string, S3Server::Upload> S3Server::uploads() const {
  const std::lock_guard lock(mutex_);
  return uploads_;
}

std::vector<S3Call> S3Server::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::size_t S3Server::count(std::string_view operation) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [&](const S3Call& call) { return call.operation == operation; }));
}

void S3Server::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (closing_ || socket < 0) {
      if (socket >= 0) ::close(socket);
      return;
    }
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] {
      serve(socket);
      const std::lock_guard done(mutex_);
      std::erase(sockets_, socket);
      ::close(socket);
    });
  }
}

void S3Server::serve(int socket) {
  std::string heard;
  while (true) {
    std::size_t end = 0;
    while ((end = heard.find("\r\n\r\n")) == std::string::npos)
      if (!hear_more(socket, heard)) return;
    S3Call call;
    std::string_view head = std::string_view(heard).substr(0, end + 2);
    const std::string_view first = head.substr(0, head.find("\r\n"));
    call.method = first.substr(0, first.find(' '));
    const std::string target(first.substr(call.method.size() + 1, first.rfind(' ') - call.method.size() - 1));
    head.remove_prefix(first.size() + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(':');
      CHECK(colon != std::string_view::npos);
      const std::string_view value = line.substr(std::min(line.size(), colon + 2));
      call.headers[to_lower(line.substr(0, colon))] = value;
    }
    heard.erase(0, end + 4);
    const std::size_t length = std::strtoull(value_of(call.headers, "content-length").c_str(), nullptr, 10);
    while (heard.size() < length)
      if (!hear_more(socket, heard)) return;
    call.body = heard.substr(0, length);
    heard.erase(0, length);
    if (!answer(socket, std::move(call), target)) return;
  }
}

// False: the connection ends.
bool S3Server::answer(int socket, S3Call call, const std::string& target) {
  const std::string path = target.substr(0, target.find('?'));
  std::string_view query = std::string_view(target).substr(std::min(target.size(), path.size() + 1));
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
    const std::string_view name = parameter.substr(0, parameter.find('='));
    call.query[*percent_decode(name)] = *percent_decode(parameter.substr(std::min(parameter.size(), name.size() + 1)));
  }
  call.host = call.header("host");
  std::string full = *percent_decode(path);
  if (call.host.starts_with(std::string(kBucket) + ".")) full = "/" + std::string(kBucket) + full;
  const std::string bucket = "/" + std::string(kBucket);
  const bool is_ours = full == bucket || full.starts_with(bucket + "/");
  if (full.size() > bucket.size()) call.key = full.substr(bucket.size() + 1);
  call.operation = operation_of(call);

  std::unique_lock lock(mutex_);
  const S3Fault fault = interference_ ? interference_(call) : S3Fault::None;
  S3Call remembered = call;
  remembered.body.clear();
  calls_.push_back(std::move(remembered));
  Answer out;
  if (!is_ours) {
    out = {.status = 404, .body = error_body("NoSuchBucket")};
  } else if (std::optional<Answer> refused = check(call, target)) {
    out = *std::move(refused);
  } else {
    out = perform(call, fault);
  }
  if (!date_.empty()) out.headers.push_back("Date: " + date_);
  lock.unlock();

  if (fault == S3Fault::Hangup || fault == S3Fault::LoseAnswer) return false;
  const bool is_head = call.method == "HEAD";
  const std::string_view encryption = call.header("x-amz-server-side-encryption");
  if (!encryption.empty() && fault != S3Fault::IgnoreWishes)
    out.headers.push_back("x-amz-server-side-encryption: " + std::string(encryption));
  if (fault == S3Fault::Garble) out.body = "<html>Sign in</html>";
  std::string text = fmt::format("HTTP/1.1 {} said\r\nContent-Length: {}\r\nx-amz-request-id: R1\r\n", out.status,
                                 out.head_length.value_or(out.body.size()));
  for (const std::string& header : out.headers) text += header + "\r\n";
  text += "\r\n";
  if (!is_head) text += fault == S3Fault::CutAnswer ? out.body.substr(0, out.body.size() / 2) : out.body;
  return say(socket, text) && fault != S3Fault::CutAnswer;
}

std::optional<S3Server::Answer> S3Server::check(const S3Call& call, const std::string& target) const {
  const auto refuse = [](int status, std::string_view code, std::string_view more = {}) {
    return Answer{.status = status, .body = error_body(code, more)};
  };
  static const std::regex kShape(
      "AWS4-HMAC-SHA256 Credential=([^/]*)/(\\d{8})/([^/]*)/s3/aws4_request, SignedHeaders=([^,]*), Signature=(.*)");
  std::smatch match;
  const std::string authorization(call.header("authorization"));
  if (!std::regex_match(authorization, match, kShape)) return refuse(403, "AccessDenied");
  if (match[1] != credentials().access_key_id) return refuse(403, "InvalidAccessKeyId");
  if (match[3] != region_) {
    const bool tells = redirect_ == 400 || call.operation == "HeadBucket";
    Answer elsewhere = redirect_ == 400
                           ? refuse(400, "AuthorizationHeaderMalformed", "<Region>" + region_ + "</Region>")
                           : refuse(redirect_, redirect_ == 301 ? "PermanentRedirect" : "TemporaryRedirect");
    if (call.method == "HEAD" && tells) elsewhere.headers.push_back("x-amz-bucket-region: " + region_);
    elsewhere.headers.push_back("Location: http://127.0.0.1:1/");
    return elsewhere;
  }

  // Every x-amz- header has to be signed, and so have Host and the range.
  std::vector<HttpHeader> headers;
  const std::string names = ";" + match[4].str() + ";";
  for (const auto& [name, value] : call.headers) {
    const bool is_signed = names.find(";" + name + ";") != std::string::npos;
    const bool must_be = name.starts_with("x-amz-") || name == "host" || name == "range" || name == "if-none-match";
    if (must_be && !is_signed) return refuse(403, "AccessDenied");
    if (is_signed) headers.push_back({name, value});
  }
  const std::string path = target.substr(0, target.find('?'));
  const std::string_view query = std::string_view(target).substr(std::min(target.size(), path.size() + 1));
  const std::string timestamp(call.header("x-amz-date"));
  const std::string hash(call.header("x-amz-content-sha256"));
  const CanonicalRequest canonical = canonical_request(call.method, path, query, headers, hash, true);
  if (timestamp.size() != 16 || timestamp.substr(0, 8) != match[2] ||
      match[5] != sigv4_signature(canonical, credentials().secret_access_key, {region_, "s3"}, timestamp))
    return refuse(403, "SignatureDoesNotMatch");
  if (call.header("x-amz-security-token") != token_) return refuse(400, "ExpiredToken");
  if (hash != hex_sha256(call.body)) return refuse(400, "XAmzContentSHA256Mismatch");
  const std::string_view checksum = call.header("x-amz-checksum-sha256");
  if (!checksum.empty() && checksum != base64_sha256(call.body)) return refuse(400, "BadDigest");
  const std::string_view owner = call.header("x-amz-expected-bucket-owner");
  if (!owner.empty() && owner != "111122223333") return refuse(403, "AccessDenied");
  return std::nullopt;
}

S3Server::Answer S3Server::perform(const S3Call& call, S3Fault fault) {
  const auto refuse = [](int status, std::string_view code, std::vector<std::string> headers = {}) {
    return Answer{.status = status, .headers = std::move(headers), .body = error_body(code)};
  };
  switch (fault) {
    case S3Fault::InternalError:
      return refuse(500, "InternalError");
    case S3Fault::SlowDown:
      return refuse(503, "SlowDown", {"Retry-After: 1"});
    case S3Fault::SkewedClock:
      return refuse(403, "RequestTimeTooSkewed");
    case S3Fault::Refuse:
      return refuse(403, "AccessDenied");
    case S3Fault::NotImplemented:
      return refuse(501, "NotImplemented");
    case S3Fault::Race:
      return refuse(409, "ConditionalRequestConflict");
    case S3Fault::ErrorInside:
      return refuse(200, "InternalError");
    case S3Fault::Hangup:
      return {};
    default:
      break;
  }
  if (call.header("if-none-match") == "*" && !ignores_conditions_ && objects_.count(call.key) > 0)
    return refuse(412, "PreconditionFailed");
  if (call.operation == "PutObject") return put_object(call);
  if (call.operation == "GetObject" || call.operation == "HeadObject") return get_object(call, fault);
  if (call.operation == "ListObjectsV2") return list_objects(call, fault);
  if (call.operation == "CreateMultipartUpload") return create_upload(call);
  if (call.operation == "ListMultipartUploads") return list_uploads(call);
  if (call.operation == "HeadBucket") return {.status = 200, .headers = {"x-amz-bucket-region: " + region_}};
  if (call.operation == "GetBucketVersioning") return {.status = 200, .body = "<VersioningConfiguration/>"};
  if (call.operation == "GetObjectLockConfiguration") return refuse(404, "ObjectLockConfigurationNotFoundError");
  if (call.operation == "DeleteObject") {
    objects_.erase(call.key);
    return {.status = 204};
  }
  const auto upload = uploads_.find(call.parameter("uploadId"));
  if (upload == uploads_.end() || upload->second.key != call.key) return refuse(404, "NoSuchUpload");
  if (call.operation == "UploadPart") return put_part(call, fault);
  if (call.operation == "CompleteMultipartUpload") return complete_upload(call, fault);
  uploads_.erase(upload);
  return {.status = 204};
}

namespace {

Headers amz_headers(const S3Call& call) {
  Headers out;
  for (const auto& [name, value] : call.headers)
    if (name.starts_with("x-amz-")) out.emplace(name, value);
  return out;
}

}  // namespace

S3Server::Answer S3Server::put_object(const S3Call& call) {
  objects_[call.key] = {call.body, amz_headers(call), clock_.now()};
  return {.status = 200, .headers = {"ETag: " + etag_of(call.body)}};
}

S3Server::Answer S3Server::get_object(const S3Call& call, S3Fault fault) const {
  const auto found = objects_.find(call.key);
  if (found == objects_.end()) return {.status = 404, .body = error_body("NoSuchKey")};
  const Object& object = found->second;
  Answer out;
  out.headers = {"ETag: " + etag_of(object.bytes), "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT"};
  for (const auto& [name, value] : object.headers)
    if (name.starts_with("x-amz-meta-")) out.headers.push_back(name + ": " + value);
  if (call.method == "HEAD") {
    out.head_length = object.bytes.size();
    return out;
  }
  const std::string_view range = call.header("range");
  if (range.empty() || fault == S3Fault::IgnoreRange) {
    out.body = object.bytes;
    return out;
  }
  const std::size_t from = std::strtoull(std::string(range.substr(6)).c_str(), nullptr, 10);
  if (from >= object.bytes.size()) return {.status = 416, .body = error_body("InvalidRange")};
  out.status = 206;
  out.headers.push_back(
      fmt::format("Content-Range: bytes {}-{}/{}", from, object.bytes.size() - 1, object.bytes.size()));
  out.body = object.bytes.substr(from);
  return out;
}

S3Server::Answer S3Server::list_objects(const S3Call& call, S3Fault fault) const {
  const bool is_encoded = call.parameter("encoding-type") == "url";
  // A token with signs in it that have to be encoded.
  const std::string token = call.parameter("continuation-token");
  const std::string after = token.empty() || fault == S3Fault::SamePage ? "" : token.substr(2);
  std::string body = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  if (is_encoded) body += "<EncodingType>url</EncodingType>";
  std::size_t listed = 0;
  std::string last;
  bool truncated = false;
  for (const auto& [key, object] : objects_) {
    if (!key.starts_with(call.parameter("prefix")) || key <= after) continue;
    truncated = listed == page_size_;
    if (truncated) break;
    body +=
        fmt::format("<Contents><Key>{}</Key><LastModified>{}</LastModified><Size>{}</Size></Contents>",
                    is_encoded ? url_encoded(key) : escaped(key), to_iso8601(object.modified_at), object.bytes.size());
    last = key;
    ++listed;
  }
  body += fmt::format("<IsTruncated>{}</IsTruncated>", truncated);
  if (truncated) body += fmt::format("<NextContinuationToken>+/{}</NextContinuationToken>", last);
  return {.status = 200, .body = body + "</ListBucketResult>"};
}

S3Server::Answer S3Server::create_upload(const S3Call& call) {
  const std::string id = fmt::format("id+{}/=", ++upload_number_);
  uploads_[id] = {call.key, {}, amz_headers(call), clock_.now()};
  return {.status = 200,
          .body = "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"};
}

S3Server::Answer S3Server::put_part(const S3Call& call, S3Fault fault) {
  const int number = std::atoi(call.parameter("partNumber").c_str());
  if (number < 1 || number > 10'000) return {.status = 400, .body = error_body("InvalidArgument")};
  Upload& upload = uploads_.at(call.parameter("uploadId"));
  if (fault != S3Fault::LosePart) upload.parts[number] = call.body;
  const std::string etag = fault == S3Fault::WrongEtag ? "\"of another part\"" : etag_of(call.body);
  return {.status = 200, .headers = {"ETag: " + etag}};
}

S3Server::Answer S3Server::complete_upload(const S3Call& call, S3Fault fault) {
  const auto refuse = [](std::string_view code) { return Answer{.status = 400, .body = error_body(code)}; };
  const auto found = uploads_.find(call.parameter("uploadId"));
  Upload& upload = found->second;
  const bool has_checksums = upload.headers.count("x-amz-checksum-algorithm") > 0;
  static const std::regex kPart(
      "<Part><PartNumber>(\\d+)</PartNumber><ETag>([^<]*)</ETag>(?:<ChecksumSHA256>([^<]*)</ChecksumSHA256>)?</Part>");
  std::string bytes;
  int last = 0;
  for (auto at = std::sregex_iterator(call.body.begin(), call.body.end(), kPart); at != std::sregex_iterator(); ++at) {
    const int number = std::atoi((*at)[1].str().c_str());
    const auto part = upload.parts.find(number);
    std::string etag = (*at)[2];
    for (std::size_t quote = 0; (quote = etag.find("&quot;")) != std::string::npos;) etag.replace(quote, 6, "\"");
    if (number != last + 1) return refuse("InvalidPartOrder");
    if (part == upload.parts.end() || etag != etag_of(part->second)) return refuse("InvalidPart");
    if ((*at)[3].str() != (has_checksums ? base64_sha256(part->second) : "")) return refuse("InvalidPart");
    bytes += part->second;
    last = number;
  }
  if (last == 0) return refuse("MalformedXML");
  if (call.header("x-amz-mp-object-size") != std::to_string(bytes.size())) return refuse("InvalidRequest");
  if (fault == S3Fault::DropPart) bytes.resize(bytes.size() - upload.parts.at(last).size());
  objects_[call.key] = {std::move(bytes), upload.headers, clock_.now()};
  uploads_.erase(found);
  return {.status = 200,
          .body = "<CompleteMultipartUploadResult><ETag>&quot;x-2&quot;</ETag></CompleteMultipartUploadResult>"};
}

S3Server::Answer S3Server::list_uploads(const S3Call& call) const {
  const std::pair marker(call.parameter("key-marker"), call.parameter("upload-id-marker"));
  std::map<std::pair<std::string, std::string>, Clock::WallTime> sorted;
  for (const auto& [id, upload] : uploads_)
    if (upload.key.starts_with(call.parameter("prefix"))) sorted[{upload.key, id}] = upload.initiated_at;
  std::string body = "<ListMultipartUploadsResult>";
  std::size_t listed = 0;
  std::pair<std::string, std::string> last;
  bool truncated = false;
  for (const auto& [place, initiated_at] : sorted) {
    if (place <= marker) continue;
    truncated = listed == page_size_;
    if (truncated) break;
    body += fmt::format("<Upload><Key>{}</Key><UploadId>{}</UploadId><Initiated>{}</Initiated></Upload>",
                        escaped(place.first), place.second, to_iso8601(initiated_at));
    last = place;
    ++listed;
  }
  if (truncated)
    body += fmt::format("<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{}</NextUploadIdMarker>",
                        escaped(last.first), last.second);
  body += fmt::format("<IsTruncated>{}</IsTruncated></ListMultipartUploadsResult>", truncated);
  return {.status = 200, .body = std::move(body)};
}

}  // namespace packferry::testing
