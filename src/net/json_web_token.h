// What a CI job shows to say which project and which ref it runs for: a JSON Web Token that the Git host has signed
// (RFC 7515, 7517, 7519; GitLab, "OpenID Connect (OIDC) authentication using ID tokens"). Only the checking side is
// here; what we sign ourselves is host/github_app's.
//
// A token says in its own header which algorithm and which key it was signed with. It is not believed: a key is for one
// algorithm, and there are two, RS256 and ES256, both with a public key. "none", and HS256 with a public key as the
// secret, are unknown words here.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/public_key.h"
#include "net/http.h"

namespace packferry {

// The public keys of an issuer, by their names.
class JsonWebKeys {
 public:
  // A JSON Web Key Set. Keys that are not for signatures, or of another kind than RSA and P-256, are passed over.
  // Corrupt: no such set, a key that is none, or two of one name.
  static Result<JsonWebKeys> parse(std::string_view text);

  const PublicKey* find(std::string_view name) const;  // nullptr: no such key
  std::size_t size() const { return keys_.size(); }

 private:
  std::map<std::string, PublicKey, std::less<>> keys_;
};

struct TokenRules {
  std::string issuer;               // "https://gitlab.example.com", exactly
  std::string audience;             // what we are called; one of those that the token is for
  std::chrono::seconds leeway{60};  // how far our clock and the issuer's may be apart
};

// What is not in the token is empty. All of it is the issuer's word, which is believed; it may still have characters
// that do not belong on a terminal.
struct TokenClaims {
  std::string issuer;
  std::string subject;  // "project_path:app/web:ref_type:branch:ref:main"
  std::string id;       // jti: unique, so that a token can be taken once
  Clock::WallTime expires_at;
  // GitLab's own.
  std::string project_path;    // "app/web"
  std::string ref;             // "main"
  std::string ref_type;        // "branch", "tag"
  bool ref_protected = false;  // only people whom the project trusts can run jobs there
};

// Denied, and the message does not repeat the token: no token of three parts in base64url and JSON; an algorithm other
// than the key's; a key that is not in the set; a signature that does not fit; another issuer or audience; too early or
// too late; extensions that must be understood ("crit"). NotFound: a token that may be fine, but for a key that is not
// in the set.
Result<TokenClaims> verify_token(std::string_view token, const JsonWebKeys& keys, const TokenRules& rules,
                                 Clock::WallTime now);

// Where an issuer's key set comes from.
class JsonWebKeySource {
 public:
  virtual ~JsonWebKeySource() = default;
  virtual Result<std::string> get(std::stop_token stop) = 0;
};

// Asks for it at an address: GitLab's is ISSUER/oauth/discovery/keys. Anything but a 200 of at most 1 MiB is an Error.
class HttpKeySource final : public JsonWebKeySource {
 public:
  HttpKeySource(HttpClient& http, Url url) : http_(http), url_(std::move(url)) {}
  Result<std::string> get(std::stop_token stop) override;

 private:
  HttpClient& http_;
  const Url url_;
};

// Checks tokens of one issuer, with its keys at hand: asked for when they are first needed, when they are an hour old,
// and when a token names one that is not among them, since issuers change keys; but once a minute at most, whatever
// tokens come. As long as the issuer cannot be asked, the keys of last time are good. Safe from several threads; the
// one that asks does not make the others wait.
class TokenVerifier {
 public:
  TokenVerifier(TokenRules rules, JsonWebKeySource& source, const Clock& clock)
      : rules_(std::move(rules)), source_(source), clock_(clock) {}

  // Unavailable: there are no keys yet, and the issuer cannot be asked, or is being asked. Else as verify_token(), but
  // for an unknown key, which is Denied.
  Result<TokenClaims> verify(std::string_view token, std::stop_token stop);

 private:
  std::shared_ptr<const JsonWebKeys> held() const;
  bool are_old() const;
  // Asks for the keys, unless that was tried within the last minute.
  Result<> renew(std::stop_token stop);

  const TokenRules rules_;
  JsonWebKeySource& source_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::shared_ptr<const JsonWebKeys> keys_;
  Clock::SteadyTime renewed_at_;
  std::optional<Clock::SteadyTime> asked_at_;
};

}  // namespace packferry
