// Object names. gitformat-pack(5), hash-function-transition: SHA-1 names have 20 bytes, SHA-256 names 32.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace packferry {

enum class ObjectFormat : std::uint8_t { Sha1, Sha256 };

std::string_view to_string(ObjectFormat format);  // "sha1", "sha256": the words of the object-format capability
Result<ObjectFormat> parse_object_format(std::string_view text);
constexpr std::size_t oid_bytes(ObjectFormat format) { return format == ObjectFormat::Sha1 ? 20 : 32; }
constexpr std::size_t oid_hex_digits(ObjectFormat format) { return 2 * oid_bytes(format); }
constexpr DigestAlgorithm digest_algorithm(ObjectFormat format) {
  return format == ObjectFormat::Sha1 ? DigestAlgorithm::Sha1 : DigestAlgorithm::Sha256;
}

class Oid {
 public:
  // All zeros: "no object", the old value of a ref that is created and the new one of a ref that is deleted.
  explicit constexpr Oid(ObjectFormat format = ObjectFormat::Sha1) : format_(format) {}
  // Exactly 40 or 64 lower-case hex digits; else Corrupt, since it is programs that write them.
  static Result<Oid> parse(std::string_view hex);
  // Exactly oid_bytes(format) bytes.
  static Oid from_bytes(ObjectFormat format, std::span<const std::byte> bytes);

  ObjectFormat format() const { return format_; }
  bool is_zero() const;
  std::span<const std::byte> bytes() const { return {bytes_.data(), oid_bytes(format_)}; }
  std::string hex() const;
  // The first 12 digits, for people.
  std::string abbreviated() const { return hex().substr(0, 12); }

  friend auto operator<=>(const Oid&, const Oid&) = default;

 private:
  std::array<std::byte, 32> bytes_{};
  ObjectFormat format_;
};

}  // namespace packferry

template <>
struct std::hash<packferry::Oid> {
  std::size_t operator()(const packferry::Oid& oid) const noexcept;
};
