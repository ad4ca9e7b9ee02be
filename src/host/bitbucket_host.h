// The repositories of Bitbucket Cloud, through its API. "Bitbucket Cloud REST API", Atlassian. What Atlassian's own
// servers speak is another one: bitbucket_server_host.h.
#pragma once

#include <string>

#include "host/forge_api.h"
#include "host/host.h"

namespace packferry {

class BitbucketHost final : public Host {
 public:
  // `web`: https://bitbucket.org, where Git is; `api`: see api_of(). The referenced objects outlive it.
  BitbucketHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock);
  // https://bitbucket.org → https://api.bitbucket.org/2.0
  static Url api_of(const Url& web);

  std::string name() const override { return api_.name(); }
  // `owner`: a workspace, or a project of one, "WORKSPACE/KEY". Empty: where the token's user is a member.
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  Result<Url> url_of(std::string_view repository) const override;
  // In the workspace's oldest project.
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  const Url web_;
  ForgeApi api_;
};

// One page of a list of repositories, for fuzzing too.
Result<ListedPage> parse_bitbucket_repositories(std::string_view body, const Url& web);

}  // namespace packferry
