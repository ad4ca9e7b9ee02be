// However the bytes come, the same pkt-lines are read; written again they are the same bytes; and what was written is
// read.
#include <algorithm>
#include <cctype>

#include "fuzz.h"
#include "git/pktline.h"
#include "streams.h"

namespace {

using namespace packferry;

struct Lines {
  std::string written_again;
  std::size_t count = 0;
  std::optional<ErrorKind> failure;

  friend bool operator==(const Lines&, const Lines&) = default;
};

void write_again(const PktLine& line, Lines& lines) {
  PktBuffer buffer;
  switch (line.kind) {
    case PktLine::Kind::Data:
      buffer.line(as_text(line.payload));
      break;
    case PktLine::Kind::Flush:
      buffer.flush();
      break;
    case PktLine::Kind::Delimiter:
      buffer.delimiter();
      break;
    case PktLine::Kind::ResponseEnd:
      lines.written_again += "0002";
      break;
    case PktLine::Kind::EndOfStream:
      break;
  }
  lines.written_again += as_text(buffer.bytes());
  ++lines.count;
}

Lines read_lines(std::string_view bytes, std::size_t piece_bytes) {
  fuzz::PieceReader reader(bytes, piece_bytes);
  PktReader packets(reader);
  Lines lines;
  while (true) {
    const Result<PktLine> peeked = packets.peek();
    const Result<PktLine> line = packets.next();
    if (!line) {
      lines.failure = line.error().kind();
      return lines;
    }
    CHECK(peeked && peeked->kind == line->kind && peeked->payload.data() == line->payload.data());
    CHECK(line->payload.size() <= kPktPayloadMax);
    if (line->kind == PktLine::Kind::EndOfStream) return lines;
    write_again(*line, lines);
  }
}

bool is_beginning_of(std::string_view part, std::string_view whole) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin(), same);
}

// Few bytes of input stand for pkt-lines of any length.
std::string some_lines(fuzz::Input& input, std::size_t& count) {
  PktBuffer buffer;
  for (count = 0; count < 8 && !input.empty(); ++count) {
    const std::size_t size = std::size_t{input.byte()} * 256 + input.byte();
    buffer.line(std::string(std::min(size, kPktPayloadMax), static_cast<char>(input.byte())));
  }
  return std::string(as_text(buffer.bytes()));
}

}  // namespace

FUZZ(input) {
  const std::size_t piece_bytes = input.block_bytes();
  if (piece_bytes % 8 == 0) {
    std::size_t count = 0;
    const std::string bytes = some_lines(input, count);
    CHECK(read_lines(bytes, 64 * piece_bytes) == (Lines{bytes, count, std::nullopt}));
    return;
  }
  const std::string_view bytes = input.rest();
  const Lines lines = read_lines(bytes, piece_bytes);
  CHECK(lines == read_lines(bytes, bytes.size() + 1));
  CHECK(is_beginning_of(lines.written_again, bytes));
  CHECK(lines.failure || lines.written_again.size() == bytes.size());
}
