// Encryption in the format of age (https://age-encryption.org/v1): X25519 recipients, ChaCha20-Poly1305 in chunks of 64
// KiB. What is written here the `age` program opens, and the other way round; libsodium stays inside. Keys are wiped
// from memory when what holds them is destroyed.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/stream.h"

namespace packferry {

// "age1…"
class AgeRecipient {
 public:
  static Result<AgeRecipient> parse(std::string_view text);
  const std::string& text() const { return text_; }

 private:
  friend class AgeIdentity;
  friend Result<std::unique_ptr<Writer>> open_age_writer(const std::vector<AgeRecipient>&, std::unique_ptr<Writer>);
  AgeRecipient() = default;
  std::string text_;
  std::array<std::byte, 32> key_{};
};

// "AGE-SECRET-KEY-1…"
class AgeIdentity {
 public:
  ~AgeIdentity();
  AgeIdentity(const AgeIdentity&) = default;
  AgeIdentity& operator=(const AgeIdentity&) = default;

  // Errors do not repeat the text.
  static Result<AgeIdentity> parse(std::string_view text);
  // All identities of a file as age-keygen writes it, at least one: comments and empty lines are passed over. Invalid
  // when others than its owner can read it.
  static Result<std::vector<AgeIdentity>> read_file(const std::string& path);
  AgeRecipient recipient() const;

 private:
  friend Result<std::unique_ptr<Reader>> open_age_reader(const std::vector<AgeIdentity>&, std::unique_ptr<Reader>);
  AgeIdentity() = default;
  std::array<std::byte, 32> key_{};
};

// The header at once. The Writer's finish() ends the last chunk and finishes `to`. `recipients` is not empty. Invalid:
// a recipient whose key is none.
Result<std::unique_ptr<Writer>> open_age_writer(const std::vector<AgeRecipient>& recipients,
                                                std::unique_ptr<Writer> to);
// Denied: none of the identities opens it. Corrupt: not age, or changed. Nothing of a chunk is handed out before it is
// authenticated, and an end before the last chunk is Corrupt.
Result<std::unique_ptr<Reader>> open_age_reader(const std::vector<AgeIdentity>& identities,
                                                std::unique_ptr<Reader> from);

}  // namespace packferry
