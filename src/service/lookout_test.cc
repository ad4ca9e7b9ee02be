#include "service/lookout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalogue/sqlite.h"
#include "testing/must.h"
#include "testing/scripted_server.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::must;
using testing::ScriptedServer;
using testing::TempDir;

constexpr Milliseconds kMinute{60'000}, kHour{3'600'000};

// What a channel has heard, and whether it hears.
struct Ear {
  std::vector<std::string> heard = {};  // "raised replica web/held"
  bool is_deaf = false;
  Milliseconds takes{0};
};

class FakeChannel final : public AlarmChannel {
 public:
  FakeChannel(Ear& ear, FakeClock& clock, std::string name) : ear_(ear), clock_(clock), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  Result<> say(const Notice& notice, std::stop_token) override {
    clock_.advance(ear_.takes);
    if (ear_.is_deaf) return Error(ErrorKind::Unavailable, "nobody is there");
    const Trouble& trouble = notice.alarm.trouble;
    ear_.heard.push_back(std::string(to_string(notice.kind)) + " " + trouble.subject + "/" + trouble.kind);
    return {};
  }

 private:
  Ear& ear_;
  FakeClock& clock_;
  const std::string name_;
};

// The real one, until it is broken.
class BreakableCatalogue final : public Catalogue {
 public:
  explicit BreakableCatalogue(const std::string& path) : real_(must(Catalogue::open(path))) {}
  Result<std::vector<Delivery>> deliveries() override {
    if (is_broken) return Error(ErrorKind::Corrupt, "the file is damaged");
    return real_->deliveries();
  }
  Result<std::vector<DeliveryKey>> keys() override { return real_->keys(); }
  Result<std::optional<Delivery>> find(const DeliveryKey& key) override { return real_->find(key); }
  Result<> record(const std::vector<Delivery>& deliveries) override { return real_->record(deliveries); }
  Result<> forget(const std::vector<DeliveryKey>& keys) override { return real_->forget(keys); }
  Result<std::vector<ListingRecord>> listings() override { return real_->listings(); }
  Result<> record(const ListingRecord& listing) override { return real_->record(listing); }
  Result<std::int64_t> begin_sweep(const SweepRecord& sweep) override { return real_->begin_sweep(sweep); }
  Result<> end_sweep(std::int64_t id, Clock::WallTime at, const std::string& report) override {
    return real_->end_sweep(id, at, report);
  }
  Result<std::vector<SweepRecord>> sweeps(std::size_t last) override { return real_->sweeps(last); }
  Result<> trim_sweeps(std::size_t keep) override { return real_->trim_sweeps(keep); }

  bool is_broken = false;

 private:
  const std::unique_ptr<Catalogue> real_;
};

class BreakableRecords final : public AlarmRecords {
 public:
  explicit BreakableRecords(const std::string& path) : real_(must(AlarmRecords::open(path))) {}
  Result<std::vector<AlarmRecord>> alarms() override {
    if (is_broken) return broken();
    return real_->alarms();
  }
  Result<std::vector<NoticeRecord>> notices() override { return real_->notices(); }
  Result<> record(const AlarmChange& change) override {
    if (is_broken) return broken();
    return real_->record(change);
  }

  bool is_broken = false;

 private:
  static Error broken() { return {ErrorKind::Exhausted, "the disk is full"}; }
  const std::unique_ptr<AlarmRecords> real_;
};

class LookoutTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }

  // As after a restart: what was in memory only is gone.
  void start() {
    std::vector<std::unique_ptr<AlarmChannel>> channels;
    for (Ear* ear : ears) channels.push_back(std::make_unique<FakeChannel>(*ear, clock, "ear"));
    lookout = std::make_unique<Lookout>(LookoutWorld{*replicas, catalogue, records, http, clock, log},
                                        std::move(channels), options);
  }

  void create(const std::string& name) {
    ReplicaOrder order{.name = name,
                       .source = {.url = "https://here/" + name, .host = "here"},
                       .destination = {.url = "https://there/" + name, .host = "there"},
                       .freshness = 100 * kHour,
                       .created_at = clock.now()};
    must(replicas->create(order, "ada", [](const auto&) { return Result<>(); }));
  }
  void record(const std::string& name, Look look) {
    must(replicas->trigger(name, LookReason::Sync, clock.now()));
    look.next_look_at = clock.now() + 50 * kHour;
    must(replicas->record(*must(replicas->take(name, "worker", kHour, clock)), look, clock.now()));
  }
  static Look equal() { return {.source_state = "state"}; }
  Look held() const {
    return {.outcome = LookOutcome::Held,
            .source_state = "state",
            .held = HeldPlan{.digest = "0123456789abcdef", .text = "", .expires_at = clock.now() + 24 * kHour}};
  }
  static Look failed(const std::string& message = "push: 503") {
    return {.outcome = LookOutcome::Failed, .failure = LookFailure{.kind = ErrorKind::Unavailable, .message = message}};
  }

  // What the first ear hears by a pass after a while.
  std::vector<std::string> after(Milliseconds pause) {
    clock.advance(pause);
    first.heard.clear();
    must(lookout->pass({}));
    return first.heard;
  }

  const TempDir dir;
  const std::string file = dir / "catalogue.db";
  FakeClock clock;
  NullLog log;
  HttpClient http{HttpOptions{.user_agent = "test", .ca_file = {}, .patience = {}}};
  const std::unique_ptr<Replicas> replicas = must(Replicas::open(file));
  BreakableCatalogue catalogue{file};
  BreakableRecords records{file};
  Ear first;
  Ear second;
  std::vector<Ear*> ears{&first, &second};
  LookoutOptions options{.stores = {"vault"}, .rules = {.raise_after = kMinute}};
  std::unique_ptr<Lookout> lookout;
};

