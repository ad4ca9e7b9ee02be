#include "git/sideband.h"

#include <algorithm>

#include "base/printable.h"

namespace packferry {

SidebandReader::SidebandReader(PktReader& packets, RemoteMessages messages)
    : packets_(packets), messages_(std::move(messages)) {}

Result<std::size_t> SidebandReader::read(std::span<std::byte> into) {
  while (rest_.empty() && !ended_) TRY(take_next());
  const std::size_t count = std::min(into.size(), rest_.size());
  std::copy_n(rest_.begin(), count, into.begin());
  rest_ = rest_.subspan(count);
  return count;
}

Result<> SidebandReader::take_next() {
  const PktLine packet = TRY(packets_.next_or_remote_error());
  switch (packet.kind) {
    case PktLine::Kind::Flush:
    case PktLine::Kind::ResponseEnd:
      say_line();
      ended_ = true;
      return {};
    case PktLine::Kind::Delimiter:
      return Error(ErrorKind::Corrupt, "a delimiter inside the side-band");
    case PktLine::Kind::EndOfStream:
      say_line();
      return Error(ErrorKind::Unavailable, "the stream ended inside the side-band");
    case PktLine::Kind::Data:
      break;
  }
  if (packet.payload.empty()) return Error(ErrorKind::Corrupt, "a side-band packet without a band");

  const std::span<const std::byte> content = packet.payload.subspan(1);
  const bool is_data = packet.payload.front() == std::byte{1} && !content.empty();
  chatter_bytes_ = is_data ? 0 : chatter_bytes_ + 4 + packet.payload.size();
  if (chatter_bytes_ > kChatterBytesMax)
    return Error(ErrorKind::Exhausted, "the other side sends progress without end and no data");
  switch (const int band = std::to_integer<int>(packet.payload.front())) {
    case 1:
      rest_ = content;
      return {};
    case 2:
      take_progress(as_text(content));
      return {};
    case 3:
      say_line();
      return remote_error(as_text(content));
    default:
      return Error(ErrorKind::Corrupt, "side-band {} is none of 1, 2 and 3", band);
  }
}

void SidebandReader::take_progress(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = std::min(text.find_first_of("\r\n"), text.size());
    // One byte more than is shown, so that printable() marks the cut.
    line_ += text.substr(0, std::min(length, kLineBytesMax + 1 - line_.size()));
    if (length == text.size()) return;
    say_line();
    text.remove_prefix(length + 1);
  }
}

void SidebandReader::say_line() {
  if (messages_ && !line_.empty()) messages_(printable(line_, kLineBytesMax));
  line_.clear();
}

}  // namespace packferry
