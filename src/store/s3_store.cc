#include "store/s3_store.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/digest.h"
#include "base/printable.h"
#include "store/s3_answer.h"
#include "store/s3_upload.h"

namespace packferry {
namespace {

std::optional<std::uint64_t> number(std::optional<std::string_view> text) {
  std::uint64_t value = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

// The body of a GET, exactly as long as it was announced.
class ObjectReader final : public Reader {
 public:
  ObjectReader(std::unique_ptr<HttpExchange> body, std::uint64_t bytes, std::string place)
      : body_(std::move(body)), left_(bytes), place_(std::move(place)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = TRY(body_->read(into).context("{}", place_));
    if (count == 0 && left_ > 0) return Error(ErrorKind::Unavailable, "{}: ended {} bytes early", place_, left_);
    if (count > left_) return Error(ErrorKind::Corrupt, "{}: longer than announced", place_);
    left_ -= count;
    return count;
  }

 private:
  const std::unique_ptr<HttpExchange> body_;
  std::uint64_t left_;
  const std::string place_;
};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

Result<std::unique_ptr<S3Store>> S3Store::open(S3Location location, S3Options options, HttpClient& http,
                                               AwsCredentialSource& credentials, Clock& clock) {
  if (options.endpoint && !options.endpoint->is_http())
    return Error(ErrorKind::Invalid, "the endpoint of {} is no http(s) address", location.text());
  if (options.endpoint && !options.endpoint->query().empty())
    return Error(ErrorKind::Invalid, "the endpoint of {} has a query ('?')", location.text());
  if (!options.kms_key_id.empty() && !options.encryption.starts_with("aws:kms"))
    return Error(ErrorKind::Invalid, "a KMS key for {} without encryption 'aws:kms'", location.text());
  const bool knows_lock = !options.object_lock ||
                          ((options.object_lock->mode == "GOVERNANCE" || options.object_lock->mode == "COMPLIANCE") &&
                           options.object_lock->retain.count() > 0);
  if (!knows_lock)
    return Error(ErrorKind::Invalid, "Object Lock for {} wants GOVERNANCE or COMPLIANCE and a time", location.text());
  const std::string& region = options.region.empty() ? std::string("us-east-1") : options.region;
  TRY(s3_bucket_url(location.bucket, region, options.endpoint, options.addressing));
  return std::unique_ptr<S3Store>(new S3Store(std::move(location), std::move(options), http, credentials, clock));
}

// Different for every upload of every process, as far as the seed is.
std::string S3Store::next_mark(std::string_view key) {
  const std::string text = fmt::format("{} {} {} {}", client_.options().seed,
                                       client_.clock().now().time_since_epoch().count(), ++uploads_, key);
  return to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(text))).substr(0, 32);
}

Result<std::unique_ptr<Writer>> S3Store::create(std::string_view key, std::stop_token stop) {
  TRY(check_key(key));
  return std::make_unique<S3Upload>(client_, std::string(key), next_mark(key), std::move(stop));
}

Result<> S3Store::put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) {
  TRY(check_key(key));
  S3Request put{.method = "PUT", .doing = "write", .permission = "s3:PutObject", .key = std::string(key)};
  put.headers = client_.headers_of_new_object();
  put.body = bytes;
  if (client_.sends_checksums())
    put.headers.push_back({"x-amz-checksum-sha256", to_base64(digest_of(DigestAlgorithm::Sha256, bytes))});
  TRY(client_.ask_if_absent(std::move(put), stop));
  return {};
}

Result<std::uint64_t> S3Store::length_of(std::string_view key, std::stop_token stop) {
  const std::optional<ObjectInfo> found = TRY(find(key, stop));
  if (!found) return Error(ErrorKind::NotFound, "read '{}' of {}: no such object", printable(key), name());
  return found->bytes;
}

