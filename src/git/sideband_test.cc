#include "git/sideband.h"

#include <gtest/gtest.h>

#include <random>

#include "testing/chunk_reader.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::ChunkReader;
using testing::drain;
using testing::must;

std::string band(char number, std::string_view content) {
  PktBuffer buffer;
  buffer.line(number + std::string(content));
  return std::string(as_text(buffer.bytes()));
}
std::string pack_data(std::string_view content) { return band(1, content); }
std::string progress(std::string_view content) { return band(2, content); }

constexpr const char* kFlush = "0000";

// What a side-band says: its data (up to an error), its messages and how it ended.
struct Heard {
  std::string data;
  std::vector<std::string> messages;
  Result<> outcome;
};

Heard hear(std::string_view bytes, std::size_t block_bytes = 4096) {
  Heard heard;
  MemoryReader reader(bytes);
  PktReader packets(reader);
  SidebandReader sideband(packets, [&](std::string_view line) { heard.messages.emplace_back(line); });
  Result<std::string> all = drain(sideband, block_bytes, &heard.data);
  if (all)
    heard.data = std::move(all).value();
  else
    heard.outcome = std::move(all).error();
  return heard;
}

TEST(SidebandReader, HandsOutBandOneUpToTheFlush) {
  EXPECT_EQ(hear(pack_data("PACK") + pack_data("more") + kFlush).data, "PACKmore");
  EXPECT_EQ(hear(pack_data("PACK") + "0002").data, "PACK");
  EXPECT_EQ(hear(kFlush).data, "");
}

TEST(SidebandReader, KeepsWhatDoesNotFit) {
  std::string content(50'000, '\0');
  std::mt19937 random(5);
  for (char& c : content) c = static_cast<char>(random());
  const std::string bytes = pack_data(content) + progress("x\r") + pack_data(content.substr(0, 7)) + kFlush;
  for (const std::size_t block : {std::size_t{1}, std::size_t{999}, std::size_t{50'000}, std::size_t{300'000}})
    EXPECT_TRUE(hear(bytes, block).data == content + content.substr(0, 7)) << block;
}

TEST(SidebandReader, PassesOverKeepalives) {
  const Heard heard =
      hear(pack_data("") + pack_data("a") + pack_data("") + progress("") + pack_data("b") + pack_data("") + kFlush);
  EXPECT_EQ(heard.data, "ab");
  EXPECT_TRUE(heard.messages.empty());
}

TEST(SidebandReader, SplitsProgressIntoLines) {
  const Heard heard = hear(progress("Counting: 10%\rCounting: 100%, done.\nCompr") + pack_data("x") +
                           progress("essing\r\n\n") + progress("no end") + kFlush);
  EXPECT_EQ(heard.messages,
            (std::vector<std::string>{"Counting: 10%", "Counting: 100%, done.", "Compressing", "no end"}));
}

TEST(SidebandReader, MakesProgressHarmless) {
  const Heard heard = hear(progress("\x1b]0;title\x07 \xc3\xa4 \x80\n") + kFlush);
  EXPECT_EQ(heard.messages, (std::vector<std::string>{"\\x1b]0;title\\x07 \xc3\xa4 \\x80"}));
}

TEST(SidebandReader, CutsEndlessLinesOfProgress) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += progress(std::string(60'000, 'x'));
  const Heard heard = hear(bytes + progress("\nshort\n") + kFlush);
  EXPECT_EQ(heard.messages, (std::vector<std::string>{std::string(1000, 'x') + "…", "short"}));
  EXPECT_EQ(hear(progress(std::string(1000, 'x') + "\n") + kFlush).messages.at(0), std::string(1000, 'x'));
}

TEST(SidebandReader, TellsChatFromProgress) {
  std::string chatter;
  for (int i = 0; i < 200; ++i) chatter += progress(std::string(60'000, 'x') + "\n");
  EXPECT_EQ(hear(chatter + pack_data("a") + chatter + kFlush).data, "a");
  EXPECT_FAILS(hear(chatter + pack_data("") + chatter + kFlush).outcome, ErrorKind::Exhausted, "no data");
}

TEST(SidebandReader, NeedsNobodyToListen) {
  MemoryReader bytes(progress("Counting\n") + pack_data("a") + kFlush);
  PktReader packets(bytes);
  SidebandReader sideband(packets, {});
  EXPECT_EQ(must(drain(sideband, 10)), "a");
}

TEST(SidebandReader, MakesAnErrorOfBandThree) {
  const Heard heard =
      hear(pack_data("PACK") + progress("hint") + band(3, "aborting: \x1b corrupt\n") + pack_data("x") + kFlush);
  EXPECT_EQ(heard.data, "PACK");
  EXPECT_EQ(heard.messages, (std::vector<std::string>{"hint"}));
  EXPECT_FAILS(heard.outcome, ErrorKind::Rejected, "remote: aborting: \\x1b corrupt");
}

TEST(SidebandReader, MakesAnErrorOfAnErrLine) {
  EXPECT_FAILS(hear(pack_data("PACK") + "000cERR gone").outcome, ErrorKind::Rejected, "remote: gone");
}

TEST(SidebandReader, RefusesWhatIsNoBand) {
  for (int number = 0; number < 256; ++number) {
    if (number >= 1 && number <= 3) continue;
    EXPECT_FAILS(hear(band(static_cast<char>(number), "x") + kFlush).outcome, ErrorKind::Corrupt,
                 "side-band " + std::to_string(number));
  }
  EXPECT_FAILS(hear("0004").outcome, ErrorKind::Corrupt, "without a band");
  EXPECT_FAILS(hear(pack_data("PACK") + "0001").outcome, ErrorKind::Corrupt, "delimiter");
}

TEST(SidebandReader, TellsACutFromTheEnd) {
  const std::string bytes = pack_data("PACK") + progress("half a li") + pack_data("more") + kFlush;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    const Heard heard = hear(bytes.substr(0, cut));
    EXPECT_FAILS(heard.outcome, ErrorKind::Unavailable, "ended inside");
    EXPECT_TRUE(std::string_view("PACKmore").starts_with(heard.data));
  }
  EXPECT_EQ(hear(pack_data("a") + progress("last words")).messages, (std::vector<std::string>{"last words"}));
}

TEST(SidebandReader, LeavesTheNextResponseAlone) {
  ChunkReader pipe({pack_data("first") + kFlush, pack_data("second") + kFlush});
  PktReader packets(pipe);
  SidebandReader first(packets, {});
  EXPECT_EQ(must(drain(first, 100)), "first");
  EXPECT_EQ(must(drain(first, 100)), "");
  EXPECT_EQ(pipe.reads(), 1u);
  SidebandReader second(packets, {});
  EXPECT_EQ(must(drain(second, 100)), "second");
}

}  // namespace
}  // namespace packferry
