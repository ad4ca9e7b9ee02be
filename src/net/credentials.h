// Who we say we are, to which host. Credentials are looked up by origin, given only to that origin, and never printed.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "net/url.h"

namespace packferry {

// Goes with a token that has no user name of its own. GitHub and Gitea look at the token only; GitLab insists on this
// one for OAuth tokens and takes any for the others.
inline constexpr std::string_view kTokenUser = "oauth2";

struct Credentials {
  std::string username;
  Secret password;
  bool bearer = false;  // password is a bearer token, username is not used

  // The value of an Authorization header.
  Secret authorization() const;
};

// The whole of a file that only its owner may read, without the line end at its end: a token, or a key. Invalid: others
// may read it, or it is empty.
Result<Secret> read_secret_file(const std::string& path);

class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // What is known without asking anyone: sent with the first request.
  virtual std::optional<Credentials> up_front(const Url& url) = 0;
  // What goes with the request that comes now: as a rule what is `held`. Credentials that are good for minutes only are
  // made anew here.
  virtual Result<std::optional<Credentials>> for_request(const Url&, std::optional<Credentials> held, std::stop_token) {
    return held;
  }
  // The host wants credentials (it said 401). NotFound when there are none.
  virtual Result<Credentials> ask(const Url& url, std::stop_token stop) = 0;
  // They worked, or were refused: helpers store or forget them.
  virtual void approved(const Url&, const Credentials&) {}
  virtual void rejected(const Url&, const Credentials&) {}
  // The host said 403. True when that may only mean that these have run out: then the request is made once more, with
  // what for_request() gives by then.
  virtual bool may_have_run_out(const Url&, const Credentials&) { return false; }
};

// Never has any.
class NoCredentials final : public CredentialSource {
 public:
  std::optional<Credentials> up_front(const Url&) override { return std::nullopt; }
  Result<Credentials> ask(const Url& url, std::stop_token) override;
};

// One fixed set, for the origin it was made for and nothing else: from the environment, a file, or the URL itself.
class FixedCredentials final : public CredentialSource {
 public:
  FixedCredentials(const Url& url, Credentials credentials) : origin_(url.origin()), held_(std::move(credentials)) {}
  std::optional<Credentials> up_front(const Url& url) override;
  Result<Credentials> ask(const Url& url, std::stop_token stop) override;

 private:
  const std::string origin_;
  const Credentials held_;
};

// The helpers that the user's git has: `git credential fill`, `approve` and `reject` (git-credential(1)), over pipes.
// Never prompts unless `may_prompt`: neither at the terminal nor through an askpass program. `environment` is what git
// runs with; the configuration is the user's, never that of a repository that we happen to stand in.
class GitCredentialHelper final : public CredentialSource {
 public:
  GitCredentialHelper(std::vector<std::string> environment, bool may_prompt);
  std::optional<Credentials> up_front(const Url& url) override;
  Result<Credentials> ask(const Url& url, std::stop_token stop) override;
  void approved(const Url& url, const Credentials& credentials) override;
  void rejected(const Url& url, const Credentials& credentials) override;

 private:
  void tell(std::string_view action, const Url& url, const Credentials& credentials);

  const std::vector<std::string> environment_;  // with what keeps git from prompting
  const bool may_prompt_;
};

// `username=…`, `password=…` or `token=…` lines, as in a file that a secret store mounts; a token without a user name
// goes with kTokenUser. Empty lines and lines that begin with '#' are passed over. Invalid when others than its owner
// can read the file and it is not a mounted secret (a symbolic link into a tmpfs, as Kubernetes makes them, is fine).
Result<Credentials> read_credentials_file(const std::string& path);

// What git asks a credential helper about (git-credential(1), INPUT/OUTPUT FORMAT), as an address: "protocol", "host",
// "path", "username". Nothing when it is no http(s) address, or no question. Without a path, as git leaves it out
// unless credential.useHttpPath is set, it is "/".
std::optional<Url> parse_credential_question(std::string_view text);

// The parsers of the two, for fuzzing: what stands in such a file, and what `git credential fill` has printed (nothing
// when that is no answer).
Result<Credentials> parse_credentials(std::string_view text);
std::optional<Credentials> parse_helper_answer(std::string_view text);

}  // namespace packferry
