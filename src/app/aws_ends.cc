#include "app/aws_ends.h"

#include <random>

#include "aws/aws_metadata.h"
#include "aws/codecommit_credentials.h"
#include "host/codecommit_host.h"

namespace packferry {
namespace {

// Another one for each process: who waits is told apart by it.
std::uint64_t seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

Error no_region(std::string_view whose) {
  return Error(ErrorKind::Invalid,
               "{}: in which region? say --region or codecommit::REGION://…, or set AWS_REGION or "
               "the profile's region",
               whose);
}

}  // namespace

AwsEnds::AwsEnds(const Environment& environment, const EndOptions& options, std::string user_agent, HttpClient& http,
                 Clock& clock)
    : environment_(environment),
      options_(options),
      http_(http),
      clock_(clock),
      metadata_http_(
          metadata_http_options({.user_agent = std::move(user_agent), .ca_file = {}, .patience = options.patience})),
      caller_(http_, clock_, {.seed = seed()}),
      lookup_([&environment](std::string_view name) { return environment.for_aws(name); }) {}

Result<const AwsEnds::Found*> AwsEnds::for_store() { return find(options_.store_identity, ""); }

Result<AwsEnds::Repository> AwsEnds::repository(const Url& url, Side side) {
  const AwsIdentity identity = identity_of(url, side);
  const std::string region = url.is_http() ? region_of_codecommit_host(url.host()).value_or("") : url.region();
  const Found& found = *TRY(find(identity, region));
  CodeCommitAddress address =
      TRY(codecommit_address(url, found.profile.region().value_or(""), endpoints(found.profile)));
  auto credentials = std::make_unique<CodeCommitCredentials>(address, *found.credentials, clock_);
  return Repository{std::move(address), std::move(credentials)};
}

Result<bool> AwsEnds::has_identity(const Url& url, Side side) const {
  const AwsIdentity identity = identity_of(url, side);
  if (identity.is_named()) return true;
  return has_aws_credentials(TRY(AwsProfile::load("", lookup_)), lookup_);
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

Result<std::unique_ptr<Host>> AwsEnds::codecommit_of(const Url& url, Side side) {
  const std::string region = url.is_http() ? region_of_codecommit_host(url.host()).value_or("") : url.region();
  return codecommit(url.scheme() == Scheme::CodeCommit ? url.user() : std::string(), region, side)
      .context("{}", url.text());
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
