#include "store/s3_store.h"

#include <gmock/gmock.h>

#include <random>

#include "store/s3_upload.h"
#include "testing/must.h"
#include "testing/object_store_conformance.h"
#include "testing/s3_server.h"

namespace packferry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::must;
using testing::random_text;
using testing::S3Call;
using testing::S3Fault;
using testing::S3Server;

constexpr std::size_t kPart = 64 * 1024;

struct MakeS3 {
  static constexpr testing::StoreTraits kTraits{.refuses_objects_below = false};
  ObjectStore& store() { return *store_; }

  FakeClock clock_;
  S3Server server_{clock_};
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}, .direct = true}};
  FixedAwsCredentials credentials_{S3Server::credentials()};
  std::unique_ptr<S3Store> store_ = [this] {
    S3Options options;
    options.endpoint = must(Url::parse(server_.endpoint()));
    return must(S3Store::open(must(S3Location::parse("s3://backups/a b")), options, http_, credentials_, clock_));
  }();
};

class S3StoreTest : public ::testing::Test {
 protected:
  S3Options options() {
    S3Options out;
    out.endpoint = must(Url::parse(server_.endpoint()));
    out.part_bytes = kPart;
    return out;
  }
  std::unique_ptr<S3Store> open(S3Options options, std::string_view location = "s3://backups/below") {
    return must(S3Store::open(must(S3Location::parse(location)), std::move(options), http_, credentials_, clock_));
  }
  std::unique_ptr<S3Store> open() { return open(options()); }

