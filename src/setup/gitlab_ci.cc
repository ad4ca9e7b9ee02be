#include "setup/gitlab_ci.h"

#include <fmt/format.h>

#include "setup/template.h"

namespace packferry {
namespace {

// GitLab compares with ==, or with a regular expression between slashes.
std::string rule_of(std::string_view branch) {
  if (branch.find('*') == std::string_view::npos) return fmt::format("- if: '$CI_COMMIT_BRANCH == \"{}\"'\n", branch);
  std::string expression;
  for (const char c : branch) {
    if (c == '*') {
      expression += ".*";
    } else {
      if (std::string_view(".+()[]{}|/^").find(c) != std::string_view::npos) expression += '\\';
      expression += c;
    }
  }
  return fmt::format("- if: '$CI_COMMIT_BRANCH =~ /^{}$/'\n", expression);
}

std::string replicate_command(const GitLabCiOptions& options) {
  std::string command = "packferry replicate";
  for (const std::string& ref : options.refs) command += fmt::format(" --ref '{}'", ref);
  if (options.create) command += " --create";
  return command + fmt::format(" \"$CI_PROJECT_URL.git\" 'codecommit::{}://{}'\n", options.region, options.repository);
}

}  // namespace

Result<std::string> gitlab_ci(const GitLabCiOptions& options) {
  std::string rules;
  for (const std::string& branch : options.branches) rules += rule_of(branch);
  std::string install = TRY(install_commands(options.package));
  return fill_template(
      template_text("gitlab_ci"),
      {.words = {{"image", options.image}, {"issuer", options.issuer}, {"role", options.role}},
       .blocks = {
           {"rules", std::move(rules)}, {"install", std::move(install)}, {"replicate", replicate_command(options)}}});
}

}  // namespace packferry
