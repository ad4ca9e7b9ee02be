// The projects of a GitLab, gitlab.com or one's own, through its API. "REST API", GitLab Docs.
#pragma once

#include <string>

#include "host/forge_api.h"
#include "host/host.h"

namespace packferry {

class GitLabHost final : public Host {
 public:
  // `web`: where a person opens it, and where Git is; `api`: see api_of(). The referenced objects outlive it.
  GitLabHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock);
  static Url api_of(const Url& web);  // https://gitlab.com → https://gitlab.com/api/v4

  std::string name() const override { return api_.name(); }
  // `owner`: a group, with those in it, or a user. Empty: the projects that the token's user is a member of.
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  Result<Url> url_of(std::string_view repository) const override;
  // The group has to be there.
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  Result<std::vector<HostedRepository>> list_at(std::string doing, std::string path, std::string query,
                                                std::stop_token stop);

  const Url web_;
  ForgeApi api_;
};

// One page of a list of projects, for fuzzing too.
Result<std::vector<HostedRepository>> parse_gitlab_projects(std::string_view body, const Url& web);

}  // namespace packferry