  static Result<> upload(S3Store& store, std::string_view key, std::string_view text) {
    const std::unique_ptr<Writer> writer = TRY(store.create(key, {}));
    for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 10'000)))
      TRY(writer->write(as_bytes(text.substr(0, 10'000))));
    return writer->finish();
  }
  static std::string download(S3Store& store, std::string_view key, std::uint64_t offset = 0) {
    return std::string(as_text(must(read_all(*must(store.open(key, offset, {})), 1 << 30))));
  }
  static std::vector<std::string> keys_of(const std::vector<ObjectInfo>& objects) {
    std::vector<std::string> keys;
    for (const ObjectInfo& object : objects) keys.push_back(object.key);
    return keys;
  }

  // The fault, for the first `times` calls of this operation.
  void fail(std::string operation, S3Fault fault, int times = 1) {
    server_.interfere(
        [=](const S3Call& call) mutable { return call.operation == operation && times-- > 0 ? fault : S3Fault::None; });
  }

  FakeClock clock_;
  S3Server server_{clock_};
  HttpClient http_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}, .direct = true}};
  FixedAwsCredentials credentials_{S3Server::credentials()};
};

TEST_F(S3StoreTest, TellsWhatItKnowsOfTheBucket) {
  server_.set_date("Tue, 14 Nov 2023 22:12:50 GMT");
  const StoreFacts facts = must(open()->facts({}));
  EXPECT_EQ(facts.endpoint, server_.endpoint());
  EXPECT_EQ(facts.region, "us-east-1");
  EXPECT_EQ(facts.clock_ahead, Milliseconds(30'000));
  EXPECT_EQ(facts.versions, "off");
  EXPECT_EQ(facts.default_retention, "off");
}

TEST_F(S3StoreTest, WhoMayAskNothingIsToldTheTimeAllTheSame) {
  server_.set_date("Tue, 14 Nov 2023 22:13:20 GMT");
  server_.interfere([](const S3Call&) { return S3Fault::Refuse; });
  const StoreFacts facts = must(open()->facts({}));
  EXPECT_EQ(facts.clock_ahead, Milliseconds(0));
  EXPECT_EQ(facts.versions, std::nullopt);
  EXPECT_EQ(facts.default_retention, std::nullopt);
  for (const std::string operation : {"ListObjectsV2", "GetBucketVersioning", "GetObjectLockConfiguration"}) {
    server_.interfere(
        [=](const S3Call& call) { return call.operation == operation ? S3Fault::Hangup : S3Fault::None; });
    EXPECT_FAILS(open()->facts({}), ErrorKind::Unavailable, "backups");
  }
}

TEST_F(S3StoreTest, PutsSmallStreamsWhole) {
  const auto store = open();
  must(upload(*store, "a/b", "hello"));
  EXPECT_EQ(server_.objects().at("below/a/b").bytes, "hello");
  EXPECT_EQ(server_.count("CreateMultipartUpload"), 0u);
  const std::string whole_part = random_text(kPart, 1);
  must(upload(*store, "part", whole_part));
  EXPECT_EQ(server_.count("CreateMultipartUpload"), 0u);
  EXPECT_EQ(download(*store, "part"), whole_part);
  must(upload(*store, "empty", ""));
  EXPECT_EQ(download(*store, "empty"), "");
}

TEST_F(S3StoreTest, UploadsLargeStreamsInParts) {
  const auto store = open();
  const std::string text = random_text(5 * kPart + 17, 1);
  must(upload(*store, "large", text));
  EXPECT_EQ(server_.count("UploadPart"), 6u);
  EXPECT_THAT(server_.uploads(), IsEmpty());
  EXPECT_EQ(download(*store, "large"), text);
  EXPECT_EQ(download(*store, "large", 4 * kPart), text.substr(4 * kPart));
  EXPECT_EQ(must(store->find("large", {}))->bytes, text.size());
}

TEST_F(S3StoreTest, PartsGrowSoThatTenThousandAreEnough) {
  constexpr std::size_t kMiB = 1024 * 1024;
  EXPECT_EQ(s3_part_bytes(0, 8 * kMiB), 8 * kMiB);
  EXPECT_EQ(s3_part_bytes(999, 8 * kMiB), 8 * kMiB);
  EXPECT_EQ(s3_part_bytes(1'000, 8 * kMiB), 32 * kMiB);
}

TEST_F(S3StoreTest, RefusesMorePartsThanThereMayBe) {
  S3Options few = options();
  few.parts_max = 3;
  const auto store = open(few);
  must(upload(*store, "three", random_text(3 * kPart, 1)));
  EXPECT_FAILS(upload(*store, "four", random_text(3 * kPart + 1, 1)), ErrorKind::Exhausted, "more than 3 parts");
  EXPECT_THAT(server_.uploads(), IsEmpty());
}

TEST_F(S3StoreTest, LeavesNothingBehindWhenAbandoned) {
  const auto store = open();
  {
    const auto writer = must(store->create("gone", {}));
    must(writer->write(as_bytes(random_text(3 * kPart, 1))));
  }
  {
    const auto writer = must(store->create("small", {}));
    must(writer->write(as_bytes("x")));
  }
  EXPECT_THAT(server_.objects(), IsEmpty());
  EXPECT_THAT(server_.uploads(), IsEmpty());
}

TEST_F(S3StoreTest, StopsWhenAskedTo) {
  const auto store = open();
  std::stop_source source;
  const auto writer = must(store->create("stopped", source.get_token()));
  must(writer->write(as_bytes(random_text(3 * kPart, 1))));
  source.request_stop();
  EXPECT_FAILS(writer->finish(), ErrorKind::Cancelled, "stopped");
}

TEST_F(S3StoreTest, AnObjectIsWrittenOnce) {
  const auto store = open();
  must(store->put_if_absent("one", as_bytes("first"), {}));
  EXPECT_FAILS(store->put_if_absent("one", as_bytes("second"), {}), ErrorKind::Conflict, "'one' of s3://backups/below");
  EXPECT_FAILS(upload(*store, "one", "second"), ErrorKind::Conflict, "");
  EXPECT_FAILS(upload(*store, "one", random_text(2 * kPart, 1)), ErrorKind::Conflict, "");
  EXPECT_EQ(download(*store, "one"), "first");
  EXPECT_THAT(server_.uploads(), IsEmpty());
}

TEST_F(S3StoreTest, ConditionsAreSentWithEveryNewObject) {
  const auto store = open();
  must(store->put_if_absent("a", {}, {}));
  must(upload(*store, "b", random_text(2 * kPart, 1)));
  for (const S3Call& call : server_.calls()) {
    const bool makes_object = call.operation == "PutObject" || call.operation == "CompleteMultipartUpload";
    EXPECT_EQ(call.header("if-none-match"), makes_object ? "*" : "") << call.operation;
  }
}

TEST_F(S3StoreTest, LooksFirstWhereConditionsAreIgnored) {
  server_.ignore_conditions();
  const auto store = open();
  must(upload(*store, "one", "first"));
  EXPECT_FAILS(store->put_if_absent("one", as_bytes("second"), {}), ErrorKind::Conflict, "there already");
  EXPECT_FAILS(upload(*store, "one", random_text(2 * kPart, 1)), ErrorKind::Conflict, "there already");
  EXPECT_EQ(download(*store, "one"), "first");
}

TEST_F(S3StoreTest, DoesWithoutConditionsWhereTheyAreNotImplemented) {
  server_.interfere([](const S3Call& call) {
    return call.header("if-none-match").empty() ? S3Fault::None : S3Fault::NotImplemented;
  });
  const auto store = open();
  must(store->put_if_absent("one", as_bytes("first"), {}));
  must(store->put_if_absent("two", as_bytes("first"), {}));
  EXPECT_EQ(server_.count("PutObject"), 3u);  // it was not tried a second time
  EXPECT_FAILS(store->put_if_absent("one", as_bytes("second"), {}), ErrorKind::Conflict, "there already");
  must(upload(*store, "large", random_text(2 * kPart, 1)));
}

TEST_F(S3StoreTest, ARaceIsAConflict) {
  fail("PutObject", S3Fault::Race);
  EXPECT_FAILS(open()->put_if_absent("one", {}, {}), ErrorKind::Conflict, "ConditionalRequestConflict");
}

TEST_F(S3StoreTest, PartsAreTriedAgainWhileTheirBytesAreInHand) {
  const auto store = open();
  const std::string text = random_text(4 * kPart, 1);
  for (const S3Fault fault : {S3Fault::InternalError, S3Fault::SlowDown, S3Fault::Hangup, S3Fault::LoseAnswer}) {
    const std::string key = "key" + std::to_string(static_cast<int>(fault));
    fail("UploadPart", fault, 3);
    must(upload(*store, key, text));
    EXPECT_EQ(server_.objects().at("below/" + key).bytes, text);
    fail("CreateMultipartUpload", fault, 3);
    must(upload(*store, key + "b", text));
  }
}

TEST_F(S3StoreTest, WaitsAsLongAsTheServerAsks) {
  const auto store = open();
  const auto before = clock_.steady();
  fail("PutObject", S3Fault::SlowDown, 3);
  must(upload(*store, "slow", "x"));
  EXPECT_GE(clock_.steady() - before, std::chrono::seconds(3));
}

TEST_F(S3StoreTest, GivesUpAfterSomeAttempts) {
  S3Options impatient = options();
  impatient.attempts_max = 4;
  const auto store = open(impatient);
  fail("UploadPart", S3Fault::InternalError, 1'000);
  EXPECT_FAILS(upload(*store, "never", random_text(3 * kPart, 1)), ErrorKind::Unavailable, "HTTP 500 InternalError");
  EXPECT_EQ(server_.count("UploadPart"), 4u);
  EXPECT_THAT(server_.uploads(), IsEmpty());
}

TEST_F(S3StoreTest, ALostAnswerIsSettledByLooking) {
  const auto store = open();
  const std::string text = random_text(3 * kPart, 1);
  for (const S3Fault fault : {S3Fault::LoseAnswer, S3Fault::CutAnswer, S3Fault::Garble}) {
    const std::string key = "key" + std::to_string(static_cast<int>(fault));
    fail("CompleteMultipartUpload", fault);
    must(upload(*store, key, text));
    EXPECT_EQ(server_.objects().at("below/" + key).bytes, text);
  }
  fail("PutObject", S3Fault::LoseAnswer);
  must(upload(*store, "small", "hello"));
  EXPECT_EQ(server_.count("PutObject"), 1u);
}

TEST_F(S3StoreTest, ALostAnswerIsNotTakenForSuccess) {
  const auto store = open();
  fail("CompleteMultipartUpload", S3Fault::Hangup);
  must(upload(*store, "again", random_text(3 * kPart, 1)));
  EXPECT_EQ(server_.count("CompleteMultipartUpload"), 2u);

  // Somebody else's object of the same length under the key, while we do not know what became of ours.
  server_.put("below/theirs", "their");
  server_.interfere(
      [this](const S3Call& call) { return call.operation == "PutObject" ? S3Fault::Hangup : S3Fault::None; });
  EXPECT_FAILS(upload(*store, "theirs", "mine!"), ErrorKind::Conflict, "there already");
  EXPECT_EQ(server_.objects().at("below/theirs").bytes, "their");
}

TEST_F(S3StoreTest, AnErrorInsideASuccessIsAnError) {
  const auto store = open();
  fail("CompleteMultipartUpload", S3Fault::ErrorInside, 2);
  must(upload(*store, "third", random_text(3 * kPart, 1)));
  EXPECT_EQ(server_.count("CompleteMultipartUpload"), 3u);
  S3Options impatient = options();
  impatient.attempts_max = 2;
  fail("CompleteMultipartUpload", S3Fault::ErrorInside, 2);
  EXPECT_FAILS(upload(*open(impatient), "never", random_text(3 * kPart, 1)), ErrorKind::Unavailable, "InternalError");
  EXPECT_EQ(server_.objects().count("below/never"), 0u);
}

TEST_F(S3StoreTest, NoticesLostAndExchangedParts) {
  for (const S3Fault fault : {S3Fault::LosePart, S3Fault::WrongEtag}) {
    fail("UploadPart", fault);
    EXPECT_FAILS(upload(*open(), "bad", random_text(3 * kPart, 1)), ErrorKind::Corrupt, "lost a part");
    EXPECT_THAT(server_.objects(), IsEmpty());
    EXPECT_THAT(server_.uploads(), IsEmpty());
  }
  EXPECT_EQ(server_.count("CompleteMultipartUpload"), 2u) << "what is lost does not come back by asking again";
}

TEST_F(S3StoreTest, SurvivesChaos) {
  S3Options patient = options();
  patient.attempts_max = 200;
  std::mt19937 random(7);
  server_.interfere([random](const S3Call& call) mutable {
    if (call.operation == "HeadObject" || call.operation == "AbortMultipartUpload") return S3Fault::None;
    const auto dice = random() % 100;
    if (dice < 30) return S3Fault::SlowDown;
    if (dice < 40) return S3Fault::InternalError;
    if (dice < 45) return S3Fault::Hangup;
    if (dice < 50) return S3Fault::LoseAnswer;
    if (dice < 55 && call.operation == "CompleteMultipartUpload") return S3Fault::ErrorInside;
    return S3Fault::None;
  });
  const auto store = open(patient);
  for (unsigned i = 0; i < 20; ++i) {
    const std::string text = random_text(i * kPart / 3, i);
    const std::string key = "key" + std::to_string(i);
    must(upload(*store, key, text));
    EXPECT_EQ(server_.objects().at("below/" + key).bytes, text);
  }
}

TEST_F(S3StoreTest, ListsInPagesAndInOrder) {
  server_.set_page_size(2);
  const std::vector<std::string> keys = {"a", "a b+c%2F&<x>", "a/b", "a/\xC3\xA9", "ab", "z~"};
  for (const std::string& key : keys) server_.put("below/" + key, "x");
  server_.put("belowhere", "not ours");
  server_.put("below/", "a console's folder");
  server_.put("below/a/", "a console's folder");
  const auto store = open();
  std::vector<std::string> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(keys_of(must(store->list("", {}))), sorted);
  EXPECT_THAT(keys_of(must(store->list("a/", {}))), ElementsAre("a/b", "a/\xC3\xA9"));
  EXPECT_THAT(must(store->list("none", {})), IsEmpty());
  EXPECT_THAT(must(store->list("a\n", {})), IsEmpty());
  EXPECT_EQ(must(store->list("z", {}))[0].modified_at, clock_.now());
}

TEST_F(S3StoreTest, AListingThatTurnsInACircleIsCorrupt) {
  server_.set_page_size(2);
  for (const char* key : {"below/a", "below/b", "below/c"}) server_.put(key, "x");
  fail("ListObjectsV2", S3Fault::SamePage, 1'000);
  EXPECT_FAILS(open()->list("", {}), ErrorKind::Corrupt, "same page again");
}

TEST_F(S3StoreTest, AListingThatBreaksOffIsAnError) {
  server_.put("below/a", "x");
  fail("ListObjectsV2", S3Fault::CutAnswer);
  EXPECT_FAILS(open()->list("", {}), ErrorKind::Unavailable, "");
  fail("ListObjectsV2", S3Fault::Garble);
  EXPECT_FAILS(open()->list("", {}), ErrorKind::Corrupt, "something else than a listing");
}

TEST_F(S3StoreTest, ReadsFromAnOffset) {
  server_.put("below/x", "0123456789");
  const auto store = open();
  EXPECT_EQ(download(*store, "x"), "0123456789");
  EXPECT_EQ(download(*store, "x", 3), "3456789");
  EXPECT_EQ(download(*store, "x", 10), "");
  EXPECT_FAILS(store->open("x", 11, {}), ErrorKind::Invalid, "offset 11 of 10");
  EXPECT_FAILS(store->open("y", 0, {}), ErrorKind::NotFound, "NoSuchKey");
  EXPECT_FAILS(store->open("y", 1, {}), ErrorKind::NotFound, "no such object");
  fail("GetObject", S3Fault::IgnoreRange);
  EXPECT_FAILS(store->open("x", 3, {}), ErrorKind::Corrupt, "another range");
}

TEST_F(S3StoreTest, ABodyThatEndsEarlyIsUnavailable) {
  server_.put("below/x", random_text(100'000, 1));
  fail("GetObject", S3Fault::CutAnswer);
  const auto reader = must(open()->open("x", 0, {}));
  EXPECT_FAILS(read_all(*reader, 1 << 30), ErrorKind::Unavailable, "read 'x' of s3://backups/below");
}

TEST_F(S3StoreTest, FindsAndRemoves) {
  const auto store = open();
  EXPECT_EQ(must(store->find("x", {})), std::nullopt);
  must(store->remove("x", {}));
  server_.put("below/x", "123");
  const std::optional<ObjectInfo> found = must(store->find("x", {}));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->bytes, 3u);
  EXPECT_EQ(found->modified_at, from_iso8601("2023-11-14T22:13:20Z"));
  must(store->remove("x", {}));
  EXPECT_THAT(server_.objects(), IsEmpty());
}

TEST_F(S3StoreTest, SweepsWhatTheDeadLeft) {
  const auto store = open();
  // Uploads whose writers cannot abort them any more.
  server_.set_page_size(1);
  server_.interfere(
      [](const S3Call& call) { return call.operation == "AbortMultipartUpload" ? S3Fault::Refuse : S3Fault::None; });
  const auto abandon = [&](S3Store& in, std::string_view key) {
    must(must(in.create(key, {}))->write(as_bytes(random_text(2 * kPart, 1))));
  };
  abandon(*store, "old");
  abandon(*store, "old");
  abandon(*store, "old & odd");
  abandon(*open(options(), "s3://backups/elsewhere"), "old");
  clock_.advance(std::chrono::hours(2));
  abandon(*store, "young");
  server_.interfere(nullptr);
  EXPECT_EQ(must(store->sweep(std::chrono::hours(1), {})), 3u);
  EXPECT_EQ(server_.uploads().size(), 2u);
  EXPECT_EQ(must(store->sweep(std::chrono::hours(1), {})), 0u);
}

TEST_F(S3StoreTest, DeniedSaysWhatToAllow) {
  const auto store = open();
  server_.interfere([](const S3Call&) { return S3Fault::Refuse; });
  const auto expect = [](const auto& result, std::string_view action) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind(), ErrorKind::Denied);
    EXPECT_NE(result.error().message().find(action), std::string::npos) << result.error().message();
  };
  expect(store->put_if_absent("x", {}, {}), "allow s3:PutObject");
  expect(upload(*store, "x", random_text(2 * kPart, 1)), "allow s3:PutObject");
  expect(store->open("x", 0, {}), "allow s3:GetObject");
  expect(store->find("x", {}), "allow s3:GetObject");
  expect(store->list("", {}), "allow s3:ListBucket");
  expect(store->remove("x", {}), "allow s3:DeleteObject");
  expect(store->sweep({}, {}), "allow s3:ListBucketMultipartUploads");
}

// As S3 answers when the policy lets us list our prefix only.
TEST_F(S3StoreTest, WhatIsNotListedIsMissingEvenIfTheServerWillNotSaySo) {
  const auto store = open();
  server_.put("below/x.old", "1");
  server_.put("below/hidden", "1");
  server_.interfere(
      [](const S3Call& call) { return call.operation == "ListObjectsV2" ? S3Fault::None : S3Fault::Refuse; });
  EXPECT_EQ(must(store->find("x", {})), std::nullopt);
  EXPECT_FAILS(store->open("x", 0, {}), ErrorKind::NotFound, "no such object");
  EXPECT_FAILS(store->open("x", 1, {}), ErrorKind::NotFound, "no such object");
  EXPECT_FAILS(store->find("hidden", {}), ErrorKind::Denied, "allow s3:GetObject");
  EXPECT_FAILS(store->open("hidden", 0, {}), ErrorKind::Denied, "allow s3:GetObject");
}

TEST_F(S3StoreTest, OtherTroubleHasItsKindAndRemedy) {
  fail("PutObject", S3Fault::SkewedClock);
  EXPECT_FAILS(open()->put_if_absent("x", {}, {}), ErrorKind::Invalid, "set the clock");
  EXPECT_FAILS(open(options(), "s3://elsewhere")->list("", {}), ErrorKind::NotFound, "create the bucket");
  fail("PutObject", S3Fault::SlowDown);
  const Result<> throttled = open()->put_if_absent("x", {}, {});
  ASSERT_FALSE(throttled.has_value());
  EXPECT_EQ(throttled.error().kind(), ErrorKind::Throttled);
  EXPECT_EQ(throttled.error().retry_after(), std::chrono::seconds(1));
}

TEST_F(S3StoreTest, AWrongKeyIsDenied) {
  AwsCredentials wrong = S3Server::credentials();
  wrong.secret_access_key = Secret("another secret");
  FixedAwsCredentials source(wrong);
  const auto store = must(S3Store::open(must(S3Location::parse("s3://backups")), options(), http_, source, clock_));
  EXPECT_FAILS(store->list("", {}), ErrorKind::Denied, "check the secret access key");
}

TEST_F(S3StoreTest, FollowsTheBucketToItsRegion) {
  server_.set_region("eu-central-1");
  server_.put("below/x", "123");
  const auto store = open();
  EXPECT_EQ(must(store->list("", {})).size(), 1u);
  EXPECT_EQ(server_.calls().size(), 2u);
  EXPECT_TRUE(must(store->find("x", {})).has_value());
  EXPECT_EQ(server_.calls().size(), 3u);  // and remembers it

  EXPECT_TRUE(must(open()->find("x", {})).has_value());  // a HEAD is told in a header
  must(upload(*open(), "large", random_text(3 * kPart, 1)));
}

TEST_F(S3StoreTest, ARedirectIsFollowedToTheRegionAndNotToALocation) {
  for (const int status : {301, 307}) {
    server_.set_region("eu-central-1", status);
    server_.put("below/x", "123");
    EXPECT_EQ(keys_of(must(open()->list("x", {})))[0], "x");
    EXPECT_TRUE(must(open()->find("x", {})).has_value());
    EXPECT_EQ(download(*open(), "x"), "123");
    must(open()->remove("x", {}));
    must(upload(*open(), "x" + std::to_string(status), random_text(3 * kPart, 1)));
  }
  // A region that cannot be, or the one that was tried already: no further.
  server_.set_region("evil.example.org/", 301);
  EXPECT_FAILS(open()->list("", {}), ErrorKind::Rejected, "HTTP 301 PermanentRedirect");
}

TEST_F(S3StoreTest, NoticesWhenEncryptionIsIgnored) {
  S3Options sealed = options();
  sealed.encryption = "AES256";
  const auto store = open(sealed);
  must(store->put_if_absent("a", {}, {}));
  server_.interfere([](const S3Call&) { return S3Fault::IgnoreWishes; });
  EXPECT_FAILS(store->put_if_absent("b", {}, {}), ErrorKind::Rejected, "did not encrypt as 'AES256'");
  EXPECT_FAILS(upload(*store, "c", random_text(3 * kPart, 1)), ErrorKind::Rejected, "did not encrypt as 'AES256'");
  EXPECT_EQ(server_.objects().count("below/c"), 0u);
}

TEST_F(S3StoreTest, UsesTheNameOfTheBucketAsHost) {
  S3Options named = options();
  named.endpoint = must(Url::parse(server_.named_endpoint()));
  const auto store = open(named);
  must(store->put_if_absent("x y", as_bytes("1"), {}));
  EXPECT_EQ(keys_of(must(store->list("", {}))), std::vector<std::string>{"x y"});
  EXPECT_TRUE(server_.calls()[0].host.starts_with("backups.s3.localhost:"));
}

// Gives expired credentials once.
class Renewed final : public AwsCredentialSource {
 public:
  Result<AwsCredentials> get(std::stop_token) override {
    AwsCredentials out = S3Server::credentials();
    out.session_token = Secret(expired_ ? "new" : "old");
    return out;
  }
  void expired(const AwsCredentials&) override { expired_ = renews_; }

  bool renews_ = true;

 private:
  bool expired_ = false;
};

TEST_F(S3StoreTest, RenewsExpiredCredentialsOnce) {
  server_.expect_token("new");
  Renewed source;
  const auto location = must(S3Location::parse("s3://backups"));
  must(must(S3Store::open(location, options(), http_, source, clock_))->put_if_absent("x", {}, {}));
  Renewed stubborn;
  stubborn.renews_ = false;
  const auto store = must(S3Store::open(location, options(), http_, stubborn, clock_));
  EXPECT_FAILS(store->list("", {}), ErrorKind::Denied, "renew the session");
}

TEST_F(S3StoreTest, SendsWhatIsAskedForWithEveryNewObject) {
  S3Options all = options();
  all.encryption = "aws:kms";
  all.kms_key_id = "key-1";
  all.storage_class = "STANDARD_IA";
  all.acl = "bucket-owner-full-control";
  all.object_lock = S3ObjectLock{.mode = "GOVERNANCE", .retain = std::chrono::hours(24)};
  all.expected_bucket_owner = "111122223333";
  const auto store = open(all);
  const std::string until = to_iso8601(clock_.now() + std::chrono::hours(24));
  must(store->put_if_absent("a", as_bytes("1"), {}));
  must(upload(*store, "b", "2"));
  must(upload(*store, "c", random_text(3 * kPart, 1)));
  for (const auto& [key, object] : server_.objects()) {
    EXPECT_EQ(object.headers.at("x-amz-server-side-encryption"), "aws:kms") << key;
    EXPECT_EQ(object.headers.at("x-amz-server-side-encryption-aws-kms-key-id"), "key-1") << key;
    EXPECT_EQ(object.headers.at("x-amz-storage-class"), "STANDARD_IA") << key;
    EXPECT_EQ(object.headers.at("x-amz-acl"), "bucket-owner-full-control") << key;
    EXPECT_EQ(object.headers.at("x-amz-object-lock-mode"), "GOVERNANCE") << key;
    EXPECT_EQ(object.headers.at("x-amz-object-lock-retain-until-date"), until) << key;
  }
  for (const S3Call& call : server_.calls()) {
    EXPECT_EQ(call.header("x-amz-expected-bucket-owner"), "111122223333") << call.operation;
    // S3 wants a checksum with what is locked.
    EXPECT_EQ(call.header("x-amz-checksum-sha256").empty(), call.method != "PUT") << call.operation;
  }
}

TEST_F(S3StoreTest, RefusesOptionsThatContradictEachOther) {
  const auto opened = [&](S3Options options) {
    return S3Store::open(must(S3Location::parse("s3://backups")), std::move(options), http_, credentials_, clock_);
  };
  S3Options key_only = options();
  key_only.kms_key_id = "key";
  EXPECT_FAILS(opened(key_only), ErrorKind::Invalid, "KMS");
  S3Options lock = options();
  lock.object_lock = S3ObjectLock{.mode = "FOREVER", .retain = std::chrono::hours(1)};
  EXPECT_FAILS(opened(lock), ErrorKind::Invalid, "Object Lock");
  S3Options ssh = options();
  ssh.endpoint = must(Url::parse("ssh://a.example.org/x"));
  EXPECT_FAILS(opened(ssh), ErrorKind::Invalid, "no http(s) address");
  S3Options query = options();
  query.endpoint = must(Url::parse("https://a.example.org/?x=1"));
  EXPECT_FAILS(opened(query), ErrorKind::Invalid, "query");
  S3Options region = options();
  region.region = "a/b";
  EXPECT_FAILS(opened(region), ErrorKind::Invalid, "region");
}

TEST_F(S3StoreTest, RefusesWrongKeysBeforeItAsks) {
  const auto store = open();
  EXPECT_FAILS(store->create("../x", {}), ErrorKind::Invalid, "");
  EXPECT_FAILS(store->put_if_absent("a//b", {}, {}), ErrorKind::Invalid, "");
  EXPECT_FAILS(store->open("", 0, {}), ErrorKind::Invalid, "");
  EXPECT_FAILS(store->find("/a", {}), ErrorKind::Invalid, "");
  EXPECT_FAILS(store->remove("a/", {}), ErrorKind::Invalid, "");
  EXPECT_THAT(server_.calls(), IsEmpty());
}

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(S3, ObjectStoreConformance, MakeS3);
}  // namespace testing
}  // namespace packferry
