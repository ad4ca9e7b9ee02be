#include "git/pktline.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "testing/chunk_reader.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::ChunkReader;
using testing::must;
using Kind = PktLine::Kind;

// One pkt-line as text: its payload in quotes, or what it is.
std::string shown(const PktLine& line) {
  switch (line.kind) {
    case Kind::Data:
      return "'" + std::string(as_text(line.payload)) + "'";
    case Kind::Flush:
      return "flush";
    case Kind::Delimiter:
      return "delimiter";
    case Kind::ResponseEnd:
      return "response-end";
    case Kind::EndOfStream:
      return "end";
  }
  return "";
}

std::string all_of(Reader& from) {
  PktReader packets(from);
  std::string all;
  while (true) {
    const Result<PktLine> line = packets.next();
    if (!line) return all + std::string(to_string(line.error().kind()));
    all += shown(*line) + " ";
    if (line->kind == Kind::EndOfStream) return all;
  }
}

std::string all_of(std::string_view bytes) {
  MemoryReader reader(bytes);
  return all_of(reader);
}

std::string pkt(std::string_view payload) {
  PktBuffer buffer;
  buffer.line(payload);
  return std::string(as_text(buffer.bytes()));
}

TEST(PktReader, ReadsLinesAndSpecialPackets) {
  EXPECT_EQ(all_of("0006a\n0000000100020005b0004"), "'a\n' flush delimiter response-end 'b' '' end ");
  EXPECT_EQ(all_of(""), "end ");
  EXPECT_EQ(all_of("000Aabcdef"), "'abcdef' end ");
}

TEST(PktReader, GivesTextWithoutItsOneLineFeed) {
  MemoryReader bytes("0007a\n\n0006a\n0005a00050004");
  PktReader packets(bytes);
  EXPECT_EQ(must(packets.next()).text(), "a\n");
  EXPECT_EQ(must(packets.next()).text(), "a");
  EXPECT_EQ(must(packets.next()).text(), "a");
}

TEST(PktReader, ReadsTheSameHoweverTheBytesCome) {
  const std::string bytes = pkt("want 1\n") + "0001" + pkt("") + pkt(std::string(3000, 'x')) + "0000" + pkt("done\n");
  const std::string expected = all_of(bytes);
  for (std::size_t chunk = 1; chunk <= 64; ++chunk) {
    ChunkReader reader(bytes, chunk);
    EXPECT_EQ(all_of(reader), expected) << chunk;
  }
}

TEST(PktReader, ReadsALongMixtureOfSizes) {
  std::mt19937 random(3);
  std::vector<std::string> payloads;
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = i % 10 == 0 ? kPktPayloadMax - random() % 3 : random() % 9000;
    payloads.emplace_back(size, static_cast<char>('a' + i % 26));
    bytes += pkt(payloads.back());
  }
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{4096}, std::size_t{65536}, bytes.size()}) {
    ChunkReader reader(bytes, chunk);
    PktReader packets(reader);
    for (const std::string& payload : payloads) ASSERT_EQ(as_text(must(packets.next()).payload), payload);
    EXPECT_EQ(must(packets.next()).kind, Kind::EndOfStream);
    EXPECT_EQ(must(packets.next()).kind, Kind::EndOfStream);
  }
}

// Of all lengths that four digits can say, 3 and those above 65,520 are malformed.
TEST(PktReader, KnowsEveryLength) {
  const std::string payload(65535, 'x');
  for (unsigned length = 0; length <= 0xFFFF; length += length < 64 || length > 0xFFE0 ? 1 : 97) {
    const std::size_t bytes = length > 4 ? length - 4 : 0;
    MemoryReader reader(fmt::format("{:04x}{}", length, std::string_view(payload).substr(0, bytes)));
    PktReader packets(reader);
    if (length == 3 || length > 65520) {
      EXPECT_FAILS(packets.next(), ErrorKind::Corrupt, fmt::format("'{:04x}'", length));
    } else {
      const PktLine line = must(packets.next());
      EXPECT_EQ(line.is_data(), length >= 4) << length;
      EXPECT_EQ(line.payload.size(), bytes);
      EXPECT_EQ(must(packets.next()).kind, Kind::EndOfStream);
    }
  }
}

TEST(PktReader, RefusesWhatIsNoLengthAndShowsIt) {
  for (int c = 0; c < 256; ++c) {
    if (std::isxdigit(c) != 0) continue;
    for (std::size_t at = 0; at < 4; ++at) {
      std::string bytes = "0005a";
      bytes[at] = static_cast<char>(c);
      EXPECT_EQ(all_of(bytes), "corrupt") << c << " at " << at;
    }
  }
  MemoryReader page("<!DOCTYPE html>\n<title>Sign in</title>");
  EXPECT_FAILS(PktReader(page).next(), ErrorKind::Corrupt, "'<!DOCTYPE html>\\x0a<title>");
  MemoryReader escape("\x1b[2Jx");
  EXPECT_FAILS(PktReader(escape).next(), ErrorKind::Corrupt, "\\x1b[2J");
}

