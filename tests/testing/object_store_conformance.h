// What every ObjectStore promises, as tests. A store's own test says how to make one, and runs them all:
//
//   struct MakeMemory {
//     static constexpr StoreTraits kTraits{};
//     ObjectStore& store() { return store_; }
//     FakeClock clock_;
//     MemoryStore store_{clock_};
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ObjectStoreConformance, MakeMemory);
//
// One is made for each test, and its store is empty then.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "store/object_store.h"
#include "testing/must.h"
#include "testing/random_text.h"

namespace packferry::testing {

// What a store may do less well, and says so.
struct StoreTraits {
  bool decides_races = true;          // of writers of one key exactly one succeeds
  bool refuses_objects_below = true;  // "a/b" when there is "a"
};

template <typename Make>
class ObjectStoreConformance : public ::testing::Test {
 protected:
  ObjectStore& store() { return made_.store(); }

  std::unique_ptr<Writer> create(std::string_view key) { return must(store().create(key, {})); }
  Result<> put(std::string_view key, std::string_view text) { return store().put_if_absent(key, as_bytes(text), {}); }
  std::string get(std::string_view key, std::uint64_t offset = 0) {
    const auto reader = must(store().open(key, offset, {}));
    return std::string(as_text(must(read_all(*reader, std::size_t{1} << 30))));
  }
  std::vector<std::string> keys(std::string_view prefix = "") {
    std::vector<std::string> keys;
    for (const ObjectInfo& info : must(store().list(prefix, {}))) keys.push_back(info.key);
    return keys;
  }
  bool exists(std::string_view key) { return must(store().find(key, {})).has_value(); }

  Make made_;
};

using Keys = std::vector<std::string>;

TYPED_TEST_SUITE_P(ObjectStoreConformance);

TYPED_TEST_P(ObjectStoreConformance, IsEmptyAtFirst) {
  EXPECT_EQ(this->keys(), Keys{});
  EXPECT_FALSE(this->exists("a"));
  EXPECT_FAILS(this->store().open("a/b", 0, {}), ErrorKind::NotFound, "a/b");
  EXPECT_FALSE(this->store().name().empty());
}

TYPED_TEST_P(ObjectStoreConformance, GivesBackWhatWasPut) {
  must(this->put("manifests/app/web/0000000001.manifest", "packferry-manifest 1\n"));
  EXPECT_EQ(this->get("manifests/app/web/0000000001.manifest"), "packferry-manifest 1\n");
  const auto info = must(this->store().find("manifests/app/web/0000000001.manifest", {}));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->key, "manifests/app/web/0000000001.manifest");
  EXPECT_EQ(info->bytes, 21u);
  EXPECT_EQ(as_text(must(read_object(this->store(), "manifests/app/web/0000000001.manifest", 21, {}))),
            "packferry-manifest 1\n");
  EXPECT_FAILS(read_object(this->store(), "manifests/app/web/0000000001.manifest", 20, {}), ErrorKind::Exhausted,
               "0000000001.manifest");
}

TYPED_TEST_P(ObjectStoreConformance, ShowsNothingBeforeItIsFinished) {
  const auto writer = this->create("data/one");
  must(writer->write(as_bytes("first ")));
  EXPECT_FALSE(this->exists("data/one"));
  EXPECT_EQ(this->keys(), Keys{});
  must(writer->write(as_bytes("second")));
  EXPECT_FAILS(this->store().open("data/one", 0, {}), ErrorKind::NotFound, "data/one");
  must(writer->finish());
  EXPECT_EQ(this->get("data/one"), "first second");
  EXPECT_EQ(this->keys(), Keys{"data/one"});
}

