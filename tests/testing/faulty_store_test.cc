#include "testing/faulty_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "store/file_store.h"
#include "store/memory_store.h"
#include "testing/damage.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry::testing {
namespace {

using Fault = FaultyStore::Fault;
using Trace = std::vector<std::string>;

// A backup in small: data, and then a manifest that says that the data is there.
constexpr std::string_view kData = "0123456789";

Result<> put_data(ObjectStore& store) {
  const auto writer = TRY(store.create("data", {}));
  TRY(writer->write(as_bytes(kData)));
  return writer->finish();
}

Result<> data_first(ObjectStore& store) {
  TRY(put_data(store));
  return store.put_if_absent("manifest", as_bytes("data is there"), {});
}

Result<> manifest_first(ObjectStore& store) {
  TRY(store.put_if_absent("manifest", as_bytes("data is there"), {}));
  return put_data(store);
}

bool is_whole(MemoryStore& store) {
  if (!must(store.find("manifest", {}))) return true;
  return must(store.find("data", {})) && as_text(bytes_of(store, "data")) == kData;
}

// Kill points at which `backup` leaves a manifest that lies.
Trace lies(const std::function<Result<>(ObjectStore&)>& backup) {
  const FakeClock clock;
  MemoryStore memory(clock);
  FaultyStore measured(memory);
  must(backup(measured));

  Trace lies;
  for (std::size_t effect = 0; effect < measured.effects(); ++effect) {
    for (const Fault fault : FaultyStore::kFaults) {
      MemoryStore fresh(clock);
      FaultyStore faulty(fresh);
      faulty.die_at(effect, fault);
      EXPECT_FALSE(backup(faulty));
      EXPECT_TRUE(faulty.is_dead());
      if (!is_whole(fresh)) lies.push_back(fmt::format("{} {}", to_string(fault), measured.trace()[effect]));
    }
  }
  return lies;
}

TEST(FaultyStore, FindsThePlantedFault) {
  EXPECT_EQ(lies(manifest_first),
            (Trace{"after put manifest", "torn put manifest", "before finish data", "torn finish data"}));
  EXPECT_EQ(lies(data_first), Trace{});
}

class FaultyStoreTest : public ::testing::Test {
 protected:
  const FakeClock clock;
  MemoryStore memory{clock};
  FaultyStore store{memory};
};

TEST_F(FaultyStoreTest, CountsChangesAndReadsIfAsked) {
  FaultyStore everything(memory, FaultyStore::Counts::Everything);
  for (FaultyStore* each : {&store, &everything}) {
    must(data_first(*each));
    must(each->list("", {}));
    must(each->find("data", {}));
    must(each->open("data", 0, {}));
    must(each->sweep(Milliseconds(0), {}));
    must(each->remove("data", {}));
    must(each->remove("manifest", {}));
  }
  EXPECT_EQ(store.trace(), (Trace{"finish data", "put manifest", "remove data", "remove manifest"}));
  EXPECT_EQ(everything.trace(), (Trace{"finish data", "put manifest", "list ", "find data", "open data", "sweep",
                                       "remove data", "remove manifest"}));
}

TEST_F(FaultyStoreTest, DoesNothingAfterItsDeathUntilItIsRevived) {
  must(data_first(store));
  const auto reader = must(store.open("data", 0, {}));
  const auto writer = must(store.create("other", {}));
  store.die_at(store.effects(), Fault::After);
  EXPECT_FAILS(store.remove("manifest", {}), ErrorKind::Unavailable, "remove manifest: no answer");
  EXPECT_FALSE(must(memory.find("manifest", {})));

  std::array<std::byte, 1> into;
  EXPECT_FAILS(reader->read(into), ErrorKind::Unavailable, "read data");
  EXPECT_FAILS(writer->write(into), ErrorKind::Unavailable, "write other");
  EXPECT_FAILS(writer->finish(), ErrorKind::Unavailable, "finish other");
  EXPECT_FAILS(store.create("a", {}), ErrorKind::Unavailable, "create a");
  EXPECT_FAILS(store.put_if_absent("a", {}, {}), ErrorKind::Unavailable, "put a");
  EXPECT_FAILS(store.open("data", 0, {}), ErrorKind::Unavailable, "open data");
  EXPECT_FAILS(store.find("data", {}), ErrorKind::Unavailable, "find data");
  EXPECT_FAILS(store.list("", {}), ErrorKind::Unavailable, "list");
  EXPECT_FAILS(store.remove("data", {}), ErrorKind::Unavailable, "remove data");
  EXPECT_FAILS(store.sweep(Milliseconds(0), {}), ErrorKind::Unavailable, "sweep");

  store.revive();
  EXPECT_EQ(store.effects(), 0u);
  EXPECT_TRUE(must(store.find("data", {})));
  // They belong to the process that died.
  EXPECT_FAILS(reader->read(into), ErrorKind::Unavailable, "read data");
  EXPECT_FAILS(writer->finish(), ErrorKind::Unavailable, "finish other");
}

TEST_F(FaultyStoreTest, TearsWhatHasHalves) {
  store.die_at(0, Fault::Torn);
  EXPECT_FALSE(put_data(store));
  EXPECT_EQ(as_text(bytes_of(memory, "data")), "01234");
  store.revive();
  store.die_at(0, Fault::Torn);
  EXPECT_FALSE(store.put_if_absent("manifest", as_bytes("abc"), {}));
  EXPECT_EQ(as_text(bytes_of(memory, "manifest")), "a");
  store.revive();
  store.die_at(0, Fault::Torn);
  EXPECT_FALSE(store.remove("manifest", {}));
  EXPECT_TRUE(must(memory.find("manifest", {})));
}

TEST_F(FaultyStoreTest, LeavesBehindWhatADeadProcessCannotCleanUp) {
  const TempDir directory;
  FakeClock later;
  later.advance(std::chrono::hours(24 * 365 * 100));
  const auto files = must(FileStore::open(directory.path(), FileStore::IfMissing::Fail, later));
  const auto count = [&] { return std::distance(std::filesystem::directory_iterator(directory.path()), {}); };
  {
    FaultyStore faulty(*files);
    faulty.die_at(0, Fault::Before);
    EXPECT_FALSE(put_data(faulty));
    EXPECT_EQ(count(), 1);
    faulty.revive();
    EXPECT_EQ(must(faulty.sweep(Milliseconds(0), {})), 1u);
    EXPECT_EQ(count(), 0);
  }
}

TEST_F(FaultyStoreTest, ChaosIsTheSameForTheSameSeedAndAsFrequentAsItSays) {
  must(memory.put_if_absent("a", {}, {}));
  const auto outcomes = [&](unsigned seed) {
    store.begin_chaos(seed);
    Trace words;
    for (int i = 0; i < 10'000; ++i) {
      const auto found = store.find("a", {});
      words.emplace_back(found ? "found" : to_string(found.error().kind()));
    }
    store.end_chaos();
    return words;
  };
  const Trace words = outcomes(1);
  EXPECT_EQ(words, outcomes(1));
  EXPECT_NE(words, outcomes(2));
  EXPECT_NEAR(static_cast<double>(std::count(words.begin(), words.end(), "unavailable")), 2'500, 200);
  EXPECT_NEAR(static_cast<double>(std::count(words.begin(), words.end(), "throttled")), 3'000, 200);
  EXPECT_TRUE(store.find("a", {}));
}

TEST_F(FaultyStoreTest, ChaosDisturbsUploadsOnlyWhenAsked) {
  store.begin_chaos(1, {.errors_percent = 100, .throttles_percent = 0});
  must(put_data(store));
  must(memory.remove("data", {}));
  store.begin_chaos(1, {.errors_percent = 0, .throttles_percent = 100, .uploads = true});
  EXPECT_FAILS(put_data(store), ErrorKind::Throttled, "finish data: slow down");
}

TEST(Damage, IsWhatItIsCalled) {
  const FakeClock clock;
  MemoryStore store(clock);
  must(store.put_if_absent("a", as_bytes("abc"), {}));
  must(store.put_if_absent("b", as_bytes("xyz"), {}));
  swap_objects(store, "a", "b");
  EXPECT_EQ(as_text(bytes_of(store, "a")), "xyz");
  EXPECT_EQ(as_text(bytes_of(store, "b")), "abc");
  EXPECT_TRUE(store.mutate("b", flip_bit(1, 0)));
  EXPECT_EQ(as_text(bytes_of(store, "b")), "acc");
  EXPECT_TRUE(store.mutate("b", cut_to(2)));
  EXPECT_EQ(as_text(bytes_of(store, "b")), "ac");
  EXPECT_TRUE(store.mutate("b", cut_to(5)));
  EXPECT_TRUE(store.mutate("b", grow_by(1)));
  EXPECT_EQ(as_text(bytes_of(store, "b")), std::string_view("ac\0", 3));
}

}  // namespace
}  // namespace packferry::testing
