#include "aws/codecommit_address.h"

#include "base/check.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::string_view kRepositories = "/v1/repos/";

bool take_front(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view domain_of(std::string_view region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

Result<Url> git_base(const std::string& region, const std::string& endpoint) {
  if (endpoint.empty()) return Url::parse(fmt::format("https://git-codecommit.{}.{}", region, domain_of(region)));
  const bool is_url = endpoint.starts_with("https://") || endpoint.starts_with("http://");
  Url base = TRY(Url::parse(is_url ? endpoint : "https://" + endpoint).context("CODE_COMMIT_ENDPOINT"));
  if (!base.user().empty() || !base.password().empty() || !base.query().empty())
    return Error(ErrorKind::Invalid, "CODE_COMMIT_ENDPOINT is a host, host:port or the URL of one");
  return base;
}

// What stands after /v1/repos/ in an https URL has to be what a codecommit URL takes for a name.
Result<std::string> repository_of(const Url& url) {
  std::string_view name = url.path();
  if (name.ends_with('/')) name.remove_suffix(1);
  if (!take_front(name, kRepositories) || !url.query().empty())
    return Error(ErrorKind::Invalid, "{}: a repository of CodeCommit is at https://{}/v1/repos/NAME", url.text(),
                 url.host());
  TRY(Url::parse(fmt::format("codecommit://{}", name)).context("{}", url.text()));
  return std::string(name);
}

}  // namespace

std::optional<std::string> region_of_codecommit_host(std::string_view host) {
  const bool is_in_vpc = host.starts_with("vpce-");
  if (is_in_vpc) host.remove_prefix(std::min(host.find('.'), host.size() - 1) + 1);
  if (!take_front(host, "git-codecommit.") && !take_front(host, "git-codecommit-fips.")) return std::nullopt;
  const std::string region(host.substr(0, host.find('.')));
  host.remove_prefix(region.size());
  if (is_in_vpc && !take_front(host, ".vpce")) return std::nullopt;
  if (!has_shape_of_aws_region(region) || !take_front(host, ".") || host != domain_of(region)) return std::nullopt;
  return region;
}

bool is_codecommit(const Url& url) {
  return url.scheme() == Scheme::CodeCommit ||
         (url.scheme() == Scheme::Https && region_of_codecommit_host(url.host()).has_value());
}

std::string region_of_codecommit(const Url& url) {
  return url.is_http() ? region_of_codecommit_host(url.host()).value_or("") : url.region();
}

Result<CodeCommitAddress> codecommit_address(const Url& url, const std::string& otherwise,
                                             const CodeCommitEndpoints& endpoints) {
  CHECK(is_codecommit(url));
  if (url.is_http()) {
    const std::string region = *region_of_codecommit_host(url.host());
    std::string repository = TRY(repository_of(url));
    // The endpoints of one VPC have an id each for Git and for the API: one does not tell the other.
    const bool is_fips = url.host().starts_with("git-codecommit-fips.");
    Url git = TRY(Url::parse(fmt::format("{}{}{}", url.origin(), kRepositories, repository)));
    Url api = TRY(aws_endpoint(is_fips ? "codecommit-fips" : "codecommit", region, endpoints.api));
    return CodeCommitAddress{region, std::move(repository), std::move(git), std::move(api)};
  }
  const std::string region = url.region().empty() ? otherwise : url.region();
  if (region.empty())
    return Error(ErrorKind::Invalid,
                 "{}: in which region? write codecommit::REGION://…, or set AWS_REGION or the "
                 "profile's region",
                 url.text());
  if (!has_shape_of_aws_region(region))
    return Error(ErrorKind::Invalid, "{}: '{}' is no region of AWS", url.text(), printable(region, 100));
  const Url base = TRY(git_base(region, endpoints.git));
  Url api = TRY(aws_endpoint("codecommit", region, endpoints.api));
  return CodeCommitAddress{region, url.path().substr(kRepositories.size()), base.with_path_suffix(url.path()),
                           std::move(api)};
}

Result<> check_codecommit(const Url& url) {
  CHECK(is_codecommit(url));
  if (url.is_http()) TRY(repository_of(url));
  return {};
}

Result<Url> aws_endpoint(std::string_view service, std::string_view region, const std::string& endpoint) {
  if (!endpoint.empty()) {
    Url url = TRY(Url::parse(endpoint).context("the endpoint of {}", service));
    if (!url.is_http()) return Error(ErrorKind::Invalid, "the endpoint of {} is no http(s) URL", service);
    return url;
  }
  if (region.empty()) return Url::parse(fmt::format("https://{}.amazonaws.com", service));
  if (!has_shape_of_aws_region(region))
    return Error(ErrorKind::Invalid, "'{}' is no region of AWS", printable(region, 100));
  return Url::parse(fmt::format("https://{}.{}.{}", service, region, domain_of(region)));
}

}  // namespace packferry
