#include "net/json_web_token.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/rsa_key.h"
#include "io/stream.h"
#include "testing/must.h"
#include "testing/scripted_server.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using Json = nlohmann::json;
using testing::must;

std::string base64url(std::string_view text) { return to_base64url(as_bytes(text)); }
std::string base64url(const std::vector<std::byte>& bytes) { return to_base64url(bytes); }

// An issuer of tokens. OpenSSL's own program makes its keys, and signs with P-256.
class Issuer {
 public:
  Issuer() {
    run("openssl genrsa -out rsa.pem 2048");
    run("openssl rsa -in rsa.pem -noout -modulus -out modulus");
    run("openssl ecparam -name prime256v1 -genkey -noout -out ec.pem");
    run("openssl ec -in ec.pem -pubout -outform DER -out point");
  }

  Json rsa(const std::string& name) const {
    std::string modulus = read("modulus").substr(std::string_view("Modulus=").size());
    modulus.pop_back();
    return {{"kty", "RSA"}, {"use", "sig"}, {"alg", "RS256"},
            {"kid", name},  {"e", "AQAB"},  {"n", base64url(from_hex(modulus).value())}};
  }
  Json p256(const std::string& name) const {
    const std::string point = read("point");  // ends in x and y
    return {{"kty", "EC"},
            {"crv", "P-256"},
            {"kid", name},
            {"x", base64url(point.substr(point.size() - 64, 32))},
            {"y", base64url(point.substr(point.size() - 32))}};
  }
  std::string rs256(const Json& header, const Json& claims) const {
    const std::string text = base64url(header.dump()) + "." + base64url(claims.dump());
    return text + "." + base64url(must(must(RsaKey::parse(read("rsa.pem"))).sign_sha256(as_bytes(text))));
  }
  std::string es256(const Json& header, const Json& claims) const {
    const std::string text = base64url(header.dump()) + "." + base64url(claims.dump());
    std::ofstream(directory_ / "text") << text;
    run("openssl dgst -sha256 -sign ec.pem -out signature text");
    const std::string der = read("signature");  // 30 length 02 length r 02 length s
    const auto number = [&der](std::size_t at) {
      std::string digits = der.substr(at + 2, static_cast<unsigned char>(der[at + 1]));
      digits.erase(0, digits.size() > 32 ? digits.size() - 32 : 0);
      return std::string(32 - digits.size(), '\0') + digits;
    };
    return text + "." + base64url(number(2) + number(4 + static_cast<unsigned char>(der[3])));
  }
  // The public key as others hand it out: what HS256 is tried with.
  std::string public_pem() const {
    run("openssl rsa -in rsa.pem -pubout -out public.pem");
    return read("public.pem");
  }

