#include "store/store_address.h"

#include <algorithm>

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

}  // namespace packferry
