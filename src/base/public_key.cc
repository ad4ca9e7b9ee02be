#include "base/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <vector>

namespace packferry {
namespace {

constexpr int kRsaBitsMin = 2048;
constexpr std::size_t kRsaBytesMax = 8192 / 8;
constexpr std::size_t kExponentBytesMax = 8;
constexpr std::size_t kCoordinateBytes = 32;
// How SEC 1, section 2.3.3, begins a point that is written out.
constexpr unsigned char kUncompressed = 4;

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Owned<BIGNUM> number(std::span<const std::byte> bytes) {
  return Owned<BIGNUM>(BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr));
}

// Nothing: the parameters are no key.
Owned<EVP_PKEY> key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  CHECK(parameters != nullptr && context != nullptr);
  EVP_PKEY* made = nullptr;
  const bool is_key = EVP_PKEY_fromdata_init(context.get()) == 1 &&
                      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  Owned<EVP_PKEY> key(made);
  if (is_key) {
    const Owned<EVP_PKEY_CTX> check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (check != nullptr && EVP_PKEY_public_check(check.get()) == 1) return key;
  }
  ERR_clear_error();
  return nullptr;
}

// OpenSSL wants r and s in DER; nothing when they are no two numbers of 32 bytes.
std::vector<unsigned char> to_der(std::span<const std::byte> signature) {
  if (signature.size() != 2 * kCoordinateBytes) return {};
  const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
  CHECK(pair != nullptr);
  CHECK(ECDSA_SIG_set0(pair.get(), number(signature.first(kCoordinateBytes)).release(),
                       number(signature.last(kCoordinateBytes)).release()) == 1);
  std::vector<unsigned char> der(static_cast<std::size_t>(std::max(0, i2d_ECDSA_SIG(pair.get(), nullptr))));
  unsigned char* at = der.data();
  i2d_ECDSA_SIG(pair.get(), &at);
  return der;
}

}  // namespace

struct PublicKey::Key {
  SignatureAlgorithm algorithm;
  Owned<EVP_PKEY> key;
};

PublicKey::PublicKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
PublicKey::~PublicKey() = default;
PublicKey::PublicKey(PublicKey&&) noexcept = default;
PublicKey& PublicKey::operator=(PublicKey&&) noexcept = default;

Result<PublicKey> PublicKey::rsa(std::span<const std::byte> modulus, std::span<const std::byte> exponent) {
  if (modulus.size() > kRsaBytesMax || exponent.empty() || exponent.size() > kExponentBytesMax)
    return Error(ErrorKind::Invalid, "an RSA key of more than {} bits, or an exponent that is none", kRsaBytesMax * 8);
  const Owned<BIGNUM> n = number(modulus);
  const Owned<BIGNUM> e = number(exponent);
  if (BN_num_bits(n.get()) < kRsaBitsMin)
    return Error(ErrorKind::Invalid, "an RSA key of less than {} bits", kRsaBitsMin);
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  Owned<EVP_PKEY> key = key_from("RSA", builder.get());
  if (key == nullptr) return Error(ErrorKind::Invalid, "numbers that are no RSA key");
  return PublicKey(std::unique_ptr<Key>(new Key{SignatureAlgorithm::Rs256, std::move(key)}));
}

Result<PublicKey> PublicKey::p256(std::span<const std::byte> x, std::span<const std::byte> y) {
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes)
    return Error(ErrorKind::Invalid, "a point on P-256 is two numbers of {} bytes", kCoordinateBytes);
  std::vector<unsigned char> point{kUncompressed};
  point.insert(point.end(), raw(x), raw(x) + x.size());
  point.insert(point.end(), raw(y), raw(y) + y.size());
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
  Owned<EVP_PKEY> key = key_from("EC", builder.get());
  if (key == nullptr) return Error(ErrorKind::Invalid, "a point that is not on P-256");
  return PublicKey(std::unique_ptr<Key>(new Key{SignatureAlgorithm::Es256, std::move(key)}));
}

SignatureAlgorithm PublicKey::algorithm() const { return key_->algorithm; }

bool PublicKey::verifies(std::span<const std::byte> message, std::span<const std::byte> signature) const {
  std::vector<unsigned char> der;
  if (algorithm() == SignatureAlgorithm::Es256) {
    der = to_der(signature);
    if (der.empty()) return false;
    signature = std::as_bytes(std::span(der));
  }
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  const bool fits =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->key.get()) == 1 &&
      EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) == 1;
  if (!fits) ERR_clear_error();
  return fits;
}

}  // namespace packferry
