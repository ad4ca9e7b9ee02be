// The environment variables, read once. Nothing else in the program looks at them; what a child program gets of them is
// decided here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/url.h"

namespace packferry {

// PACKFERRY_USERNAME, PACKFERRY_PASSWORD and PACKFERRY_TOKEN, or one of their forms with a suffix.
struct CredentialVariables {
  std::string username;
  Secret password;
  Secret token;

  bool is_set() const { return !password.empty() || !token.empty(); }
};

struct Environment {
  // `variables`: "NAME=value", as environ(7) has them.
  explicit Environment(const std::vector<std::string>& variables);

  CredentialVariables for_both;
  CredentialVariables for_source;       // …_SOURCE
  CredentialVariables for_destination;  // …_DESTINATION

  std::string ssh_command;      // GIT_SSH_COMMAND
  std::string ssh_program;      // GIT_SSH
  std::string ca_file;          // GIT_SSL_CAINFO, else SSL_CERT_FILE
  std::string repository_name;  // REPOSITORY_NAME, REPO_REGION, REFERENCE_NAME: what an event is about
  std::string repository_region;
  std::string reference_name;
  bool no_color = false;  // NO_COLOR, not empty
  // PACKFERRY_CATALOGUE, else packferry/replicas.db in XDG_STATE_HOME, else in ~/.local/state.
  std::string catalogue;
  std::string server;    // PACKFERRY_SERVER: a service
  Secret server_token;   // PACKFERRY_SERVER_TOKEN
  std::string person;    // LOGNAME, else USER; who did what
  std::string terminal;  // TERM

  // AWS_…, CODE_COMMIT_ENDPOINT and HOME, for whoever speaks to AWS: nothing where a variable is not set.
  std::optional<std::string> for_aws(std::string_view name) const;

  // One that a configuration names, for a secret; nothing where it is not set.
  std::optional<std::string> named(std::string_view name) const;

  // For git, ssh and credential helpers: all that the user has set, but for our own secrets, for what would point git
  // at another repository than the one that is meant, and for what would make it write traces.
  std::vector<std::string> for_children;

 private:
  std::map<std::string, std::string, std::less<>> aws_;
  std::map<std::string, std::string, std::less<>> all_;
};

}  // namespace packferry
