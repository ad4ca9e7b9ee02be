#include "store/memory_store.h"

#include <gtest/gtest.h>

#include "testing/must.h"
#include "testing/object_store_conformance.h"

namespace packferry::testing {
namespace {

struct MakeMemory {
  static constexpr StoreTraits kTraits{};
  ObjectStore& store() { return store_; }
  const FakeClock clock_;
  MemoryStore store_{clock_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ObjectStoreConformance, MakeMemory);

class MemoryStoreTest : public ::testing::Test {
 protected:
  std::string text(std::string_view key) { return std::string(as_text(must(read_object(store, key, 1'000, {})))); }
  FakeClock clock;
  MemoryStore store{clock};
};

TEST_F(MemoryStoreTest, TakesTheTimeFromItsClock) {
  must(store.put_if_absent("a", {}, {}));
  const Clock::WallTime then = clock.now();
  clock.advance(Milliseconds(5'000));
  must(must(store.create("b", {}))->finish());
  EXPECT_EQ(must(store.find("a", {}))->modified_at, then);
  EXPECT_EQ(must(store.list("", {}))[1].modified_at, then + Milliseconds(5'000));
}

TEST_F(MemoryStoreTest, AReaderKeepsWhatItOpened) {
  must(store.put_if_absent("a", as_bytes("0123456789"), {}));
  const auto reader = must(store.open("a", 0, {}));
  EXPECT_TRUE(store.mutate("a", [](std::vector<std::byte>& bytes) { bytes.clear(); }));
  must(store.remove("a", {}));
  EXPECT_EQ(as_text(must(read_all(*reader, 100))), "0123456789");
}

TEST_F(MemoryStoreTest, CanBeDamaged) {
  must(store.put_if_absent("a", as_bytes("0123456789"), {}));
  EXPECT_TRUE(store.mutate("a", [](std::vector<std::byte>& bytes) { bytes.resize(3); }));
  EXPECT_EQ(text("a"), "012");
  EXPECT_FALSE(store.mutate("b", [](std::vector<std::byte>&) { FAIL(); }));
}

TEST_F(MemoryStoreTest, AWriterIsFinishedOnce) {
  const auto writer = must(store.create("a", {}));
  must(writer->finish());
  EXPECT_DEATH(static_cast<void>(writer->finish()), "broken invariant");
  EXPECT_DEATH(static_cast<void>(writer->write({})), "broken invariant");
}

}  // namespace
}  // namespace packferry::testing
