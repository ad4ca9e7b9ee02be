// A token, and a set of keys: no token is good that was not signed, and every set has keys with names or is none.
#include "base/printable.h"
#include "fuzz.h"
#include "net/json_web_token.h"

using namespace packferry;

namespace {

// RFC 7515, appendix A.3.
constexpr std::string_view kKeys =
    R"({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

}  // namespace

FUZZ(input) {
  static const JsonWebKeys kKnown = JsonWebKeys::parse(kKeys).value();
  const std::string_view text = input.rest();
  const TokenRules rules{.issuer = "https://gitlab.example.com", .audience = "ferry"};
  const Result<TokenClaims> claims = verify_token(text, kKnown, rules, Clock::WallTime(std::chrono::seconds(1)));
  CHECK(!claims);
  CHECK(claims.error().kind() == ErrorKind::Denied || claims.error().kind() == ErrorKind::NotFound);
  CHECK(printable(claims.error().message(), 2'000) == claims.error().message());

  const Result<JsonWebKeys> keys = JsonWebKeys::parse(text);
  CHECK(keys || keys.error().kind() == ErrorKind::Corrupt);
  if (keys) CHECK(keys->find("") == nullptr);
}