TEST_F(LookoutTest, WhatIsHeldIsSaidToEveryoneAndItsEndToo) {
  create("web");
  record("web", held());
  EXPECT_THAT(after(Milliseconds(0)), IsEmpty());
  EXPECT_THAT(after(kMinute), ElementsAre("raised replica web/held"));
  EXPECT_EQ(second.heard, first.heard);
  EXPECT_EQ(lookout->open_alarms().size(), 1u);
  record("web", equal());
  EXPECT_THAT(after(kMinute), IsEmpty());
  EXPECT_THAT(after(5 * kMinute), ElementsAre("over replica web/held"));
  EXPECT_THAT(lookout->open_alarms(), IsEmpty());
}

TEST_F(LookoutTest, ItRingsWhenTheWorkersAreDead) {
  create("web");  // its first look waits, and nobody takes it
  after(11 * kMinute);
  EXPECT_THAT(after(kMinute), ElementsAre("raised service/queue"));
}

TEST_F(LookoutTest, AFailureIsAsOldAsTheFirstInARow) {
  create("web");
  record("web", equal());
  clock.advance(kHour);
  record("web", failed("connect: refused"));
  clock.advance(10 * kMinute);
  record("web", failed("push: 503"));
  EXPECT_THAT(after(kMinute), IsEmpty());
  EXPECT_THAT(lookout->open_alarms(), IsEmpty());
  after(5 * kMinute);
  ASSERT_EQ(lookout->open_alarms().size(), 2u) << "and it lags, since somebody had announced a change";
  EXPECT_EQ(lookout->open_alarms().front().trouble.summary, "fails since 16 minutes, 2 times in a row: push: 503");
}

TEST_F(LookoutTest, AFailureThatAFewLooksEndedIsOver) {
  create("web");
  record("web", failed());
  clock.advance(kHour);
  record("web", equal());
  record("web", failed());
  after(Milliseconds(0));
  EXPECT_THAT(lookout->open_alarms(), IsEmpty()) << "it fails since now";
}

TEST_F(LookoutTest, BackupsAreThoseInItsStores) {
  for (const std::string destination : {"vault/app/web", "github/app/web"})
    must(catalogue.record({{.key = {.order = "nightly", .source = "gitlab/app/web", .destination = destination},
                            .confirmed_at = clock.now(),
                            .source_seen_at = clock.now()}}));
  after(27 * kHour);
  EXPECT_THAT(after(kMinute), ElementsAre("raised backup nightly: gitlab/app/web to vault/app/web/backup-age"));
}

TEST_F(LookoutTest, ARestartNeitherRingsAgainNorForgets) {
  create("web");
  record("web", held());
  after(Milliseconds(0));
  after(kMinute);
  start();
  EXPECT_THAT(after(kMinute), IsEmpty());
  record("web", equal());
  after(kMinute);
  start();
  EXPECT_THAT(after(5 * kMinute), ElementsAre("over replica web/held"));
  start();
  EXPECT_THAT(after(kMinute), IsEmpty());
}

TEST_F(LookoutTest, WhoDidNotHearHearsItAtTheNextPassInOrder) {
  create("api");
  create("web");
  record("api", equal());
  record("web", equal());
  second.is_deaf = true;
  record("web", held());
  after(Milliseconds(0));
  after(kMinute);
  record("api", held());
  after(kMinute);
  EXPECT_THAT(after(kMinute), ElementsAre("raised replica api/held"));
  EXPECT_THAT(second.heard, IsEmpty());
  start();  // the backlog is remembered, too
  second.is_deaf = false;
  EXPECT_THAT(after(kMinute), IsEmpty());
  EXPECT_THAT(second.heard, ElementsAre("raised replica web/held", "raised replica api/held"));
  after(kMinute);
  EXPECT_EQ(second.heard.size(), 2u);
  EXPECT_THAT(must(records.notices()), IsEmpty());
}

