// Which store: "s3://bucket/prefix", "file:///srv/backup", or a path; and how to treat it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/s3_address.h"

namespace packferry {

struct StoreAddress {
  // Invalid: another scheme, or a bucket name that S3 would refuse. A relative path stays relative.
  static Result<StoreAddress> parse(std::string_view text);
  std::string text() const { return s3 ? s3->text() : path; }

  std::optional<S3Location> s3 = std::nullopt;
  std::string path = {};  // of a directory, else
};

// What a person may say about a store; only S3 knows most of it, and a directory refuses it.
struct StoreOptions {
  std::string endpoint = {};                // "https://s3.example.org:9000"; else what the environment says, or AWS
  std::string region = {};                  // else what the environment says, or the bucket
  std::string addressing = "auto";          // "auto", "path", "virtual"
  std::string server_side_encryption = {};  // "AES256", "aws:kms", "aws:kms:dsse"
  std::string kms_key_id = {};
  std::string storage_class = {};
  std::string expected_bucket_owner = {};
  bool bucket_owner_full_control = false;
  std::string object_lock_mode = {};  // "GOVERNANCE", "COMPLIANCE"
  unsigned object_lock_days = 0;

  // Does it say anything that a directory has no use for?
  bool is_for_s3() const;
};

// "GOVERNANCE=30", "COMPLIANCE=365": mode and days.
Result<> take_object_lock(std::string_view text, StoreOptions& options);

}  // namespace packferry
