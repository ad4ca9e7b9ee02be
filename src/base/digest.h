// Running SHA-1 and SHA-256, HMAC-SHA-256, hex and base64, and how what is secret is compared. SHA-1 here finds
// transport damage (the trailer of a pack); it is no defence against a collision, which is why git itself checks what
// it indexes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace packferry {

enum class DigestAlgorithm { Sha1, Sha256 };

constexpr std::size_t digest_bytes(DigestAlgorithm algorithm) { return algorithm == DigestAlgorithm::Sha1 ? 20 : 32; }

class Digest {
 public:
  explicit Digest(DigestAlgorithm algorithm);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void update(std::span<const std::byte> bytes);
  // The digest of all bytes so far; the Digest starts anew.
  std::vector<std::byte> finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::vector<std::byte> digest_of(DigestAlgorithm algorithm, std::span<const std::byte> bytes);
std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message);

std::string to_hex(std::span<const std::byte> bytes);
// Lower- or upper-case digits, an even number of them; nothing else.
std::optional<std::vector<std::byte>> from_hex(std::string_view text);

// RFC 4648, section 4: with padding.
std::string to_base64(std::span<const std::byte> bytes);
// Section 5, for URLs: '-' and '_', and without padding.
std::string to_base64url(std::span<const std::byte> bytes);
// The way back; nothing for any spelling but the one that the two above would choose.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);
std::optional<std::vector<std::byte>> from_base64url(std::string_view text);

// Takes as long for any two of one length, wherever they differ: how long does not tell how much was guessed right.
bool same_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace packferry
