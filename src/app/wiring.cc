#include "app/wiring.h"

#include <filesystem>
#include <mutex>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "app/aws_ends.h"
#include "base/printable.h"
#include "engine/hosted_destination.h"
#include "host/host_profile.h"
#include "net/credentials.h"
#include "net/http.h"
#include "remote/http_transport.h"
#include "remote/process_transport.h"
#include "remote/remote.h"
#include "store/file_store.h"
#include "store/retrying_store.h"
#include "store/s3_store.h"

namespace packferry {
namespace {

// One set, and the origin that it is for: the first that gets it.
class CredentialSet {
 public:
  CredentialSet(std::string where, Credentials credentials)
      : where_(std::move(where)), credentials_(std::move(credentials)) {}

  Result<Credentials> give_to(const Url& url) {
    if (origin_.empty()) origin_ = url.origin();
    if (origin_ != url.origin())
      return Error(ErrorKind::Invalid,
                   "{} would be shown to {} and to {}; give each side its own with …_SOURCE and …_DESTINATION, "
                   "--source-credentials and --destination-credentials, or use git credential helpers",
                   where_, origin_, url.origin());
    return credentials_;
  }

 private:
  const std::string where_;
  const Credentials credentials_;
  std::string origin_;
};

std::optional<CredentialSet> from_variables(const CredentialVariables& variables, const std::string& suffix) {
  if (!variables.is_set()) return std::nullopt;
  if (variables.token.empty())
    return CredentialSet("PACKFERRY_PASSWORD" + suffix,
                         {.username = variables.username, .password = variables.password});
  const std::string user = variables.username.empty() ? std::string(kTokenUser) : variables.username;
  return CredentialSet("PACKFERRY_TOKEN" + suffix, {.username = user, .password = variables.token});
}

Result<std::optional<CredentialSet>> from_file(const std::string& path, const std::string& option) {
  if (path.empty()) return std::optional<CredentialSet>();
  Credentials credentials = TRY(read_credentials_file(path).context("{}", option));
  return std::optional<CredentialSet>(std::in_place, fmt::format("{} {}", option, path), std::move(credentials));
}

class RealEnds final : public Ends {
 public:
  RealEnds(const Environment& environment, EndOptions options, const std::string& version, Clock& clock)
      : environment_(environment),
        clock_(clock),
        options_(std::move(options)),
        http_({.user_agent = "packferry/" + version,
               .ca_file = options_.ca_file.empty() ? environment.ca_file : options_.ca_file,
               .patience = options_.patience}),
        aws_(environment, options_, "packferry/" + version, http_, clock, seed()),
        helper_(std::make_shared<GitCredentialHelper>(environment.for_children, options_.may_prompt)) {}

  Result<> read_credentials();

  using Ends::source;
  Result<std::unique_ptr<Source>> source(const Url& url, Side side, const std::string& default_branch) override {
    std::unique_ptr<Source> there = std::make_unique<RemoteSource>(TRY(remote(url, side)));
    if (!is_codecommit(url) || (url.scheme() != Scheme::CodeCommit && !TRY(aws_.has_identity(url, side)))) return there;
    return std::make_unique<HeadedSource>(
        std::move(there), [this, url, side, default_branch](std::stop_token stop) -> Result<std::string> {
          if (!default_branch.empty()) return default_branch;
          const HostedPlace place = TRY(aws_.place(url, side));
          return TRY(place.host->find(place.repository, std::move(stop)))
          .default_branch;
        });
  }

  Result<std::unique_ptr<Destination>> destination(const Url& url) override {
    std::unique_ptr<Remote> there = TRY(remote(url, Side::Destination));
    if (url.is_local())
      return std::make_unique<LocalDestination>(std::move(there), std::filesystem::absolute(url.path()).string(),
                                                environment_.for_children);
    auto destination = std::make_unique<RemoteDestination>(std::move(there), profile_of(url));
    if (!options_.create_destinations) return destination;
    HostedPlace place = TRY(aws_.place_to_make(url, Side::Destination).context("--create"));
    return std::make_unique<HostedDestination>(std::move(destination), std::move(place.host),
                                               NewRepository{.name = std::move(place.repository)});
  }

