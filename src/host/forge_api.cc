#include "host/forge_api.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "base/ascii.h"
#include "base/printable.h"

namespace packferry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kAnswerBytesMax = 32 * 1024 * 1024;
constexpr std::size_t kWordsBytesMax = 500;
// "Rate limits for the REST API", GitHub: without another hint wait at least a minute.
constexpr Milliseconds kSecondaryLimitPause = std::chrono::minutes(1);
constexpr Milliseconds kPauseLongest = std::chrono::hours(24);

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// One parameter of a link: rel="next", rel=next, rel="prev next".
bool is_rel_next(std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  if (equals == std::string_view::npos || to_lower(trimmed(parameter.substr(0, equals))) != "rel") return false;
  std::string_view value = trimmed(parameter.substr(equals + 1));
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
  const std::string words = " " + to_lower(value) + " ";
  return words.find(" next ") != std::string::npos;
}

// Strings, and the strings in lists and objects, a key before its own: {"name": ["has already been taken"]}. No deeper
// than forges go.
void add_words(const Json& from, std::string& words, unsigned depth) {
  const auto add = [&](std::string_view more, std::string_view separator) {
    if (words.size() < kWordsBytesMax && !more.empty())
      words.append(words.empty() || words.ends_with(": ") ? "" : separator).append(more);
  };
  if (from.is_string()) add(from.get_ref<const std::string&>(), ", ");
  if (depth == 0) return;
  if (from.is_array())
    for (const Json& each : from) add_words(each, words, depth - 1);
  if (!from.is_object()) return;
  for (const auto& [name, value] : from.items()) {
    if (!value.is_string() && !value.is_array() && !value.is_object()) continue;
    add(name + ": ", ", ");
    add_words(value, words, depth - 1);
  }
}

bool is_about_a_rate_limit(const HttpResponse& response, std::string_view words) {
  return response.status == 429 || response.header("x-ratelimit-remaining") == "0" ||
         response.header("retry-after").has_value() || has_any(words, {"rate limit", "abuse detection"});
}

ErrorKind kind_of(const HttpResponse& response, std::string_view words) {
  switch (response.status) {
    case 400:
    case 422:
      return has_any(words, {"already exists", "already been taken", "already taken", "already in use"})
                 ? ErrorKind::Conflict
                 : ErrorKind::Invalid;
    case 401:
    case 403:
      return ErrorKind::Denied;
    case 404:
    case 410:
      return ErrorKind::NotFound;
    case 408:
      return ErrorKind::Unavailable;
    case 409:
      return ErrorKind::Conflict;
    default:
      return response.status >= 500 ? ErrorKind::Unavailable : ErrorKind::Rejected;
  }
}

// Seconds since 1970, as GitHub and GitLab have it, or from now.
std::optional<Milliseconds> until_reset(const HttpResponse& response, Clock::WallTime now) {
  std::optional<std::string_view> text = response.header("x-ratelimit-reset");
  if (!text) text = response.header("ratelimit-reset");
  std::int64_t seconds = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), seconds).ec != std::errc() || seconds < 0)
    return std::nullopt;
  constexpr std::int64_t kIsADate = 1'000'000'000;
  if (seconds >= kIsADate)
    seconds -=
        std::chrono::duration_cast<std::chrono::seconds>(response.date().value_or(now).time_since_epoch()).count();
  return std::clamp(Milliseconds(std::min<std::int64_t>(seconds, 86'400) * 1'000), Milliseconds(0), kPauseLongest);
}

void hide(std::string& text, const std::string& secret) {
  if (secret.empty()) return;
  for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) text.replace(at, secret.size(), "***");
}

}  // namespace

