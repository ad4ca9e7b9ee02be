// The repositories of a Gitea or Forgejo, through the API that both have. "API Usage", Gitea Documentation.
#pragma once

#include <string>

#include "host/forge_api.h"
#include "host/host.h"

namespace packferry {

class GiteaHost final : public Host {
 public:
  // `web`: where a person opens it, and where Git is; `api`: see api_of(). The referenced objects outlive it.
  GiteaHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock);
  static Url api_of(const Url& web);  // https://codeberg.org → https://codeberg.org/api/v1

  std::string name() const override { return api_.name(); }
  // `owner`: an organisation or a user. Empty: what the token's user owns or works on.
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  Result<Url> url_of(std::string_view repository) const override;
  // For the token's user, or for an organisation that is there.
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  Result<std::vector<HostedRepository>> list_at(std::string doing, std::string path, std::stop_token stop);
  Result<std::string> user(std::stop_token stop);

  const Url web_;
  ForgeApi api_;
};

// One page of a list of repositories, for fuzzing too.
Result<std::vector<HostedRepository>> parse_gitea_repositories(std::string_view body, const Url& web);

}  // namespace packferry
