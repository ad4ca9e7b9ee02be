#include "app/environment.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace packferry {
namespace {

// `git rev-parse --local-env-vars`, without the ones that carry configuration, and what belongs to a push in progress.
constexpr std::string_view kKeptBack[] = {"GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                          "GIT_COMMON_DIR",
                                          "GIT_DIR",
                                          "GIT_GRAFT_FILE",
                                          "GIT_IMPLICIT_WORK_TREE",
                                          "GIT_INDEX_FILE",
                                          "GIT_INTERNAL_SUPER_PREFIX",
                                          "GIT_NAMESPACE",
                                          "GIT_NO_REPLACE_OBJECTS",
                                          "GIT_OBJECT_DIRECTORY",
                                          "GIT_PREFIX",
                                          "GIT_PROTOCOL",
                                          "GIT_QUARANTINE_PATH",
                                          "GIT_REPLACE_REF_BASE",
                                          "GIT_SHALLOW_FILE",
                                          "GIT_WORK_TREE"};

bool is_for_children(std::string_view name) {
  if (name.starts_with("PACKFERRY_") || name.starts_with("GIT_TRACE")) return false;
  return !std::ranges::count(kKeptBack, name);
}

using Variables = std::map<std::string, std::string, std::less<>>;

std::string value(const Variables& variables, std::string_view name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

// XDG Base Directory Specification, 3: a relative XDG_STATE_HOME is passed over.
std::string catalogue_of(const Variables& variables) {
  std::string named = value(variables, "PACKFERRY_CATALOGUE");
  if (!named.empty()) return named;
  const std::string state = value(variables, "XDG_STATE_HOME");
  const std::string home = state.starts_with('/') ? state : value(variables, "HOME") + "/.local/state";
  return home + "/packferry/replicas.db";
}

CredentialVariables credentials(const Variables& variables, const std::string& suffix) {
  return {.username = value(variables, "PACKFERRY_USERNAME" + suffix),
          .password = Secret(value(variables, "PACKFERRY_PASSWORD" + suffix)),
          .token = Secret(value(variables, "PACKFERRY_TOKEN" + suffix))};
}

}  // namespace

Environment::Environment(const std::vector<std::string>& variables) {
  Variables by_name;
  for (const std::string& variable : variables) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = variable.substr(0, equals);
    by_name[name] = variable.substr(equals + 1);
    if (is_for_children(name)) for_children.push_back(variable);
  }
  for_both = credentials(by_name, "");
  for_source = credentials(by_name, "_SOURCE");
  for_destination = credentials(by_name, "_DESTINATION");
  ssh_command = value(by_name, "GIT_SSH_COMMAND");
  ssh_program = value(by_name, "GIT_SSH");
  ca_file = value(by_name, "GIT_SSL_CAINFO");
  if (ca_file.empty()) ca_file = value(by_name, "SSL_CERT_FILE");
  repository_name = value(by_name, "REPOSITORY_NAME");
  repository_region = value(by_name, "REPO_REGION");
  reference_name = value(by_name, "REFERENCE_NAME");
  no_color = !value(by_name, "NO_COLOR").empty();
  terminal = value(by_name, "TERM");
  catalogue = catalogue_of(by_name);
  server = value(by_name, "PACKFERRY_SERVER");
  server_token = Secret(value(by_name, "PACKFERRY_SERVER_TOKEN"));
  person = value(by_name, "LOGNAME");
  if (person.empty()) person = value(by_name, "USER");
  if (person.empty()) person = "packferry";
  for (const auto& [name, text] : by_name) {
    all_.emplace(name, text);
    if (name.starts_with("AWS_") || name == "CODE_COMMIT_ENDPOINT" || name == "HOME") aws_.emplace(name, text);
  }
}

std::optional<std::string> Environment::for_aws(std::string_view name) const {
  const auto found = aws_.find(name);
  return found == aws_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Environment::named(std::string_view name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace packferry