  Result<std::unique_ptr<ObjectStore>> store(const StoreAddress& address, const StoreOptions& options,
                                             bool for_writing) override {
    if (address.s3) return s3_store(*address.s3, options);
    return TRY(FileStore::open(std::filesystem::absolute(address.path),
                               for_writing ? FileStore::IfMissing::Make : FileStore::IfMissing::Fail, clock_));
  }

  Result<std::unique_ptr<Host>> host(const std::string& kind, const std::string& region, Side side) override {
    if (kind == "codecommit") return aws_.codecommit("", region, side);
    return Error(ErrorKind::Unsupported, "'{}' is no host whose repositories can be listed", printable(kind));
  }

  Result<HostedPlace> hosted(const Url& url, Side side) override { return aws_.place_to_make(url, side); }

  Result<std::optional<GitPassword>> git_password(const Url& url, Side side, std::stop_token stop) override {
    return aws_.git_password(url, side, std::move(stop));
  }

  const std::vector<std::string>& child_environment() const override { return environment_.for_children; }

 private:
  Result<std::unique_ptr<ObjectStore>> s3_store(const S3Location& location, const StoreOptions& options) {
    const AwsEnds::Found& found = *TRY(aws_.for_store());
    S3Options s3 = TRY(s3_options(found.profile, options));
    S3Store* store = keep(TRY(S3Store::open(location, std::move(s3), http_, *found.credentials, clock_)));
    return std::make_unique<RetryingStore>(*store, RetryOptions{.patience = options_.patience.stall_ms, .seed = seed()},
                                           clock_);
  }

  Result<S3Options> s3_options(const AwsProfile& profile, const StoreOptions& options) const {
    S3Options s3{.region = options.region.empty() ? profile.region().value_or("") : options.region,
                 .encryption = options.server_side_encryption,
                 .kms_key_id = options.kms_key_id,
                 .storage_class = options.storage_class,
                 .acl = options.bucket_owner_full_control ? "bucket-owner-full-control" : "",
                 .expected_bucket_owner = options.expected_bucket_owner,
                 .seed = seed()};
    const std::string endpoint = options.endpoint.empty() ? profile.endpoint_url("s3").value_or("") : options.endpoint;
    if (!endpoint.empty()) s3.endpoint = TRY(Url::parse(endpoint).context("the endpoint of S3"));
    const std::string style =
        options.addressing == "auto" ? profile.find("s3.addressing_style").value_or("auto") : options.addressing;
    if (style == "path") s3.addressing = S3Addressing::Path;
    if (style == "virtual") s3.addressing = S3Addressing::VirtualHost;
    if (!options.object_lock_mode.empty())
      s3.object_lock = S3ObjectLock{options.object_lock_mode, std::chrono::hours(24 * options.object_lock_days)};
    return s3;
  }

  // Another one for each process: who waits, and who writes, is told apart by it.
  static std::uint64_t seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }

  Result<std::unique_ptr<Remote>> remote(const Url& url, Side side) {
    return std::make_unique<Remote>(TRY(transport(url, side)), options_.protocol, &greeted_);
  }

  Result<std::unique_ptr<Transport>> transport(const Url& url, Side side) {
    switch (url.scheme()) {
      case Scheme::CodeCommit:
        return codecommit_transport(url, side);
      case Scheme::Https:
      case Scheme::Http:
        if (is_codecommit(url)) TRY(check_codecommit(url));
        return make_http_transport(url, http_, TRY(credentials_for(url, side)));
      case Scheme::Ssh:
        return make_ssh_transport(url, ssh(), environment_.for_children, options_.patience);
      case Scheme::Git:
        return make_tcp_transport(url, options_.patience);
      case Scheme::File:
        return make_local_transport(url, environment_.for_children, options_.patience);
    }
    CHECK(!"a scheme has a carrier");
    return Error(ErrorKind::Unsupported, "{}", url.text());
  }

