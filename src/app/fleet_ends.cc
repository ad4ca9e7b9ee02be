#include "app/fleet_ends.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "app/secret_reference.h"
#include "app/wiring.h"
#include "base/check.h"
#include "base/printable.h"
#include "engine/hosted_destination.h"
#include "host/bitbucket_host.h"
#include "host/bitbucket_server_host.h"
#include "host/directory_host.h"
#include "host/gitea_host.h"
#include "host/github_app.h"
#include "host/github_host.h"
#include "host/gitlab_host.h"
#include "host/list_host.h"
#include "io/file.h"
#include "net/credentials.h"
#include "net/http.h"
#include "service/known_hosts.h"

namespace packferry {
namespace {

// What a forge's token is, to its API and to Git.
struct ForgeIdentity {
  Credentials api;
  Credentials git;
};

ForgeIdentity identity_of(const FleetHost& host, const Secret& token) {
  const Credentials bearer{.username = {}, .password = token, .bearer = true};
  const auto as = [&](std::string_view user) {
    return Credentials{.username = host.user.empty() ? std::string(user) : host.user, .password = token};
  };
  switch (host.kind) {
    case HostKind::GitHub:
      return {bearer, as("x-access-token")};
    // A person's API token goes with their address, to the API; an access token goes alone.
    case HostKind::Bitbucket:
      return {host.user.empty() ? bearer : as(""), as("x-token-auth")};
    case HostKind::BitbucketServer:
      return {bearer, host.user.empty() ? bearer : as("")};
    case HostKind::GitLab:
    case HostKind::Gitea:
    case HostKind::CodeCommit:
    case HostKind::Directory:
    case HostKind::List:
      return {bearer, as(kTokenUser)};
  }
  CHECK(!"a HostKind has an identity");
  return {bearer, bearer};
}

// Git, as a TokenSource is to the API: a GitHub App's token is another one every hour.
class GitToken final : public CredentialSource {
 public:
  GitToken(const Url& web, TokenSource& tokens) : origin_(web.origin()), tokens_(tokens) {}

  std::optional<Credentials> up_front(const Url&) override { return std::nullopt; }
  Result<std::optional<Credentials>> for_request(const Url& url, std::optional<Credentials> held,
                                                 std::stop_token stop) override {
    if (url.origin() != origin_) return held;
    return std::optional(TRY(ask(url, std::move(stop))));
  }
  Result<Credentials> ask(const Url& url, std::stop_token stop) override {
    if (url.origin() != origin_) return Error(ErrorKind::NotFound, "{}: these credentials are not for it", url.text());
    const std::optional<Credentials> api = TRY(tokens_.get(std::move(stop)));
    if (!api) return Error(ErrorKind::NotFound, "{}: there are no credentials for it", url.text());
    return Credentials{.username = api->username, .password = api->password};
  }

 private:
  const std::string origin_;
  TokenSource& tokens_;
};

// One address a line; empty lines and those that begin with # say nothing.
Result<std::vector<Url>> listed_by(const FleetHost& host) {
  constexpr std::size_t kListBytesMax = 64u * 1024 * 1024;
  std::vector<Url> all = host.repositories;
  if (host.file.empty()) return all;
  const std::unique_ptr<Reader> reader = TRY(open_file(host.file));
  const std::vector<std::byte> bytes = TRY(read_all(*reader, kListBytesMax).context("{}", printable(host.file)));
  std::string_view text = as_text(bytes);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    all.push_back(TRY(Url::parse(line).context("{}:{}", printable(host.file), number)));
  }
  return all;
}

class RealFleetEnds final : public FleetEnds {
 public:
  RealFleetEnds(const Environment& environment, std::string version, Clock& clock, const EndOptions& options)
      : environment_(environment),
        version_(std::move(version)),
        clock_(clock),
        options_(options),
        make_ends_(make_real_ends(environment, version_, clock)) {}

  Result<Host*> host(const FleetHost& host) override {
    return TRY(place(host))
    ->host.get();
  }

  Result<ObjectStore*> store(const FleetStore& store) override {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Vault>& vault = vaults_[store.name];
    if (vault) return vault->store.get();
    EndOptions options = options_;
    options.store_identity = store.identity;
    auto made = std::make_unique<Vault>();
    made->ends = TRY(make_ends_(options));
    made->store = TRY(made->ends->store(store.address, store.options, true));
    vault = std::move(made);
    return vault->store.get();
  }

  Result<std::unique_ptr<Source>> source(const FleetHost& host, const HostedRepository& repository) override {
    return TRY(place(host))
    ->ends->source(repository.url, Side::Source, repository.default_branch);
  }

  Result<std::unique_ptr<Destination>> destination(const FleetHost& host, const Url& url,
                                                   const NewRepository* wanted) override {
    const Place& place = *TRY(this->place(host));
    std::unique_ptr<Destination> there = TRY(place.ends->destination(url));
    // The local git makes one by itself.
    if (wanted == nullptr || url.is_local()) return there;
    return std::make_unique<HostedDestination>(std::move(there), place.host, *wanted);
  }

