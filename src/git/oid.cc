#include "git/oid.h"

#include <algorithm>

#include "base/printable.h"
#include "io/stream.h"

namespace packferry {
namespace {

// Object names are written in lower case everywhere in git's protocols and files; upper case would be a second
// spelling.
int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string_view to_string(ObjectFormat format) { return format == ObjectFormat::Sha1 ? "sha1" : "sha256"; }

Result<ObjectFormat> parse_object_format(std::string_view text) {
  if (text == "sha1") return ObjectFormat::Sha1;
  if (text == "sha256") return ObjectFormat::Sha256;
  return Error(ErrorKind::Unsupported, "object format '{}' is neither sha1 nor sha256", printable(text, 100));
}

Result<Oid> Oid::parse(std::string_view hex) {
  const ObjectFormat format =
      hex.size() == oid_hex_digits(ObjectFormat::Sha256) ? ObjectFormat::Sha256 : ObjectFormat::Sha1;
  if (hex.size() != oid_hex_digits(format))
    return Error(ErrorKind::Corrupt, "object name '{}' has {} characters, not 40 or 64", printable(hex, 100),
                 hex.size());
  Oid oid(format);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit_value(hex[i]);
    const int low = digit_value(hex[i + 1]);
    if (high < 0 || low < 0)
      return Error(ErrorKind::Corrupt, "object name '{}' is not lower-case hex", printable(hex, 100));
    oid.bytes_[i / 2] = static_cast<std::byte>(high << 4 | low);
  }
  return oid;
}

Oid Oid::from_bytes(ObjectFormat format, std::span<const std::byte> bytes) {
  CHECK(bytes.size() == oid_bytes(format));
  Oid oid(format);
  std::copy(bytes.begin(), bytes.end(), oid.bytes_.begin());
  return oid;
}

bool Oid::is_zero() const { return bytes_ == decltype(bytes_){}; }

std::string Oid::hex() const { return to_hex(bytes()); }

}  // namespace packferry

// Over all bytes: names come from peers, who may choose them to agree in any few.
std::size_t std::hash<packferry::Oid>::operator()(const packferry::Oid& oid) const noexcept {
  return std::hash<std::string_view>{}(packferry::as_text(oid.bytes()));
}