Result<std::unique_ptr<Reader>> S3Store::open(std::string_view key, std::uint64_t offset, std::stop_token stop) {
  TRY(check_key(key));
  const std::string place = fmt::format("read '{}' of {}", printable(key), name());
  S3Request get{.method = "GET", .doing = "read", .permission = "s3:GetObject", .key = std::string(key)};
  if (offset > 0) {
    // A range that begins at the end or behind it is refused (416), and how the two differ is not told by all servers.
    const std::uint64_t bytes = TRY(length_of(key, stop));
    if (offset > bytes) return Error(ErrorKind::Invalid, "{}: offset {} of {} bytes", place, offset, bytes);
    if (offset == bytes) return std::make_unique<MemoryReader>(std::string_view());
    get.headers.push_back({"Range", fmt::format("bytes={}-", offset)});
  }
  Result<S3Answer> got = client_.send(get, stop);
  if (!got && is_missing(got.error(), key, stop)) return Error(ErrorKind::NotFound, "{}: no such object", place);
  S3Answer answer = TRY(std::move(got));
  const std::string_view range = answer.response.header("content-range").value_or("");
  if (offset > 0 && (answer.response.status != 206 || !range.starts_with(fmt::format("bytes {}-", offset))))
    return Error(ErrorKind::Corrupt, "{}: answers with another range than from {}", place, offset);
  const std::optional<std::uint64_t> bytes = number(answer.response.header("content-length"));
  if (!bytes) return Error(ErrorKind::Corrupt, "{}: answers without a length", place);
  return std::make_unique<ObjectReader>(std::move(answer.body), *bytes, place);
}

Result<std::optional<ObjectInfo>> S3Store::find(std::string_view key, std::stop_token stop) {
  TRY(check_key(key));
  const Result<std::optional<HttpResponse>> found = client_.head(std::string(key), stop);
  if (!found && is_missing(found.error(), key, stop)) return std::optional<ObjectInfo>();
  if (!found) return found.error();
  if (!*found) return std::optional<ObjectInfo>();
  const HttpResponse& response = **found;
  const std::optional<std::uint64_t> bytes = number(response.header("content-length"));
  if (!bytes) return Error(ErrorKind::Corrupt, "look for '{}' of {}: answers without a length", printable(key), name());
  return std::optional(ObjectInfo{.key = std::string(key), .bytes = *bytes, .modified_at = response.last_modified()});
}

// Who may list only below a prefix is denied a key that is not there: S3 does not say that it is missing, because the
// condition on s3:prefix holds for listings only. So a listing is asked. It counts only when the key is not in it.
bool S3Store::is_missing(const Error& error, std::string_view key, std::stop_token stop) {
  if (error.kind() != ErrorKind::Denied) return false;
  const Result<std::vector<ObjectInfo>> listed = list(key, stop);
  return listed && std::none_of(listed->begin(), listed->end(), [&](const auto& each) { return each.key == key; });
}

Result<std::vector<ObjectInfo>> S3Store::list(std::string_view prefix, std::stop_token stop) {
  std::vector<ObjectInfo> objects;
  if (has_control(prefix)) return objects;  // no key begins so
  const std::string place = fmt::format("list {}", name());
  std::set<std::string, std::less<>> tokens;
  std::string token;
  do {
    S3Request get{.method = "GET", .doing = "list", .permission = "s3:ListBucket"};
    get.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", client_.location().full_key(prefix)}};
    if (!token.empty()) get.query.emplace_back("continuation-token", token);
    const std::string answer = TRY(client_.ask(get, stop));
    S3ObjectPage page = TRY(parse_s3_objects(answer).context("{}", place));
    for (ObjectInfo& object : page.objects) {
      const std::optional<std::string_view> key = client_.location().relative_key(object.key);
      if (!key || !key->starts_with(prefix))
        return Error(ErrorKind::Corrupt, "{}: answers with '{}', which was not asked for", place,
                     printable(object.key));
      if (!check_key(*key)) continue;
      object.key = std::string(*key);
      objects.push_back(std::move(object));
    }
    token = page.next_token;
    if (!token.empty() && !tokens.insert(token).second)
      return Error(ErrorKind::Corrupt, "{}: answers with the same page again", place);
  } while (!token.empty());
  std::sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  const auto same = [](const auto& a, const auto& b) { return a.key == b.key; };
  if (std::adjacent_find(objects.begin(), objects.end(), same) != objects.end())
    return Error(ErrorKind::Corrupt, "{}: answers with the same object twice", place);
  return objects;
}

