#include "net/json_web_token.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/printable.h"
#include "net/http_question.h"

namespace packferry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTokenBytesMax = 16 * 1024;
constexpr std::size_t kKeySetBytesMax = 1024 * 1024;
constexpr std::size_t kKeysMax = 100;
constexpr std::chrono::hours kKeysAreGoodFor{1};
constexpr std::chrono::minutes kBetweenQuestions{1};
// Later than any token lives, and soon enough to be counted in nanoseconds: the year 2200.
constexpr double kLatestSecond = 7'258'118'400;

const Json& member(const Json& object, const char* name) {
  static const Json kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

std::string text_of(const Json& object, const char* name) {
  const Json& found = member(object, name);
  return found.is_string() ? found.get<std::string>() : std::string();
}

// An object from JSON; nothing for any other text.
std::optional<Json> object_from(std::string_view text) {
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_object() ? std::optional(std::move(parsed)) : std::nullopt;
}

std::optional<Json> object_from_base64url(std::string_view text) {
  const auto bytes = from_base64url(text);
  return bytes ? object_from(as_text(*bytes)) : std::nullopt;
}

std::optional<Clock::WallTime> moment(const Json& claims, const char* name) {
  const Json& found = member(claims, name);
  if (!found.is_number()) return std::nullopt;
  const auto seconds = found.get<double>();
  if (!(seconds >= 0 && seconds <= kLatestSecond)) return std::nullopt;
  return Clock::WallTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

// RFC 7518, section 6. None: a key for something else.
Result<std::optional<PublicKey>> key_from(const Json& key) {
  const std::string use = text_of(key, "use");
  if (!use.empty() && use != "sig") return std::optional<PublicKey>();
  const auto number = [&key](const char* name) {
    return from_base64url(text_of(key, name)).value_or(std::vector<std::byte>());
  };
  if (text_of(key, "kty") == "RSA") return std::optional(TRY(PublicKey::rsa(number("n"), number("e"))));
  if (text_of(key, "kty") == "EC" && text_of(key, "crv") == "P-256")
    return std::optional(TRY(PublicKey::p256(number("x"), number("y"))));
  return std::optional<PublicKey>();
}

std::string_view name_of(SignatureAlgorithm algorithm) {
  return algorithm == SignatureAlgorithm::Rs256 ? "RS256" : "ES256";
}

struct Parts {
  std::string_view header, claims, signature;
  std::string_view what_is_signed;
};

std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.size() > kTokenBytesMax) return std::nullopt;
  return Parts{.header = token.substr(0, first),
               .claims = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .what_is_signed = token.substr(0, second)};
}

bool is_for(const Json& claims, const std::string& audience) {
  const Json& found = member(claims, "aud");
  if (!found.is_array()) return found == audience;
  return std::find(found.begin(), found.end(), audience) != found.end();
}

Result<> check_claims(const Json& claims, const TokenRules& rules, Clock::WallTime now) {
  if (text_of(claims, "iss") != rules.issuer)
    return Error(ErrorKind::Denied, "the token is of another issuer than '{}'", printable(rules.issuer));
  if (!is_for(claims, rules.audience))
    return Error(ErrorKind::Denied, "the token is not for '{}'; set its aud", printable(rules.audience));
  const auto expires = moment(claims, "exp");
  if (!expires) return Error(ErrorKind::Denied, "the token does not say until when it is good");
  if (now >= *expires + rules.leeway)
    return Error(ErrorKind::Denied, "the token was good until {}", to_iso8601(*expires));
  for (const char* name : {"nbf", "iat"}) {
    if (member(claims, name).is_null()) continue;
    const auto from = moment(claims, name);
    if (!from || now + rules.leeway < *from)
      return Error(ErrorKind::Denied, "the token is not good yet; compare the clocks");
  }
  return {};
}

TokenClaims claims_from(const Json& claims) {
  return {.issuer = text_of(claims, "iss"),
          .subject = text_of(claims, "sub"),
          .id = text_of(claims, "jti"),
          .expires_at = moment(claims, "exp").value(),
          .project_path = text_of(claims, "project_path"),
          .ref = text_of(claims, "ref"),
          .ref_type = text_of(claims, "ref_type"),
          // GitLab writes it as a text.
          .ref_protected = member(claims, "ref_protected") == true || text_of(claims, "ref_protected") == "true"};
}

}  // namespace

