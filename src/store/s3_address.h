// Where on S3: a bucket, a prefix in it, and the URL that requests for them go to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/url.h"

namespace packferry {

struct S3Location {
  std::string bucket;
  std::string prefix;  // without '/' at its ends; may be empty

  // "s3://bucket/prefix". Invalid: another scheme, a name that no bucket can have ("Bucket naming rules", S3 User
  // Guide), a prefix that is no key or too long to leave room for keys.
  static Result<S3Location> parse(std::string_view text);
  std::string text() const;
  // The key in the bucket, and back; nothing for what lies outside of the prefix.
  std::string full_key(std::string_view key) const;
  std::optional<std::string_view> relative_key(std::string_view full_key) const;

  friend bool operator==(const S3Location&, const S3Location&) = default;
};

// Auto: the bucket goes into the path where it cannot go into the host name (an endpoint that is an address or
// localhost, a bucket whose dots would leave the wildcard of the certificate), else into the host name.
enum class S3Addressing { Auto, Path, VirtualHost };

// "eu-central-1": it becomes part of a host name and of signatures, and servers tell us regions.
bool is_aws_region(std::string_view text);

// The URL of the bucket itself. Without an endpoint it is AWS's own in that region.
Result<Url> s3_bucket_url(const std::string& bucket, const std::string& region, const std::optional<Url>& endpoint,
                          S3Addressing addressing);

}  // namespace packferry
