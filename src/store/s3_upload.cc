#include "store/s3_upload.h"

#include <algorithm>

#include "base/check.h"
#include "base/digest.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kSmallParts = 1'000;
constexpr std::size_t kGrowth = 4;
constexpr Milliseconds kGoodbye{5'000};
constexpr std::string_view kMarkHeader = "x-amz-meta-packferry-upload";

std::string base64_sha256(std::span<const std::byte> bytes) {
  return to_base64(digest_of(DigestAlgorithm::Sha256, bytes));
}

}  // namespace

std::size_t s3_part_bytes(std::size_t part_index, std::size_t first_part_bytes) {
  return part_index < kSmallParts ? first_part_bytes : first_part_bytes * kGrowth;
}

S3Upload::S3Upload(S3Client& client, std::string key, std::string mark, std::stop_token stop)
    : client_(client), key_(std::move(key)), mark_(std::move(mark)), on_stop_(std::move(stop), StopAll{stop_}) {}

S3Upload::~S3Upload() {
  stop_.request_stop();
  if (carrier_.joinable()) carrier_.join();
  if (!upload_id_.empty()) abort();
}

std::size_t S3Upload::part_bytes() const { return s3_part_bytes(parts_.size(), client_.options().part_bytes); }

S3Request S3Upload::request(std::string method, S3Query query) const {
  return {.method = std::move(method),
          .doing = "write",
          .permission = "s3:PutObject",
          .key = key_,
          .query = std::move(query)};
}

Result<> S3Upload::write(std::span<const std::byte> bytes) {
  CHECK(!over_);
  while (!bytes.empty()) {
    if (filling_.size() == part_bytes()) TRY(send_part());
    filling_.reserve(part_bytes());
    const std::span<const std::byte> fitting = bytes.first(std::min(bytes.size(), part_bytes() - filling_.size()));
    filling_.insert(filling_.end(), fitting.begin(), fitting.end());
    bytes_ += fitting.size();
    bytes = bytes.subspan(fitting.size());
  }
  return {};
}

Result<> S3Upload::finish() {
  CHECK(!over_);
  over_ = true;
  if (upload_id_.empty()) return put_whole();
  if (!filling_.empty()) TRY(send_part());
  TRY(wait_for_part());
  TRY(complete());
  upload_id_.clear();  // there is nothing left to abort
  return {};
}

Result<> S3Upload::send_part() {
  TRY(wait_for_part());
  if (upload_id_.empty()) TRY(begin());
  if (parts_.size() == client_.options().parts_max)
    return Error(ErrorKind::Exhausted, "write '{}' of {}: more than {} parts", printable(key_),
                 client_.location().text(), parts_.size());
  std::swap(filling_, travelling_);
  filling_.clear();
  parts_.emplace_back();
  carrier_ = std::jthread([this] { carried_ = carry_part(static_cast<unsigned>(parts_.size())); });
  return {};
}

Result<> S3Upload::wait_for_part() {
  if (carrier_.joinable()) carrier_.join();
  return carried_;
}

Result<> S3Upload::begin() {
  S3Request create = request("POST", {{"uploads", ""}});
  create.headers = client_.headers_of_new_object();
  create.headers.push_back({std::string(kMarkHeader), mark_});
  if (client_.sends_checksums()) create.headers.push_back({"x-amz-checksum-algorithm", "SHA256"});
  return client_.patiently(
      [&]() -> Result<> {
        const std::string answer = TRY(client_.ask(create, stop_.get_token()));
        upload_id_ =
            TRY(parse_s3_upload_id(answer).context("write '{}' of {}", printable(key_), client_.location().text()));
        return {};
      },
      stop_.get_token());
}

Result<> S3Upload::carry_part(unsigned number) {
  S3Request put = request("PUT", {{"partNumber", std::to_string(number)}, {"uploadId", upload_id_}});
  put.body = travelling_;
  S3Part& part = parts_.back();
  if (client_.sends_checksums()) {
    part.sha256 = base64_sha256(travelling_);
    put.headers.push_back({"x-amz-checksum-sha256", part.sha256});
  }
  return client_.patiently(
      [&]() -> Result<> {
        const S3Answer answer = TRY(client_.send(put, stop_.get_token()));
        part.etag = answer.response.header("etag").value_or("");
        if (part.etag.empty())
          return Error(ErrorKind::Corrupt, "write '{}' of {}: no ETag for part {}", printable(key_),
                       client_.location().text(), number);
        return {};
      },
      stop_.get_token());
}

Result<> S3Upload::put_whole() {
  S3Request put = request("PUT", {});
  put.body = filling_;
  put.headers = client_.headers_of_new_object();
  put.headers.push_back({std::string(kMarkHeader), mark_});
  if (client_.sends_checksums()) put.headers.push_back({"x-amz-checksum-sha256", base64_sha256(filling_)});
  return until_settled([&]() -> Result<> {
    TRY(client_.ask_if_absent(put, stop_.get_token()));
    return {};
  });
}

Result<> S3Upload::complete() {
  S3Request post = request("POST", {{"uploadId", upload_id_}});
  const std::string body = s3_completion_body(parts_);
  post.headers = {{"Content-Type", "application/xml"}, {"x-amz-mp-object-size", std::to_string(bytes_)}};
  post.body = as_bytes(body);
  return until_settled([&]() -> Result<> {
    const std::string answer = TRY(client_.ask_if_absent(post, stop_.get_token()));
    const bool is_done =
        TRY(parse_s3_completion(answer).context("write '{}' of {}", printable(key_), client_.location().text()));
    return is_done ? Result<>() : client_.failure_inside(post, answer);
  });
}

// An attempt whose answer was lost may have done its work, and then the next one finds the key taken or the upload
// gone: who is in doubt looks before he believes that.
Result<> S3Upload::until_settled(const std::function<Result<>()>& attempt) {
  bool in_doubt = false;
  for (unsigned attempts = 1;; ++attempts) {
    const Result<> done = attempt();
    if (done) return done;
    in_doubt = in_doubt || done.error().kind() == ErrorKind::Unavailable;
    if (in_doubt && is_there()) return {};
    TRY(client_.pause_after(attempts, done.error(), stop_.get_token()));
  }
}

bool S3Upload::is_there() {
  const Result<std::optional<HttpResponse>> found = client_.head(key_, stop_.get_token());
  return found && *found && (*found)->header(kMarkHeader) == mark_ &&
         (*found)->header("content-length") == std::to_string(bytes_);
}

// What is not aborted here is found by S3Store::sweep().
void S3Upload::abort() {
  S3Request gone = request("DELETE", {{"uploadId", upload_id_}});
  gone.hurry = kGoodbye;
  static_cast<void>(client_.send(gone, {}));
}

}  // namespace packferry
