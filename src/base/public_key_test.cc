#include "base/public_key.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/digest.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

std::vector<std::byte> bytes(std::string_view base64url) { return from_base64url(base64url).value(); }
std::span<const std::byte> text(std::string_view text) { return std::as_bytes(std::span(text)); }

// RFC 7515, appendix A.2.
constexpr std::string_view kModulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
    "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapH"
    "g665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4F"
    "RWyuXpoQ";
constexpr std::string_view kClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view kRsaSignature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t"
    "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j"
    "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
    "Ge77Rw";

// The same, appendix A.3.
constexpr std::string_view kX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view kY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr std::string_view kEcSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

void expect_only_the_signed_message(const PublicKey& key, const std::string& message,
                                    std::vector<std::byte> signature) {
  EXPECT_TRUE(key.verifies(text(message), signature));
  EXPECT_FALSE(key.verifies(text(message + "x"), signature));
  EXPECT_FALSE(key.verifies(text(message), {}));
  EXPECT_FALSE(key.verifies(text(message), std::span(signature).first(signature.size() - 1)));
  EXPECT_FALSE(key.verifies(text(message), std::vector<std::byte>(signature.size())));
  for (std::size_t i = 0; i < signature.size(); i += 7) {
    signature[i] ^= std::byte{1};
    EXPECT_FALSE(key.verifies(text(message), signature)) << i;
    signature[i] ^= std::byte{1};
  }
  signature.push_back({});
  EXPECT_FALSE(key.verifies(text(message), signature));
}

TEST(PublicKey, ChecksRs256AsRfc7515Has) {
  const PublicKey key = must(PublicKey::rsa(bytes(kModulus), bytes("AQAB")));
  EXPECT_EQ(key.algorithm(), SignatureAlgorithm::Rs256);
  expect_only_the_signed_message(key, "eyJhbGciOiJSUzI1NiJ9." + std::string(kClaims), bytes(kRsaSignature));
}

TEST(PublicKey, ChecksEs256AsRfc7515Has) {
  const PublicKey key = must(PublicKey::p256(bytes(kX), bytes(kY)));
  EXPECT_EQ(key.algorithm(), SignatureAlgorithm::Es256);
  expect_only_the_signed_message(key, "eyJhbGciOiJFUzI1NiJ9." + std::string(kClaims), bytes(kEcSignature));
}

TEST(PublicKey, IsAKeyAndNotTooShortNorTooLong) {
  const std::vector<std::byte> exponent = bytes("AQAB");
  const auto number = [](std::size_t size) { return std::vector<std::byte>(size, std::byte{0xFF}); };
  EXPECT_FAILS(PublicKey::rsa(number(128), exponent), ErrorKind::Invalid, "less than 2048 bits");
  EXPECT_FAILS(PublicKey::rsa({}, exponent), ErrorKind::Invalid, "less than 2048 bits");
  EXPECT_FAILS(PublicKey::rsa(number(1025), exponent), ErrorKind::Invalid, "more than 8192 bits");
  EXPECT_FAILS(PublicKey::rsa(bytes(kModulus), {}), ErrorKind::Invalid, "exponent");
  EXPECT_FAILS(PublicKey::rsa(bytes(kModulus), number(9)), ErrorKind::Invalid, "exponent");
  for (const char* weak : {"AA", "AQ", "Ag"})  // 0, 1, 2
    EXPECT_FAILS(PublicKey::rsa(bytes(kModulus), bytes(weak)), ErrorKind::Invalid, "no RSA key");
  EXPECT_FAILS(PublicKey::p256(bytes(kX), bytes(kX)), ErrorKind::Invalid, "not on P-256");
  EXPECT_FAILS(PublicKey::p256(number(32), number(32)), ErrorKind::Invalid, "not on P-256");
  EXPECT_FAILS(PublicKey::p256(number(31), number(32)), ErrorKind::Invalid, "two numbers");
}

}  // namespace
}  // namespace packferry
