#include "engine/doctor.h"

#include <gmock/gmock.h>

#include <set>

#include "store/memory_store.h"
#include "testing/fake_ends.h"

namespace packferry {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Pair;

// A store as a role sees it: what the role may not is refused.
class RoleStore final : public ObjectStore {
 public:
  explicit RoleStore(const Clock& clock) : store_(clock, "s3://backups/git") {}

  std::string name() const override { return store_.name(); }
  Result<std::unique_ptr<Writer>> create(std::string_view key, std::stop_token stop) override {
    return store_.create(key, stop);
  }
  Result<> put_if_absent(std::string_view key, std::span<const std::byte> bytes, std::stop_token stop) override {
    TRY(check("put"));
    if (overwrites) must(store_.remove(key, stop));
    return store_.put_if_absent(key, bytes, stop);
  }
  Result<std::unique_ptr<Reader>> open(std::string_view key, std::uint64_t offset, std::stop_token stop) override {
    TRY(check("get"));
    return store_.open(key, offset, stop);
  }
  Result<std::optional<ObjectInfo>> find(std::string_view key, std::stop_token stop) override {
    TRY(check("get"));
    return store_.find(key, stop);
  }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::stop_token stop) override {
    TRY(check("list"));
    if (hides) return std::vector<ObjectInfo>();
    return store_.list(prefix, stop);
  }
  Result<> remove(std::string_view key, std::stop_token stop) override {
    TRY(check("delete"));
    return store_.remove(key, stop);
  }
  Result<std::size_t> sweep(Milliseconds age, std::stop_token stop) override { return store_.sweep(age, stop); }
  Result<StoreFacts> facts(std::stop_token) override {
    TRY(check("facts"));
    return known;
  }

  std::set<std::string, std::less<>> refused = {"delete"};
  ErrorKind refusal = ErrorKind::Denied;
  bool overwrites = false;
  bool hides = false;
  StoreFacts known = {.endpoint = "https://backups.s3.eu-central-1.amazonaws.com",
                      .region = "eu-central-1",
                      .clock_ahead = Milliseconds(400),
                      .versions = "enabled"};

 private:
  Result<> check(std::string_view what) const {
    if (!refused.contains(what)) return {};
    return Error(refusal, "{} in {}: refused; allow s3:{}", what, name(), what);
  }

  MemoryStore store_;
};

class DoctorTest : public ::testing::Test {
 protected:
  Examination examine(StoreExpectations expected = {}) { return examine_store(store, expected, clock, {}); }
  // "ok adds an object", …
  static std::vector<std::string> said(const Examination& examination) {
    std::vector<std::string> lines;
    for (const Observation& each : examination.observations)
      lines.push_back(fmt::format("{} {}", to_string(each.verdict), each.what));
    return lines;
  }
  static std::string advice(const Examination& examination) { return examination.observations.back().advice; }

  FakeClock clock;
  RoleStore store{clock};
};

TEST_F(DoctorTest, AWriterAddsAndReadsBackAndTakesNothingAway) {
  const Examination examination = examine();
  EXPECT_TRUE(examination.is_healthy());
  EXPECT_EQ(examination.side, "store");
  EXPECT_EQ(examination.name, "s3://backups/git");
  EXPECT_THAT(said(examination),
              ElementsAre("ok adds an object", "ok reads it back", "ok lists it",
                          "ok a second object of that name is refused, written as backups are", "ok cannot delete it"));
  EXPECT_THAT(examination.facts, ElementsAre(Pair("endpoint", store.known.endpoint), Pair("region", "eu-central-1"),
                                             Pair("clock", "ours and the store's agree"), Pair("versions", "enabled"),
                                             Pair("object lock", "may not be asked"),
                                             Pair("probe", "doctor/20231114T221320Z stays there")));
}

TEST_F(DoctorTest, TwoVisitsInOneSecondDoNotMeet) {
  EXPECT_TRUE(examine().is_healthy());
  const Examination second = examine();
  EXPECT_TRUE(second.is_healthy());
  EXPECT_THAT(second.facts, Contains(Pair("probe", "doctor/20231114T221320Z-2 stays there")));
}

TEST_F(DoctorTest, AWriterThatCanDeleteIsAFinding) {
  store.refused = {};
  const Examination examination = examine();
  EXPECT_FALSE(examination.is_healthy());
  EXPECT_EQ(said(examination).back(), "finding can delete");
  EXPECT_THAT(advice(examination), HasSubstr("--may-delete"));
  EXPECT_THAT(must(store.list("", {})), ::testing::IsEmpty());

  EXPECT_EQ(said(examine({.may_delete = true})).back(), "ok deletes it");
}

