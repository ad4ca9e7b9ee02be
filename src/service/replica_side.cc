#include "service/replica_side.h"

#include <fmt/format.h>

#include <string_view>

#include "aws/codecommit_address.h"
#include "host/host_profile.h"

namespace packferry {
namespace {

// The words of the JSON contract.
std::string type_of(const Url& url) {
  const std::string name = profile_of(url).name;
  if (name == "gitlab") return "GitLab";
  if (name == "github") return "GitHub";
  if (name == "gitea") return "Gitea";
  if (name == "bitbucket") return "Bitbucket";
  return url.is_local() ? "Directory" : "Git";
}

// "AWS partitions", AWS General Reference
std::string_view partition_of(std::string_view region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

std::string_view console_of(std::string_view region) {
  if (region.starts_with("cn-")) return "console.amazonaws.cn";
  if (region.starts_with("us-gov-")) return "console.amazonaws-us-gov.com";
  return "console.aws.amazon.com";
}

}  // namespace

std::string codecommit_host(const std::string& region, const std::string& account) {
  return fmt::format("codecommit {} {}", region, account);
}

Result<ReplicaSide> replica_side(const Url& url, const SideFacts& facts) {
  if (!is_codecommit(url)) {
    const std::string host = url.is_local() ? std::string(kLocalHost) : url.is_http() ? url.origin() : url.host();
    return ReplicaSide{
        .url = url.text(), .host = host, .type = facts.type.empty() ? type_of(url) : facts.type, .id = url.text()};
  }
  const CodeCommitAddress address = TRY(codecommit_address(url, facts.region, {}));
  const std::string id = facts.account.empty() ? address.git.text()
                                               : fmt::format("arn:{}:codecommit:{}:{}:{}", partition_of(address.region),
                                                             address.region, facts.account, address.repository);
  return ReplicaSide{
      .url = url.text(), .host = codecommit_host(address.region, facts.account), .type = "CodeCommit", .id = id};
}

Result<std::string> replica_link(const Url& url, const SideFacts& facts) {
  if (is_codecommit(url)) {
    const CodeCommitAddress address = TRY(codecommit_address(url, facts.region, {}));
    return fmt::format("https://{0}.{1}/codesuite/codecommit/repositories/{2}/browse?region={0}", address.region,
                       console_of(address.region), address.repository);
  }
  if (!url.is_http()) return std::string();
  std::string text = url.text();
  if (text.ends_with(".git")) text.resize(text.size() - 4);
  return text;
}

}  // namespace packferry
