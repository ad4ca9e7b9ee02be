#include "base/rsa_key.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;

// OpenSSL's own program makes the keys, and is the judge.
class RsaKeyTest : public ::testing::Test {
 protected:
  bool openssl(const std::string& words) const {
    return std::system(("cd '" + directory_.path().string() + "' && openssl " + words + " >/dev/null 2>&1").c_str()) ==
           0;
  }
  std::string pem(const std::string& verb, const std::string& words) const {
    EXPECT_TRUE(openssl(verb + " -out key.pem " + words));
    std::ifstream file(directory_ / "key.pem");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
  }

  testing::TempDir directory_;
};

TEST_F(RsaKeyTest, SignsAsOpensslVerifies) {
  for (const char* form : {"", "-traditional "}) {
    const RsaKey key = must(RsaKey::parse(pem("genrsa", form + std::string("2048"))));
    constexpr std::string_view kMessage = "header.claims";
    const std::vector<std::byte> signature = must(key.sign_sha256(std::as_bytes(std::span(kMessage))));
    write("message", kMessage);
    write("signature", {reinterpret_cast<const char*>(signature.data()), signature.size()});
    ASSERT_TRUE(openssl("rsa -in key.pem -pubout -out public.pem"));
    EXPECT_TRUE(openssl("dgst -sha256 -verify public.pem -signature signature message"));
    write("message", "header.claimz");
    EXPECT_FALSE(openssl("dgst -sha256 -verify public.pem -signature signature message"));
  }
}

TEST_F(RsaKeyTest, IsOfRsaAndLongAndWithoutPassphrase) {
  EXPECT_FAILS(RsaKey::parse(""), ErrorKind::Invalid, "no private key");
  EXPECT_FAILS(RsaKey::parse("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"), ErrorKind::Invalid,
               "no private key");
  EXPECT_FAILS(RsaKey::parse(pem("genrsa", "-aes128 -passout pass:secret 2048")), ErrorKind::Invalid,
               "remove the passphrase");
  EXPECT_FAILS(RsaKey::parse(pem("genrsa", "1024")), ErrorKind::Invalid, "2048 bits");
  EXPECT_FAILS(RsaKey::parse(pem("genpkey", "-algorithm ED25519")), ErrorKind::Invalid, "not one of RSA");
}

}  // namespace
}  // namespace packferry
