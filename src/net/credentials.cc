#include "net/credentials.h"

#include <string.h>

#include <algorithm>
#include <functional>
#include <tuple>

#include "base/check.h"
#include "base/digest.h"
#include "base/printable.h"
#include "io/fd.h"
#include "io/private_file.h"
#include "io/process.h"

namespace packferry {
namespace {

// Both are short texts; more is a mistake, or a program gone wild.
constexpr std::size_t kHelperBytesMax = 64 * 1024;
constexpr std::size_t kCredentialsFileBytesMax = 64 * 1024;

void wipe(std::string& text) { explicit_bzero(text.data(), text.size()); }

Error none_known(const Url& url) {
  return Error(ErrorKind::NotFound, "{}: wants credentials and none are known", url.origin());
}

// Calls `line` with each name=value; false when there is a line that is none.
bool for_each_line(std::string_view text, const std::function<bool(std::string_view, std::string_view)>& line) {
  while (!text.empty()) {
    std::string_view next = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), next.size() + 1));
    if (next.ends_with('\r')) next.remove_suffix(1);
    if (next.empty() || next[0] == '#') continue;
    const std::size_t equals = next.find('=');
    if (equals == std::string_view::npos || !line(next.substr(0, equals), next.substr(equals + 1))) return false;
  }
  return true;
}

// git gives paths and names as they are meant; in a URL they are written otherwise.
std::string percent_encoded(std::string_view text, std::string_view also_kept) {
  std::string out;
  for (const char c : text) {
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos ||
                       also_kept.find(c) != std::string_view::npos;
    out += stays ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// Another value for a variable, whether it was there or not.
void set_variable(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
  std::erase_if(environment, [&](const std::string& v) { return v.starts_with(std::string(name) + "="); });
  environment.push_back(fmt::format("{}={}", name, value));
}

std::vector<std::string> without_prompts(std::vector<std::string> environment) {
  set_variable(environment, "GIT_TERMINAL_PROMPT", "0");
  set_variable(environment, "GIT_ASKPASS", "");  // set and empty: nor core.askPass, nor SSH_ASKPASS
  return environment;
}

// git-credential(1), INPUT/OUTPUT FORMAT. A line end in a value would be a line of its own and could name another host
// (CVE-2020-5260): Url has none, the rest is looked at here. Empty when there is one.
Secret description(const Url& url, std::string_view username, std::string_view password) {
  CHECK(url.is_http());
  const std::string authority = url.origin().substr(url.origin().find("://") + 3);
  const std::string path = percent_decode(url.path()).value_or("").substr(1);
  const bool is_https = url.scheme() == Scheme::Https;
  std::string text = fmt::format("protocol={}\nhost={}\n", is_https ? "https" : "http", authority);
  text.reserve(text.size() + path.size() + username.size() + password.size() +
               64);  // no copy is left behind in growing
  // git itself leaves the path out unless credential.useHttpPath is set.
  const std::pair<std::string_view, std::string_view> values[] = {
      {"path", path}, {"username", username}, {"password", password}};
  for (const auto& [name, value] : values) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return {};
    if (!value.empty()) text.append(name).append("=").append(value).append("\n");
  }
  return Secret(std::move(text.append("\n")));
}

ProcessOptions git_credential(std::string_view action, const std::vector<std::string>& environment, bool may_prompt) {
  // From the root no repository's configuration counts, only the user's and the system's.
  return {.argv = {"git", "credential", std::string(action)},
          .environment = environment,
          .directory = "/",
          .inherit_stderr = may_prompt};
}

Result<std::string> read_private_file(const std::string& path) {
  const Fd fd = TRY(open_private_file(path));
  const std::string doing = fmt::format("read '{}'", printable(path));
  std::string text(kCredentialsFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t count = TRY(read_some(fd.get(), std::as_writable_bytes(std::span(text).subspan(size)), doing));
    if (count == 0) break;
    size += count;
  }
  if (size == text.size())
    return Error(ErrorKind::Invalid, "'{}' is longer than {} bytes", printable(path), kCredentialsFileBytesMax);
  text.resize(size);
  return text;
}

}  // namespace

Secret Credentials::authorization() const {
  if (bearer) return Secret("Bearer " + password.reveal());
  const Secret both(username + ":" + password.reveal());
  const Secret encoded(to_base64(as_bytes(both.reveal())));
  return Secret("Basic " + encoded.reveal());
}

Result<Credentials> NoCredentials::ask(const Url& url, std::stop_token) { return none_known(url); }

std::optional<Credentials> FixedCredentials::up_front(const Url& url) {
  if (url.origin() != origin_) return std::nullopt;
  return held_;
}