TEST_F(DoctorTest, WhoPrunesHasToBeAbleToDelete) {
  const Examination examination = examine({.may_delete = true});
  EXPECT_EQ(said(examination).back(), "cannot delete it");
  EXPECT_THAT(advice(examination), HasSubstr("allow s3:delete"));
}

TEST_F(DoctorTest, WhoMayNotAddNeedNotTryTheRest) {
  store.refused.insert("put");
  const Examination examination = examine();
  EXPECT_THAT(said(examination), ElementsAre("cannot add an object"));
  EXPECT_THAT(advice(examination), HasSubstr("allow s3:put"));
}

TEST_F(DoctorTest, WhoMayNotReadOrListIsToldWhatToAllow) {
  store.refused.insert({"get", "list"});
  EXPECT_THAT(said(examine()),
              ElementsAre("ok adds an object", "cannot read it back", "cannot list it",
                          "ok a second object of that name is refused, written as backups are", "ok cannot delete it"));
}

TEST_F(DoctorTest, APutOnlyWriterShouldNotRead) {
  EXPECT_THAT(said(examine({.may_read = false})),
              ElementsAre("ok adds an object", "finding can read it back", "finding can list it",
                          "ok a second object of that name is refused, written as backups are", "ok cannot delete it"));
  store.refused.insert({"get", "list"});
  EXPECT_TRUE(examine({.may_read = false}).is_healthy());
  store.refusal = ErrorKind::Unavailable;
  store.refused = {"get"};
  EXPECT_THAT(said(examine({.may_read = false})), Contains("cannot read it back"));
}

TEST_F(DoctorTest, AStoreThatForgetsOrReplacesIsAFinding) {
  store.overwrites = true;
  store.hides = true;
  EXPECT_THAT(said(examine()), ElementsAre("ok adds an object", "ok reads it back",
                                           "finding lists the prefix without what was just written",
                                           "finding writes over what is there", "ok cannot delete it"));
}

TEST_F(DoctorTest, AStoreThatDoesNotAnswerIsNotGuessedAbout) {
  store.refusal = ErrorKind::Unavailable;
  store.refused = {"facts", "delete"};
  EXPECT_THAT(said(examine()), ElementsAre("cannot answer", "ok adds an object", "ok reads it back", "ok lists it",
                                           "ok a second object of that name is refused, written as backups are",
                                           "cannot find out whether it can delete"));
}

TEST_F(DoctorTest, AClockThatGoesWrongIsAFindingBeforeItIsRefused) {
  store.known.clock_ahead = Milliseconds(-30'000);
  EXPECT_THAT(examine().facts, Contains(Pair("clock", "ours is 30 s behind the store's")));
  store.known.clock_ahead = Milliseconds(400'000);
  EXPECT_THAT(said(examine()), Contains("finding our clock is 400 s ahead of the store's"));
  store.known = {};
  EXPECT_THAT(examine().facts, ElementsAre(Pair("probe", ::testing::_)));
}

TEST_F(DoctorTest, ASourceIsListed) {
  testing::FakeSource source;
  source.holds = testing::refs_at({{"refs/heads/main", 3}, {"refs/tags/v1", 2}});
  const Examination examination = examine_source(source, {});
  EXPECT_THAT(said(examination), ElementsAre("ok lists its refs"));
  EXPECT_THAT(examination.facts, ElementsAre(Pair("protocol", "2"), Pair("object format", "sha1"), Pair("refs", "2"),
                                             Pair("HEAD", "refs/heads/main"), Pair("capabilities", "")));

  source.listing_error = Error(ErrorKind::Denied, "403; check the role");
  EXPECT_THAT(said(examine_source(source, {})), ElementsAre("cannot list refs"));
}

TEST_F(DoctorTest, ADestinationLetsAPushBegin) {
  testing::FakeDestination destination("fake://east");
  destination.host.name = "codecommit";
  const Examination examination = examine_destination(destination, {});
  EXPECT_THAT(said(examination), ElementsAre("ok lets a push begin"));
  EXPECT_THAT(examination.facts, Contains(Pair("host", "codecommit")));
  EXPECT_THAT(examination.facts, Contains(Pair("capabilities", "atomic delete-refs ofs-delta report-status")));
  EXPECT_TRUE(destination.pushes.empty());

  destination.capabilities = {};
  EXPECT_THAT(
      said(examine_destination(destination, {})),
      ElementsAre("ok lets a push begin", "finding does not say what became of a push", "finding deletes no refs"));
  destination.exists = false;
  EXPECT_THAT(said(examine_destination(destination, {})), ElementsAre("ok is not there yet, and can be made"));
  destination.listing_error = Error(ErrorKind::Denied, "403");
  EXPECT_THAT(said(examine_destination(destination, {})), ElementsAre("cannot begin a push"));
}

}  // namespace
}  // namespace packferry
