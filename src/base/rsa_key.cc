#include "base/rsa_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace packferry {
namespace {

// RFC 7518, section 3.3.
constexpr int kBitsMin = 2048;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Else OpenSSL asks at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

struct RsaKey::Key {
  std::unique_ptr<EVP_PKEY, Free> key;
};

RsaKey::RsaKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
RsaKey::~RsaKey() = default;
RsaKey::RsaKey(RsaKey&&) noexcept = default;
RsaKey& RsaKey::operator=(RsaKey&&) noexcept = default;

Result<RsaKey> RsaKey::parse(std::string_view pem) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(bio != nullptr);
  auto key = std::make_unique<Key>();
  key->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (key->key == nullptr)
    return Error(ErrorKind::Invalid, "no private key in PEM, or one with a passphrase; remove the passphrase");
  if (EVP_PKEY_get_base_id(key->key.get()) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key->key.get()) < kBitsMin)
    return Error(ErrorKind::Invalid, "the key is not one of RSA with {} bits or more", kBitsMin);
  return RsaKey(std::move(key));
}

Result<std::vector<std::byte>> RsaKey::sign_sha256(std::span<const std::byte> message) const {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  std::size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  std::vector<std::byte> signature;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->key.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, data, message.size()) == 1) {
    signature.resize(size);
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                       message.size()) == 1) {
      signature.resize(size);
      return signature;
    }
  }
  ERR_clear_error();
  return Error(ErrorKind::Invalid, "the key does not sign");
}

}  // namespace packferry