Result<Credentials> FixedCredentials::ask(const Url& url, std::stop_token) {
  if (url.origin() != origin_) return none_known(url).context("credentials for {}", origin_);
  return held_;
}

GitCredentialHelper::GitCredentialHelper(std::vector<std::string> environment, bool may_prompt)
    : environment_(may_prompt ? std::move(environment) : without_prompts(std::move(environment))),
      may_prompt_(may_prompt) {}

std::optional<Credentials> GitCredentialHelper::up_front(const Url&) { return std::nullopt; }

Result<Credentials> GitCredentialHelper::ask(const Url& url, std::stop_token stop) {
  const Secret question = description(url, url.user(), "");
  if (question.empty()) return none_known(url);
  ProcessOutput filled = TRY(run_process(git_credential("fill", environment_, may_prompt_), question.reveal(),
                                         kHelperBytesMax, Patience{}, std::move(stop))
                                 .context("{}: git credential", url.origin()));
  std::optional<Credentials> credentials = parse_helper_answer(filled.output);
  wipe(filled.output);
  if (filled.exit.code != 0 || !credentials)
    return Error(ErrorKind::NotFound, "{}: wants credentials and git's credential helpers have none for it",
                 url.origin());
  return std::move(*credentials);
}

void GitCredentialHelper::approved(const Url& url, const Credentials& credentials) {
  tell("approve", url, credentials);
}

void GitCredentialHelper::rejected(const Url& url, const Credentials& credentials) { tell("reject", url, credentials); }

// A helper that cannot store or forget has no part in what we are doing: nobody waits for its answer.
void GitCredentialHelper::tell(std::string_view action, const Url& url, const Credentials& credentials) {
  if (credentials.bearer) return;
  const Secret news = description(url, credentials.username, credentials.password.reveal());
  if (news.empty()) return;
  std::ignore =
      run_process(git_credential(action, environment_, may_prompt_), news.reveal(), kHelperBytesMax, Patience{}, {});
}

Result<Secret> read_secret_file(const std::string& path) {
  std::string text = TRY(read_private_file(path));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return Error(ErrorKind::Invalid, "'{}' is empty", printable(path));
  Secret secret(text);
  wipe(text);
  return secret;
}

Result<Credentials> read_credentials_file(const std::string& path) {
  std::string text = TRY(read_private_file(path));
  Result<Credentials> credentials = parse_credentials(text);
  wipe(text);
  return std::move(credentials).context("'{}'", printable(path));
}

Result<Credentials> parse_credentials(std::string_view text) {
  std::optional<std::string> username;
  std::optional<Secret> password;
  std::optional<Secret> token;
  const bool understood = for_each_line(text, [&](std::string_view name, std::string_view value) {
    if (name == "username" && !username) return username.emplace(value), true;
    if (name == "password" && !password) return password.emplace(std::string(value)), true;
    if (name == "token" && !token) return token.emplace(std::string(value)), true;
    return false;
  });
  if (!understood)
    return Error(ErrorKind::Invalid, "there are lines other than one each of username=…, password=… and token=…");
  if (password.has_value() == token.has_value())
    return Error(ErrorKind::Invalid, "there is {}",
                 password ? "both a password and a token" : "neither a password nor a token");
  if (password && !username) return Error(ErrorKind::Invalid, "there is a password and no username");
  return Credentials{.username = username.value_or(std::string(kTokenUser)), .password = password ? *password : *token};
}

std::optional<Credentials> parse_helper_answer(std::string_view text) {
  Credentials credentials;
  const bool understood = for_each_line(text, [&](std::string_view name, std::string_view value) {
    if (name == "username") credentials.username = value;
    if (name == "password") credentials.password = Secret(std::string(value));
    return true;
  });
  if (!understood || credentials.password.empty()) return std::nullopt;
  return credentials;
}

std::optional<Url> parse_credential_question(std::string_view text) {
  std::string protocol;
  std::string host;
  std::string path;
  std::string username;
  const bool understood = for_each_line(text, [&](std::string_view name, std::string_view value) {
    if (name == "protocol") protocol = value;
    if (name == "host") host = value;
    if (name == "path") path = value;
    if (name == "username") username = value;
    return true;
  });
  const bool is_http = protocol == "https" || protocol == "http";
  if (!understood || !is_http || host.find_first_of("@/?#") != std::string::npos) return std::nullopt;
  const std::string user = username.empty() ? "" : percent_encoded(username, "") + "@";
  Result<Url> url = Url::parse(fmt::format("{}://{}{}/{}", protocol, user, host, percent_encoded(path, "/")));
  if (!url || !url->is_http()) return std::nullopt;
  return std::move(url).value();
}

}  // namespace packferry
