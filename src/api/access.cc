#include "api/access.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/printable.h"
#include "io/stream.h"
#include "service/name_template.h"

namespace packferry {
namespace {

constexpr std::string_view kPrefix = "pkf_";
constexpr std::size_t kIdBytes = 4;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kTokenBytesMax = 128;
constexpr std::size_t kBearerBytesMax = 200;

std::string digest_in_hex(std::string_view token) {
  return to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(token)));
}

// "Bearer TOKEN": RFC 6750, section 2.1; the scheme in any case, RFC 9110, section 11.1.
std::optional<std::string_view> bearer_token(const ReceivedRequest& request) {
  constexpr std::string_view kScheme = "bearer ";
  const auto header = request.header("authorization");
  if (!header || header->size() <= kScheme.size()) return std::nullopt;
  const bool is_bearer = to_lower(header->substr(0, kScheme.size())) == kScheme;
  const std::string_view token = header->substr(kScheme.size());
  if (!is_bearer || !token.starts_with(kPrefix) || token.size() > kTokenBytesMax) return std::nullopt;
  return token;
}

}  // namespace

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::Read:
      return "read";
    case Scope::Operate:
      return "operate";
    case Scope::Destroy:
      return "destroy";
    case Scope::Admin:
      return "admin";
  }
  return "unknown";
}

std::optional<Scope> parse_scope(std::string_view text) {
  for (const Scope scope : {Scope::Read, Scope::Operate, Scope::Destroy, Scope::Admin})
    if (text == to_string(scope)) return scope;
  return std::nullopt;
}

Scope scope_for(Action action) {
  switch (action) {
    case Action::SeeReplica:
    case Action::SeePlan:
    case Action::SeeMetrics:
      return Scope::Read;
    case Action::CreateReplica:
    case Action::LookNow:
    case Action::Pause:
    case Action::Resume:
    case Action::ApproveAdditions:
      return Scope::Operate;
    case Action::ApproveLosses:
    case Action::DeleteReplica:
      return Scope::Destroy;
    case Action::SeeTokens:
    case Action::CreateToken:
    case Action::RevokeToken:
      return Scope::Admin;
  }
  return Scope::Admin;
}

bool is_about_one_replica(Action action) { return action != Action::SeeMetrics && scope_for(action) != Scope::Admin; }

Result<NewToken> make_token(std::string bearer, std::set<Scope> scopes, std::vector<std::string> replicas,
                            std::optional<Clock::WallTime> expires_at) {
  if (scopes.empty()) return Error(ErrorKind::Invalid, "a token without a scope may do nothing; name one");
  if (bearer.empty() || printable(bearer, kBearerBytesMax) != bearer)
    return Error(ErrorKind::Invalid, "say in up to {} bytes of plain text who gets the token", kBearerBytesMax);
  if (std::find(replicas.begin(), replicas.end(), "") != replicas.end())
    return Error(ErrorKind::Invalid, "an empty pattern matches no replica; leave it out");
  std::array<std::byte, kIdBytes + kSecretBytes> random{};
  CHECK(::getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size()));
  const std::string id = to_hex(std::span(random).first(kIdBytes));
  const std::string text = fmt::format("{}{}_{}", kPrefix, id, to_base64url(std::span(random).last(kSecretBytes)));
  return NewToken{.token = Secret(text),
                  .grant = {.id = id,
                            .digest = digest_in_hex(text),
                            .bearer = std::move(bearer),
                            .scopes = std::move(scopes),
                            .replicas = std::move(replicas),
                            .expires_at = expires_at}};
}

Result<const Grant*> grant_of(const ReceivedRequest& request, const std::vector<Grant>& grants, Clock::WallTime now) {
  const auto token = bearer_token(request);
  const std::string digest = digest_in_hex(token.value_or(""));
  // All of them are looked at, whichever it is.
  const Grant* found = nullptr;
  for (const Grant& grant : grants)
    if (same_in_constant_time(as_bytes(grant.digest), as_bytes(digest))) found = &grant;
  if (!token || found == nullptr || (found->expires_at && now >= *found->expires_at))
    return Error(ErrorKind::Denied, "no token that is good here");
  return found;
}

bool may(const Grant& grant, Action action, std::string_view replica) {
  if (!grant.scopes.contains(scope_for(action))) return false;
  if (grant.replicas.empty()) return true;
  return is_about_one_replica(action) && !replica.empty() && matches_any(grant.replicas, std::string(replica));
}

}  // namespace packferry
