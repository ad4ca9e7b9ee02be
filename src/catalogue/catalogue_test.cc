#include "catalogue/catalogue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "catalogue/schema.h"
#include "catalogue/sqlite.h"
#include "testing/child_process.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::die_within;
using testing::in_a_process;
using testing::must;
using testing::status_of;

Clock::WallTime at(std::int64_t seconds) { return Clock::WallTime(std::chrono::seconds(seconds)); }

Delivery delivery(const std::string& source, std::optional<Clock::WallTime> seen = {}) {
  return {.key = {.order = "nightly", .source = "gitlab/" + source, .destination = "vault/" + source},
          .source_seen_at = seen};
}

Delivery full_delivery() {
  return {.key = {.order = "to-aws", .source = "gitlab/app/web", .destination = "aws/app-web"},
          .source_id = "4711",
          .destination_id = "8a6d",
          .confirmed_state = std::string(64, 'c'),
          .confirmed_at = at(1'700'000'001) + Milliseconds(7),
          .last_push = "2026-11-22T13:45:00.123Z",
          .source_seen_at = at(1'700'000'002),
          .behind_since = at(1'700'000'003),
          .missing_since = at(1'700'000'004),
          .failures = 5,
          .outcome = "failed",
          .error = "push to aws: 503"};
}

class CatalogueTest : public ::testing::Test {
 protected:
  std::unique_ptr<Catalogue> open() { return must(Catalogue::open(path)); }

  const testing::TempDir dir;
  const std::string path = dir / "packferry.db";
};

TEST_F(CatalogueTest, RemembersDeliveriesByKey) {
  const Delivery plain = delivery("app/web");
  Delivery nearly = plain;
  nearly.key.destination = "vault/app/Web";
  must(open()->record({full_delivery(), plain, nearly}));
  EXPECT_EQ(must(open()->deliveries()), (std::vector<Delivery>{nearly, plain, full_delivery()}));
  EXPECT_EQ(must(open()->keys()), (std::vector<DeliveryKey>{nearly.key, plain.key, full_delivery().key}));
  EXPECT_EQ(must(open()->find(full_delivery().key)), full_delivery());
  EXPECT_EQ(must(open()->find({"no", "such", "key"})), std::nullopt);
}

TEST_F(CatalogueTest, ALaterLookAtTheSourceReplacesAnEarlierOne) {
  const auto catalogue = open();
  Delivery later = delivery("web", at(200));
  later.outcome = "done";
  Delivery earlier = delivery("web", at(100));
  earlier.outcome = "failed";
  must(catalogue->record({earlier}));
  must(catalogue->record({later}));
  must(catalogue->record({earlier}));
  must(catalogue->record({delivery("web")}));
  EXPECT_EQ(must(catalogue->deliveries()), (std::vector<Delivery>{later}));
}

TEST_F(CatalogueTest, WhatIsSaidOfTheSameLookReplacesWhatWasSaid) {
  const auto catalogue = open();
  Delivery twice = delivery("web", at(100));
  must(catalogue->record({twice}));
  twice.missing_since = at(300);
  must(catalogue->record({twice}));
  EXPECT_EQ(must(catalogue->deliveries()), (std::vector<Delivery>{twice}));
  Delivery never = delivery("never-seen");
  must(catalogue->record({never}));
  never.failures = 2;
  must(catalogue->record({never}));
  EXPECT_EQ(must(catalogue->deliveries()), (std::vector<Delivery>{never, twice}));
}

TEST_F(CatalogueTest, ForgetsWhatItIsToldTo) {
  const auto catalogue = open();
  must(catalogue->record({delivery("a"), delivery("b"), delivery("c")}));
  must(catalogue->forget({delivery("a").key, delivery("c").key, delivery("unknown").key}));
  EXPECT_EQ(must(catalogue->deliveries()), (std::vector<Delivery>{delivery("b")}));
}

TEST_F(CatalogueTest, RemembersHowLongListingsWere) {
  const auto catalogue = open();
  must(catalogue->record(ListingRecord{.host = "gitlab", .repositories = 7, .listed_at = at(100)}));
  must(catalogue->record(ListingRecord{.host = "gitlab", .owner = "app", .repositories = 3, .listed_at = at(100)}));
  must(catalogue->record(ListingRecord{.host = "gitlab", .owner = "app", .repositories = 4, .listed_at = at(200)}));
  must(catalogue->record(ListingRecord{.host = "gitlab", .owner = "app", .repositories = 9, .listed_at = at(150)}));
  const std::vector<ListingRecord> listings = must(open()->listings());
  ASSERT_EQ(listings.size(), 2u);
  EXPECT_EQ(listings[0].owner, "");
  EXPECT_EQ(listings[0].repositories, 7u);
  EXPECT_EQ(listings[1].owner, "app");
  EXPECT_EQ(listings[1].repositories, 4u) << "the later one stays";
  EXPECT_EQ(listings[1].listed_at, at(200));
}

TEST_F(CatalogueTest, RemembersSweepsTheNewestFirst) {
  const auto catalogue = open();
  const std::int64_t first = must(catalogue->begin_sweep({.began_at = at(1), .configuration = "/etc/a.toml"}));
  const std::int64_t second = must(catalogue->begin_sweep({.began_at = at(2), .configuration = "/etc/b.toml"}));
  must(catalogue->end_sweep(first, at(3), "{}"));
  const std::vector<SweepRecord> sweeps = must(catalogue->sweeps(10));
  ASSERT_EQ(sweeps.size(), 2u);
  EXPECT_EQ(sweeps[0].id, second);
  EXPECT_EQ(sweeps[0].began_at, at(2));
  EXPECT_EQ(sweeps[0].ended_at, std::nullopt) << "it runs, or was killed";
  EXPECT_EQ(sweeps[0].configuration, "/etc/b.toml");
  EXPECT_EQ(sweeps[1].id, first);
  EXPECT_EQ(sweeps[1].ended_at, at(3));
  EXPECT_EQ(sweeps[1].report, "{}");
  EXPECT_EQ(must(catalogue->sweeps(1)).size(), 1u);
}

TEST_F(CatalogueTest, TrimsAllButTheNewestSweepsAndNeverNumbersTwoAlike) {
  const auto catalogue = open();
  std::int64_t last = 0;
  for (int i = 0; i < 5; ++i) last = must(catalogue->begin_sweep({.began_at = at(i)}));
  must(catalogue->trim_sweeps(2));
  ASSERT_EQ(must(catalogue->sweeps(10)).size(), 2u);
  EXPECT_EQ(must(catalogue->sweeps(10))[0].id, last);
  must(catalogue->trim_sweeps(0));
  EXPECT_GT(must(catalogue->begin_sweep({.began_at = at(9)})), last);
  EXPECT_FAILS(catalogue->end_sweep(last, at(10), "{}"), ErrorKind::NotFound, "any more");
}

TEST_F(CatalogueTest, ANewerCatalogueIsRefused) {
  open();
  must(must(Database::open(path, Milliseconds(0)))->run("PRAGMA user_version = 999"));
  EXPECT_FAILS(Catalogue::open(path), ErrorKind::Invalid, "newer Packferry");
}

TEST_F(CatalogueTest, AFileOfAnotherProgramIsRefusedAndLeftAsItWas) {
  must(must(Database::open(path, Milliseconds(0)))->run("CREATE TABLE bookmarks (url TEXT)"));
  EXPECT_FAILS(Catalogue::open(path), ErrorKind::Invalid, "no catalogue of Packferry");
  const auto database = must(Database::open(path, Milliseconds(0)));
  EXPECT_EQ(must(database->number("SELECT count(*) FROM sqlite_schema")), 1);
}

TEST_F(CatalogueTest, ADamagedFileSaysSo) {
  std::vector<Delivery> many;
  for (int i = 0; i < 1000; ++i) many.push_back(delivery(fmt::format("repository-{}", i)));
  must(open()->record(many));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto pages = std::filesystem::file_size(path) / 4096;
  for (std::uintmax_t page = 3; page < pages; ++page) {
    file.seekp(static_cast<std::streamoff>(page * 4096));
    file << std::string(4096, '\x5a');
  }
  file.close();
  const auto read = [this]() -> Result<std::vector<Delivery>> {
    return TRY(Catalogue::open(path))
    ->deliveries();
  };
  EXPECT_FAILS(read(), ErrorKind::Corrupt, "packferry catalogue rebuild");
}

TEST_F(CatalogueTest, AnInterruptedBatchLeavesNothing) {
  const auto catalogue = open();
  must(must(Database::open(path, Milliseconds(0)))
           ->run("CREATE UNIQUE INDEX one_each ON deliveries (last_push) WHERE last_push <> ''"));
  Delivery first = delivery("a"), second = delivery("b");
  first.last_push = second.last_push = "the same";
  EXPECT_FALSE(catalogue->record({first, second}).has_value());
  EXPECT_TRUE(must(catalogue->deliveries()).empty());
  must(catalogue->record({first}));
}

// What `writers` wrote at once: 50 deliveries each, of their own, and 50 of a common one.
void write_much(Catalogue& catalogue, int writer) {
  for (int i = 0; i < 50; ++i) {
    Delivery common = delivery("common", at(i * 10 + writer));
    common.outcome = fmt::format("{}", i * 10 + writer);
    must(catalogue.record({delivery(fmt::format("own-{}-{}", writer, i)), common}));
    must(catalogue.begin_sweep({.began_at = at(i), .configuration = fmt::format("{}-{}", writer, i)}));
  }
}

void expect_all_is_there(Catalogue& catalogue, int writers) {
  const std::vector<Delivery> all = must(catalogue.deliveries());
  EXPECT_EQ(all.size(), static_cast<std::size_t>(writers) * 50 + 1);
  EXPECT_EQ(all.front().key.source, "gitlab/common");
  EXPECT_EQ(all.front().outcome, fmt::format("{}", 490 + writers - 1)) << "the latest look";
  std::set<std::int64_t> ids;
  for (const SweepRecord& sweep : must(catalogue.sweeps(10'000))) ids.insert(sweep.id);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(writers) * 50);
}

TEST_F(CatalogueTest, ThreadsThatShareOneLoseNothing) {
  const auto catalogue = open();
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < 4; ++writer)
      threads.emplace_back([&catalogue, writer] { write_much(*catalogue, writer); });
  }
  expect_all_is_there(*catalogue, 4);
}

TEST_F(CatalogueTest, ThreadsWithOneEachLoseNothing) {
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < 4; ++writer) threads.emplace_back([this, writer] { write_much(*open(), writer); });
  }
  expect_all_is_there(*open(), 4);
}

TEST_F(CatalogueTest, ProcessesAtOnceLoseNothingAndAllMayMakeTheFile) {
  std::vector<pid_t> children;
  for (int writer = 0; writer < 3; ++writer) children.push_back(in_a_process([&] { write_much(*open(), writer); }));
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  expect_all_is_there(*open(), 3);
}

TEST_F(CatalogueTest, ManyMayMakeTheFileAtTheSameMoment) {
  for (int round = 0; round < 10; ++round) {
    const std::string fresh = dir / fmt::format("fresh-{}.db", round);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&fresh, i] { must(must(Catalogue::open(fresh))->begin_sweep({.began_at = at(i)})); });
    threads.clear();
    EXPECT_EQ(must(must(Catalogue::open(fresh))->sweeps(100)).size(), 8u);
  }
}

// The batch of round n says n in each of its deliveries.
std::vector<Delivery> batch(unsigned round) {
  std::vector<Delivery> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(delivery(fmt::format("repository-{}", i), at(round)));
    all.back().failures = round;
  }
  return all;
}