Result<JsonWebKeys> JsonWebKeys::parse(std::string_view text) {
  const std::optional<Json> set = object_from(text);
  if (!set || !member(*set, "keys").is_array()) return Error(ErrorKind::Corrupt, "no set of keys");
  if (member(*set, "keys").size() > kKeysMax) return Error(ErrorKind::Corrupt, "a set of more than {} keys", kKeysMax);
  JsonWebKeys keys;
  for (const Json& each : member(*set, "keys")) {
    if (!each.is_object()) return Error(ErrorKind::Corrupt, "a key that is none");
    const std::string name = text_of(each, "kid");
    Result<std::optional<PublicKey>> key = key_from(each);
    if (!key) return Error(ErrorKind::Corrupt, "key '{}': {}", printable(name, 100), key.error().message());
    if (!*key) continue;
    if (name.empty()) return Error(ErrorKind::Corrupt, "a key without a name");
    if (!keys.keys_.emplace(name, std::move(**key)).second)
      return Error(ErrorKind::Corrupt, "two keys '{}'", printable(name, 100));
  }
  return keys;
}

const PublicKey* JsonWebKeys::find(std::string_view name) const {
  const auto found = keys_.find(name);
  return found == keys_.end() ? nullptr : &found->second;
}

Result<TokenClaims> verify_token(std::string_view token, const JsonWebKeys& keys, const TokenRules& rules,
                                 Clock::WallTime now) {
  const std::optional<Parts> parts = split(token);
  const std::optional<Json> header = parts ? object_from_base64url(parts->header) : std::nullopt;
  const auto signature = parts ? from_base64url(parts->signature) : std::nullopt;
  if (!header || !signature) return Error(ErrorKind::Denied, "no token: want three parts, separated by dots");
  if (header->contains("crit")) return Error(ErrorKind::Denied, "the token wants extensions that there are not here");

  const std::string algorithm = text_of(*header, "alg");
  if (algorithm != "RS256" && algorithm != "ES256")
    return Error(ErrorKind::Denied, "the token is signed with '{}'; RS256 and ES256 are taken",
                 printable(algorithm, 100));
  const PublicKey* key = keys.find(text_of(*header, "kid"));
  if (key == nullptr)
    return Error(ErrorKind::NotFound, "the issuer has no key '{}'", printable(text_of(*header, "kid"), 100));
  if (algorithm != name_of(key->algorithm()) || !key->verifies(as_bytes(parts->what_is_signed), *signature))
    return Error(ErrorKind::Denied, "the token was not signed by the issuer, or was changed since");

  // Only now is there anybody who said this.
  const std::optional<Json> claims = object_from_base64url(parts->claims);
  if (!claims) return Error(ErrorKind::Denied, "the token claims nothing");
  TRY(check_claims(*claims, rules, now));
  return claims_from(*claims);
}

Result<std::string> HttpKeySource::get(std::stop_token stop) {
  const HttpRequest request{.url = url_, .headers = {{"Accept", "application/json"}}};
  HttpAnswer answer = TRY(ask_http(http_, request, {}, kKeySetBytesMax, std::move(stop)));
  if (answer.response.status != 200)
    return Error(ErrorKind::Unavailable, "{}: status {}", url_.text(), answer.response.status);
  return std::move(answer.body);
}

Result<TokenClaims> TokenVerifier::verify(std::string_view token, std::stop_token stop) {
  const Result<> renewed = are_old() ? renew(stop) : Result<>();
  const std::shared_ptr<const JsonWebKeys> keys = held();
  if (!keys) {
    if (!renewed) return renewed.error();
    return Error(ErrorKind::Unavailable, "the keys of '{}' are not here yet", printable(rules_.issuer));
  }
  Result<TokenClaims> claims = verify_token(token, *keys, rules_, clock_.now());
  if (claims || claims.error().kind() != ErrorKind::NotFound) return claims;

  // Perhaps it is a new one. That the issuer cannot be asked does not make an unknown key a better one.
  static_cast<void>(renew(std::move(stop)));
  claims = verify_token(token, *held(), rules_, clock_.now());
  if (claims || claims.error().kind() != ErrorKind::NotFound) return claims;
  return Error(ErrorKind::Denied, "{}", claims.error().message());
}

std::shared_ptr<const JsonWebKeys> TokenVerifier::held() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

bool TokenVerifier::are_old() const {
  const std::lock_guard lock(mutex_);
  return !keys_ || clock_.steady() - renewed_at_ >= kKeysAreGoodFor;
}

Result<> TokenVerifier::renew(std::stop_token stop) {
  const Clock::SteadyTime now = clock_.steady();
  {
    const std::lock_guard lock(mutex_);
    if (asked_at_ && now - *asked_at_ < kBetweenQuestions) return {};
    asked_at_ = now;
  }
  const auto ask = [&]() -> Result<JsonWebKeys> { return JsonWebKeys::parse(TRY(source_.get(std::move(stop)))); };
  Result<JsonWebKeys> keys = ask();
  if (!keys) return Error(ErrorKind::Unavailable, "keys of '{}': {}", printable(rules_.issuer), keys.error().message());
  const std::lock_guard lock(mutex_);
  keys_ = std::make_shared<const JsonWebKeys>(std::move(keys).value());
  renewed_at_ = now;
  return {};
}

}  // namespace packferry
