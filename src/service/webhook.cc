#include "service/webhook.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/digest.h"
#include "base/printable.h"
#include "host/forge_answer.h"

namespace packferry {
namespace {

// GitLab's and Standard Webhooks' own advice.
constexpr std::chrono::minutes kSignedWithin{5};
constexpr std::string_view kSigningPrefix = "whsec_";
constexpr std::size_t kSecretBytesMin = 16;
constexpr std::size_t kPlaceBytesMax = 1'000;
constexpr std::size_t kShownBytesMax = 100;

std::string shown(std::optional<std::string_view> text) { return printable(text.value_or(""), kShownBytesMax); }

Error denied(std::string_view why) { return Error(ErrorKind::Denied, "the webhook is not authenticated: {}", why); }

std::string message_id_of(WebhookKind kind, const ReceivedRequest& request) {
  const auto first_of = [&request](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names)
      if (const auto found = request.header(name)) return shown(found);
    return std::string();
  };
  switch (kind) {
    case WebhookKind::GitLab:
      return first_of({"webhook-id", "idempotency-key", "x-gitlab-event-uuid"});
    case WebhookKind::GitHub:
      return first_of({"x-github-delivery"});
    case WebhookKind::Gitea:
      return first_of({"x-forgejo-delivery", "x-gitea-delivery"});
    case WebhookKind::Bitbucket:
      return first_of({"x-request-uuid"});
    case WebhookKind::BitbucketServer:
      return first_of({"x-request-id"});
    case WebhookKind::Generic:
      return first_of({"webhook-id"});
  }
  return {};
}

// --- What proves that the host sent it.

// What is certain about a request that came with a proof.
struct Seal {
  std::string covers;  // all that the sender vouches for and that tells this message from others
  std::optional<Clock::WallTime> sent_at = {};
};

bool same_text(std::string_view a, std::string_view b) {
  // Digests, so that the comparison does not tell how long the secret is either.
  return same_in_constant_time(digest_of(DigestAlgorithm::Sha256, as_bytes(a)),
                               digest_of(DigestAlgorithm::Sha256, as_bytes(b)));
}

bool is_signing_key(const Secret& secret) { return secret.reveal().starts_with(kSigningPrefix); }

std::optional<Seal> check_token(WebhookKind kind, const ReceivedRequest& request, const Secret& secret) {
  const std::string_view header = kind == WebhookKind::GitLab ? "x-gitlab-token" : "authorization";
  const std::string_view prefix = kind == WebhookKind::GitLab ? "" : "Bearer ";
  const auto sent = request.header(header);
  if (!sent || !same_text(*sent, std::string(prefix) + secret.reveal())) return std::nullopt;
  // Whoever has the token may say anything; its id tells the message from its twin.
  return Seal{.covers = message_id_of(kind, request) + "\n" + request.body};
}

std::optional<Seal> check_hmac(std::string_view hex, std::string_view payload, const Secret& secret) {
  const auto sent = from_hex(hex);
  if (!sent || !same_in_constant_time(*sent, hmac_sha256(as_bytes(secret.reveal()), as_bytes(payload))))
    return std::nullopt;
  return Seal{.covers = std::string(payload)};
}

std::optional<Clock::WallTime> seconds_since_1970(std::string_view text) {
  if (text.empty() || text.size() > 10 || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return Clock::WallTime(std::chrono::seconds(std::stoll(std::string(text))));
}

// "v1,BASE64 v1,BASE64 …" over "ID.TIMESTAMP.BODY": Standard Webhooks, and GitLab with a signing token.
std::optional<Seal> check_signature(const ReceivedRequest& request, const Secret& secret, Clock::WallTime now) {
  const auto id = request.header("webhook-id");
  const auto timestamp = request.header("webhook-timestamp");
  const auto sent_at = seconds_since_1970(timestamp.value_or(""));
  const auto key = from_base64(std::string_view(secret.reveal()).substr(kSigningPrefix.size()));
  if (!id || !sent_at || !key || *sent_at < now - kSignedWithin || *sent_at > now + kSignedWithin) return std::nullopt;
  const std::string text = fmt::format("{}.{}.{}", *id, *timestamp, request.body);
  const std::array<std::byte, 32> wanted = hmac_sha256(*key, as_bytes(text));
  std::string_view rest = request.header("webhook-signature").value_or("");
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    if (!one.starts_with("v1,")) continue;
    const auto sent = from_base64(one.substr(3));
    if (sent && same_in_constant_time(*sent, wanted)) return Seal{.covers = std::string(*id), .sent_at = sent_at};
  }
  return std::nullopt;
}

// "sha256=HEX"
std::string_view hex_of(std::optional<std::string_view> header) {
  constexpr std::string_view kPrefix = "sha256=";
  return header && header->starts_with(kPrefix) ? header->substr(kPrefix.size()) : std::string_view();
}

std::optional<Seal> check(WebhookKind kind, const ReceivedRequest& request, std::string_view payload,
                          const Secret& secret, Clock::WallTime now) {
  switch (kind) {
    case WebhookKind::GitLab:
    case WebhookKind::Generic:
      return is_signing_key(secret) ? check_signature(request, secret, now) : check_token(kind, request, secret);
    case WebhookKind::GitHub:
      return check_hmac(hex_of(request.header("x-hub-signature-256")), request.body, secret);
    case WebhookKind::Gitea: {
      const auto forgejo = request.header("x-forgejo-signature");
      return check_hmac(forgejo ? *forgejo : request.header("x-gitea-signature").value_or(""), payload, secret);
    }
    case WebhookKind::Bitbucket:
    case WebhookKind::BitbucketServer:
      return check_hmac(hex_of(request.header("x-hub-signature")), request.body, secret);
  }
  return std::nullopt;
}

// --- What it says.

// The JSON, also where a form has it in its field "payload".
std::string payload_of(const ReceivedRequest& request) {
  const std::string type = to_lower(request.header("content-type").value_or(""));
  if (!type.starts_with("application/x-www-form-urlencoded")) return request.body;
  constexpr std::string_view kField = "payload=";
  std::string_view form = request.body;
  while (!form.empty() && !form.starts_with(kField)) form.remove_prefix(std::min(form.find('&'), form.size() - 1) + 1);
  std::string value(form.substr(std::min(kField.size(), form.size())));
  value.resize(std::min(value.find('&'), value.size()));
  std::replace(value.begin(), value.end(), '+', ' ');
  return percent_decode(value).value_or("");
}

std::string event_of(WebhookKind kind, const ReceivedRequest& request, const Json& body) {
  switch (kind) {
    case WebhookKind::GitLab: {
      const std::string kind_of_object = text_of(body, "object_kind");
      return kind_of_object.empty() ? text_of(body, "event_name") : kind_of_object;
    }
    case WebhookKind::GitHub:
      return std::string(request.header("x-github-event").value_or(""));
    case WebhookKind::Gitea: {
      const auto forgejo = request.header("x-forgejo-event");
      return std::string(forgejo ? *forgejo : request.header("x-gitea-event").value_or(""));
    }
    case WebhookKind::Bitbucket:
    case WebhookKind::BitbucketServer:
      return std::string(request.header("x-event-key").value_or(""));
    case WebhookKind::Generic:
      return "push";
  }
  return {};
}

// What an event is about.
enum class Subject { Nothing, Repository, Wiki };

Subject subject_of(WebhookKind kind, std::string_view event) {
  static constexpr struct {
    std::string_view event;
    WebhookKind kind;
    Subject subject = Subject::Repository;
  } kEvents[] = {
      {"push", WebhookKind::GitLab},
      {"tag_push", WebhookKind::GitLab},
      {"repository_update", WebhookKind::GitLab},
      {"project_create", WebhookKind::GitLab},
      {"project_destroy", WebhookKind::GitLab},
      {"project_rename", WebhookKind::GitLab},
      {"project_transfer", WebhookKind::GitLab},
      {"wiki_page", WebhookKind::GitLab, Subject::Wiki},
      {"push", WebhookKind::GitHub},
      {"create", WebhookKind::GitHub},
      {"delete", WebhookKind::GitHub},
      {"repository", WebhookKind::GitHub},
      {"gollum", WebhookKind::GitHub, Subject::Wiki},
      {"push", WebhookKind::Gitea},
      {"create", WebhookKind::Gitea},
      {"delete", WebhookKind::Gitea},
      {"repository", WebhookKind::Gitea},
      {"wiki", WebhookKind::Gitea, Subject::Wiki},
      {"repo:push", WebhookKind::Bitbucket},
      {"repo:refs_changed", WebhookKind::BitbucketServer},
      {"repo:modified", WebhookKind::BitbucketServer},
      {"mirror:repo_synchronized", WebhookKind::BitbucketServer},
      {"push", WebhookKind::Generic},
  };
  for (const auto& known : kEvents)
    if (known.kind == kind && known.event == event) return known.subject;
  return Subject::Nothing;
}

std::string_view without_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string place_of_path(std::string_view path) {
  path = without_slashes(path);
  if (path.ends_with(".git")) path = without_slashes(path.substr(0, path.size() - 4));
  return to_lower(path);
}

class Places {
 public:
  explicit Places(Subject subject) : suffix_(subject == Subject::Wiki ? ".wiki" : "") {}

