// What the command line needs to reach repositories and stores, and all that it knows of how they are reached. The
// program gives it the real thing (app/wiring.h), a test gives it ends in memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/aws_identity.h"
#include "base/result.h"
#include "engine/destination.h"
#include "engine/source.h"
#include "host/host.h"
#include "io/pace.h"
#include "net/credentials.h"
#include "net/url.h"
#include "store/object_store.h"
#include "store/store_address.h"

namespace packferry {

// Whose credentials are meant: those of the source, or those of the destinations.
enum class Side { Source, Destination };

// A repository at a host that has an API besides Git.
struct HostedPlace {
  std::unique_ptr<Host> host;
  std::string repository;  // its name there
};

// What a credential helper answers with.
struct GitPassword {
  Credentials credentials;
  std::optional<Clock::WallTime> expires_at;
};

struct EndOptions {
  int protocol = 2;
  Patience patience;
  // Files for read_credentials_file(); empty: none. The one for a side goes before the one for both.
  std::string credentials_file;
  std::string source_credentials_file;
  std::string destination_credentials_file;
  // Of a fleet's host: who we are to it, on either side, instead of anything that is found elsewhere. Outlives the
  // ends.
  CredentialSource* credentials = nullptr;
  // May PACKFERRY_TOKEN and the like, which are for one source and one destination, be looked at?
  bool ask_environment = true;
  // As whom we go to AWS on each side, and to the store.
  AwsIdentity source_identity;
  AwsIdentity destination_identity;
  AwsIdentity store_identity;
  // A destination that is not there is made where its host has a way to be asked: CodeCommit.
  bool create_destinations = false;
  // Regions in which a repository may be made; empty: any.
  std::vector<std::string> allowed_regions;
  std::string ca_file;
  bool may_prompt = false;  // may credential helpers and ssh ask the person?
};

// Makes ends; talks to nobody yet. What it makes must not outlive it. Safe from several threads.
class Ends {
 public:
  virtual ~Ends() = default;
  // A repository to read from. Destinations are read from too, when they are compared; hence the side.
  // `default_branch`, "main": what its host has said already; empty: the host is asked where the protocol does not
  // tell.
  virtual Result<std::unique_ptr<Source>> source(const Url& url, Side side, const std::string& default_branch) = 0;
  Result<std::unique_ptr<Source>> source(const Url& url, Side side) { return source(url, side, {}); }
  virtual Result<std::unique_ptr<Destination>> destination(const Url& url) = 0;
  // A place for backups. Only a writer may make the directory that is not there yet.
  virtual Result<std::unique_ptr<ObjectStore>> store(const StoreAddress& address, const StoreOptions& options,
                                                     bool for_writing) = 0;
  // The repositories of an account as a whole. `kind`: "codecommit"; any other is Unsupported. Whose account it is, the
  // credentials of `side` decide; empty `region`: theirs.
  virtual Result<std::unique_ptr<Host>> host(const std::string& kind, const std::string& region, Side side) = 0;
  // The host that `url` leads to, for making that repository there. Unsupported where there is no way to ask; Invalid
  // in a region that is not allowed.
  virtual Result<HostedPlace> hosted(const Url& url, Side side) = 0;
  // What is made anew for each use and no helper of git's can keep; nothing for a host that takes others.
  virtual Result<std::optional<GitPassword>> git_password(const Url& url, Side side, std::stop_token stop) = 0;
  // What git and other programs run with that are started for a restore or a zip.
  virtual const std::vector<std::string>& child_environment() const = 0;
};

using MakeEnds = std::function<Result<std::unique_ptr<Ends>>(const EndOptions& options)>;

}  // namespace packferry