  const std::vector<std::string>& child_environment() const override { return environment_.for_children; }

 private:
  struct Place {
    std::unique_ptr<HttpClient> http;
    std::unique_ptr<TokenSource> tokens;
    std::unique_ptr<CredentialSource> git;
    std::unique_ptr<Ends> ends;
    std::shared_ptr<Host> host;
  };
  struct Vault {
    std::unique_ptr<Ends> ends;
    std::unique_ptr<ObjectStore> store;
  };

  Result<const Place*> place(const FleetHost& host) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Place>& place = places_[host.name];
    if (!place) place = TRY(make_place(host).context("hosts.{}", host.name));
    return place.get();
  }

  Result<std::unique_ptr<Place>> make_place(const FleetHost& host) const {
    auto place = std::make_unique<Place>();
    EndOptions options = options_;
    if (!host.ca_file.empty()) options.ca_file = host.ca_file;
    options.source_identity = options.destination_identity = host.identity;
    options.ask_environment = false;
    place->http = std::make_unique<HttpClient>(
        HttpOptions{.user_agent = "packferry/" + version_,
                    .ca_file = options.ca_file.empty() ? environment_.ca_file : options.ca_file,
                    .patience = options.patience});
    // A directory has none, and nobody asks for it.
    const Url nowhere = TRY(Url::parse("https://localhost"));
    const Url web = host.repositories.empty() ? web_address_of(host).value_or(nowhere) : host.repositories.front();
    TRY(add_credentials(host, web, *place));
    options.credentials = place->git.get();
    place->ends = TRY(make_ends_(options));
    place->host = TRY(make_host(host, web, *place));
    return place;
  }

  Result<> add_credentials(const FleetHost& host, const Url& web, Place& place) const {
    if (host.app) {
      const Secret pem = TRY(secret(host.app->key));
      RsaKey key = TRY(RsaKey::parse(pem.reveal()).context("app.key"));
      place.tokens = std::make_unique<GitHubAppToken>(
          GitHubApp{.id = host.app->id, .installation = host.app->installation, .key = std::move(key)},
          GitHubHost::api_of(web), *place.http, clock_);
      place.git = std::make_unique<GitToken>(web, *place.tokens);
      return {};
    }
    if (!host.token) {
      place.tokens = std::make_unique<FixedToken>(std::nullopt);
      return {};
    }
    const ForgeIdentity identity = identity_of(host, TRY(secret(*host.token)));
    place.tokens = std::make_unique<FixedToken>(identity.api);
    place.git = std::make_unique<FixedCredentials>(web, identity.git);
    return {};
  }

  Result<std::shared_ptr<Host>> make_host(const FleetHost& host, const Url& web, Place& place) const {
    HttpClient& http = *place.http;
    TokenSource& tokens = *place.tokens;
    switch (host.kind) {
      case HostKind::GitLab:
        return std::make_shared<GitLabHost>(web, GitLabHost::api_of(web), tokens, http, clock_);
      case HostKind::GitHub:
        return std::make_shared<GitHubHost>(web, GitHubHost::api_of(web),
                                            host.app ? GitHubIdentity::Installation : GitHubIdentity::Person, tokens,
                                            http, clock_);
      case HostKind::Gitea:
        return std::make_shared<GiteaHost>(web, GiteaHost::api_of(web), tokens, http, clock_);
      case HostKind::Bitbucket:
        return std::make_shared<BitbucketHost>(web, BitbucketHost::api_of(web), tokens, http, clock_);
      case HostKind::BitbucketServer:
        return std::make_shared<BitbucketServerHost>(web, BitbucketServerHost::api_of(web), tokens, http, clock_);
      case HostKind::CodeCommit:
        return std::shared_ptr<Host>(TRY(place.ends->host("codecommit", host.region, Side::Source)));
      case HostKind::Directory:
        return std::make_shared<DirectoryHost>(host.path, environment_.for_children);
      case HostKind::List: {
        const std::vector<Url> listed = TRY(listed_by(host));
        return std::shared_ptr<Host>(TRY(ListHost::make(listed)));
      }
    }
    CHECK(!"a HostKind has a Host");
    return std::shared_ptr<Host>();
  }

  Result<Secret> secret(const SecretReference& reference) const { return look_up(reference, environment_); }

  const Environment& environment_;
  const std::string version_;
  Clock& clock_;
  const EndOptions options_;
  const MakeEnds make_ends_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Place>> places_;
  std::map<std::string, std::unique_ptr<Vault>> vaults_;
};

}  // namespace

MakeFleetEnds make_real_fleet_ends(const Environment& environment, std::string version, Clock& clock) {
  return [&environment, &clock, version = std::move(version)](const EndOptions& options) {
    return std::make_unique<RealFleetEnds>(environment, version, clock, options);
  };
}

}  // namespace packferry
