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

// The signing test suite of awslabs/aws-c-auth (tests/aws-signing-test-suite/v4), by its names. The four that are not
// here are requests that are, once more: get-vanilla-query, post-header-key-case, post-sts-header-after and
// post-vanilla-empty-query-value.
TEST(SigV4, SignsAsTheTestSuiteDoes) {
  const std::string unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const std::string token =
      "AQoDYXdzEPT//////////"
      "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwth"
      "Ax7mSEI/qkPpKPi/"
      "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY"
      "9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
  const std::string form_type = "application/x-www-form-urlencoded";
  const std::string form_hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
  const std::vector<HttpHeader> none;
  const char* const vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  const char* const post_vanilla = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
  const char* const post_query = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11";
  const char* const space = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741";
  const struct {
    const char *name, *method;
    std::string path, query;
    std::vector<HttpHeader> headers;
    const char* signature;
    std::string body = {};
  } cases[] = {
      {"get-header-key-duplicate",
       "GET",
       "/",
       "",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      // A value on several lines is one with spaces in HTTP/1.1; our client sends none.
      {"get-header-value-multiline",
       "GET",
       "/",
       "",
       {{"My-Header1", "value1    value2       value3"}},
       "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
      {"get-header-value-order",
       "GET",
       "/",
       "",
       {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       "",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"get-relative-normalized", "GET", "/example/..", "", none, vanilla},
      {"get-relative-relative-normalized", "GET", "/example1/example2/../..", "", none, vanilla},
      {"get-relative-relative-unnormalized", "GET", "/example1/example2/../..", "", none,
       "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b"},
      {"get-relative-unnormalized", "GET", "/example/..", "", none,
       "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282"},
      {"get-slash-dot-slash-normalized", "GET", "/./", "", none, vanilla},
      {"get-slash-dot-slash-unnormalized", "GET", "/./", "", none,
       "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145"},
      {"get-slash-normalized", "GET", "//", "", none, vanilla},
      {"get-slash-pointless-dot-normalized", "GET", "/./example", "", none,
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-slash-pointless-dot-unnormalized", "GET", "/./example", "", none,
       "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff"},
      {"get-slash-unnormalized", "GET", "//", "", none,
       "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e"},
      {"get-slashes-normalized", "GET", "//example//", "", none,
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-slashes-unnormalized", "GET", "//example//", "", none,
       "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
      {"get-space-normalized", "GET", "/example space/", "", none, space},
      {"get-space-unnormalized", "GET", "/example space/", "", none, space},
      {"get-unreserved", "GET", "/" + unreserved, "", none,
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8", "GET", "/\u1234", "", none, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-vanilla", "GET", "/", "", none, vanilla},
      {"get-vanilla-empty-query-key", "GET", "/", "Param1=value1", none,
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-encoded", "GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1", none,
       "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
      {"get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", none,
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-unreserved", "GET", "/", unreserved + "=" + unreserved, none,
       "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"get-vanilla-utf8-query", "GET", "/", "\u1234=bar", none,
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-vanilla-with-session-token",
       "GET",
       "/",
       "",
       {{"X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}},
       "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
      {"post-vanilla", "POST", "/", "", none, post_vanilla},
      {"post-header-key-sort",
       "POST",
       "/",
       "",
       {{"My-Header1", "value1"}},
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case",
       "POST",
       "/",
       "",
       {{"My-Header1", "VALUE1"}},
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-sts-header-before",
       "POST",
       "/",
       "",
       {{"X-Amz-Security-Token", token}},
       "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
      {"post-vanilla-query", "POST", "/", "Param1=value1", none, post_query},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       "",
       {{"Content-Type", form_type}, {"Content-Length", "13"}, {"X-Amz-Content-Sha256", form_hash}},
       "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
       "Param1=value1"},
      {"post-x-www-form-urlencoded-parameters",
       "POST",
       "/",
       "",
       {{"Content-Type", form_type + "; charset=utf-8"}, {"Content-Length", "13"}, {"X-Amz-Content-Sha256", form_hash}},
       "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
       "Param1=value1"},
      // Ours: what is not signed does not change the signature.
      {"vanilla with a user agent", "GET", "/", "", {{"User-Agent", "x"}, {"Proxy-Authorization", "y"}}, vanilla},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<HttpHeader> headers = c.headers;
    headers.push_back({"Host", "example.amazonaws.com"});
    headers.push_back({"X-Amz-Date", "20150830T123600Z"});
    // Only S3 takes paths as they are.
    const bool is_s3 = std::string_view(c.name).ends_with("-unnormalized");
    const std::string hash = to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(c.body)));
    const CanonicalRequest canonical = canonical_request(c.method, c.path, c.query, headers, hash, is_s3);
    EXPECT_EQ(sigv4_signature(canonical, Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {"us-east-1", "service"},
                              "20150830T123600Z"),
              c.signature)
        << canonical.text;
  }
}

// "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks", S3 API Reference.
// What we send is never signed in chunks; its seeds and chunks are vectors all the same.
TEST(SigV4, SignsTheSeedsAndChunksOfTheS3Documentation) {
  const AwsCredentials key = documentation_key();
  const SigningScope scope{.region = "us-east-1", .service = "s3"};
  const auto seed = [&](const std::vector<HttpHeader>& more, std::string_view payload) {
    std::vector<HttpHeader> headers = {{"Host", "s3.amazonaws.com"},
                                       {"x-amz-date", "20130524T000000Z"},
                                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                       {"x-amz-content-sha256", std::string(payload)},
                                       {"Content-Encoding", "aws-chunked"},
                                       {"x-amz-decoded-content-length", "66560"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return sigv4_signature(canonical_request("PUT", "/examplebucket/chunkObject.txt", "", headers, payload, true),
                           key.secret_access_key, scope, "20130524T000000Z");
  };
  const auto after = [&](const std::string& previous, std::string_view kind, const std::string& hashes) {
    const std::string to_sign = fmt::format(
        "AWS4-HMAC-SHA256-{}\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n{}\n{}", kind, previous, hashes);
    return to_hex(hmac_sha256(sigv4_signing_key(key.secret_access_key, scope, "20130524"), as_bytes(to_sign)));
  };
  const auto chunk = [&](const std::string& previous, std::size_t size) {
    const std::string hash = to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes(std::string(size, 'a'))));
    return after(previous, "PAYLOAD", fmt::format("{}\n{}", kEmptyPayload, hash));
  };

  std::string signature = seed({{"Content-Length", "66824"}}, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  EXPECT_EQ(signature, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  EXPECT_EQ(signature = chunk(signature, 65536), "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  EXPECT_EQ(signature = chunk(signature, 1024), "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  EXPECT_EQ(signature = chunk(signature, 0), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");

  signature = seed({{"x-amz-trailer", "x-amz-checksum-crc32c"}}, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
  EXPECT_EQ(signature, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  EXPECT_EQ(signature = chunk(signature, 65536), "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
  EXPECT_EQ(signature = chunk(signature, 1024), "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
  EXPECT_EQ(signature = chunk(signature, 0), "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
  const std::string trailer = to_hex(digest_of(DigestAlgorithm::Sha256, as_bytes("x-amz-checksum-crc32c:sOO8/Q==\n")));
  EXPECT_EQ(after(signature, "TRAILER", trailer), "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
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

}  // namespace
}  // namespace packferry