TEST_F(CatalogueTest, Kill9InTheMiddleLeavesAWholeBatchAndLosesNoneThatWasRecorded) {
  // Lives of up to four batches, whatever this machine needs for one.
  const auto began = std::chrono::steady_clock::now();
  must(open()->record(batch(1)));
  const auto one = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
  unsigned reached = 1;
  std::mt19937 random(5);
  std::uniform_int_distribution<std::int64_t> delay_us(1, 4 * one.count());
  for (int life = 0; life < 60; ++life) {
    int acknowledged[2] = {};
    ASSERT_EQ(::pipe(acknowledged), 0);
    const auto delay = std::chrono::microseconds(delay_us(random));
    const pid_t child = in_a_process([&] {
      const auto catalogue = open();
      die_within(delay);
      for (unsigned round = reached + 1;; ++round) {
        must(catalogue->record(batch(round)));
        CHECK(::write(acknowledged[1], &round, sizeof round) == sizeof round);
      }
    });
    ::close(acknowledged[1]);
    const int status = status_of(child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (unsigned round = 0; ::read(acknowledged[0], &round, sizeof round) == sizeof round;) reached = round;
    ::close(acknowledged[0]);

    const std::vector<Delivery> found = must(open()->deliveries());
    const unsigned round = found.empty() ? 0 : found.front().failures;
    ASSERT_TRUE(round == reached || round == reached + 1) << round << " after " << reached;
    if (round > 0) {
      std::vector<Delivery> expected = batch(round);
      std::ranges::sort(expected, {}, &Delivery::key);
      ASSERT_EQ(found, expected) << "life " << life;
    }
    reached = round;
  }
  EXPECT_GT(reached, 10u) << "most lives were long enough to record something";
}

// docs/formats/catalogue.md quotes what this prints.
TEST_F(CatalogueTest, HoldsAHundredThousandDeliveries) {
  std::vector<Delivery> many(100'000, full_delivery());
  for (std::size_t i = 0; i < many.size(); ++i) {
    const std::string name = fmt::format("group-{:03}/team-{:02}/repository-{:06}", i % 500, i % 40, i);
    many[i].key.source = "gitlab/" + name;
    many[i].key.destination = "aws/" + name;
    many[i].error.clear();
    many[i].outcome = "up-to-date";
    many[i].missing_since = many[i].behind_since = std::nullopt;
  }
  const auto start = std::chrono::steady_clock::now();
  must(open()->record(many));
  const auto recorded = std::chrono::steady_clock::now();
  const std::vector<Delivery> found = must(open()->deliveries());
  const auto read = std::chrono::steady_clock::now();
  std::ranges::sort(many, {}, &Delivery::key);
  EXPECT_EQ(found, many);
  const auto ms = [](auto duration) { return std::chrono::duration_cast<Milliseconds>(duration).count(); };
  const auto bytes = std::filesystem::file_size(path);
  std::printf("100,000 deliveries: %ju bytes, %ju a row; recorded in %jd ms, read in %jd ms\n",
              static_cast<std::uintmax_t>(bytes), static_cast<std::uintmax_t>(bytes / many.size()),
              static_cast<std::intmax_t>(ms(recorded - start)), static_cast<std::intmax_t>(ms(read - recorded)));
}

}  // namespace
}  // namespace packferry
