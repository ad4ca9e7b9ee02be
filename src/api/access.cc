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
constexpr std::size_t kGlobBytesMax = 200;
constexpr std::size_t kGlobsMax = 100;
constexpr Scope kScopes[] = {Scope::Read, Scope::Operate, Scope::Destroy, Scope::Admin};

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
  for (const Scope scope : kScopes)
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
    case Action::SeeAudit:
      return Scope::Admin;
  }
  return Scope::Admin;
}

bool is_about_one_replica(Action action) { return action != Action::SeeMetrics && scope_for(action) != Scope::Admin; }

Action approval_of(std::string_view plan) {
  while (!plan.empty()) {
    const std::string_view line = plan.substr(0, plan.find('\n'));
    if (!line.starts_with("create ") && !line.starts_with("fast-forward ")) return Action::ApproveLosses;
    plan.remove_prefix(std::min(line.size() + 1, plan.size()));
  }
  return Action::ApproveAdditions;
}

Result<NewToken> make_token(std::string bearer, std::set<Scope> scopes, std::vector<std::string> replicas,
                            std::optional<Clock::WallTime> expires_at) {
  if (scopes.empty()) return Error(ErrorKind::Invalid, "a token without a scope may do nothing; name one");
  if (bearer.empty() || printable(bearer, kBearerBytesMax) != bearer)
    return Error(ErrorKind::Invalid, "say in up to {} bytes of plain text who gets the token", kBearerBytesMax);
  if (std::find(replicas.begin(), replicas.end(), "") != replicas.end())
    return Error(ErrorKind::Invalid, "an empty pattern matches no replica; leave it out");
  const auto shows = [](const std::string& glob) { return printable(glob, kGlobBytesMax) == glob; };
  if (replicas.size() > kGlobsMax || !std::all_of(replicas.begin(), replicas.end(), shows))
    return Error(ErrorKind::Invalid, "patterns are up to {}, each of up to {} bytes of plain text", kGlobsMax,
                 kGlobBytesMax);
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

TokenRecord to_record(const Grant& grant, Clock::WallTime created_at) {
  std::string scopes;
  for (const Scope scope : grant.scopes) scopes += fmt::format("{}{}", scopes.empty() ? "" : " ", to_string(scope));
  return {.id = grant.id,
          .digest = grant.digest,
          .bearer = grant.bearer,
          .scopes = std::move(scopes),
          .replicas = grant.replicas,
          .created_at = created_at,
          .expires_at = grant.expires_at};
}

Grant to_grant(const TokenRecord& record) {
  Grant grant{.id = record.id,
              .digest = record.digest,
              .bearer = record.bearer,
              .scopes = {},
              .replicas = record.replicas,
              .expires_at = record.expires_at};
  const std::string words = " " + record.scopes + " ";
  for (const Scope scope : kScopes)
    if (words.find(fmt::format(" {} ", to_string(scope))) != std::string::npos) grant.scopes.insert(scope);
  return grant;
}

std::optional<std::string> token_id_of(const ReceivedRequest& request) {
  const auto token = bearer_token(request);
  if (!token) return std::nullopt;
  const std::string_view id = token->substr(kPrefix.size());
  return std::string(id.substr(0, std::min(id.find('_'), 2 * kIdBytes)));
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
  return is_about_one_replica(action) && !replica.empty() && is_for(grant, std::string(replica));
}

bool is_for(const Grant& grant, const std::string& replica) {
  return grant.replicas.empty() || matches_any(grant.replicas, replica);
}

}  // namespace packferry
