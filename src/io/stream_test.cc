#include "io/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

// Gives its text in pieces of one byte, then breaks.
class BrokenReader final : public Reader {
 public:
  explicit BrokenReader(std::string text) : text_(std::move(text)) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    if (at_ == text_.size()) return Error(ErrorKind::Corrupt, "broken reader");
    into[0] = static_cast<std::byte>(text_[at_++]);
    return std::size_t{1};
  }

 private:
  const std::string text_;
  std::size_t at_ = 0;
};

class BrokenWriter final : public Writer {
 public:
  Result<> write(std::span<const std::byte>) override { return Error(ErrorKind::Exhausted, "broken writer"); }
  Result<> finish() override { return {}; }
};

TEST(Pump, MovesEverythingAndLeavesTheFinishToOthers) {
  const std::string text(3 * kBlockBytes + 5, 'x');
  MemoryReader from(text);
  MemoryWriter to;
  std::vector<std::uint64_t> told;
  EXPECT_EQ(must(pump(from, to, [&](std::uint64_t bytes) { told.push_back(bytes); })), text.size());
  EXPECT_EQ(to.text(), text);
  EXPECT_FALSE(to.finished());
  EXPECT_EQ(told, (std::vector<std::uint64_t>{kBlockBytes, 2 * kBlockBytes, 3 * kBlockBytes, text.size()}));
}

TEST(Pump, MovesNothingFromAnEmptyReader) {
  MemoryReader from("");
  MemoryWriter to;
  EXPECT_EQ(must(pump(from, to)), 0u);
}

TEST(Pump, StopsAtTheFirstErrorOfEitherEnd) {
  BrokenReader broken_source("abc");
  MemoryWriter to;
  EXPECT_FAILS(pump(broken_source, to), ErrorKind::Corrupt, "broken reader");
  EXPECT_EQ(to.text(), "abc");
  MemoryReader from("abc");
  BrokenWriter broken_target;
  EXPECT_FAILS(pump(from, broken_target), ErrorKind::Exhausted, "broken writer");
}

TEST(ReadExactly, FillsWhatItIsGiven) {
  MemoryReader from("abcdef");
  std::array<std::byte, 4> into{};
  must(read_exactly(from, into));
  EXPECT_EQ(as_text(into), "abcd");
  must(read_exactly(from, {}));
  EXPECT_FAILS(read_exactly(from, into), ErrorKind::Unavailable, "ended 2 bytes early");
  BrokenReader broken("ab");
  EXPECT_FAILS(read_exactly(broken, into), ErrorKind::Corrupt, "broken reader");
}

TEST(ReadAll, TakesAsMuchAsIsAllowed) {
  for (const std::size_t bytes_max : {std::size_t{6}, std::size_t{1000}, std::numeric_limits<std::size_t>::max()}) {
    MemoryReader from("abcdef");
    EXPECT_EQ(as_text(must(read_all(from, bytes_max))), "abcdef");
  }
  MemoryReader from("abcdef");
  EXPECT_FAILS(read_all(from, 5), ErrorKind::Exhausted, "more than 5 bytes");
  MemoryReader nothing("");
  EXPECT_TRUE(must(read_all(nothing, 0)).empty());
  BrokenReader broken("abc");
  EXPECT_FAILS(read_all(broken, 100), ErrorKind::Corrupt, "broken reader");
}

TEST(MemoryWriter, TakesNothingAfterItsFinish) {
  MemoryWriter writer;
  must(writer.write(as_bytes("x")));
  must(writer.finish());
  EXPECT_TRUE(writer.finished());
  EXPECT_DEATH(static_cast<void>(writer.write(as_bytes("y"))), "broken invariant");
  EXPECT_DEATH(static_cast<void>(writer.finish()), "broken invariant");
}

}  // namespace
}  // namespace packferry