TYPED_TEST_P(ObjectStoreConformance, AnAbandonedWriterLeavesNothing) {
  auto writer = this->create("data/one");
  must(writer->write(as_bytes(random_text(100'000, 1))));
  writer.reset();
  EXPECT_EQ(this->keys(), Keys{});
  EXPECT_EQ(must(this->store().sweep(Milliseconds(0), {})), 0u);
  must(this->put("data", "the place is free"));
}

TYPED_TEST_P(ObjectStoreConformance, NeverReplacesAnObject) {
  must(this->put("a", "old"));
  EXPECT_FAILS(this->put("a", "new"), ErrorKind::Conflict, "'a'");
  EXPECT_EQ(this->get("a"), "old");
  if (TypeParam::kTraits.decides_races) {
    auto writer = this->create("a");
    must(writer->write(as_bytes("new")));
    EXPECT_FAILS(writer->finish(), ErrorKind::Conflict, "'a'");
    writer.reset();
    EXPECT_EQ(this->get("a"), "old");
  }
  EXPECT_EQ(this->keys(), Keys{"a"});
}

TYPED_TEST_P(ObjectStoreConformance, OneOfManyWritersWins) {
  if (!TypeParam::kTraits.decides_races) GTEST_SKIP() << "this store looks first";
  for (const std::string round : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    const std::string key = "new folder " + round + "/manifest";
    std::array<Result<>, 8> results;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < results.size(); ++i)
      threads.emplace_back([&, i] { results[i] = this->put(key, "writer " + std::to_string(i)); });
    threads.clear();

    std::vector<std::string> winners;
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i])
        winners.push_back("writer " + std::to_string(i));
      else
        EXPECT_EQ(results[i].error().kind(), ErrorKind::Conflict) << results[i].error().message();
    }
    EXPECT_EQ(winners, std::vector{this->get(key)});
  }
}

TYPED_TEST_P(ObjectStoreConformance, TakesAnyKeyThatMayBe) {
  const std::string longest = std::string(255, 'x') + "/" + std::string(255, 'y') + "/" + std::string(255, 'z') + "/" +
                              std::string(900 - 3 * 256, 'w');
  std::vector<std::string> nasty = {
      "a b",
      " leading",
      "trailing ",
      "a+b",
      "a%20b",
      "a%2Fb",
      "%",
      "a&b=c",
      "a?b#c",
      "a;b",
      "a:b",
      "a\\b",
      "~a",
      "-a",
      "--help",
      "$(id)",
      "${x}",
      "`id`",
      "'",
      "\"",
      "<a>",
      "a|b",
      "*",
      "[a]",
      "{a}",
      "^",
      "!",
      "@",
      ",",
      "...",
      ".hidden",
      "..a",
      "a..",
      ".git/config",
      "b/.a/..b/c...",
      "\xC3\xA4/\xE2\x82\xAC/\xF0\x9F\x9A\xA2",
      "A",
      "aa",
      "CON",
      "nul.txt",
      longest,
  };
  for (const std::string& key : nasty) must(this->put(key, "content of " + key));
  for (const std::string& key : nasty) {
    EXPECT_EQ(this->get(key), "content of " + key);
    EXPECT_EQ(this->keys(key), Keys{key});
  }
  std::sort(nasty.begin(), nasty.end());
  EXPECT_EQ(this->keys(), nasty);
  for (const std::string& key : nasty) must(this->store().remove(key, {}));
  EXPECT_EQ(this->keys(), Keys{});
}

