#include "store/s3_answer.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(S3Answer, ReadsFailures) {
  const auto failure = parse_s3_failure(
      "<?xml version=\"1.0\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>a\x1B[31m</Message>"
      "<Region>eu-west-1</Region><RequestId>R7</RequestId></Error>");
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(failure->region, "eu-west-1");
  EXPECT_EQ(failure->request_id, "R7");
  EXPECT_EQ(failure->message.find('\x1B'), std::string::npos);
  for (const char* none : {"", "<html>", "<Error></Error>", "<Fine/>", "not xml"})
    EXPECT_FALSE(parse_s3_failure(none).has_value()) << none;
}

TEST(S3Answer, ReadsPagesOfObjects) {
  const S3ObjectPage page = must(
      parse_s3_objects("<ListBucketResult xmlns=\"x\"><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
                       "<NextContinuationToken>next=</NextContinuationToken>"
                       "<Contents><Key>a+b%2Bc/%C3%A9</Key><Size>12</Size><LastModified>2026-11-22T13:45:00.000Z</"
                       "LastModified></Contents>"
                       "<Contents><Key>d</Key><Size>18446744073709551615</Size></Contents></ListBucketResult>"));
  ASSERT_EQ(page.objects.size(), 2u);
  EXPECT_EQ(page.objects[0].key, "a b+c/\xC3\xA9");
  EXPECT_EQ(page.objects[0].bytes, 12u);
  EXPECT_EQ(page.objects[0].modified_at, from_iso8601("2026-11-22T13:45:00Z"));
  EXPECT_EQ(page.objects[1].modified_at, std::nullopt);
  EXPECT_EQ(page.next_token, "next=");
  EXPECT_EQ(must(parse_s3_objects("<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a+b</Key>"
                                  "<Size>1</Size></Contents></ListBucketResult>"))
                .objects[0]
                .key,
            "a+b");
}

TEST(S3Answer, TakesNoDoubtfulPage) {
  const char* const bodies[] = {
      "",
      "<html/>",
      "<ListBucketResult></ListBucketResult>",  // does not say whether it is all
      "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
      "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a&#10;b</NextContinuationToken>"
      "</ListBucketResult>",
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>x</Size></Contents>"
      "</ListBucketResult>",
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>",
      "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents><Key>%zz</Key>"
      "<Size>1</Size></Contents></ListBucketResult>",
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1</Size></Cont",
  };
  for (const char* body : bodies) EXPECT_FAILS(parse_s3_objects(body), ErrorKind::Corrupt, "answers with");
}

TEST(S3Answer, ReadsPagesOfUploads) {
  const S3UploadPage page = must(parse_s3_uploads(
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>id1</NextUploadIdMarker>"
      "<Upload><Key>a+b</Key><UploadId>id1</UploadId><Initiated>2026-11-22T13:45:00Z</Initiated></Upload>"
      "</ListMultipartUploadsResult>"));
  ASSERT_EQ(page.uploads.size(), 1u);
  EXPECT_EQ(page.uploads[0].key, "a b");
  EXPECT_EQ(page.next_key_marker, "a b");
  EXPECT_EQ(page.next_id_marker, "id1");
  for (const char* body :
       {"<x/>", "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>",
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>a</Key><Initiated>"
        "2026-11-22T13:45:00Z</Initiated></Upload></ListMultipartUploadsResult>",
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>a</Key><UploadId>i</UploadId>"
        "</Upload></ListMultipartUploadsResult>"})
    EXPECT_FAILS(parse_s3_uploads(body), ErrorKind::Corrupt, "answers with");
}

TEST(S3Answer, KnowsACompletionFromAFailureWithTheSameStatus) {
  EXPECT_TRUE(must(parse_s3_completion("<CompleteMultipartUploadResult/>")));
  EXPECT_FALSE(must(parse_s3_completion("<Error><Code>InternalError</Code></Error>")));
  EXPECT_FAILS(parse_s3_completion("<CompleteMultipart"), ErrorKind::Unavailable, "does not say");
  EXPECT_FAILS(parse_s3_completion(""), ErrorKind::Unavailable, "does not say");
}

TEST(S3Answer, KnowsWhatABucketKeeps) {
  EXPECT_EQ(must(parse_s3_versioning("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")),
            "enabled");
  EXPECT_EQ(must(parse_s3_versioning("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")),
            "suspended");
  EXPECT_EQ(must(parse_s3_versioning("<VersioningConfiguration/>")), "off");
  EXPECT_FAILS(parse_s3_versioning("<x/>"), ErrorKind::Corrupt, "answers with");

  const auto lock = [](std::string_view inside) {
    return parse_s3_object_lock(fmt::format("<ObjectLockConfiguration>{}</ObjectLockConfiguration>", inside));
  };
  EXPECT_EQ(must(lock("<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule>")),
            "GOVERNANCE for 30 days");
  EXPECT_EQ(must(lock("<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Years>1</Years></DefaultRetention></Rule>")),
            "COMPLIANCE for 1 years");
  EXPECT_EQ(must(lock("<ObjectLockEnabled>Enabled</ObjectLockEnabled>")), "no default");
  EXPECT_FAILS(parse_s3_object_lock("no XML"), ErrorKind::Corrupt, "answers with");
}

TEST(S3Answer, WritesCompletions) {
  EXPECT_EQ(s3_completion_body({{.etag = "\"a&b\"", .sha256 = ""}, {.etag = "c", .sha256 = "d="}}),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Part><PartNumber>1</PartNumber><ETag>&quot;a&amp;b&quot;</ETag></Part>"
            "<Part><PartNumber>2</PartNumber><ETag>c</ETag><ChecksumSHA256>d=</ChecksumSHA256></Part>"
            "</CompleteMultipartUpload>");
}

}  // namespace
}  // namespace packferry
