#include "store/store_address.h"

#include <gtest/gtest.h>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

TEST(StoreAddress, IsABucketWithAPrefixOrADirectory) {
  const StoreAddress bucket = must(StoreAddress::parse("s3://my-bucket/a/b/"));
  ASSERT_TRUE(bucket.s3);
  EXPECT_EQ(bucket.s3->bucket, "my-bucket");
  EXPECT_EQ(bucket.s3->prefix, "a/b");
  EXPECT_EQ(bucket.text(), "s3://my-bucket/a/b");
  EXPECT_EQ(must(StoreAddress::parse("s3://my-bucket")).s3->prefix, "");
  EXPECT_EQ(must(StoreAddress::parse("file:///srv/backup")).path, "/srv/backup");
  EXPECT_EQ(must(StoreAddress::parse("backup/here")).path, "backup/here");
  EXPECT_EQ(must(StoreAddress::parse("/srv/backup")).text(), "/srv/backup");
}

TEST(StoreAddress, RefusesWhatIsNoStore) {
  for (const char* text : {"", "s3://", "s3://ab", "s3://Bucket", "s3://a..b", "s3://-ab/c", "s3://user@host/x",
                           "https://host/path", "file://host/path", "file://relative", "s3://bucket/a\nb"}) {
    const Result<StoreAddress> parsed = StoreAddress::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind(), ErrorKind::Invalid) << text;
  }
}

TEST(StoreOptions, AnObjectLockIsAModeAndDays) {
  StoreOptions options;
  EXPECT_FALSE(options.is_for_s3());
  must(take_object_lock("COMPLIANCE=365", options));
  EXPECT_EQ(options.object_lock_mode, "COMPLIANCE");
  EXPECT_EQ(options.object_lock_days, 365u);
  EXPECT_TRUE(options.is_for_s3());
  for (const char* wrong : {"", "GOVERNANCE", "GOVERNANCE=", "GOVERNANCE=0", "governance=3", "GOVERNANCE=3d", "=3"})
    EXPECT_FAILS(take_object_lock(wrong, options), ErrorKind::Invalid, "GOVERNANCE=DAYS");
  EXPECT_EQ(options.object_lock_days, 365u) << "what is wrong changes nothing";
}

}  // namespace
}  // namespace packferry