  void add_name(std::string_view name) {
    if (name.size() <= kPlaceBytesMax) add(place_of_path(name));
  }
  void add_url(std::string_view text) {
    if (text.empty() || text.size() > kPlaceBytesMax) return;
    if (const Result<Url> url = Url::parse(text)) add(place_of(*url));
  }
  std::vector<std::string> take() { return std::move(places_); }

 private:
  // What is shown, and kept: a URL's percent signs may have stood for anything.
  void add(std::string place) {
    if (place.empty() || printable(place, place.size() + 1) != place) return;
    place += suffix_;
    if (std::find(places_.begin(), places_.end(), place) == places_.end()) places_.push_back(std::move(place));
  }

  const std::string_view suffix_;
  std::vector<std::string> places_;
};

std::vector<std::string> places_in(WebhookKind kind, Subject subject, const Json& body) {
  Places places(subject);
  switch (kind) {
    case WebhookKind::GitLab: {
      const Json& project = member(body, "project");
      places.add_name(text_of(project, "path_with_namespace"));
      places.add_url(text_of(project, "git_http_url"));
      places.add_url(text_of(project, "git_ssh_url"));
      // System hooks about projects have no such member.
      places.add_name(text_of(body, "path_with_namespace"));
      places.add_name(text_of(body, "old_path_with_namespace"));
      break;
    }
    case WebhookKind::GitHub:
    case WebhookKind::Gitea: {
      const Json& repository = member(body, "repository");
      places.add_name(text_of(repository, "full_name"));
      places.add_url(text_of(repository, "clone_url"));
      places.add_url(text_of(repository, "ssh_url"));
      break;
    }
    case WebhookKind::Bitbucket:
      places.add_name(text_of(member(body, "repository"), "full_name"));
      break;
    case WebhookKind::BitbucketServer: {
      const Json& repository = member(body, "repository");
      const std::string key = text_of(member(repository, "project"), "key");
      const std::string slug = text_of(repository, "slug");
      if (key.empty() || slug.empty()) break;
      places.add_name(key + "/" + slug);           // over ssh
      places.add_name("scm/" + key + "/" + slug);  // over https
      break;
    }
    case WebhookKind::Generic: {
      const std::string repository = text_of(body, "repository");
      if (repository.find(':') == std::string::npos) {
        places.add_name(repository);
      } else {
        places.add_url(repository);
      }
      break;
    }
  }
  return places.take();
}

Result<Seal> authenticate(WebhookKind kind, const ReceivedRequest& request, std::string_view payload,
                          const std::vector<Secret>& secrets, Clock::WallTime now) {
  if (secrets.empty()) return denied("no secret is configured; set one here and at the host");
  std::optional<Seal> seal;
  for (const Secret& secret : secrets)
    if (!seal && !secret.empty()) seal = check(kind, request, payload, secret, now);
  if (!seal) return denied("no signature or token that fits; compare the secret here and at the host");
  return std::move(*seal);
}

}  // namespace