  // The address itself says that AWS credentials are meant: others, in the environment or a file, are for the other
  // end.
  Result<std::unique_ptr<Transport>> codecommit_transport(const Url& url, Side side) {
    AwsEnds::Repository there = TRY(aws_.repository(url, side));
    return make_http_transport(there.address.git, http_, std::move(there.credentials), url.text());
  }

  SshOptions ssh() const {
    SshOptions ssh{.command = environment_.ssh_command, .may_prompt = options_.may_prompt};
    if (!environment_.ssh_program.empty()) ssh.program = environment_.ssh_program;
    return ssh;
  }

  Result<std::shared_ptr<CredentialSource>> credentials_for(const Url& url, Side side) {
    if (options_.credentials != nullptr)
      return std::shared_ptr<CredentialSource>(std::shared_ptr<void>(), options_.credentials);
    if (std::optional<Credentials> given = TRY(given_for(url, side)))
      return std::make_shared<FixedCredentials>(url, *std::move(given));
    if (!url.password().empty())
      return std::make_shared<FixedCredentials>(url, Credentials{.username = url.user(), .password = url.password()});
    // A user name in it is that of IAM's Git credentials, whose password a helper knows.
    if (is_codecommit(url) && url.user().empty() && TRY(aws_.has_identity(url, side)))
      return std::shared_ptr<CredentialSource>(TRY(aws_.repository(url, side)).credentials);
    return helper_;
  }

  // From the environment or a file.
  Result<std::optional<Credentials>> given_for(const Url& url, Side side) {
    const std::lock_guard lock(mutex_);
    const std::vector<CredentialSet*>& sets = side == Side::Source ? source_sets_ : destination_sets_;
    if (sets.empty()) return std::optional<Credentials>();
    return std::optional(TRY(sets.front()->give_to(url)));
  }

  S3Store* keep(std::unique_ptr<S3Store> store) {
    const std::lock_guard lock(mutex_);
    return static_cast<S3Store*>(stores_.emplace_back(std::move(store)).get());
  }

  const Environment& environment_;
  Clock& clock_;
  const EndOptions options_;
  HttpClient http_;
  GreetedHosts greeted_;
  AwsEnds aws_;
  const std::shared_ptr<GitCredentialHelper> helper_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ObjectStore>> stores_;
  std::vector<std::unique_ptr<CredentialSet>> sets_;
  // For each side, what is there; the first one counts.
  std::vector<CredentialSet*> source_sets_;
  std::vector<CredentialSet*> destination_sets_;
};

Result<> RealEnds::read_credentials() {
  if (!options_.ask_environment) return {};
  const auto add = [this](std::optional<CredentialSet> set, bool for_source, bool for_destination) {
    if (!set) return;
    CredentialSet* kept = sets_.emplace_back(std::make_unique<CredentialSet>(*std::move(set))).get();
    if (for_source) source_sets_.push_back(kept);
    if (for_destination) destination_sets_.push_back(kept);
  };
  add(from_variables(environment_.for_source, "_SOURCE"), true, false);
  add(from_variables(environment_.for_destination, "_DESTINATION"), false, true);
  add(from_variables(environment_.for_both, ""), true, true);
  add(TRY(from_file(options_.source_credentials_file, "--source-credentials")), true, false);
  add(TRY(from_file(options_.destination_credentials_file, "--destination-credentials")), false, true);
  add(TRY(from_file(options_.credentials_file, "--credentials")), true, true);
  return {};
}

}  // namespace

MakeEnds make_real_ends(const Environment& environment, std::string version, Clock& clock) {
  return
      [&environment, &clock, version = std::move(version)](const EndOptions& options) -> Result<std::unique_ptr<Ends>> {
        auto ends = std::make_unique<RealEnds>(environment, options, version, clock);
        TRY(ends->read_credentials());
        return ends;
      };
}

}  // namespace packferry
