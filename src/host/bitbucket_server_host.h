// The repositories of a Bitbucket Data Center (once Server, once Stash), through its API. "Bitbucket Data Center REST
// API", Atlassian.
#pragma once

#include <string>

#include "host/forge_api.h"
#include "host/host.h"

namespace packferry {

class BitbucketServerHost final : public Host {
 public:
  // `web`: where a person opens it, with its context path; Git is below it; `api`: see api_of(). The referenced objects
  // outlive it.
  BitbucketServerHost(Url web, const Url& api, TokenSource& tokens, HttpClient& http, Clock& clock);
  static Url api_of(const Url& web);  // https://HOST[/CONTEXT] → https://HOST[/CONTEXT]/rest/api/1.0

  std::string name() const override { return api_.name(); }
  // `owner`: the key of a project, "PRJ", or of a person's, "~ada". Empty: all that the token may read. Default
  // branches are a question for each repository, so a list has none: find() does.
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  Result<Url> url_of(std::string_view repository) const override;
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  Result<std::string> default_branch(std::string_view repository, std::stop_token stop);

  const Url web_;
  ForgeApi api_;
};

// One page of a list of repositories, for fuzzing too.
Result<ListedPage> parse_bitbucket_server_repositories(std::string_view body, const Url& web);

}  // namespace packferry
