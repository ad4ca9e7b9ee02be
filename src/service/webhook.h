// What a Git host posts when something was pushed to it. All that it can ever mean is "look now": it names a
// repository, which is looked for among those that are configured, and what their refs are is asked of the host itself.
// Nothing that is not authenticated is taken apart.
//
// Pure: the request is held whole, time is passed in. Headers, fields and their sources: docs/hosts.md, "Webhooks".
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "net/http_message.h"
#include "net/url.h"

namespace packferry {

// Who sends. GitLab: hooks of projects and groups, and system hooks. Gitea is Forgejo too. Generic: anybody's own, see
// docs/hosts.md.
enum class WebhookKind { GitLab, GitHub, Gitea, Bitbucket, BitbucketServer, Generic };
std::string_view to_string(
    WebhookKind kind);  // "gitlab", "github", "gitea", "bitbucket", "bitbucket-server", "generic"
std::optional<WebhookKind> parse_webhook_kind(std::string_view text);  // "forgejo" is Gitea

struct Webhook {
  bool wants_a_look = false;    // false: a ping, a comment, …: thank you, and nothing to do
  std::string event = {};       // "push"; printable, as all of these
  std::string message_id = {};  // what the host calls this message; empty: it does not say
  // The same for all copies of one message, and nobody who does not know the secret can change it: for ReplayGuard.
  std::string fingerprint = {};
  std::optional<Clock::WallTime> sent_at = {};  // only where it is signed with the rest
  // Where the repository is, in the ways that the host has to say it: "app/web"; see place_of().
  std::vector<std::string> places = {};
};

// Any one of `secrets` is enough, so that they can be changed without a gap. Which proof is asked for follows from the
// secret and never from the request: "whsec_…" (GitLab's signing tokens, and standardwebhooks.com) is a key for
// signatures that cover the time as well; any other is the token that GitLab sends, the bearer token of a generic one,
// or the key of the others' HMAC over the body.
//
// Denied: no secret, no proof or two, one that does not fit, or one from more than five minutes before or after `now`.
// Invalid: authenticated, and not what this kind of host sends. The messages are for our log, not for the sender.
Result<Webhook> read_webhook(WebhookKind kind, const ReceivedRequest& request, const std::vector<Secret>& secrets,
                             Clock::WallTime now);

// Invalid: too short to be a secret, or after "whsec_" is no base64 of 16 bytes or more.
Result<> check_webhook_secret(const Secret& secret);

// Where a repository is on its host: "app/web", without ".git" and in lower case. The host's name is left out: one host
// has several, for https, for ssh and inside of a network, and the worst that comes of a mix-up is a look too many.
std::string place_of(const Url& url);
bool speaks_of(const Webhook& webhook, const Url& source);

// Which messages were there already, as far back as there is room. A copy does no harm, since it only means "look
// now"; this keeps it from being work. Safe from several threads.
class ReplayGuard {
 public:
  ReplayGuard(Milliseconds window, std::size_t entries_max, const Clock& clock)
      : window_(window), entries_max_(entries_max), clock_(clock) {}

  // False: `fingerprint` was taken within the window. Else it is from now on.
  bool take(const std::string& fingerprint);
  // What was taken could not be done; the sender may try again.
  void give_back(const std::string& fingerprint);

 private:
  void forget_old(Clock::SteadyTime now);

  const Milliseconds window_;
  const std::size_t entries_max_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Clock::SteadyTime> taken_;
  std::deque<std::pair<Clock::SteadyTime, std::string>> in_order_;
};

// The body of a message in a queue of SQS, as a rule of EventBridge puts it there: "CodeCommit Repository State
// Change". Who may send is the queue's policy; there is no signature.
struct CodeCommitEvent {
  bool wants_a_look = false;
  std::string event;       // "referenceUpdated"
  std::string message_id;  // unique
  std::optional<Clock::WallTime> sent_at;
  std::string account;  // 12 digits
  std::string region;
  std::string repository;
};

// Invalid: something else, or one that contradicts itself.
Result<CodeCommitEvent> read_codecommit_event(std::string_view body);

}  // namespace packferry
