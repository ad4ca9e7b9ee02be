// What S3 says, in XML, as values. Everything in it comes from a peer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/object_store.h"

namespace packferry {

// <Error>, the body of an answer that is no success, and sometimes of one that says it is.
struct S3Failure {
  std::string code;
  std::string message;
  std::string region;  // where the bucket is, when that was the trouble
  std::string request_id;
};
// Nothing when the body is something else, such as a proxy's page.
std::optional<S3Failure> parse_s3_failure(std::string_view body);

// ListObjectsV2. Keys are those of the bucket. Corrupt: no such listing, a length that is no number, more pages
// announced without a token that leads there.
struct S3ObjectPage {
  std::vector<ObjectInfo> objects;
  std::string next_token;  // empty: the last page
};
Result<S3ObjectPage> parse_s3_objects(std::string_view body);

// ListMultipartUploads; the same rules.
struct S3UploadPage {
  struct Upload {
    std::string key;
    std::string id;
    Clock::WallTime initiated_at;
  };
  std::vector<Upload> uploads;
  std::string next_key_marker;  // both empty: the last page
  std::string next_id_marker;
};
Result<S3UploadPage> parse_s3_uploads(std::string_view body);

// CreateMultipartUpload.
Result<std::string> parse_s3_upload_id(std::string_view body);

// CompleteMultipartUpload answers 200 before it knows. True: done; false: an <Error>, see parse_s3_failure(). Anything
// else is Unavailable: the answer was lost on the way.
Result<bool> parse_s3_completion(std::string_view body);

// GetBucketVersioning: "enabled", "suspended" or "off".
Result<std::string> parse_s3_versioning(std::string_view body);
// GetObjectLockConfiguration: "GOVERNANCE for 30 days", or "no default".
Result<std::string> parse_s3_object_lock(std::string_view body);

struct S3Part {
  std::string etag;
  std::string sha256;  // base64; empty: not told
};
// What CompleteMultipartUpload is sent.
std::string s3_completion_body(const std::vector<S3Part>& parts);

}  // namespace packferry
