// Repositories that somebody wrote down, wherever they are: no API, and nothing that could be asked.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/host.h"

namespace packferry {

class ListHost final : public Host {
 public:
  // Names are what the addresses have behind their hosts, without ".git": "https://x.example/app/web.git" is "app/web".
  // Invalid: two with one name, or a name that is none.
  static Result<std::unique_ptr<ListHost>> make(const std::vector<Url>& repositories);

  std::string name() const override { return "list"; }
  Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) override;
  Result<HostedRepository> find(std::string_view repository, std::stop_token stop) override;
  Result<Url> url_of(std::string_view repository) const override;  // NotFound: not on the list
  Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) override;
  Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) override;

 private:
  explicit ListHost(std::map<std::string, Url, std::less<>> urls) : urls_(std::move(urls)) {}

  const std::map<std::string, Url, std::less<>> urls_;  // by name
};

}  // namespace packferry
