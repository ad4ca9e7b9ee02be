#include "store/store_address.h"

#include <algorithm>
#include <charconv>

#include "base/printable.h"

namespace packferry {

Result<StoreAddress> StoreAddress::parse(std::string_view text) {
  constexpr std::string_view kFile = "file://";
  if (text.empty()) return Error(ErrorKind::Invalid, "a store is s3://BUCKET/PREFIX or a directory, not nothing");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(text.begin(), text.end(), is_control))
    return Error(ErrorKind::Invalid, "a store's address has no control characters");
  StoreAddress address;
  if (text.starts_with("s3://")) {
    address.s3 = TRY(S3Location::parse(text));
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

bool StoreOptions::is_for_s3() const {
  return !endpoint.empty() || !region.empty() || addressing != "auto" || !server_side_encryption.empty() ||
         !kms_key_id.empty() || !storage_class.empty() || !expected_bucket_owner.empty() || bucket_owner_full_control ||
         !object_lock_mode.empty();
}

Result<> take_object_lock(std::string_view text, StoreOptions& options) {
  const std::size_t equals = text.find('=');
  const std::string_view mode = text.substr(0, equals);
  const std::string_view digits = equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
  unsigned days = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), days);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size() && days > 0;
  if (!is_number || (mode != "GOVERNANCE" && mode != "COMPLIANCE"))
    return Error(ErrorKind::Invalid, "'{}' is neither GOVERNANCE=DAYS nor COMPLIANCE=DAYS", printable(text, 100));
  options.object_lock_mode = mode;
  options.object_lock_days = days;
  return {};
}

}  // namespace packferry
