#include "store/s3_address.h"

#include <gtest/gtest.h>

#include "store/object_store.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(S3Address, ReadsBucketAndPrefix) {
  const struct {
    const char *text, *bucket, *prefix;
  } cases[] = {
      {"s3://backups", "backups", ""},
      {"s3://backups/", "backups", ""},
      {"s3://my.backups-1/projects/a b", "my.backups-1", "projects/a b"},
      {"s3://abc/prefix/", "abc", "prefix"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(must(S3Location::parse(c.text)), (S3Location{.bucket = c.bucket, .prefix = c.prefix})) << c.text;
  EXPECT_EQ(must(S3Location::parse("s3://abc/x/y/")).text(), "s3://abc/x/y");
}

TEST(S3Address, RefusesWhatIsNoBucketOrPrefix) {
  const std::string too_long(kKeyBytesMax, 'a');
  for (const std::string& text :
       {std::string("http://backups"), std::string("S3://backups"), std::string("s3://"), std::string("s3://ab"),
        "s3://" + std::string(64, 'a'), std::string("s3://Backups"), std::string("s3://back_ups"),
        std::string("s3://-backups"), std::string("s3://backups-"), std::string("s3://.backups"),
        std::string("s3://back..ups"), std::string("s3://192.168.1.1"), std::string("s3://backups//x"),
        std::string("s3://backups/../x"), std::string("s3://backups/x//"), std::string("s3://key@backups/x"),
        std::string("s3://backups/x\ny"), "s3://backups/" + std::string(124, 'a')})
    EXPECT_FAILS(S3Location::parse(text), ErrorKind::Invalid, "");
}

TEST(S3Address, TellsItsKeysFromThoseOfOthers) {
  const S3Location below = must(S3Location::parse("s3://backups/a/b"));
  EXPECT_EQ(below.full_key("c"), "a/b/c");
  EXPECT_EQ(below.relative_key("a/b/c/d"), "c/d");
  EXPECT_EQ(below.relative_key("a/bc"), std::nullopt);
  EXPECT_EQ(below.relative_key("a/b"), std::nullopt);
  const S3Location whole = must(S3Location::parse("s3://backups"));
  EXPECT_EQ(whole.full_key("c"), "c");
  EXPECT_EQ(whole.relative_key("c"), "c");
}

TEST(S3Address, FindsTheHostOfABucket) {
  const auto url = [](const char* bucket, const char* region, const char* endpoint, S3Addressing addressing) {
    const std::optional<Url> base = *endpoint != '\0' ? std::optional(must(Url::parse(endpoint))) : std::nullopt;
    return must(s3_bucket_url(bucket, region, base, addressing)).text();
  };
  const auto automatic = S3Addressing::Auto;
  EXPECT_EQ(url("backups", "eu-central-1", "", automatic), "https://backups.s3.eu-central-1.amazonaws.com/");
  EXPECT_EQ(url("my.backups", "eu-central-1", "", automatic), "https://s3.eu-central-1.amazonaws.com/my.backups");
  EXPECT_EQ(url("backups", "cn-north-1", "", automatic), "https://backups.s3.cn-north-1.amazonaws.com.cn/");
  EXPECT_EQ(url("backups", "eu-central-1", "", S3Addressing::Path), "https://s3.eu-central-1.amazonaws.com/backups");
  EXPECT_EQ(url("backups", "x", "http://127.0.0.1:9000", automatic), "http://127.0.0.1:9000/backups");
  EXPECT_EQ(url("backups", "x", "http://[::1]:9000/s3/", automatic), "http://[::1]:9000/s3/backups");
  EXPECT_EQ(url("backups", "x", "http://localhost:9000", automatic), "http://localhost:9000/backups");
  EXPECT_EQ(url("backups", "x", "https://store.example.org", automatic), "https://backups.store.example.org/");
  EXPECT_EQ(url("backups", "x", "https://store.example.org:8443/", S3Addressing::VirtualHost),
            "https://backups.store.example.org:8443/");
  EXPECT_EQ(url("backups", "x", "https://store.example.org", S3Addressing::Path), "https://store.example.org/backups");
}

TEST(S3Address, RefusesRegionsThatWouldChangeTheHost) {
  for (const char* region : {"", "evil.example.org/", "us east", "-x", "EU-CENTRAL-1"})
    EXPECT_FAILS(s3_bucket_url("backups", region, std::nullopt, S3Addressing::Auto), ErrorKind::Invalid, "region");
}

}  // namespace
}  // namespace packferry