TEST(PktReader, TellsACutFromAnEnd) {
  const std::string bytes = pkt("hello") + "0000";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const bool between = cut == 0 || cut == 9 || cut == 13;
    EXPECT_EQ(all_of(bytes.substr(0, cut)).ends_with(between ? "end " : "unavailable"), true) << cut;
  }
}

TEST(PktReader, PassesOnTheErrorOfItsReader) {
  ChunkReader reader({"0005a00"});
  reader.fail_with(Error(ErrorKind::Cancelled, "asked to stop"));
  PktReader packets(reader);
  EXPECT_EQ(must(packets.next()).text(), "a");
  EXPECT_FAILS(packets.next(), ErrorKind::Cancelled, "asked to stop");
}

// On a pipe one read too many waits for ever: the server has said its last word until it is asked something.
TEST(PktReader, NeverAsksForMoreThanTheNextLineNeeds) {
  ChunkReader reader({"0005a0000", "00", "05b", "0000"});
  PktReader packets(reader);
  EXPECT_EQ(must(packets.next()).text(), "a");
  EXPECT_TRUE(must(packets.next()).is_flush());
  EXPECT_EQ(reader.reads(), 1u);
  EXPECT_EQ(must(packets.peek()).text(), "b");
  EXPECT_EQ(must(packets.next()).text(), "b");
  EXPECT_EQ(reader.reads(), 3u);
}

TEST(PktReader, PeeksWithoutConsuming) {
  MemoryReader bytes("0005a0000");
  PktReader packets(bytes);
  EXPECT_EQ(must(packets.peek()).text(), "a");
  EXPECT_EQ(must(packets.peek()).text(), "a");
  EXPECT_EQ(must(packets.next()).text(), "a");
  EXPECT_TRUE(must(packets.peek()).is_flush());
  EXPECT_TRUE(must(packets.next()).is_flush());
  EXPECT_EQ(must(packets.peek()).kind, Kind::EndOfStream);
}

TEST(PktReader, MakesAnErrorOfAnErrLineWhereAsked) {
  const std::string bytes = pkt("ERR upload-pack: not our ref 1234\n");
  MemoryReader plain(bytes);
  EXPECT_TRUE(must(PktReader(plain).next()).is_data());
  MemoryReader asked(bytes);
  EXPECT_FAILS(PktReader(asked).next_or_remote_error(), ErrorKind::Conflict, "remote: upload-pack: not our ref 1234");
  MemoryReader word(pkt("ERRATA"));
  EXPECT_TRUE(must(PktReader(word).next_or_remote_error()).is_data());
}

TEST(RemoteError, HasTheKindThatItsWordsMean) {
  const struct {
    const char* words;
    ErrorKind kind;
  } cases[] = {
      {"upload-pack: not our ref 0123", ErrorKind::Conflict},
      {"Repository not found.", ErrorKind::NotFound},
      {"no such repository: /srv/x", ErrorKind::NotFound},
      {"repository not exported: /srv/x", ErrorKind::NotFound},
      {"access denied or repository not exported: /srv/x", ErrorKind::Denied},
      {"The project you were looking for could not be found or you don't have permission to view it.",
       ErrorKind::Denied},
      {"Authentication required", ErrorKind::Denied},
      {"filter 'tree:0' not supported", ErrorKind::Rejected},
      {"", ErrorKind::Rejected},
  };
  for (const auto& c : cases) EXPECT_EQ(remote_error(c.words).kind(), c.kind) << c.words;
}

TEST(RemoteError, IsHarmlessAndBounded) {
  EXPECT_EQ(remote_error("bad\x1b[2J\n").message(), "remote: bad\\x1b[2J");
  EXPECT_LT(remote_error(std::string(60'000, 'x')).message().size(), 1100u);
}

TEST(PktBuffer, WritesWhatPktReaderReads) {
  PktBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  buffer.line("command=fetch");
  buffer.delimiter();
  buffer.line("done\n");
  buffer.flush();
  EXPECT_EQ(as_text(buffer.bytes()), "0011command=fetch00010009done\n0000");
  EXPECT_EQ(buffer.size(), 34u);
  EXPECT_EQ(all_of(as_text(buffer.bytes())), "'command=fetch' delimiter 'done\n' flush end ");
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  buffer.line(std::string(kPktPayloadMax, 'x'));
  EXPECT_TRUE(as_text(buffer.bytes()).starts_with("fff0x"));
}

TEST(PktBufferDeathTest, ChecksThatALineFits) {
  PktBuffer buffer;
  EXPECT_DEATH(buffer.line(std::string(kPktPayloadMax + 1, 'x')), "kPktPayloadMax");
}

}  // namespace
}  // namespace packferry
