#include "aws/codecommit_address.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

Result<CodeCommitAddress> address(std::string_view url, const std::string& otherwise = "",
                                  const CodeCommitEndpoints& endpoints = {}) {
  return codecommit_address(must(Url::parse(url)), otherwise, endpoints);
}

TEST(CodeCommitAddress, KnowsTheHostsOfCodeCommit) {
  const struct {
    const char *host, *region;  // no region: no such host
  } cases[] = {
      {"git-codecommit.us-east-1.amazonaws.com", "us-east-1"},
      {"git-codecommit-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
      {"git-codecommit.cn-north-1.amazonaws.com.cn", "cn-north-1"},
      {"vpce-0123-abcd.git-codecommit.eu-central-1.vpce.amazonaws.com", "eu-central-1"},
      {"vpce-0123-abcd-eu-central-1a.git-codecommit-fips.us-east-2.vpce.amazonaws.com", "us-east-2"},
      {"git-codecommit.us-east-1.amazonaws.com.evil.example", nullptr},
      {"git-codecommit.us-east-1.amazonaws.com.cn", nullptr},
      {"git-codecommit.cn-north-1.amazonaws.com", nullptr},
      {"git-codecommit.us-east-1.vpce.amazonaws.com", nullptr},
      {"vpce-1.git-codecommit.us-east-1.amazonaws.com", nullptr},
      {"x.git-codecommit.us-east-1.amazonaws.com", nullptr},
      {"git-codecommit.amazonaws.com", nullptr},
      {"git-codecommit.east.amazonaws.com", nullptr},
      {"git-codecommit.us-east-1.example.com", nullptr},
      {"codecommit.us-east-1.amazonaws.com", nullptr},
      {"vpce-1", nullptr},
      {"", nullptr},
  };
  for (const auto& c : cases) {
    const std::optional<std::string> region = region_of_codecommit_host(c.host);
    EXPECT_EQ(region.value_or("none"), c.region != nullptr ? c.region : "none") << c.host;
  }
  EXPECT_TRUE(is_codecommit(must(Url::parse("codecommit://web"))));
  EXPECT_TRUE(is_codecommit(must(Url::parse("https://git-codecommit.us-east-1.amazonaws.com/x"))));
  // A password does not go there in the clear, and ssh has none.
  EXPECT_FALSE(is_codecommit(must(Url::parse("http://git-codecommit.us-east-1.amazonaws.com/x"))));
  EXPECT_FALSE(is_codecommit(must(Url::parse("ssh://git-codecommit.us-east-1.amazonaws.com/x"))));
  EXPECT_FALSE(is_codecommit(must(Url::parse("/srv/x"))));
}

TEST(CodeCommitAddress, OfEachFormOfUrl) {
  const struct {
    const char *url, *region, *repository, *git, *api;
  } cases[] = {
      {"codecommit://web", "eu-west-1", "web", "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/web",
       "https://codecommit.eu-west-1.amazonaws.com/"},
      {"codecommit::cn-north-1://west@Web.1", "cn-north-1", "Web.1",
       "https://git-codecommit.cn-north-1.amazonaws.com.cn/v1/repos/Web.1",
       "https://codecommit.cn-north-1.amazonaws.com.cn/"},
      {"https://git-codecommit-fips.us-east-1.amazonaws.com/v1/repos/web", "us-east-1", "web",
       "https://git-codecommit-fips.us-east-1.amazonaws.com/v1/repos/web",
       "https://codecommit-fips.us-east-1.amazonaws.com/"},
      {"https://ann@git-codecommit.us-east-1.amazonaws.com:8443/v1/repos/web/", "us-east-1", "web",
       "https://git-codecommit.us-east-1.amazonaws.com:8443/v1/repos/web",
       "https://codecommit.us-east-1.amazonaws.com/"},
      {"https://vpce-0-a.git-codecommit.us-east-2.vpce.amazonaws.com/v1/repos/web", "us-east-2", "web",
       "https://vpce-0-a.git-codecommit.us-east-2.vpce.amazonaws.com/v1/repos/web",
       "https://codecommit.us-east-2.amazonaws.com/"},
  };
  for (const auto& c : cases) {
    const CodeCommitAddress found = must(address(c.url, "eu-west-1"));
    EXPECT_EQ(found.region, c.region);
    EXPECT_EQ(found.repository, c.repository);
    EXPECT_EQ(found.git.text(), c.git);
    EXPECT_EQ(found.api.text(), c.api);
    EXPECT_TRUE(found.git.user().empty());
  }
}

TEST(CodeCommitAddress, SaysWhatIsWrongInsteadOfAskingForA404) {
  EXPECT_FAILS(address("codecommit://web"), ErrorKind::Invalid, "in which region?");
  EXPECT_FAILS(address("codecommit://web", "eu/x"), ErrorKind::Invalid, "'eu/x' is no region of AWS");
  const std::string host = "https://git-codecommit.us-east-1.amazonaws.com";
  EXPECT_FAILS(address(host + "/v1/repos/web.git"), ErrorKind::Invalid, "ends in '.git'; leave it out");
  EXPECT_FAILS(address(host + "/v1/repos/app/web"), ErrorKind::Invalid, "there is a path after it");
  EXPECT_FAILS(address(host + "/v1/repos/"), ErrorKind::Invalid, "a repository of CodeCommit");
  EXPECT_FAILS(address(host + "/v1/repos/a%20b"), ErrorKind::Invalid, "letters, digits");
  EXPECT_FAILS(address(host + "/web"), ErrorKind::Invalid, "/v1/repos/NAME");
  EXPECT_FAILS(address(host + "/v1/repos/web?x=1"), ErrorKind::Invalid, "/v1/repos/NAME");
}

TEST(CodeCommitAddress, TakesOtherHosts) {
  const auto git = [](const std::string& endpoint) {
    return address("codecommit::us-east-1://web", "", {.git = endpoint});
  };
  EXPECT_EQ(must(git("proxy.example")).git.text(), "https://proxy.example/v1/repos/web");
  EXPECT_EQ(must(git("proxy.example:8443")).git.text(), "https://proxy.example:8443/v1/repos/web");
  EXPECT_EQ(must(git("http://127.0.0.1:8080")).git.text(), "http://127.0.0.1:8080/v1/repos/web");
  EXPECT_EQ(must(git("https://proxy.example/codecommit/")).git.text(), "https://proxy.example/codecommit/v1/repos/web");
  EXPECT_EQ(must(git("proxy.example")).region, "us-east-1");
  EXPECT_FAILS(git("https://ann:pw@proxy.example"), ErrorKind::Invalid, "CODE_COMMIT_ENDPOINT");
  EXPECT_FAILS(git("a b"), ErrorKind::Invalid, "CODE_COMMIT_ENDPOINT");

  const CodeCommitEndpoints elsewhere{.git = "proxy.example", .api = "http://127.0.0.1:8081/api"};
  EXPECT_EQ(must(address("codecommit::us-east-1://web", "", elsewhere)).api.text(), "http://127.0.0.1:8081/api");
  // A URL that names its host means it.
  const std::string named = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/web";
  EXPECT_EQ(must(address(named, "", elsewhere)).git.text(), named);
}

TEST(CodeCommitAddress, EndpointsOfServices) {
  EXPECT_EQ(must(aws_endpoint("sts", "eu-west-1", "")).text(), "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(must(aws_endpoint("sts", "cn-north-1", "")).text(), "https://sts.cn-north-1.amazonaws.com.cn/");
  EXPECT_EQ(must(aws_endpoint("sts", "", "")).text(), "https://sts.amazonaws.com/");
  EXPECT_EQ(must(aws_endpoint("sts", "eu-west-1", "http://127.0.0.1:1")).text(), "http://127.0.0.1:1/");
  EXPECT_FAILS(aws_endpoint("sts", "x@y", ""), ErrorKind::Invalid, "no region of AWS");
  EXPECT_FAILS(aws_endpoint("sts", "", "/srv"), ErrorKind::Invalid, "no http(s) URL");
}

}  // namespace
}  // namespace packferry