TEST_F(LookoutTest, NobodyWaitsBehindAChannelThatIsSlow) {
  for (const std::string name : {"a", "b", "c"}) {
    create(name);
    record(name, held());
  }
  first.takes = Milliseconds(31'000);
  after(Milliseconds(0));
  EXPECT_EQ(after(kMinute).size(), 1u) << "the rest of the slow one's waits for the next pass";
  EXPECT_EQ(second.heard.size(), 3u);
  EXPECT_EQ(after(kMinute).size(), 1u);
}

TEST_F(LookoutTest, ABacklogIsBounded) {
  second.is_deaf = true;
  create("web");
  for (std::size_t i = 0; i <= Lookout::kBacklogMax / 2; ++i) {
    record("web", held());
    after(Milliseconds(0));
    after(kMinute);
    record("web", equal());
    after(Milliseconds(0));
    after(5 * kMinute);
  }
  EXPECT_EQ(must(records.notices()).size(), Lookout::kBacklogMax);
  second.is_deaf = false;
  after(Milliseconds(0));
  EXPECT_EQ(second.heard.size(), Lookout::kBacklogMax);
  EXPECT_EQ(second.heard.back(), "over replica web/held") << "what is given up is the oldest";
}

TEST_F(LookoutTest, ManyThatAreAlikeAreSaidAsOne) {
  for (int i = 0; i < 12; ++i) {
    create("r" + std::to_string(i));
    record("r" + std::to_string(i), held());
  }
  after(Milliseconds(0));
  EXPECT_THAT(after(kMinute), ElementsAre("raised 12 replicas/held"));
  EXPECT_EQ(lookout->open_alarms().size(), 12u);
}

TEST_F(LookoutTest, WhatCannotBeReadIsAnAlarmAndEndsNone) {
  create("web");
  record("web", held());
  after(Milliseconds(0));
  after(kMinute);
  const std::optional<Clock::WallTime> seen_at = lookout->seen_at();
  catalogue.is_broken = true;
  EXPECT_FAILS(lookout->pass({}), ErrorKind::Corrupt, "the backups: the file is damaged");
  clock.advance(10 * kMinute);
  first.heard.clear();
  EXPECT_FALSE(lookout->pass({}));
  EXPECT_THAT(first.heard, ElementsAre("raised service/blind"));
  EXPECT_EQ(lookout->open_alarms().size(), 2u);
  EXPECT_EQ(lookout->seen_at(), seen_at);
  catalogue.is_broken = false;
  after(Milliseconds(0));
  EXPECT_THAT(after(5 * kMinute), ElementsAre("over service/blind"));
}

TEST_F(LookoutTest, WhatCannotBeWrittenIsSaidAllTheSame) {
  create("web");
  record("web", held());
  after(Milliseconds(0));
  records.is_broken = true;
  clock.advance(kMinute);
  EXPECT_FAILS(lookout->pass({}), ErrorKind::Exhausted, "the disk is full");
  EXPECT_THAT(first.heard, ElementsAre("raised replica web/held"));
  records.is_broken = false;
  EXPECT_THAT(after(kMinute), IsEmpty());
  start();
  EXPECT_THAT(after(kMinute), IsEmpty()) << "it was written by the pass after";
}

TEST_F(LookoutTest, ThatNothingCanBeWrittenIsAnAlarm) {
  create("web");
  record("web", held());
  after(Milliseconds(0));
  after(kMinute);
  records.is_broken = true;
  record("web", equal());  // whose alarm has something to write from now on
  for (int passes = 0; passes < 3; ++passes) {
    clock.advance(kMinute);
    first.heard.clear();
    EXPECT_FALSE(lookout->pass({}));
  }
  EXPECT_THAT(first.heard, ElementsAre("raised service/blind"));
}

TEST_F(LookoutTest, WhatWasOpenIsRememberedAsSoonAsItCanBeRead) {
  create("web");
  record("web", held());
  after(Milliseconds(0));
  after(kMinute);
  records.is_broken = true;
  start();
  EXPECT_FAILS(lookout->pass({}), ErrorKind::Exhausted, "the alarms that were open");
  records.is_broken = false;
  EXPECT_THAT(after(2 * kMinute), IsEmpty());
  EXPECT_EQ(lookout->open_alarms().size(), 1u) << "it was not blind for long enough";
}

TEST_F(LookoutTest, AChannelThatIsGoneLeavesNoBacklog) {
  second.is_deaf = true;
  create("web");
  record("web", held());
  after(Milliseconds(0));
  after(kMinute);
  EXPECT_EQ(must(records.notices()).size(), 1u);
  ears = {&first};
  start();
  after(Milliseconds(0));
  EXPECT_THAT(must(records.notices()), IsEmpty());
}

TEST_F(LookoutTest, HoldsTenThousandThatFail) {
  {
    // Creating each is a commit to the disk.
    const auto database = must(Database::open(file, Milliseconds(0)));
    must(database->run(R"sql(
      BEGIN;
      WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
      INSERT INTO replicas (name, source_url, source_host, source_type, source_id, destination_url, destination_host,
        destination_type, destination_id, account_name, link, policy, schedule, role, regions, freshness, created_at,
        outcome, error_kind, error, failures, behind_since, next_look_at)
      SELECT printf('group/repository-%05d', n), 'https://here/' || n, 'here', '', '', 'https://there/' || n, 'there',
        '', '', '', '', '', '', '', '', 360000000, 1700000000000, 'failed', 'unavailable', 'push: 503', 3,
        1700000000000, 1800000000000 FROM numbers;
      INSERT INTO looks (replica, epoch, looks, reason, triggered_at, began_at, ended_at, outcome, refs_changed,
        pack_bytes, plan_digest, error_kind, error, remedy)
      SELECT id, id, 3, 'schedule', created_at, created_at, created_at, 'failed', 0, 0, '', 'unavailable', 'push: 503', ''
      FROM replicas;
      COMMIT)sql"));
  }
  clock.advance(kHour);
  after(Milliseconds(0));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(after(kMinute), ElementsAre("raised 10000 replicas/failing", "raised 10000 replicas/lag"));
  const auto took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - began);
  std::printf("a pass that raises 20,000 alarms: %lld ms\n", static_cast<long long>(took.count()));
  EXPECT_EQ(lookout->open_alarms().size(), 20'000u);
}

class Heartbeat : public LookoutTest {
 protected:
  void SetUp() override {
    options.heartbeat = must(Url::parse(server.url("/beat")));
    start();
  }
  bool beats() {
    const std::size_t before = server.connections();
    static_cast<void>(lookout->pass({}));
    return server.connections() > before;
  }
  static testing::Script answer() {
    return {testing::request(), testing::say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")};
  }

  const ScriptedServer server{{answer(), answer(), answer(), answer()}};
};

TEST_F(Heartbeat, FollowsAPassThatCouldReadEverything) {
  EXPECT_TRUE(beats());
  catalogue.is_broken = true;
  EXPECT_FALSE(beats());
  catalogue.is_broken = false;
  EXPECT_TRUE(beats());
}

TEST_F(Heartbeat, StopsWhenNobodyCanBeTold) {
  create("web");
  record("web", held());
  EXPECT_TRUE(beats());
  first.is_deaf = second.is_deaf = true;
  clock.advance(kMinute);
  EXPECT_FALSE(beats());
  second.is_deaf = false;
  EXPECT_TRUE(beats());
}

TEST_F(Heartbeat, ThatNobodyHearsHurtsNobody) {
  options.heartbeat = must(Url::parse("http://127.0.0.1:1/"));
  start();
  must(lookout->pass({}));
}

// Sleeps are where this clock says that it is enough.
class CountedClock final : public Clock {
 public:
  CountedClock(std::stop_source& stop, int sleeps) : stop_(stop), left_(sleeps) {}
  WallTime now() const override { return fake_.now(); }
  SteadyTime steady() const override { return fake_.steady(); }
  bool sleep(Milliseconds duration, std::stop_token stop) override {
    slept.push_back(duration);
    if (--left_ == 0) stop_.request_stop();
    return fake_.sleep(duration, std::move(stop));
  }

  std::vector<Milliseconds> slept;

 private:
  std::stop_source& stop_;
  int left_;
  FakeClock fake_;
};

TEST_F(LookoutTest, RunsUntilItIsStoppedWhateverFails) {
  std::stop_source stop;
  CountedClock counted(stop, 3);
  Lookout running(LookoutWorld{*replicas, catalogue, records, http, counted, log}, {}, options);
  catalogue.is_broken = true;
  running.run(stop.get_token());
  EXPECT_EQ(counted.slept.size(), 3u);
  EXPECT_THAT(counted.slept, Each(options.interval));
}

}  // namespace
}  // namespace packferry
