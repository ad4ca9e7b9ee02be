// Who may do what over HTTP. A bearer of a token has scopes, and perhaps only some of the replicas. Tokens are made
// here and shown once; what is kept is their SHA-256. That is enough for a text of 256 random bits, which nobody can
// guess: slow hashes are for passwords.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalogue/tokens.h"
#include "net/http_message.h"
#include "net/url.h"

namespace packferry {

// A larger one does not have the smaller ones in it: what a token is for is written out.
enum class Scope {
  Read,     // what is so: replicas, their states, history, plans, metrics
  Operate,  // what can be done again: look now, pause, resume, create, approve additions
  Destroy,  // what takes something away: approve plans that rewind or delete, delete replicas
  Admin,    // who may do what, and who did: tokens, and the whole audit log
};
std::string_view to_string(Scope scope);  // "read", "operate", "destroy", "admin"
std::optional<Scope> parse_scope(std::string_view text);

// What somebody wants to do.
enum class Action {
  SeeReplica,
  SeePlan,
  SeeMetrics,
  CreateReplica,
  LookNow,
  Pause,
  Resume,
  ApproveAdditions,  // of a held plan that neither rewinds nor deletes
  ApproveLosses,     // of any other
  DeleteReplica,
  SeeTokens,
  CreateToken,
  RevokeToken,
  SeeAudit,  // of everything; that of a replica is seen by who sees the replica
};
inline constexpr Action kActions[] = {
    Action::SeeReplica, Action::SeePlan,     Action::SeeMetrics,       Action::CreateReplica, Action::LookNow,
    Action::Pause,      Action::Resume,      Action::ApproveAdditions, Action::ApproveLosses, Action::DeleteReplica,
    Action::SeeTokens,  Action::CreateToken, Action::RevokeToken,      Action::SeeAudit};
// The one scope that an action takes.
Scope scope_for(Action action);
// Whether it is about one replica, and so a matter of patterns. The others are for tokens without patterns only.
bool is_about_one_replica(Action action);
// What it takes to approve a plan, which is a line for each ref: one that is cut off counts as one that loses
// something.
Action approval_of(std::string_view plan);

// What is kept of a token.
struct Grant {
  std::string id;      // "3f9c02d1", which names the token in lists and logs and is no secret
  std::string digest;  // SHA-256 of the token, 64 hexadecimal digits
  std::string bearer;  // who got it, for people: "ci of app/web"
  std::set<Scope> scopes;
  std::vector<std::string> replicas = {};  // globs as in service/name_template.h; none: all
  std::optional<Clock::WallTime> expires_at = {};

  friend bool operator==(const Grant&, const Grant&) = default;
};

// "pkf_ID_…": what a person is given, once. The beginning is there so that scanners know one in a repository.
struct NewToken {
  Secret token;
  Grant grant;
};
// From 36 bytes of randomness, which come from the operating system. Invalid: no scope, a name that does not show as it
// is, an empty glob, or one that does not show.
Result<NewToken> make_token(std::string bearer, std::set<Scope> scopes, std::vector<std::string> replicas,
                            std::optional<Clock::WallTime> expires_at);

// As it is kept, and back. A scope that is not known, as of a newer program, grants nothing.
TokenRecord to_record(const Grant& grant, Clock::WallTime created_at);
Grant to_grant(const TokenRecord& record);

// "3f9c02d1", for looking the grant up; nothing where no token of ours is shown. It proves nothing.
std::optional<std::string> token_id_of(const ReceivedRequest& request);

// The grant of the token in this request, which stays in `grants`. Denied, always with the same words: no Authorization
// header or two, another scheme than Bearer, a token that is none, that is not known, or that has expired.
Result<const Grant*> grant_of(const ReceivedRequest& request, const std::vector<Grant>& grants, Clock::WallTime now);

// Pure, and all that decides. `replica` is its name; empty: no particular one.
bool may(const Grant& grant, Action action, std::string_view replica);
// Whether that replica is one of the token's at all; of another one the bearer does not even hear that it is there.
bool is_for(const Grant& grant, const std::string& replica);

}  // namespace packferry
