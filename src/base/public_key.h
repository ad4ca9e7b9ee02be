// A public key that checks signatures, as JSON Web Tokens have them (RFC 7518, sections 3.3 and 3.4): RS256, which is
// RSA with PKCS #1 v1.5 padding, and ES256, which is ECDSA on P-256, both over SHA-256. OpenSSL stays inside. The
// private side of RS256 is base/rsa_key.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace packferry {

enum class SignatureAlgorithm { Rs256, Es256 };

class PublicKey {
 public:
  // Numbers as RFC 7518 writes them: unsigned, the highest byte first. Invalid: RSA of less than 2,048 bits, or of so
  // many that a check would be work for us (more than 8,192); numbers that are no key; a point off the curve.
  static Result<PublicKey> rsa(std::span<const std::byte> modulus, std::span<const std::byte> exponent);
  static Result<PublicKey> p256(std::span<const std::byte> x, std::span<const std::byte> y);  // 32 bytes each
  ~PublicKey();
  PublicKey(PublicKey&&) noexcept;
  PublicKey& operator=(PublicKey&&) noexcept;

  // A key is for one algorithm; whoever says otherwise is not asked.
  SignatureAlgorithm algorithm() const;
  // Was `message` signed with the private key? For ES256, `signature` is 32 bytes of r and 32 of s. Safe from several
  // threads.
  bool verifies(std::span<const std::byte> message, std::span<const std::byte> signature) const;

 private:
  struct Key;
  explicit PublicKey(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

}  // namespace packferry
