#include "store/store_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kS3 = "s3://";
constexpr std::string_view kFile = "file://";

// docs.aws.amazon.com, "General purpose bucket naming rules".
Result<> check_bucket(std::string_view name) {
  const auto is_fit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  const auto is_end = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.size() < 3 || name.size() > 63 || !std::all_of(name.begin(), name.end(), is_fit) || !is_end(name.front()) ||
      !is_end(name.back()) || name.find("..") != std::string_view::npos)
    return Error(
        ErrorKind::Invalid,
        "'{}' is no bucket name: 3 to 63 lower-case letters, digits, '-' and '.', a letter or digit at the ends",
        printable(name));
  return {};
}

std::string_view without_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<StoreAddress> StoreAddress::parse(std::string_view text) {
  if (text.empty()) return Error(ErrorKind::Invalid, "a store is s3://BUCKET/PREFIX or a directory, not nothing");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(text.begin(), text.end(), is_control))
    return Error(ErrorKind::Invalid, "a store's address has no control characters");
  StoreAddress address;
  if (text.starts_with(kS3)) {
    text.remove_prefix(kS3.size());
    address.is_s3 = true;
    address.bucket = text.substr(0, text.find('/'));
    address.prefix = without_slashes(text.substr(address.bucket.size()));
    TRY(check_bucket(address.bucket));
    return address;
  }
  if (text.starts_with(kFile)) {
    text.remove_prefix(kFile.size());
    if (!text.starts_with('/'))
      return Error(ErrorKind::Invalid, "file:// stores are on this machine: write file:///srv/backup");
  } else if (text.find("://") != std::string_view::npos) {
    return Error(ErrorKind::Invalid, "a store is s3://BUCKET/PREFIX, file:///DIRECTORY or a directory");
  }
  address.path = text;
  return address;
}

std::string StoreAddress::text() const {
  if (!is_s3) return path;
  return prefix.empty() ? fmt::format("s3://{}", bucket) : fmt::format("s3://{}/{}", bucket, prefix);
}

}  // namespace packferry
