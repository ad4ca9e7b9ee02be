#include <fmt/format.h>

#include "base/check.h"
#include "config/config_file.h"

namespace packferry {
namespace {

constexpr std::string_view kBeginning =
    R"(# What packferry looks after. Check it with 'packferry config check FILE': nothing is asked of anybody.
# docs/configuration.md explains every key; 'packferry config schema' prints a JSON Schema for editors.

# Where a sweep remembers what it did, beside this file. It can be made again.
catalogue = "packferry.db"
# How many repositories are worked on at a time, all hosts together.
jobs = 16
# A destination is listed again after this long, even though its source did not change.
confirm_every = "24h"
# A host that says "nothing was pushed" is believed for this long. "0h": never.
trust_listing = "6h"

# Where the repositories are.
)";

constexpr std::string_view kGitLab = R"([hosts.source]
kind = "gitlab"
url = "https://gitlab.example.com"
# Where the token is, never the token: it needs read_api and read_repository. Also { file = "/run/secrets/gitlab" }.
token = { env = "GITLAB_TOKEN" }
)";

constexpr std::string_view kGitHub = R"([hosts.source]
kind = "github"
# For GitHub Enterprise Server:
# url = "https://github.example.com"
# Where the token is, never the token. Also { file = "/run/secrets/github" }.
token = { env = "GITHUB_TOKEN" }
# Or a GitHub App, instead of a token:
# app = { id = 123456, key = { file = "/run/secrets/app.pem" } }
)";

constexpr std::string_view kGitea = R"([hosts.source]
kind = "gitea"    # or "forgejo"
url = "https://gitea.example.com"
# Where the token is, never the token. Also { file = "/run/secrets/gitea" }.
token = { env = "GITEA_TOKEN" }
)";

constexpr std::string_view kBitbucket = R"([hosts.source]
kind = "bitbucket"
# Where the token is, never the token. Also { file = "/run/secrets/bitbucket" }.
token = { env = "BITBUCKET_TOKEN" }
)";

constexpr std::string_view kBitbucketServer = R"([hosts.source]
kind = "bitbucket-server"
url = "https://bitbucket.example.com"
# Where the token is, never the token. Also { file = "/run/secrets/bitbucket" }.
token = { env = "BITBUCKET_TOKEN" }
)";

constexpr std::string_view kCodeCommit = R"([hosts.source]
kind = "codecommit"
region = "eu-west-1"
# Credentials are found as AWS's own tools find them; a role can be assumed with them:
# role = "arn:aws:iam::111122223333:role/packferry"
)";

constexpr std::string_view kDirectory = R"([hosts.source]
kind = "directory"
# Bare repositories, in folders or not.
path = "/srv/git"
)";

constexpr std::string_view kList = R"([hosts.source]
kind = "list"
# Addresses as git takes them. Or a file with one a line: file = "addresses.txt"
repositories = [
  "https://git.example.com/app/web.git",
  "git@git.example.com:app/api.git",
]
)";

constexpr std::string_view kRest = R"(
[hosts.mirror]
kind = "{mirror_kind}"
{mirror}
# Where backups are.
[stores.vault]
address = "s3://my-backups/git"
# A directory will do as well:
# address = "/srv/backup"

# What every backup and replica below begins with; each may say otherwise.
[defaults]
exclude_refs = ["refs/heads/tmp/*"]

[[backups]]
name = "nightly"
# Which repositories. Globs are of whole names, and '*' matches '/' too.
source = {{ host = "source"{owner}, exclude = ["*/scratch"] }}
store = "vault"
# How they are called in the store.
repository = "${{host}}/${{path}}"

[[replicas]]
name = "to-mirror"
source = {{ host = "source"{owner} }}
destinations = [ {{ host = "mirror", repository = "{repository}", create = true }} ]
# "mirror" follows rewinds and deletions within the guard, "fast-forward" follows neither, "additive" never deletes.
policy = "mirror"
)";

std::string_view host_of(HostKind kind) {
  switch (kind) {
    case HostKind::GitLab:
      return kGitLab;
    case HostKind::GitHub:
      return kGitHub;
    case HostKind::Gitea:
      return kGitea;
    case HostKind::Bitbucket:
      return kBitbucket;
    case HostKind::BitbucketServer:
      return kBitbucketServer;
    case HostKind::CodeCommit:
      return kCodeCommit;
    case HostKind::Directory:
      return kDirectory;
    case HostKind::List:
      return kList;
  }
  CHECK(!"a kind of host has an example");
  return {};
}

bool has_owners(HostKind kind) {
  return kind != HostKind::CodeCommit && kind != HostKind::Directory && kind != HostKind::List;
}

}  // namespace

// Forges are mirrored to CodeCommit, and the others to a directory.
std::string config_example(std::optional<HostKind> kind) {
  const HostKind source = kind.value_or(HostKind::GitLab);
  const bool to_aws = has_owners(source);
  const std::string rest =
      fmt::format(kRest, fmt::arg("mirror_kind", to_aws ? "codecommit" : "directory"),
                  fmt::arg("mirror", to_aws ? "region = \"eu-central-1\"\n" : "path = \"/srv/mirrors\"\n"),
                  fmt::arg("owner", has_owners(source) ? ", owner = \"platform\"" : ""),
                  fmt::arg("repository", to_aws ? "${group}-${name}" : "${path}"));
  return fmt::format("{}{}{}", kBeginning, host_of(source), rest);
}

}  // namespace packferry
