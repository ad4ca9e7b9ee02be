// The S3 store against a real server, radosgw: tests/servers/radosgw.sh run s3_radosgw_test
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "store/retrying_store.h"
#include "store/s3_store.h"
#include "testing/must.h"
#include "testing/object_store_conformance.h"

namespace packferry::testing {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    std::fprintf(stderr, "%s is not set; run: tests/servers/radosgw.sh run %s\n", name, program_invocation_short_name);
    std::exit(2);
  }
  return value;
}

// A prefix of its own for every test.
struct MakeRadosgw {
  static constexpr StoreTraits kTraits{.refuses_objects_below = false};

  S3Options options() const {
    S3Options out;
    out.endpoint = must(Url::parse(environment("FERRY_S3_ENDPOINT")));
    out.seed = static_cast<std::uint64_t>(::getpid());
    return out;
  }
  std::unique_ptr<S3Store> open(S3Options options) {
    const std::string place = fmt::format("s3://{}/p {}/{}", environment("FERRY_S3_BUCKET"), ::getpid(), number_);
    return must(S3Store::open(must(S3Location::parse(place)), std::move(options), http_, credentials_, clock_));
  }
  ObjectStore& store() { return *store_; }

  static inline int count_ = 0;
  const int number_ = ++count_;
  SystemClock clock_;
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}, .direct = true}};
  FixedAwsCredentials credentials_{{.access_key_id = environment("FERRY_S3_ACCESS_KEY"),
                                    .secret_access_key = Secret(environment("FERRY_S3_SECRET_KEY")),
                                    .session_token = {},
                                    .expires_at = {}}};
  std::unique_ptr<S3Store> store_ = open(options());
};

INSTANTIATE_TYPED_TEST_SUITE_P(Radosgw, ObjectStoreConformance, MakeRadosgw);

class RadosgwTest : public ::testing::Test {
 protected:
  MakeRadosgw made_;
};

TEST_F(RadosgwTest, NeverReplacesALargeObject) {
  const std::string large = random_text(9 * 1024 * 1024, 1);
  const auto upload = [&] {
    const auto writer = must(made_.store().create("large", {}));
    must(writer->write(as_bytes(large)));
    return writer->finish();
  };
  must(upload());
  EXPECT_FAILS(upload(), ErrorKind::Conflict, "'large'");
  EXPECT_EQ(must(made_.store().sweep(Milliseconds(0), {})), 0u);
}

TEST_F(RadosgwTest, SweepsUploadsOfTheDead) {
  // A writer whose process is gone: it can no more abort than finish.
  HttpClient http({.user_agent = "packferry/test", .ca_file = {}, .patience = {}, .direct = true});
  S3Client client(must(S3Location::parse(made_.store().name())), made_.options(), http, made_.credentials_,
                  made_.clock_);
  for (const char* key : {"dead", "dead", "dead & odd+"})
    must(client.ask(
        {.method = "POST", .doing = "write", .permission = "s3:PutObject", .key = key, .query = {{"uploads", ""}}},
        {}));
  EXPECT_EQ(must(made_.store().sweep(std::chrono::hours(1), {})), 0u);
  EXPECT_EQ(must(made_.store().sweep(Milliseconds(0), {})), 3u);
  EXPECT_EQ(must(made_.store().sweep(Milliseconds(0), {})), 0u);
}

TEST_F(RadosgwTest, UsesTheNameOfTheBucketAsHost) {
  S3Options options = made_.options();
  options.addressing = S3Addressing::VirtualHost;
  options.endpoint = must(Url::parse(fmt::format("http://localhost:{}", options.endpoint->port())));
  const auto store = made_.open(options);
  must(store->put_if_absent("a b+c", as_bytes("x"), {}));
  EXPECT_EQ(must(store->list("", {})).size(), 1u);
  EXPECT_EQ(must(made_.store().find("a b+c", {}))->bytes, 1u);
}

TEST_F(RadosgwTest, EncryptsWithAKeyOrSaysThatItDidNot) {
  S3Options options = made_.options();
  options.encryption = "aws:kms";
  options.kms_key_id = environment("FERRY_S3_KMS_KEY");
  const auto sealed = made_.open(options);
  must(sealed->put_if_absent("small", as_bytes("x"), {}));
  const std::string large = random_text(9 * 1024 * 1024, 1);
  const auto writer = must(sealed->create("large", {}));
  must(writer->write(as_bytes(large)));
  must(writer->finish());
  EXPECT_TRUE(as_text(must(read_object(made_.store(), "large", large.size(), {}))) == large);

  options.encryption = "AES256";
  options.kms_key_id = "";
  EXPECT_FAILS(made_.open(options)->put_if_absent("plain", as_bytes("x"), {}), ErrorKind::Rejected, "did not encrypt");
}

TEST_F(RadosgwTest, DoesNotLookAtTheRegion) {
  S3Options options = made_.options();
  options.region = "eu-west-1";
  EXPECT_TRUE(made_.open(options)->list("", {}).has_value());
}

TEST_F(RadosgwTest, AWrongSecretIsDenied) {
  FixedAwsCredentials wrong({.access_key_id = environment("FERRY_S3_ACCESS_KEY"),
                             .secret_access_key = Secret("wrong"),
                             .session_token = {},
                             .expires_at = {}});
  const auto store = must(
      S3Store::open(must(S3Location::parse(made_.store().name())), made_.options(), made_.http_, wrong, made_.clock_));
  EXPECT_FAILS(store->list("", {}), ErrorKind::Denied, "");
  EXPECT_FAILS(store->put_if_absent("a", {}, {}), ErrorKind::Denied, "");
}

TEST_F(RadosgwTest, AWrongClockIsSaid) {
  FakeClock years_ago;
  const auto store = must(S3Store::open(must(S3Location::parse(made_.store().name())), made_.options(), made_.http_,
                                        made_.credentials_, years_ago));
  EXPECT_FAILS(store->list("", {}), ErrorKind::Invalid, "set the clock");
}

TEST_F(RadosgwTest, ABucketThatIsNotThereIsSaid) {
  const auto store = must(S3Store::open(must(S3Location::parse("s3://no-such-bucket/x")), made_.options(), made_.http_,
                                        made_.credentials_, made_.clock_));
  EXPECT_FAILS(store->list("", {}), ErrorKind::NotFound, "create the bucket");
}

}  // namespace
}  // namespace packferry::testing