std::string_view to_string(WebhookKind kind) {
  switch (kind) {
    case WebhookKind::GitLab:
      return "gitlab";
    case WebhookKind::GitHub:
      return "github";
    case WebhookKind::Gitea:
      return "gitea";
    case WebhookKind::Bitbucket:
      return "bitbucket";
    case WebhookKind::BitbucketServer:
      return "bitbucket-server";
    case WebhookKind::Generic:
      return "generic";
  }
  return "unknown";
}

std::optional<WebhookKind> parse_webhook_kind(std::string_view text) {
  if (text == "forgejo") return WebhookKind::Gitea;
  for (const WebhookKind kind : {WebhookKind::GitLab, WebhookKind::GitHub, WebhookKind::Gitea, WebhookKind::Bitbucket,
                                 WebhookKind::BitbucketServer, WebhookKind::Generic})
    if (text == to_string(kind)) return kind;
  return std::nullopt;
}

Result<Webhook> read_webhook(WebhookKind kind, const ReceivedRequest& request, const std::vector<Secret>& secrets,
                             Clock::WallTime now) {
  const std::string payload = payload_of(request);
  const Seal seal = TRY(authenticate(kind, request, payload, secrets, now));

  const Json body = Json::parse(payload, nullptr, false);
  if (!body.is_object()) return Error(ErrorKind::Invalid, "the webhook has no JSON object");
  const std::string event = event_of(kind, request, body);
  Webhook webhook{.event = shown(event), .message_id = message_id_of(kind, request), .sent_at = seal.sent_at};
  webhook.fingerprint =
      to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(fmt::format("{}\n{}", to_string(kind), seal.covers))));
  if (webhook.event.empty()) return Error(ErrorKind::Invalid, "the webhook does not say what happened");
  const Subject subject = subject_of(kind, event);
  if (subject == Subject::Nothing) return webhook;
  webhook.wants_a_look = true;
  webhook.places = places_in(kind, subject, body);
  if (webhook.places.empty()) return Error(ErrorKind::Invalid, "the webhook '{}' names no repository", webhook.event);
  return webhook;
}