 private:
  void run(const std::string& command) const {
    EXPECT_EQ(std::system(("cd '" + directory_.path().string() + "' && " + command + " 2>/dev/null").c_str()), 0);
  }
  std::string read(const char* name) const {
    std::ifstream file(directory_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  testing::TempDir directory_;
};

const Issuer& issuer() {
  static const Issuer made;
  return made;
}

std::string set_of(std::vector<Json> keys) { return Json{{"keys", std::move(keys)}}.dump(); }

constexpr Clock::WallTime kNow{std::chrono::seconds(1'700'000'000)};
const TokenRules kRules{.issuer = "https://gitlab.example.com", .audience = "https://ferry.example.com"};

Json header(const char* algorithm, const char* name) { return {{"alg", algorithm}, {"typ", "JWT"}, {"kid", name}}; }

// As GitLab has them.
Json claims() {
  return {{"iss", "https://gitlab.example.com"},
          {"aud", "https://ferry.example.com"},
          {"sub", "project_path:app/web:ref_type:branch:ref:main"},
          {"jti", "a1b2"},
          {"iat", 1'700'000'000},
          {"nbf", 1'699'999'995},
          {"exp", 1'700'000'300},
          {"project_path", "app/web"},
          {"ref", "main"},
          {"ref_type", "branch"},
          {"ref_protected", "true"}};
}

Json with(const char* name, Json value) {
  Json changed = claims();
  changed[name] = std::move(value);
  return changed;
}

Json without(const char* name) {
  Json changed = claims();
  changed.erase(name);
  return changed;
}

class JsonWebTokenTest : public ::testing::Test {
 protected:
  static const JsonWebKeys& keys() {
    static const JsonWebKeys parsed = must(JsonWebKeys::parse(set_of({issuer().rsa("r"), issuer().p256("e")})));
    return parsed;
  }
  static Result<TokenClaims> verify(std::string_view token, Clock::WallTime now = kNow) {
    return verify_token(token, keys(), kRules, now);
  }
  static std::string signed_with(const Json& claims) { return issuer().rs256(header("RS256", "r"), claims); }
};

TEST_F(JsonWebTokenTest, SaysWhichProjectAndRefAJobIsFor) {
  for (const std::string& token :
       {issuer().rs256(header("RS256", "r"), claims()), issuer().es256(header("ES256", "e"), claims())}) {
    const TokenClaims found = must(verify(token));
    EXPECT_EQ(found.issuer, "https://gitlab.example.com");
    EXPECT_EQ(found.subject, "project_path:app/web:ref_type:branch:ref:main");
    EXPECT_EQ(found.id, "a1b2");
    EXPECT_EQ(found.expires_at, kNow + std::chrono::minutes(5));
    EXPECT_EQ(found.project_path, "app/web");
    EXPECT_EQ(found.ref, "main");
    EXPECT_EQ(found.ref_type, "branch");
    EXPECT_TRUE(found.ref_protected);
  }
  for (const Json& value : {Json("false"), Json(false), Json(1), Json(nullptr)})
    EXPECT_FALSE(must(verify(signed_with(with("ref_protected", value)))).ref_protected);
}

TEST_F(JsonWebTokenTest, IsNotBelievedAboutItsAlgorithm) {
  const std::string claimed = base64url(claims().dump());
  const std::string good = signed_with(claims());
  const std::string signature = good.substr(good.rfind('.') + 1);
  for (const char* none : {"none", "None", "NONE", "", "RS512", "rs256", "PS256"})
    for (const std::string& end : {std::string(), signature})
      EXPECT_FAILS(verify(base64url(header(none, "r").dump()) + "." + claimed + "." + end), ErrorKind::Denied,
                   "RS256 and ES256 are taken");
  // A public key is no secret, and so nothing that HS256 could be checked with.
  const std::string text = base64url(header("HS256", "r").dump()) + "." + claimed;
  EXPECT_FAILS(verify(text + "." + to_base64url(hmac_sha256(as_bytes(issuer().public_pem()), as_bytes(text)))),
               ErrorKind::Denied, "RS256 and ES256 are taken");
  // One key's algorithm, said of the other key.
  EXPECT_FAILS(verify(issuer().rs256(header("ES256", "r"), claims())), ErrorKind::Denied, "not signed by the issuer");
  EXPECT_FAILS(verify(issuer().rs256(header("RS256", "e"), claims())), ErrorKind::Denied, "not signed by the issuer");
  EXPECT_FAILS(verify(issuer().es256(header("RS256", "e"), claims())), ErrorKind::Denied, "not signed by the issuer");
  // What a token brings along is not asked.
  Json own_key = header("RS256", "stranger");
  own_key["jwk"] = issuer().rsa("stranger");
  own_key["jku"] = "https://elsewhere/keys";
  EXPECT_FAILS(verify(issuer().rs256(own_key, claims())), ErrorKind::NotFound, "no key 'stranger'");
  Json extended = header("RS256", "r");
  extended["crit"] = {"b64"};
  EXPECT_FAILS(verify(issuer().rs256(extended, claims())), ErrorKind::Denied, "extensions");
}

TEST_F(JsonWebTokenTest, IsWholeOrNothing) {
  const std::string good = signed_with(claims());
  must(verify(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify(changed)) << i;
    EXPECT_FALSE(verify(good.substr(0, i))) << i;
  }
  for (const std::string& text : {std::string(), std::string("a.b"), std::string("..."), std::string("a.b.c"),
                                  good + ".", good + "=", " " + good, "Bearer " + good, std::string(20'000, '.')})
    EXPECT_FAILS(verify(text), ErrorKind::Denied, "no token");
  EXPECT_FAILS(verify(issuer().rs256(header("RS256", "r"), Json::array())), ErrorKind::Denied, "claims nothing");
  EXPECT_FAILS(verify(issuer().rs256(Json::array(), claims())), ErrorKind::Denied, "no token");
  EXPECT_FAILS(verify(issuer().rs256({{"alg", "RS256"}}, claims())), ErrorKind::NotFound, "no key ''");
}

TEST_F(JsonWebTokenTest, IsOfOneIssuerAndForUs) {
  for (const Json& other : {Json("https://gitlab.example.com/"), Json("https://evil.example.com"), Json(nullptr),
                            Json::array({"https://gitlab.example.com"})})
    EXPECT_FAILS(verify(signed_with(with("iss", other))), ErrorKind::Denied, "another issuer");
  EXPECT_FAILS(verify(signed_with(without("iss"))), ErrorKind::Denied, "another issuer");
  for (const Json& other : {Json("https://ferry.example.com/"), Json("sts.amazonaws.com"), Json(nullptr), Json::array(),
                            Json::object(), Json::array({"sts.amazonaws.com"})})
    EXPECT_FAILS(verify(signed_with(with("aud", other))), ErrorKind::Denied, "set its aud");
  EXPECT_FAILS(verify(signed_with(without("aud"))), ErrorKind::Denied, "set its aud");
  must(verify(signed_with(with("aud", {"sts.amazonaws.com", "https://ferry.example.com"}))));
}

TEST_F(JsonWebTokenTest, IsGoodForItsTimeAndALittleLeeway) {
  const std::string token = signed_with(claims());
  const auto at = [](int seconds) { return Clock::WallTime(std::chrono::seconds(seconds)); };
  must(verify(token, at(1'700'000'359)));
  EXPECT_FAILS(verify(token, at(1'700'000'360)), ErrorKind::Denied, "good until 2023-11-14T22:18:20Z");
  must(verify(token, at(1'699'999'940)));
  EXPECT_FAILS(verify(token, at(1'699'999'939)), ErrorKind::Denied, "not good yet");
  EXPECT_FAILS(verify(signed_with(with("nbf", 1'700'000'100))), ErrorKind::Denied, "not good yet");
  EXPECT_FAILS(verify(signed_with(without("exp"))), ErrorKind::Denied, "until when");
  for (const Json& never : {Json("1700000300"), Json(-1), Json(1e300), Json(true), Json(nullptr)})
    EXPECT_FAILS(verify(signed_with(with("exp", never))), ErrorKind::Denied, "until when");
  must(verify(signed_with(with("exp", 1'700'000'300.5))));
  must(verify(signed_with(without("nbf"))));
}

TEST_F(JsonWebTokenTest, KeysAreForSignaturesAndHaveNames) {
  Json encrypts = issuer().rsa("encrypts");
  encrypts["use"] = "enc";
  const JsonWebKeys keys = must(JsonWebKeys::parse(
      set_of({encrypts, {{"kty", "OKP"}, {"kid", "ed"}}, {{"kty", "EC"}, {"crv", "P-521"}}, issuer().rsa("r")})));
  EXPECT_EQ(keys.size(), 1U);
  EXPECT_NE(keys.find("r"), nullptr);
  EXPECT_EQ(keys.find("encrypts"), nullptr);

  for (const char* text : {"", "[]", "{}", R"({"keys": {}})", "<html>"})
    EXPECT_FAILS(JsonWebKeys::parse(text), ErrorKind::Corrupt, "no set of keys");
  EXPECT_FAILS(JsonWebKeys::parse(R"({"keys": [1]})"), ErrorKind::Corrupt, "a key that is none");
  EXPECT_FAILS(JsonWebKeys::parse(set_of({issuer().rsa("")})), ErrorKind::Corrupt, "without a name");
  EXPECT_FAILS(JsonWebKeys::parse(set_of({issuer().rsa("r"), issuer().p256("r")})), ErrorKind::Corrupt, "two keys");
  Json weak = issuer().rsa("weak");
  weak["n"] = "AQAB";
  EXPECT_FAILS(JsonWebKeys::parse(set_of({weak})), ErrorKind::Corrupt, "less than 2048 bits");
  EXPECT_FAILS(JsonWebKeys::parse(set_of(std::vector<Json>(101, Json::object()))), ErrorKind::Corrupt, "more than");
}

// What the issuer says when it is asked.
class FakeSource final : public JsonWebKeySource {
 public:
  Result<std::string> get(std::stop_token) override {
    ++asked;
    if (answer.empty()) return Error(ErrorKind::Unavailable, "connection refused");
    return answer;
  }
  std::string answer;
  int asked = 0;
};

class TokenVerifierTest : public ::testing::Test {
 protected:
  Result<TokenClaims> verify(const char* key) {
    Json lasting = claims();
    lasting["exp"] = 1'800'000'000;
    return verifier_.verify(issuer().rs256(header("RS256", key), lasting), {});
  }
  FakeClock clock_{kNow};
  FakeSource source_;
  TokenVerifier verifier_{kRules, source_, clock_};
};

TEST_F(TokenVerifierTest, AsksOnceAnHour) {
  source_.answer = set_of({issuer().rsa("one")});
  for (int i = 0; i < 3; ++i) must(verify("one"));
  EXPECT_EQ(source_.asked, 1);
  clock_.advance(std::chrono::minutes(59));
  must(verify("one"));
  EXPECT_EQ(source_.asked, 1);
  clock_.advance(std::chrono::minutes(1));
  source_.answer = set_of({issuer().rsa("two")});
  EXPECT_FAILS(verify("one"), ErrorKind::Denied, "no key 'one'");
  EXPECT_EQ(source_.asked, 2);
}

TEST_F(TokenVerifierTest, AsksForAKeyItDoesNotKnowButNotAtEveryToken) {
  source_.answer = set_of({issuer().rsa("one")});
  must(verify("one"));
  source_.answer = set_of({issuer().rsa("one"), issuer().rsa("two")});
  for (int i = 0; i < 100; ++i) EXPECT_FAILS(verify("two"), ErrorKind::Denied, "no key 'two'");
  EXPECT_EQ(source_.asked, 1);
  clock_.advance(std::chrono::minutes(1));
  must(verify("two"));
  for (int i = 0; i < 100; ++i) EXPECT_FAILS(verify("three"), ErrorKind::Denied, "no key 'three'");
  EXPECT_EQ(source_.asked, 2);
}

TEST_F(TokenVerifierTest, GoesOnWithTheKeysItHasWhenTheIssuerIsAway) {
  EXPECT_FAILS(verify("one"), ErrorKind::Unavailable, "connection refused");
  EXPECT_FAILS(verify("one"), ErrorKind::Unavailable, "not here yet");
  clock_.advance(std::chrono::minutes(1));
  source_.answer = "<html>maintenance</html>";
  EXPECT_FAILS(verify("one"), ErrorKind::Unavailable, "no set of keys");
  clock_.advance(std::chrono::minutes(1));
  source_.answer = set_of({issuer().rsa("one")});
  must(verify("one"));
  source_.answer.clear();
  clock_.advance(std::chrono::hours(2));
  must(verify("one"));
  const int asked = source_.asked;
  clock_.advance(std::chrono::minutes(1));
  must(verify("one"));
  EXPECT_EQ(source_.asked, asked + 1);  // and has not given up
}

TEST(HttpKeySource, AsksAtItsAddress) {
  ASSERT_EQ(::setenv("no_proxy", "*", 1), 0);
  testing::ScriptedServer server({{testing::request(), testing::say(testing::ok_and_goodbye(R"({"keys": []})"))},
                                  {testing::request(), testing::say("HTTP/1.1 302 Found\r\nLocation: "
                                                                    "/\r\nContent-Length: 0\r\n\r\n")}});
  HttpClient http({.user_agent = "packferry/test", .ca_file = {}, .patience = {}});
  HttpKeySource source(http, must(Url::parse(server.url("/oauth/discovery/keys"))));
  EXPECT_EQ(must(source.get({})), R"({"keys": []})");
  EXPECT_THAT(server.received(0), ::testing::StartsWith("GET /oauth/discovery/keys HTTP/1.1\r\n"));
  EXPECT_FAILS(source.get({}), ErrorKind::Unavailable, "status 302");
}

}  // namespace
}  // namespace packferry
