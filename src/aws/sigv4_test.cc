#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

Clock::WallTime at(std::string_view time) { return *from_iso8601(time); }

std::string header_of(const HttpRequest& request, std::string_view name) {
  for (const HttpHeader& header : request.headers)
    if (header.name == name) return header.value;
  return "";
}

std::string signature_of(const HttpRequest& request) {
  const std::string authorization = header_of(request, "Authorization");
  return authorization.substr(authorization.find("Signature=") + 10);
}

AwsCredentials documentation_key() {
  return {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
          .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
          .session_token = {},
          .expires_at = {}};
}

// "Authenticating Requests: Using the Authorization Header", S3 API Reference.
TEST(SigV4, SignsAsTheS3DocumentationDoes) {
  const struct {
    const char *method, *target, *body_hash, *signature;
    std::vector<HttpHeader> headers;
  } cases[] = {
      {"GET",
       "/test.txt",
       kEmptyPayload.data(),
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
       {{"Range", "bytes=0-9"}}},
      {"PUT",
       "/test%24file.text",
       "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
       {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
      {"GET",
       "/?lifecycle",
       kEmptyPayload.data(),
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
       {}},
      {"GET",
       "/?max-keys=2&prefix=J",
       kEmptyPayload.data(),
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
       {}},
  };
  for (const auto& c : cases) {
    HttpRequest request{.method = c.method,
                        .url = must(Url::parse(std::string("https://examplebucket.s3.amazonaws.com") + c.target)),
                        .headers = c.headers};
    sign(request, documentation_key(), {"us-east-1", "s3"}, c.body_hash, at("2013-05-24T00:00:00Z"));
    EXPECT_EQ(signature_of(request), c.signature) << c.target;
    EXPECT_EQ(header_of(request, "X-Amz-Date"), "20130524T000000Z");
    EXPECT_EQ(header_of(request, "X-Amz-Content-Sha256"), c.body_hash);
  }
}

// Cases of the signing test suite of awslabs/aws-c-auth (tests/aws-signing-test-suite/v4).
TEST(SigV4, SignsAsTheTestSuiteDoes) {
  const std::string unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const struct {
    std::string path, query;
    std::vector<HttpHeader> headers;
    const char* signature;
  } cases[] = {
      {"/", "", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"/",
       "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
       {},
       "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
      {"/", unreserved + "=" + unreserved, {}, "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"/example space/", "", {}, "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"/\u1234", "", {}, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"//example//", "", {}, "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"/example/..", "", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"/./", "", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"/",
       "",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"/",
       "",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"/",
       "",
       {{"X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}},
       "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
      {"/",
       "",
       {{"User-Agent", "is not signed"}, {"Proxy-Authorization", "neither"}},
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
  };
  for (const auto& c : cases) {
    std::vector<HttpHeader> headers = c.headers;
    headers.push_back({"Host", "example.amazonaws.com"});
    headers.push_back({"X-Amz-Date", "20150830T123600Z"});
    const CanonicalRequest canonical = canonical_request("GET", c.path, c.query, headers, kEmptyPayload, false);
    EXPECT_EQ(sigv4_signature(canonical, Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {"us-east-1", "service"},
                              "20150830T123600Z"),
              c.signature)
        << canonical.text;
  }
}

// Agreed between botocore and a computation by hand.
TEST(SigV4, SignsOtherServicesAndTokens) {
  AwsCredentials credentials = documentation_key();
  const auto hash = [](std::string_view body) {
    return to_hex(digest_of(DigestAlgorithm::Sha256, std::as_bytes(std::span(body))));
  };
  HttpRequest codecommit{.method = "POST",
                         .url = must(Url::parse("https://codecommit.us-east-1.amazonaws.com/")),
                         .headers = {{"Content-Type", "application/x-amz-json-1.1"},
                                     {"X-Amz-Target", "CodeCommit_20150413.ListRepositories"}}};
  sign(codecommit, credentials, {"us-east-1", "codecommit"}, hash("{}"), at("2026-01-02T03:04:05Z"));
  EXPECT_EQ(signature_of(codecommit), "5761923b581a05dd9dd15daf5d80f9bdc1646789e31e05e70a214876a4deb603");
  EXPECT_EQ(header_of(codecommit, "X-Amz-Content-Sha256"), "");

  credentials.access_key_id = "ASIAIOSFODNN7EXAMPLE";
  credentials.session_token = Secret("FwoGEXAMPLE");
  HttpRequest sts{.method = "POST",
                  .url = must(Url::parse("https://sts.eu-central-1.amazonaws.com/")),
                  .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}};
  sign(sts, credentials, {"eu-central-1", "sts"}, hash("Action=GetCallerIdentity&Version=2011-06-15"),
       at("2026-01-02T03:04:05Z"));
  EXPECT_EQ(signature_of(sts), "ce57bf271a5b181721f34530c98c667d9ec998d7ea8e0aec8b638212b99baf68");
  EXPECT_EQ(header_of(sts, "X-Amz-Security-Token"), "FwoGEXAMPLE");
}

TEST(SigV4, EncodesThePathsOfS3Once) {
  HttpRequest request{
      .method = "PUT",
      .url = must(Url::parse("https://backup-bucket.s3.us-west-2.amazonaws.com/projects/codecommit-backup/"
                             "111122223333/a%20b%2Bc/%C3%A9.pack")),
      .headers = {{"x-amz-acl", "bucket-owner-full-control"},
                  {"x-amz-checksum-sha256", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
                  {"x-amz-server-side-encryption", "aws:kms"}}};
  sign(request, documentation_key(), {"us-west-2", "s3"}, kUnsignedPayload, at("2026-01-02T03:04:05Z"));
  EXPECT_EQ(signature_of(request), "825c789e36fe7f866b3c298c22b33d42c6cfa5bcdb84bd0b0237ec61f2f4e298");
}

TEST(SigV4, MarksWhatIsSecret) {
  AwsCredentials credentials = documentation_key();
  credentials.session_token = Secret("token");
  HttpRequest request{.method = "GET", .url = must(Url::parse("https://a.example.org:8443/")), .headers = {}};
  sign(request, credentials, {"us-east-1", "s3"}, kEmptyPayload, at("2026-01-02T03:04:05Z"));
  for (const HttpHeader& header : request.headers)
    EXPECT_EQ(header.secret, header.name == "Authorization" || header.name == "X-Amz-Security-Token") << header.name;
  EXPECT_EQ(header_of(request, "Authorization").find("wJalr"), std::string::npos);
}

TEST(SigV4, EncodesAllButUnreservedBytes) {
  EXPECT_EQ(aws_percent_encode("aZ09-._~/ +\xC3\xA9"), "aZ09-._~%2F%20%2B%C3%A9");
  EXPECT_EQ(aws_percent_encode("a/b c", true), "a/b%20c");
}

}  // namespace
}  // namespace packferry