std::string next_link(const HttpResponse& response) {
  std::string_view rest = response.header("link").value_or("");
  while (true) {
    const std::size_t open = rest.find('<');
    const std::size_t close = rest.find('>', open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    const std::string_view target = rest.substr(open + 1, close - open - 1);
    rest.remove_prefix(close + 1);
    // Its parameters, up to the comma that ends the link.
    std::string_view parameters = rest.substr(0, rest.find('<'));
    rest.remove_prefix(parameters.size());
    parameters = trimmed(parameters);
    if (parameters.ends_with(',')) parameters.remove_suffix(1);
    while (!parameters.empty()) {
      const std::size_t end = std::min(parameters.find(';'), parameters.size());
      if (is_rel_next(parameters.substr(0, end))) return std::string(target);
      parameters.remove_prefix(std::min(end + 1, parameters.size()));
    }
  }
}

std::optional<std::uint64_t> count_header(const HttpResponse& response, std::string_view name) {
  const std::string_view text = response.header(name).value_or("");
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(count) : std::nullopt;
}

std::string refusal_words(std::string_view body) {
  const Json document = Json::parse(body, nullptr, false);
  if (!document.is_object()) return {};
  std::string words;
  // GitHub, GitLab, Gitea: message, with errors or error beside it; Bitbucket: error.message; Data Center: errors.
  for (const char* name : {"message", "error", "error_description", "errors"}) {
    const auto found = document.find(name);
    if (found == document.end()) continue;
    const bool is_bare = found->is_object() && found->contains("message") && (*found)["message"].is_string();
    add_words(is_bare ? (*found)["message"] : *found, words, 3);
  }
  constexpr std::size_t kLongestEscape = 8;  // \u{NNNN}
  return printable(words, words.size() * kLongestEscape);
}

Result<HttpAnswer> ForgeApi::ask(const ForgeQuestion& question, std::stop_token stop) {
  Url url = options_.base.with_path_suffix(question.path);
  if (!question.query.empty()) url = url.with_query(question.query);
  return ask_at(url, question, std::move(stop));
}

Result<HttpAnswer> ForgeApi::ask_at(const Url& url, const ForgeQuestion& question, std::stop_token stop) {
  bool renewed = false;
  for (unsigned attempts = 1;; ++attempts) {
    const std::optional<Credentials> credentials =
        TRY(tokens_.get(stop).context("{}: {}", options_.name, question.doing));
    Result<HttpAnswer> answer =
        ask_once(url, question, credentials, stop).context("{}: {}", options_.name, question.doing);
    const int status = answer ? answer->response.status : 0;
    if (status >= 200 && status < 300) return answer;
    if (status == 401 && credentials && !renewed && tokens_.refused(*credentials)) {
      renewed = true;
      continue;
    }
    const Error error = answer ? refusal(question, *answer, credentials) : std::move(answer).error();
    if (question.method == "POST" && error.kind() == ErrorKind::Unavailable) return error;
    TRY(retries_.pause_after(attempts, error, stop));
  }
}

Result<HttpAnswer> ForgeApi::ask_once(const Url& url, const ForgeQuestion& question,
                                      const std::optional<Credentials>& credentials, std::stop_token stop) {
  HttpRequest request{.method = question.method, .url = url, .headers = options_.headers};
  if (credentials) request.headers.push_back({"Authorization", credentials->authorization().reveal(), true});
  if (!question.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
  return ask_http(http_, std::move(request), question.body, kAnswerBytesMax, std::move(stop));
}

Error ForgeApi::refusal(const ForgeQuestion& question, const HttpAnswer& answer,
                        const std::optional<Credentials>& credentials) const {
  const HttpResponse& response = answer.response;
  std::string words = refusal_words(answer.body);
  if (credentials) hide(words, credentials->password.reveal());
  words = printable(words, kWordsBytesMax);
  const std::string message = fmt::format("{}: {}: HTTP {}{}{}", options_.name, question.doing, response.status,
                                          words.empty() ? "" : ": ", words);

  if (response.status >= 300 && response.status < 400) {
    const Result<Url> target = options_.base.resolve(response.header("location").value_or(""));
    if (target && target->same_origin(options_.base))
      return Error(ErrorKind::NotFound, "{}, it has moved to another name", message);
    return Error(ErrorKind::Invalid, "{}, a redirect{}, which is not followed; correct the host's address", message,
                 target ? " to " + target->origin() : "");
  }
  const std::string lower = to_lower(words);
  if ((response.status == 403 || response.status == 429) && is_about_a_rate_limit(response, lower))
    return throttled(response, message);
  const ErrorKind kind = kind_of(response, lower);
  if (kind != ErrorKind::Denied) {
    Error error(kind, "{}", message);
    const std::optional<Milliseconds> delay = response.retry_after();
    return delay && may_pass(error) ? std::move(error).retry_after(*delay) : error;
  }
  if (!credentials) return Error(kind, "{}; give a token with {}", message, question.needs);
  const std::string_view about =
      response.status == 401 ? "the token is unknown, revoked or has expired" : "the token may not";
  return Error(kind, "{}; {}: it needs {}", message, about, question.needs);
}

Error ForgeApi::throttled(const HttpResponse& response, const std::string& message) const {
  std::optional<Milliseconds> delay = response.retry_after();
  if (!delay) delay = until_reset(response, clock_.now());
  if (!delay && response.status == 403) delay = kSecondaryLimitPause;
  Error error(ErrorKind::Throttled, "{}", message);
  return delay ? std::move(error).retry_after(*delay) : error;
}

Result<std::vector<HostedRepository>> ForgeApi::list(const ForgeQuestion& first, const ReadPage& read,
                                                     std::stop_token stop) {
  RepositoryList list;
  std::set<std::string> asked;
  Url here = options_.base.with_path_suffix(first.path);
  if (!first.query.empty()) here = here.with_query(first.query);
  while (true) {
    asked.insert(here.request_text());
    const HttpAnswer answer = TRY(ask_at(here, first, stop));
    ListedPage page = TRY(read(answer).context("{}: {}", options_.name, first.doing));
    const std::string next = page.next;
    TRY(list.add(std::move(page)).context("{}: {}", options_.name, first.doing));
    if (next.empty()) return std::move(list).finish().context("{}: {}", options_.name, first.doing);
    here = TRY(next_page(here, next).context("{}: {}", options_.name, first.doing));
    if (asked.count(here.request_text()) > 0)
      return Error(ErrorKind::Corrupt, "{}: {}: the list leads back to itself", options_.name, first.doing);
    if (asked.size() >= options_.pages_max)
      return Error(ErrorKind::Corrupt, "{}: {}: the list has no end", options_.name, first.doing);
  }
}

Result<Url> ForgeApi::next_page(const Url& here, const std::string& next) const {
  const Result<Url> url = here.resolve(next);
  if (!url) return Error(ErrorKind::Corrupt, "the next page of the list: {}", url.error().message());
  if (!url->same_origin(options_.base))
    return Error(ErrorKind::Corrupt,
                 "the next page of the list is at {}, and no token of {} goes there; if that is the host's right "
                 "address, use it",
                 url->origin(), options_.base.origin());
  return *url;
}

}  // namespace packferry
