#include "store/s3_address.h"

#include <algorithm>

#include "base/printable.h"
#include "store/object_store.h"

namespace packferry {
namespace {

constexpr std::size_t kFullKeyBytesMax = 1024;  // "Creating object key names", S3 User Guide
constexpr std::string_view kScheme = "s3://";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }

bool is_ipv4(std::string_view text) {
  return std::count(text.begin(), text.end(), '.') == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

bool is_address_or_local(const std::string& host) {
  return is_ipv4(host) || host.find(':') != std::string::npos || host == "localhost";
}

Result<> check_bucket(std::string_view name) {
  const auto invalid = [&](std::string_view rule) {
    return Error(ErrorKind::Invalid, "'{}' is no S3 bucket: {}", printable(name, 100), rule);
  };
  if (name.size() < 3 || name.size() > 63) return invalid("a name has 3 to 63 characters");
  if (!std::all_of(name.begin(), name.end(), [](char c) { return is_lower_alphanumeric(c) || c == '.' || c == '-'; }))
    return invalid("a name has lower-case letters, digits, '.' and '-' only");
  if (!is_lower_alphanumeric(name.front()) || !is_lower_alphanumeric(name.back()))
    return invalid("a name begins and ends with a letter or digit");
  if (name.find("..") != std::string_view::npos) return invalid("a name has no '..'");
  if (is_ipv4(name)) return invalid("a name does not look like an IP address");
  return {};
}

}  // namespace

Result<S3Location> S3Location::parse(std::string_view text) {
  if (!text.starts_with(kScheme))
    return Error(ErrorKind::Invalid, "'{}' is not of the form s3://bucket/prefix", printable(text, 100));
  text.remove_prefix(kScheme.size());
  S3Location out;
  out.bucket = text.substr(0, text.find('/'));
  TRY(check_bucket(out.bucket));
  text.remove_prefix(std::min(text.size(), out.bucket.size() + 1));
  if (text.ends_with('/')) text.remove_suffix(1);
  out.prefix = text;
  if (!out.prefix.empty()) TRY(check_key(out.prefix).context("prefix of '{}'", out.text()));
  if (out.prefix.size() + 1 + kKeyBytesMax > kFullKeyBytesMax)
    return Error(ErrorKind::Invalid, "the prefix of 's3://{}' is longer than {} bytes", out.bucket,
                 kFullKeyBytesMax - kKeyBytesMax - 1);
  return out;
}

std::string S3Location::text() const {
  return std::string(kScheme) + bucket + (prefix.empty() ? "" : "/" + printable(prefix));
}

std::string S3Location::full_key(std::string_view key) const {
  return prefix.empty() ? std::string(key) : fmt::format("{}/{}", prefix, key);
}

std::optional<std::string_view> S3Location::relative_key(std::string_view full_key) const {
  if (prefix.empty()) return full_key;
  if (!full_key.starts_with(prefix) || !full_key.substr(prefix.size()).starts_with('/')) return std::nullopt;
  return full_key.substr(prefix.size() + 1);
}

bool is_aws_region(std::string_view text) {
  return !text.empty() && text.size() <= 40 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower_alphanumeric(c) || c == '-'; });
}

Result<Url> s3_bucket_url(const std::string& bucket, const std::string& region, const std::optional<Url>& endpoint,
                          S3Addressing addressing) {
  if (!is_aws_region(region)) return Error(ErrorKind::Invalid, "'{}' is no AWS region", printable(region, 100));
  const std::string_view domain = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const Url base = endpoint ? *endpoint : TRY(Url::parse(fmt::format("https://s3.{}.{}", region, domain)));
  const bool cannot_be_in_host = is_address_or_local(base.host()) || bucket.find('.') != std::string::npos;
  if (addressing == S3Addressing::Path || (addressing == S3Addressing::Auto && cannot_be_in_host))
    return base.with_path_suffix("/" + bucket);
  const std::string origin = base.origin();
  const std::size_t host = origin.find("://") + 3;
  return Url::parse(origin.substr(0, host) + bucket + "." + origin.substr(host) + base.path());
}

}  // namespace packferry
