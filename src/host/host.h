// What a host says about its repositories as a whole: which there are, and how a new one is made. Git's own protocol
// has no words for either.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "net/url.h"

namespace packferry {

struct HostedRepository {
  std::string name;          // as the host writes it, unique together with account and region
  Url url;                   // where its Git service is
  std::string account = {};  // of AWS: twelve digits; empty where hosts have none
  std::string region = {};   // likewise
  // "main"; empty: there is none yet, or the host did not say.
  std::string default_branch = {};
};

struct NewRepository {
  std::string name;
  std::string description = {};
  std::map<std::string, std::string> tags = {};
};

// One account of a host (and one region, where the host has regions). Safe from several threads.
class Host {
 public:
  virtual ~Host() = default;
  // "codecommit eu-central-1", as it stands in messages and reports.
  virtual std::string name() const = 0;
  // Every repository that our credentials may see, sorted by name, all pages of it. Half a list is an error: what is
  // missing from a list looks deleted.
  virtual Result<std::vector<HostedRepository>> list(std::stop_token stop) = 0;
  // One of them; NotFound when there is none of this name, or none that our credentials may see.
  virtual Result<HostedRepository> find(std::string_view repository, std::stop_token stop) = 0;
  // Conflict: there is one of this name already. Invalid: a name, description or tag that the host would refuse.
  virtual Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) = 0;
  // `branch` is a short name, "main", of a branch that is there.
  virtual Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) = 0;
};

}  // namespace packferry
