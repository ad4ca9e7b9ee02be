#include "app/aws_ends.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/aws_metadata.h"
#include "aws/codecommit_credentials.h"
#include "aws/codecommit_password.h"
#include "host/codecommit_host.h"

namespace packferry {
namespace {

Error no_region(std::string_view whose) {
  return Error(ErrorKind::Invalid,
               "{}: in which region? say --region or codecommit::REGION://…, or set AWS_REGION or "
               "the profile's region",
               whose);
}

}  // namespace

AwsEnds::AwsEnds(const Environment& environment, const EndOptions& options, std::string user_agent, HttpClient& http,
                 Clock& clock, std::uint64_t seed)
    : environment_(environment),
      options_(options),
      http_(http),
      clock_(clock),
      metadata_http_(
          metadata_http_options({.user_agent = std::move(user_agent), .ca_file = {}, .patience = options.patience})),
      caller_(http_, clock_, {.seed = seed}),
      lookup_([&environment](std::string_view name) { return environment.for_aws(name); }) {}

Result<const AwsEnds::Found*> AwsEnds::for_store() { return find(options_.store_identity, ""); }

Result<AwsEnds::Repository> AwsEnds::repository(const Url& url, Side side) {
  Resolved there = TRY(resolve(url, side));
  auto credentials = std::make_unique<CodeCommitCredentials>(there.address, *there.found->credentials, clock_);
  return Repository{std::move(there.address), std::move(credentials)};
}

Result<bool> AwsEnds::has_identity(const Url& url, Side side) const {
  const AwsIdentity identity = identity_of(url, side);
  if (identity.is_named()) return true;
  return has_aws_credentials(TRY(AwsProfile::load("", lookup_)), lookup_);
}

Result<std::unique_ptr<MessageQueue>> AwsEnds::queue(const Url& url, const std::string& region,
                                                     std::chrono::seconds wait) {
  const Found& found = *TRY(find(options_.source_identity, region));
  // AWS_ENDPOINT_URL_SQS and its like; else the host of the queue itself.
  Url endpoint = TRY(Url::parse(found.profile.endpoint_url("sqs").value_or(url.origin() + "/")));
  return std::make_unique<SqsQueue>(url, std::move(endpoint), region, wait, caller_, *found.credentials);
}

Result<std::unique_ptr<Host>> AwsEnds::codecommit(const std::string& profile, const std::string& region, Side side) {
  AwsIdentity identity = side == Side::Source ? options_.source_identity : options_.destination_identity;
  if (!profile.empty()) identity.profile = profile;
  const Found& found = *TRY(find(identity, region));
  const std::string where = region.empty() ? found.profile.region().value_or("") : region;
  if (where.empty()) return no_region("codecommit");
  Url endpoint = TRY(aws_endpoint("codecommit", where, endpoints(found.profile).api));
  Sts sts = TRY(Sts::at(where, found.profile.endpoint_url("sts").value_or(""), caller_));
  return std::make_unique<CodeCommitHost>(where, std::move(endpoint), identity.profile, std::move(sts),
                                          *found.credentials, caller_);
}

Result<HostedPlace> AwsEnds::place(const Url& url, Side side) { return place(TRY(resolve(url, side)), side); }

Result<HostedPlace> AwsEnds::place(const Resolved& there, Side side) {
  return HostedPlace {
    TRY(codecommit(there.identity.profile, there.address.region, side))
    , there.address.repository
  };
}

Result<HostedPlace> AwsEnds::place_to_make(const Url& url, Side side) {
  if (!is_codecommit(url))
    return Error(ErrorKind::Unsupported, "{}: a repository can be made at CodeCommit from here, and nowhere else",
                 url.text());
  const Resolved there = TRY(resolve(url, side));
  const std::vector<std::string>& allowed = options_.allowed_regions;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), there.address.region) == allowed.end())
    return Error(ErrorKind::Invalid, "{}: no repository may be made in {}; allowed: {}", url.text(),
                 there.address.region, fmt::join(allowed, ", "));
  return place(there, side);
}

Result<std::optional<GitPassword>> AwsEnds::git_password(const Url& url, Side side, std::stop_token stop) {
  if (is_codecommit(url) && url.path() == "/")
    return Error(ErrorKind::Invalid,
                 "git did not say which repository, and that is part of the password: git config --global "
                 "credential.{}.useHttpPath true",
                 url.origin());
  const std::optional<Url> meant = codecommit_behind(url);
  if (!meant) return std::optional<GitPassword>();
  const Resolved there = TRY(resolve(*meant, side));
  const AwsCredentials credentials = TRY(there.found->credentials->get(std::move(stop)));
  const Clock::WallTime now = clock_.now();
  return std::optional(GitPassword{codecommit_password(credentials, there.address.region, there.address.git, now),
                                   codecommit_password_expiry(now)});
}

// Git asks about https addresses only: behind the host of CODE_COMMIT_ENDPOINT is CodeCommit too.
std::optional<Url> AwsEnds::codecommit_behind(const Url& url) const {
  if (is_codecommit(url)) return url;
  const std::string endpoint = environment_.for_aws("CODE_COMMIT_ENDPOINT").value_or("");
  const std::size_t name = url.path().rfind('/') + 1;
  if (endpoint.empty() || !url.is_http()) return std::nullopt;
  const Result<Url> meant = Url::parse("codecommit://" + url.path().substr(name));
  if (!meant) return std::nullopt;
  // In whatever region: it is not in the address.
  const Result<CodeCommitAddress> address = codecommit_address(*meant, "us-east-1", {.git = endpoint});
  if (!address || !address->git.same_origin(url) || address->git.path() != url.path()) return std::nullopt;
  return *meant;
}

Result<AwsEnds::Resolved> AwsEnds::resolve(const Url& url, Side side) {
  AwsIdentity identity = identity_of(url, side);
  const Found* const found = TRY(find(identity, region_of_codecommit(url)));
  CodeCommitAddress address =
      TRY(codecommit_address(url, found->profile.region().value_or(""), endpoints(found->profile)));
  return Resolved{std::move(identity), found, std::move(address)};
}

// A profile in the URL is meant for this repository, so it goes before the side's; the side's role is assumed with it.
AwsIdentity AwsEnds::identity_of(const Url& url, Side side) const {
  AwsIdentity identity = side == Side::Source ? options_.source_identity : options_.destination_identity;
  if (url.scheme() == Scheme::CodeCommit && !url.user().empty()) identity.profile = url.user();
  return identity;
}

Result<const AwsEnds::Found*> AwsEnds::find(const AwsIdentity& identity, const std::string& region) {
  std::string key;
  for (const std::string& part :
       {identity.profile, identity.role_arn, identity.external_id, identity.session_name, region})
    key += part + '\n';
  const std::lock_guard lock(mutex_);
  if (const auto known = found_.find(key); known != found_.end()) return &known->second;
  AwsProfile profile = TRY(AwsProfile::load(identity.profile, lookup_));
  std::unique_ptr<AwsCredentialSource> credentials = TRY(find_aws_credentials(
      profile, identity, region, {lookup_, environment_.for_children, metadata_http_, caller_, clock_}));
  return &found_.emplace(std::move(key), Found{std::move(profile), std::move(credentials)}).first->second;
}

CodeCommitEndpoints AwsEnds::endpoints(const AwsProfile& profile) const {
  return {.git = environment_.for_aws("CODE_COMMIT_ENDPOINT").value_or(""),
          .api = profile.endpoint_url("codecommit").value_or("")};
}

}  // namespace packferry
