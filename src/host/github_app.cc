#include "host/github_app.h"

#include <algorithm>

#include "base/digest.h"
#include "host/forge_answer.h"

namespace packferry {
namespace {

// Our clock may be ahead of GitHub's, and it takes no longer life than ten minutes by its own.
constexpr std::chrono::seconds kIssuedBefore{60};
constexpr std::chrono::seconds kSignedFor{9 * 60};
constexpr std::chrono::minutes kRenewedBefore{10};
// What a token is good for when its answer does not say.
constexpr std::chrono::minutes kLifeAtLeast{11};
constexpr std::size_t kTokenBytesMax = 4'096;

std::string base64url(const Json& json) { return to_base64url(as_bytes(json.dump())); }

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

GitHubAppToken::GitHubAppToken(GitHubApp app, const Url& api, HttpClient& http, Clock& clock)
    : signed_(app.id, std::move(app.key), clock),
      api_({.name = fmt::format("github app {}", app.id),
            .base = api,
            .headers = {{"Accept", "application/vnd.github+json"}, {"X-GitHub-Api-Version", "2022-11-28"}}},
           signed_, http, clock),
      clock_(clock),
      installation_(std::move(app.installation)) {}

Result<std::optional<Credentials>> GitHubAppToken::Signed::get(std::stop_token) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch());
  const Json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  const Json claims = {{"iat", (now - kIssuedBefore).count()}, {"exp", (now + kSignedFor).count()}, {"iss", id_}};
  const std::string text = base64url(header) + "." + base64url(claims);
  const std::vector<std::byte> signature = TRY(key_.sign_sha256(as_bytes(text)));
  return std::optional(
      Credentials{.username = {}, .password = Secret(text + "." + to_base64url(signature)), .bearer = true});
}

Result<std::optional<Credentials>> GitHubAppToken::get(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  if (!held_ || clock_.now() >= renew_at_) TRY(renew(std::move(stop)));
  return held_;
}

bool GitHubAppToken::refused(const Credentials& credentials) {
  const std::lock_guard lock(mutex_);
  // Somebody else may have found out first.
  if (held_ && held_->password.reveal() == credentials.password.reveal()) held_.reset();
  return true;
}

Result<> GitHubAppToken::renew(std::stop_token stop) {
  if (installation_.empty()) installation_ = TRY(only_installation(stop));
  if (!is_number(installation_)) return Error(ErrorKind::Invalid, "{}: an installation is a number", api_.name());
  const ForgeQuestion question{.doing = fmt::format("ask for a token of installation {}", installation_),
                               .method = "POST",
                               .path = fmt::format("/app/installations/{}/access_tokens", installation_),
                               .needs = "to be signed with a key of this App"};
  const HttpAnswer answer = TRY(api_.ask(question, std::move(stop)));
  const Json given = TRY(parse_answer(answer.body).context("{}: {}", api_.name(), question.doing));
  const std::string token = text_of(given, "token");
  const bool is_token = !token.empty() && token.size() <= kTokenBytesMax &&
                        std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!is_token) return Error(ErrorKind::Corrupt, "{}: {}: there is none in the answer", api_.name(), question.doing);
  const std::optional<Clock::WallTime> expires_at = from_iso8601(text_of(given, "expires_at"));
  renew_at_ = expires_at.value_or(clock_.now() + kLifeAtLeast) - kRenewedBefore;
  held_ = Credentials{.username = "x-access-token", .password = Secret(token), .bearer = true};
  return {};
}

Result<std::string> GitHubAppToken::only_installation(std::stop_token stop) {
  const ForgeQuestion question{.doing = "look for its installation",
                               .path = "/app/installations",
                               .query = "per_page=2",
                               .needs = "to be signed with a key of this App"};
  const HttpAnswer answer = TRY(api_.ask(question, std::move(stop)));
  const Json all = TRY(parse_list(answer.body).context("{}: {}", api_.name(), question.doing));
  if (all.empty()) return Error(ErrorKind::Denied, "{}: it is installed nowhere; install it", api_.name());
  if (all.size() > 1)
    return Error(ErrorKind::Invalid,
                 "{}: it is installed in several places; say which, by the number of the installation", api_.name());
  return id_of(all.front(), "id").context("{}: {}", api_.name(), question.doing);
}

}  // namespace packferry