TYPED_TEST_P(ObjectStoreConformance, RefusesKeysThatMayNotBe) {
  for (const std::string& key :
       {std::string(), std::string("/a"), std::string("../a"), std::string("a/./b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string("a\xff"), std::string(901, 'a'), std::string(kReservedKeyPrefix) + "x"}) {
    EXPECT_FAILS(this->store().create(key, {}), ErrorKind::Invalid, "cannot be the key");
    EXPECT_FAILS(this->put(key, "x"), ErrorKind::Invalid, "cannot be the key");
    EXPECT_FAILS(this->store().open(key, 0, {}), ErrorKind::Invalid, "cannot be the key");
    EXPECT_FAILS(this->store().find(key, {}), ErrorKind::Invalid, "cannot be the key");
    EXPECT_FAILS(this->store().remove(key, {}), ErrorKind::Invalid, "cannot be the key");
  }
  EXPECT_EQ(this->keys(), Keys{});
}

TYPED_TEST_P(ObjectStoreConformance, NothingLiesBelowAnObject) {
  if (!TypeParam::kTraits.refuses_objects_below) GTEST_SKIP() << "this store cannot tell";
  must(this->put("a", "x"));
  EXPECT_FAILS(this->put("a/b", "y"), ErrorKind::Conflict, "'a' is an object");
  EXPECT_FAILS(this->put("a/b/c", "y"), ErrorKind::Conflict, "'a' is an object");
  EXPECT_FALSE(this->exists("a/b"));
  EXPECT_FAILS(this->store().open("a/b", 0, {}), ErrorKind::NotFound, "a/b");
  must(this->store().remove("a/b", {}));
  must(this->put("d/e/f", "x"));
  EXPECT_FAILS(this->put("d", "y"), ErrorKind::Conflict, "below it");
  EXPECT_FAILS(this->put("d/e", "y"), ErrorKind::Conflict, "below it");
  EXPECT_FALSE(this->exists("d/e"));
  EXPECT_FAILS(this->store().open("d/e", 0, {}), ErrorKind::NotFound, "d/e");
  must(this->store().remove("d/e", {}));
  EXPECT_EQ(this->keys(), (Keys{"a", "d/e/f"}));
}

TYPED_TEST_P(ObjectStoreConformance, HoldsEmptyAndLargeObjects) {
  must(this->put("put", ""));
  must(this->create("created")->finish());
  EXPECT_EQ(this->get("put"), "");
  EXPECT_EQ(this->get("created"), "");
  EXPECT_EQ(must(this->store().find("created", {}))->bytes, 0u);

  const std::string large = random_text(17 * 1024 * 1024 + 1, 2);
  const auto writer = this->create("large");
  // Writes that meet no boundary of parts.
  for (std::size_t at = 0; at < large.size(); at += 999'983)
    must(writer->write(as_bytes(std::string_view(large).substr(at, 999'983))));
  must(writer->finish());
  EXPECT_EQ(must(this->store().find("large", {}))->bytes, large.size());
  EXPECT_TRUE(this->get("large") == large);
  EXPECT_TRUE(this->get("large", 16 * 1024 * 1024) == large.substr(16 * 1024 * 1024));
}

TYPED_TEST_P(ObjectStoreConformance, ReadsFromAnyByteOn) {
  must(this->put("a", "0123456789"));
  EXPECT_EQ(this->get("a", 0), "0123456789");
  EXPECT_EQ(this->get("a", 1), "123456789");
  EXPECT_EQ(this->get("a", 9), "9");
  EXPECT_EQ(this->get("a", 10), "");
  EXPECT_FAILS(this->store().open("a", 11, {}), ErrorKind::Invalid, "'a'");
  EXPECT_FAILS(this->store().open("a", ~std::uint64_t{0}, {}), ErrorKind::Invalid, "'a'");
}

TYPED_TEST_P(ObjectStoreConformance, ReadsAtItsEndAgainAndAgain) {
  must(this->put("a", "0123456789"));
  const auto reader = must(this->store().open("a", 8, {}));
  std::array<std::byte, 64> into;
  EXPECT_EQ(must(reader->read(into)), 2u);
  EXPECT_EQ(must(reader->read(into)), 0u);
  EXPECT_EQ(must(reader->read(into)), 0u);
}

TYPED_TEST_P(ObjectStoreConformance, ListsByKeyByteByByte) {
  // '-' and '.' come before '/', '0' after it, and no locale has a say.
  const Keys sorted = {"B", "a", "b-c/d", "b.c", "b/a", "b/c", "b/c-d/e", "b/c.d", "b0", "\xC3\xA4"};
  Keys shuffled = sorted;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(3));
  for (const std::string& key : shuffled) must(this->put(key, key));
  EXPECT_EQ(this->keys(), sorted);
  for (const ObjectInfo& info : must(this->store().list("", {}))) EXPECT_EQ(info.bytes, info.key.size());
}

TYPED_TEST_P(ObjectStoreConformance, ListsWhatBeginsWithAPrefix) {
  for (const char* key : {"a", "ab/c", "ab/cd", "ab/ce/f", "abc/d", "b/ab/c"}) must(this->put(key, ""));
  EXPECT_EQ(this->keys("a"), (Keys{"a", "ab/c", "ab/cd", "ab/ce/f", "abc/d"}));
  EXPECT_EQ(this->keys("ab"), (Keys{"ab/c", "ab/cd", "ab/ce/f", "abc/d"}));
  EXPECT_EQ(this->keys("ab/"), (Keys{"ab/c", "ab/cd", "ab/ce/f"}));
  EXPECT_EQ(this->keys("ab/c"), (Keys{"ab/c", "ab/cd", "ab/ce/f"}));
  EXPECT_EQ(this->keys("ab/ce/"), (Keys{"ab/ce/f"}));
  EXPECT_EQ(this->keys("ab/ce/f"), (Keys{"ab/ce/f"}));
  for (const char* none : {"a/", "ab/ce/f/", "c", "/", "../", "ab/../", "ab//c", "x/y/z"})
    EXPECT_EQ(this->keys(none), Keys{}) << none;
}

TYPED_TEST_P(ObjectStoreConformance, ListsMoreThanOnePageHolds) {
  Keys expected;
  for (int i = 0; i < 1'001; ++i) {
    expected.push_back(fmt::format("records/{:04}.stored", i));
    must(this->put(expected.back(), ""));
  }
  EXPECT_EQ(this->keys("records/"), expected);
}

TYPED_TEST_P(ObjectStoreConformance, RemovesWhatIsThereOrIsNot) {
  must(this->put("a/b/c", "x"));
  must(this->put("a/d", "y"));
  must(this->store().remove("a/b/c", {}));
  must(this->store().remove("a/b/c", {}));
  must(this->store().remove("never/was", {}));
  must(this->store().remove("a", {}));  // no object, although there is one below it
  EXPECT_EQ(this->keys(), Keys{"a/d"});
  EXPECT_EQ(this->get("a/d"), "y");
  must(this->put("a/b", "a key that has become free"));
  must(this->put("a/b2/c", "z"));
  EXPECT_EQ(this->keys(), (Keys{"a/b", "a/b2/c", "a/d"}));
}

TYPED_TEST_P(ObjectStoreConformance, SweepsNothingThatIsFinished) {
  must(this->put("a/b", "x"));
  EXPECT_EQ(must(this->store().sweep(Milliseconds(0), {})), 0u);
  EXPECT_EQ(this->get("a/b"), "x");
}

TYPED_TEST_P(ObjectStoreConformance, IsUsedByManyThreads) {
  std::atomic<int> failures = 0;
  const auto work = [&](int worker) {
    for (int i = 0; i < 25; ++i) {
      // All below one folder, which comes and goes.
      const std::string key = fmt::format("shared/folder/{}", worker);
      if (!this->put(key, key)) ++failures;
      if (this->get(key) != key) ++failures;
      if (!this->store().list("shared/", {})) ++failures;
      if (!this->store().remove(key, {})) ++failures;
    }
  };
  std::vector<std::jthread> threads;
  for (int worker = 0; worker < 6; ++worker) threads.emplace_back(work, worker);
  threads.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(this->keys(), Keys{});
}

REGISTER_TYPED_TEST_SUITE_P(ObjectStoreConformance, IsEmptyAtFirst, GivesBackWhatWasPut, ShowsNothingBeforeItIsFinished,
                            AnAbandonedWriterLeavesNothing, NeverReplacesAnObject, OneOfManyWritersWins,
                            TakesAnyKeyThatMayBe, RefusesKeysThatMayNotBe, NothingLiesBelowAnObject,
                            HoldsEmptyAndLargeObjects, ReadsFromAnyByteOn, ReadsAtItsEndAgainAndAgain,
                            ListsByKeyByteByByte, ListsWhatBeginsWithAPrefix, ListsMoreThanOnePageHolds,
                            RemovesWhatIsThereOrIsNot, SweepsNothingThatIsFinished, IsUsedByManyThreads);

}  // namespace packferry::testing
