#include "hosts/host_kinds.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <ostream>

#include "host/bitbucket_host.h"
#include "host/bitbucket_server_host.h"
#include "host/codecommit_host.h"
#include "host/directory_host.h"
#include "host/gitea_host.h"
#include "host/github_app.h"
#include "host/github_host.h"
#include "host/gitlab_host.h"
#include "host/list_host.h"
#include "testing/must.h"

namespace packferry::testing {
namespace {

template <typename AHost>
std::unique_ptr<Host> make(const ForgeDouble& there, TokenSource& tokens, HostTools& tools) {
  return std::make_unique<AHost>(there.web(), AHost::api_of(there.web()), tokens, tools.http, tools.clock);
}

template <GitHubIdentity identity>
std::unique_ptr<Host> make_github(const ForgeDouble& there, TokenSource& tokens, HostTools& tools) {
  return std::make_unique<GitHubHost>(there.web(), GitHubHost::api_of(there.web()), identity, tokens, tools.http,
                                      tools.clock);
}

std::unique_ptr<Host> make_codecommit(const ForgeDouble& there, TokenSource& tokens, HostTools& tools) {
  const std::string region = "eu-central-1";
  return std::make_unique<CodeCommitHost>(region, there.web(), "", must(Sts::at(region, there.web().text(), tools.aws)),
                                          tools.keys.emplace_back(tokens), tools.aws);
}

std::unique_ptr<Host> make_directory(const ForgeDouble& there, TokenSource&, HostTools&) {
  const char* path = std::getenv("PATH");
  return std::make_unique<DirectoryHost>(
      there.repositories(),
      std::vector<std::string>{std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path)});
}

std::unique_ptr<Host> make_list(const ForgeDouble& there, TokenSource&, HostTools&) {
  std::vector<Url> urls;
  for (const HostedRepository& each : must(DirectoryHost(there.repositories(), {}).list("", {})))
    urls.push_back(must(Url::parse(fmt::format("{}{}.git", there.web().text(), each.name))));
  return must(ListHost::make(urls));
}

// The App's key, made once by OpenSSL's own program.
struct AppKey {
  AppKey() {
    const std::string at = directory.path().string();
    const std::string words = "cd '" + at +
                              "' && openssl genrsa -out key.pem 2048 2>/dev/null && openssl rsa -in key.pem "
                              "-pubout -out public.pem 2>/dev/null";
    EXPECT_EQ(std::system(words.c_str()), 0);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(directory / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  TempDir directory;
};

const AppKey& app_key() {
  static const AppKey key;
  return key;
}

std::unique_ptr<TokenSource> make_app_tokens(const Url& web, HostTools& tools) {
  GitHubApp app{.id = "4711", .installation = "", .key = must(RsaKey::parse(app_key().read("key.pem")))};
  return std::make_unique<GitHubAppToken>(std::move(app), GitHubHost::api_of(web), tools.http, tools.clock);
}

const KindOfHost kGitLab{.name = "GitLab",
                         .speaks = "gitlab",
                         .make = make<GitLabHost>,
                         .has_groups_in_groups = true,
                         .tells_last_push = false};
const KindOfHost kGitea{.name = "Gitea", .speaks = "gitea", .make = make<GiteaHost>};
const KindOfHost kGitHub{.name = "GitHub",
                         .speaks = "github",
                         .make = make_github<GitHubIdentity::Person>,
                         .tells_total_of_owner = false,
                         .knows_empty_ones = false};
const KindOfHost kGitHubApp{.name = "GitHubApp",
                            .speaks = "github",
                            .make = make_github<GitHubIdentity::Installation>,
                            .make_tokens = make_app_tokens,
                            .knows_empty_ones = false};
const KindOfHost kBitbucket{
    .name = "Bitbucket", .speaks = "bitbucket", .make = make<BitbucketHost>, .tells_archived = false};
const KindOfHost kBitbucketServer{.name = "BitbucketServer",
                                  .speaks = "bitbucket-server",
                                  .make = make<BitbucketServerHost>,
                                  .tells_total_of_owner = false,
                                  .names_next_page = false,
                                  .tells_last_push = false,
                                  .lists_default_branches = false,
                                  .has_wikis = false};
const KindOfHost kCodeCommit{.name = "CodeCommit",
                             .speaks = "codecommit",
                             .make = make_codecommit,
                             .has_owners = false,
                             .has_flat_names = true,
                             .ignores_case = false,
                             .no_names = {"app/web", "app-web.git", "we b", "%2e", ""},
                             .tells_total_of_owner = false,
                             .names_next_page = false,
                             .tells_when_to_come_back = false,
                             .tells_visibility = false,
                             .tells_archived = false,
                             .tells_forks = false,
                             .tells_last_push = false,
                             .has_wikis = false,
                             .git_is_at_web_address = false,
                             .git_reads_addresses = false,
                             .makes_public_ones = false,
                             .makes_owners = true,
                             .takes_tags = true};
const KindOfHost kDirectory{.name = "Directory",
                            .speaks = "plain",
                            .make = make_directory,
                            .has_pages = false,
                            .has_groups_in_groups = true,
                            .ignores_case = false,
                            .no_names = {"app/../web", "app/web.git", "/app/web", "app//web", ".web", ""},
                            .tells_visibility = false,
                            .tells_archived = false,
                            .tells_forks = false,
                            .tells_ids = false,
                            .tells_last_push = false,
                            .has_wikis = false,
                            .git_is_at_web_address = false,
                            .makes_public_ones = false,
                            .makes_owners = true};
const KindOfHost kList{.name = "List",
                       .speaks = "plain",
                       .make = make_list,
                       .has_pages = false,
                       .has_owners = false,
                       .has_groups_in_groups = true,
                       .ignores_case = false,
                       .no_names = {},
                       .tells_visibility = false,
                       .tells_archived = false,
                       .tells_forks = false,
                       .tells_ids = false,
                       .tells_last_push = false,
                       .tells_default_branches = false,
                       .has_wikis = false,
                       .changes_repositories = false};

}  // namespace

Result<AwsCredentials> TokenAsKey::get(std::stop_token stop) {
  const std::optional<Credentials> token = TRY(tokens_.get(std::move(stop)));
  return AwsCredentials{.access_key_id = token->password.reveal(),
                        .secret_access_key = Secret("secret"),
                        .session_token = {},
                        .expires_at = {}};
}

Result<std::optional<Credentials>> NumberedTokens::get(std::stop_token) {
  return std::optional(
      Credentials{.username = {}, .password = Secret(fmt::format("token-{}", number_)), .bearer = true});
}

void PrintTo(const KindOfHost& kind, std::ostream* out) { *out << kind.name; }

const std::vector<KindOfHost>& kinds_of_hosts() {
  static const std::vector<KindOfHost> kinds = {kGitLab,          kGitea,      kGitHub,    kGitHubApp, kBitbucket,
                                                kBitbucketServer, kCodeCommit, kDirectory, kList};
  return kinds;
}

std::vector<KindOfHost> kinds_that(bool KindOfHost::*trait) {
  std::vector<KindOfHost> kinds;
  std::ranges::copy_if(kinds_of_hosts(), std::back_inserter(kinds), [trait](const auto& kind) { return kind.*trait; });
  return kinds;
}

std::string app_public_key() { return app_key().read("public.pem"); }

}  // namespace packferry::testing
