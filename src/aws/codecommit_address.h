// Where a repository of AWS CodeCommit is: its region, its name, and the two hosts that know it, Git's and the API's.
// "Setup for HTTPS users", "AWS CodeCommit endpoints", AWS CodeCommit User Guide.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/url.h"

namespace packferry {

// "git-codecommit.eu-central-1.amazonaws.com", with "-fips", of China, or of an endpoint in a VPC: its region.
std::optional<std::string> region_of_codecommit_host(std::string_view host);

// A codecommit URL, or https to such a host.
bool is_codecommit(const Url& url);

// The region that such a URL names; empty: none, the profile's is meant.
std::string region_of_codecommit(const Url& url);

// Other hosts than AWS's own, as the environment and the profile name them; empty: none.
struct CodeCommitEndpoints {
  // CODE_COMMIT_ENDPOINT, as git-remote-codecommit has it: a host, or host:port, for URLs that name none. We also take
  // an http(s) URL, for a proxy. The region that is signed for stays the one of the URL or the profile.
  std::string git = {};
  std::string api = {};  // AWS_ENDPOINT_URL_CODECOMMIT and its like
};

struct CodeCommitAddress {
  std::string region;
  std::string repository;
  Url git;  // https://git-codecommit.REGION.amazonaws.com/v1/repos/REPOSITORY
  Url api;  // https://codecommit.REGION.amazonaws.com/
};

// `url` is_codecommit(). `otherwise` is the region where the URL has none; Invalid when that is empty too, when there
// is no repository in the path, or when the path is one that CodeCommit answers with 404: ".git" at its end.
Result<CodeCommitAddress> codecommit_address(const Url& url, const std::string& otherwise,
                                             const CodeCommitEndpoints& endpoints);

// Invalid for an https URL that CodeCommit would answer with 404: see codecommit_address().
Result<> check_codecommit(const Url& url);

// The endpoint of a service in a region, or `endpoint` where that is not empty. For STS, the region may be empty: the
// host for all regions, which signs for us-east-1.
Result<Url> aws_endpoint(std::string_view service, std::string_view region, const std::string& endpoint);

}  // namespace packferry