Result<> S3Store::remove(std::string_view key, std::stop_token stop) {
  TRY(check_key(key));
  const Result<std::string> gone = client_.ask(
      {.method = "DELETE", .doing = "remove", .permission = "s3:DeleteObject", .key = std::string(key)}, stop);
  if (!gone && gone.error().kind() != ErrorKind::NotFound) return gone.error();
  return {};
}

Result<std::size_t> S3Store::sweep(Milliseconds age, std::stop_token stop) {
  const std::string place = fmt::format("list the uploads of {}", name());
  const Clock::WallTime oldest = client_.clock().now() - age;
  std::vector<S3UploadPage::Upload> dead;
  std::set<std::string, std::less<>> markers;
  S3UploadPage page;
  do {
    S3Request get{.method = "GET", .doing = "list the uploads of", .permission = "s3:ListBucketMultipartUploads"};
    // Without encoding-type: radosgw would encode the keys, but not the markers, and not say so.
    get.query = {{"uploads", ""}, {"prefix", client_.location().full_key("")}};
    if (!page.next_key_marker.empty()) get.query.emplace_back("key-marker", page.next_key_marker);
    if (!page.next_id_marker.empty()) get.query.emplace_back("upload-id-marker", page.next_id_marker);
    const std::string answer = TRY(client_.ask(get, stop));
    page = TRY(parse_s3_uploads(answer).context("{}", place));
    for (S3UploadPage::Upload& upload : page.uploads) {
      const std::optional<std::string_view> key = client_.location().relative_key(upload.key);
      // Somebody else's, if no store would make such a key.
      if (!key || !check_key(*key) || upload.initiated_at > oldest) continue;
      upload.key = std::string(*key);
      dead.push_back(std::move(upload));
    }
    if (!page.next_key_marker.empty() && !markers.insert(page.next_key_marker + '\0' + page.next_id_marker).second)
      return Error(ErrorKind::Corrupt, "{}: answers with the same page again", place);
  } while (!page.next_key_marker.empty());

  for (const S3UploadPage::Upload& upload : dead) {
    const Result<std::string> gone = client_.ask({.method = "DELETE",
                                                  .doing = "abort the upload of",
                                                  .permission = "s3:AbortMultipartUpload",
                                                  .key = upload.key,
                                                  .query = {{"uploadId", upload.id}}},
                                                 stop);
    if (!gone && gone.error().kind() != ErrorKind::NotFound) return gone.error();
  }
  return dead.size();
}

// One request after the other; who may not ask is told nothing. The first one is there for its Date, whatever it says.
Result<StoreFacts> S3Store::facts(std::stop_token stop) {
  const auto is_over = [](const Error& error) {
    return error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Unavailable ||
           error.kind() == ErrorKind::Throttled;
  };
  const auto ask = [&](std::string_view doing, std::string_view permission, S3Query query) {
    return client_.ask({.method = "GET", .doing = doing, .permission = permission, .query = std::move(query)}, stop);
  };
  const Result<std::string> listed = ask(
      "list", "s3:ListBucket", {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", client_.location().full_key("")}});
  if (!listed && is_over(listed.error())) return listed.error();

  StoreFacts facts;
  const Result<std::string> versions = ask("ask for the versions of", "s3:GetBucketVersioning", {{"versioning", ""}});
  if (!versions && is_over(versions.error())) return versions.error();
  if (versions) facts.versions = TRY(parse_s3_versioning(*versions).context("{}", name()));

  const Result<std::string> lock =
      ask("ask for the Object Lock of", "s3:GetBucketObjectLockConfiguration", {{"object-lock", ""}});
  if (!lock && is_over(lock.error())) return lock.error();
  if (lock) facts.default_retention = TRY(parse_s3_object_lock(*lock).context("{}", name()));
  // ObjectLockConfigurationNotFoundError.
  if (!lock && lock.error().kind() == ErrorKind::NotFound) facts.default_retention = "off";

  const S3Options& options = client_.options();
  facts.region = client_.region();
  facts.clock_ahead = client_.clock_ahead();
  facts.endpoint = TRY(s3_bucket_url(client_.location().bucket, facts.region, options.endpoint, options.addressing))
  .origin();
  return facts;
}

}  // namespace packferry