Result<> check_webhook_secret(const Secret& secret) {
  if (!is_signing_key(secret)) {
    if (secret.reveal().size() >= kSecretBytesMin) return {};
    return Error(ErrorKind::Invalid, "the secret of a webhook has {} characters at least", kSecretBytesMin);
  }
  const auto key = from_base64(std::string_view(secret.reveal()).substr(kSigningPrefix.size()));
  if (key && key->size() >= kSecretBytesMin) return {};
  return Error(ErrorKind::Invalid, "a secret that begins with {} goes on with {} bytes or more in base64",
               kSigningPrefix, kSecretBytesMin);
}

std::string place_of(const Url& url) {
  if (!url.is_http()) return place_of_path(url.path());
  return place_of_path(percent_decode(url.path()).value_or(url.path()));
}

bool speaks_of(const Webhook& webhook, const Url& source) {
  return std::find(webhook.places.begin(), webhook.places.end(), place_of(source)) != webhook.places.end();
}

bool ReplayGuard::take(const std::string& fingerprint) {
  const Clock::SteadyTime now = clock_.steady();
  const std::lock_guard lock(mutex_);
  forget_old(now);
  if (!taken_.emplace(fingerprint, now).second) return false;
  in_order_.emplace_back(now, fingerprint);
  return true;
}

void ReplayGuard::give_back(const std::string& fingerprint) {
  const std::lock_guard lock(mutex_);
  taken_.erase(fingerprint);
}

void ReplayGuard::forget_old(Clock::SteadyTime now) {
  while (!in_order_.empty() && (now - in_order_.front().first >= window_ || in_order_.size() >= entries_max_)) {
    const auto& [since, fingerprint] = in_order_.front();
    // Given back, and taken again later, it has another entry.
    if (const auto found = taken_.find(fingerprint); found != taken_.end() && found->second == since)
      taken_.erase(found);
    in_order_.pop_front();
  }
}

Result<CodeCommitEvent> read_codecommit_event(std::string_view body) {
  const Json message = Json::parse(body, nullptr, false);
  if (text_of(message, "source") != "aws.codecommit")
    return Error(ErrorKind::Invalid, "the message is no event of CodeCommit");
  const Json& detail = member(message, "detail");
  const std::string type = text_of(message, message.contains("detailType") ? "detailType" : "detail-type");
  CodeCommitEvent event{.event = shown(text_of(detail, "event")),
                        .message_id = shown(text_of(message, "id")),
                        .sent_at = from_iso8601(text_of(message, "time")),
                        .account = text_of(message, "account"),
                        .region = text_of(message, "region"),
                        .repository = text_of(detail, "repositoryName")};
  if (type != "CodeCommit Repository State Change" || !event.event.starts_with("reference")) return event;

  const Result<> named = check_hosted_name(event.repository, 1, 1);
  const bool has_account =
      event.account.size() == 12 && event.account.find_first_not_of("0123456789") == std::string::npos;
  if (event.message_id.empty() || !has_account || !has_shape_of_aws_region(event.region) || !named)
    return Error(ErrorKind::Invalid, "the event does not say which repository of which account and region changed");
  const std::string resource = fmt::format(":codecommit:{}:{}:{}", event.region, event.account, event.repository);
  const Json& resources = member(message, "resources");
  const bool is_about_it =
      resources.is_array() && std::any_of(resources.begin(), resources.end(), [&resource](const Json& each) {
        return each.is_string() && each.get_ref<const std::string&>().ends_with(resource);
      });
  if (!is_about_it) return Error(ErrorKind::Invalid, "the event names two repositories");
  event.wants_a_look = true;
  return event;
}

}  // namespace packferry
