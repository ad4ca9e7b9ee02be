// The repositories of GitHub, github.com or an Enterprise Server, through the REST API. "Repositories", GitHub Docs.
#pragma once

#include <string>

#include "host/forge_api.h"
#include "host/host.h"

namespace packferry {

// A person's token sees what the person sees; that of an App's installation, what it was installed for.
enum class GitHubIdentity { Person, Installation };

class GitHubHost final : public Host {
 public:
  // `web`: where a person opens it, and where Git is; `api`: see api_of(). The referenced objects outlive it.
  GitHubHost(Url web, const Url& api, GitHubIdentity identity, TokenSource& tokens, HttpClient& http, Clock& clock);
  // https://github.com → https://api.github.com; https://HOST → https://HOST/api/v3
  static Url api_of(const Url& web);

  std::string name() const override { return api_.name(); }
  // `owner`: an organisation, the token's user, or another user (then the public ones). Empty: all that the token's
  // user owns or works on. Of an installation: those it was installed for.
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  Result<Url> url_of(std::string_view repository) const override;
  // For the token's user, or for an organisation that is there.
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  Result<std::vector<HostedRepository>> list_at(std::string doing, std::string path, std::string query,
                                                std::stop_token stop);
  Result<std::vector<HostedRepository>> list_of_installation(const std::string& owner, std::stop_token stop);
  Result<bool> is_organisation(std::string_view owner, std::stop_token stop);
  Result<bool> is_this_user(std::string_view owner, std::stop_token stop);

  const Url web_;
  const GitHubIdentity identity_;
  ForgeApi api_;
};

// One page of a list of repositories, bare or under "repositories", for fuzzing too.
Result<ListedPage> parse_github_repositories(std::string_view body, const Url& web);

}  // namespace packferry
