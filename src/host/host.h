// What a host says about its repositories as a whole: which there are, and how a new one is made. Git's own protocol
// has no words for either.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "git/oid.h"
#include "net/url.h"

namespace packferry {

enum class Visibility { Private, Internal, Public };
std::string_view to_string(Visibility visibility);  // "private", "internal", "public"

struct HostedRepository {
  std::string name;          // as the host writes it, "group/part/project"; unique together with account and region
  Url url;                   // where its Git service is
  std::string account = {};  // of AWS: twelve digits; empty where hosts have none
  std::string region = {};   // likewise
  // "main"; empty: there is none yet, or the host did not say.
  std::string default_branch = {};
  // The host's own, which outlives a renaming; empty: the host has none.
  std::string id = {};
  std::optional<Visibility> visibility = {};  // none: the host has no such thing, or did not say
  bool archived = false;                      // read-only
  bool fork = false;
  // What the host says changes with each push, as it writes it: while it is the same, nothing was pushed, if the host
  // tells the truth. Empty: the host says nothing of the kind.
  std::string last_push = {};
  // Where the Git service of its wiki is, if the host says that there may be one; it may be missing or empty.
  std::optional<Url> wiki = {};
  bool is_wiki = false;  // it is such a one itself
};

struct NewRepository {
  std::string name;
  std::string description = {};
  std::map<std::string, std::string> tags = {};
  Visibility visibility = Visibility::Private;
  ObjectFormat format = ObjectFormat::Sha1;
};

// One account of a host (and one region, where the host has regions). Safe from several threads.
class Host {
 public:
  virtual ~Host() = default;
  // "codecommit eu-central-1", as it stands in messages and reports.
  virtual std::string name() const = 0;
  // Every repository of `owner` that our credentials may see, sorted by name, all pages of it. Half a list is an error:
  // what is missing from a list looks deleted. `owner`: a group with the groups in it, an organisation, a user, a
  // workspace or a project, in the host's own words; empty: all that is ours, as the host sees it. Unsupported: this
  // host has no owners.
  virtual Result<std::vector<HostedRepository>> list(const std::string& owner, std::stop_token stop) = 0;
  // One of them; NotFound when there is none of this name, or none that our credentials may see.
  virtual Result<HostedRepository> find(std::string_view repository, std::stop_token stop) = 0;
  // Where a repository of this name is, or would be: no question.
  virtual Result<Url> url_of(std::string_view repository) const = 0;
  // Conflict: there is one of this name already. Invalid: a name, description or tag that the host would refuse.
  // Unsupported: this host makes none. What the format asks for and the host cannot give is Unsupported too.
  virtual Result<HostedRepository> create(const NewRepository& wanted, std::stop_token stop) = 0;
  // `branch` is a short name, "main"; Invalid: there is no such branch.
  virtual Result<> set_default_branch(std::string_view repository, std::string_view branch, std::stop_token stop) = 0;
};

}  // namespace packferry
