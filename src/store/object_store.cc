#include "store/object_store.h"

#include "base/printable.h"

namespace packferry {
namespace {

Error wrong_key(std::string_view key, std::string_view rule) {
  return Error(ErrorKind::Invalid, "'{}' cannot be the key of an object: {}", printable(key), rule);
}

}  // namespace

Result<> check_key(std::string_view key) {
  if (key.size() > kKeyBytesMax) return wrong_key(key, fmt::format("longer than {} bytes", kKeyBytesMax));
  if (printable(key) != key) return wrong_key(key, "it holds control characters, invisible marks or no UTF-8");
  if (key.starts_with(kReservedKeyPrefix))
    return wrong_key(key, fmt::format("'{}' is kept for unfinished uploads", kReservedKeyPrefix));
  while (true) {
    const std::string_view part = key.substr(0, key.find('/'));
    if (part.empty()) return wrong_key(key, "an empty part");
    if (part == "." || part == "..") return wrong_key(key, fmt::format("a part '{}'", part));
    if (part.size() > kKeyPartBytesMax)
      return wrong_key(key, fmt::format("a part longer than {} bytes", kKeyPartBytesMax));
    if (part.size() == key.size()) return {};
    key.remove_prefix(part.size() + 1);
  }
}

Result<std::vector<std::byte>> read_object(ObjectStore& store, std::string_view key, std::size_t bytes_max,
                                           std::stop_token stop) {
  const std::unique_ptr<Reader> reader = TRY(store.open(key, 0, stop));
  return read_all(*reader, bytes_max).context("read '{}' of {}", printable(key), store.name());
}

}  // namespace packferry
