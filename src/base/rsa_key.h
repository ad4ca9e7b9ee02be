// A private RSA key that signs: SHA-256 with PKCS #1 v1.5 padding, which JSON Web Tokens call RS256 (RFC 7518, section
// 3.3). OpenSSL stays inside.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace packferry {

class RsaKey {
 public:
  // PEM without a passphrase, as PKCS #1 ("BEGIN RSA PRIVATE KEY") or PKCS #8. Invalid: something else, or less than
  // 2,048 bits; the message has nothing of the key.
  static Result<RsaKey> parse(std::string_view pem);
  ~RsaKey();
  RsaKey(RsaKey&&) noexcept;
  RsaKey& operator=(RsaKey&&) noexcept;

  // Safe from several threads.
  Result<std::vector<std::byte>> sign_sha256(std::span<const std::byte> message) const;

 private:
  struct Key;
  explicit RsaKey(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

}  // namespace packferry
