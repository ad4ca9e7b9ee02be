#include "git/pktline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <utility>

#include "base/ascii.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kLengthDigits = 4;
constexpr std::size_t kPktBytesMax = kLengthDigits + kPktPayloadMax;
constexpr std::size_t kShownBytesMax = 60;

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_one_of(std::string_view text, std::initializer_list<std::string_view> phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return text.find(phrase) != std::string_view::npos; });
}

// The words of git's upload-pack and daemon, and of the hosts that we know.
ErrorKind kind_of(std::string_view words) {
  if (has_one_of(words, {"not our ref"})) return ErrorKind::Conflict;
  if (has_one_of(words, {"denied", "permission", "not allowed", "authenticat", "authoriz", "authoris"}))
    return ErrorKind::Denied;
  if (has_one_of(words, {"not found", "could not be found", "no such repository", "does not exist", "not exported"}))
    return ErrorKind::NotFound;
  return ErrorKind::Rejected;
}

}  // namespace

std::string_view PktLine::text() const {
  std::string_view text = as_text(payload);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

// As it comes: nothing is read of it that was not written before.
PktReader::PktReader(Reader& from) : from_(from), buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferBytes)) {
  static_assert(kBufferBytes >= kPktBytesMax, "the longest pkt-line fits");
}

Result<PktLine> PktReader::next() {
  if (std::exchange(peeked_, false)) return peeked_line_;

  const bool has_length = TRY(fill(kLengthDigits));
  if (!has_length && begin_ == end_) return PktLine{PktLine::Kind::EndOfStream, {}};
  if (!has_length) return Error(ErrorKind::Unavailable, "the stream ended inside the length of a pkt-line");

  const std::size_t length = TRY(length_of_next());
  if (length < kLengthDigits) {
    begin_ += kLengthDigits;
    constexpr PktLine::Kind kSpecial[] = {PktLine::Kind::Flush, PktLine::Kind::Delimiter, PktLine::Kind::ResponseEnd};
    return PktLine{kSpecial[length], {}};
  }

  if (!TRY(fill(length)))
    return Error(ErrorKind::Unavailable, "the stream ended inside a pkt-line, after {} of {} bytes", end_ - begin_,
                 length);
  const auto payload = std::span<const std::byte>(&buffer_[begin_], length).subspan(kLengthDigits);
  begin_ += length;
  return PktLine{PktLine::Kind::Data, payload};
}

Result<PktLine> PktReader::peek() {
  if (!peeked_) {
    peeked_line_ = TRY(next());
    peeked_ = true;
  }
  return peeked_line_;
}

Result<PktLine> PktReader::next_or_remote_error() {
  constexpr std::string_view kError = "ERR ";
  const PktLine line = TRY(next());
  if (line.is_data() && line.text().starts_with(kError)) return remote_error(line.text().substr(kError.size()));
  return line;
}

Result<bool> PktReader::fill(std::size_t bytes) {
  if (begin_ == end_) begin_ = end_ = 0;
  // Moves the beginning of a pkt-line to where its rest fits behind it; whole ones never move.
  if (begin_ + bytes > kBufferBytes) {
    std::copy(&buffer_[begin_], &buffer_[end_], &buffer_[0]);
    end_ -= std::exchange(begin_, 0);
  }
  while (end_ - begin_ < bytes) {
    const std::size_t count = TRY(from_.read(std::span(&buffer_[end_], kBufferBytes - end_)));
    if (count == 0) return false;
    end_ += count;
  }
  return true;
}

Result<std::size_t> PktReader::length_of_next() const {
  int length = 0;
  for (const char c : buffered().substr(0, kLengthDigits)) {
    const int digit = digit_value(c);
    if (digit < 0) return Error(ErrorKind::Corrupt, "not a pkt-line: '{}'", printable(buffered(), kShownBytesMax));
    length = length * 16 + digit;
  }
  if (length == 3 || length > static_cast<int>(kPktBytesMax))
    return Error(ErrorKind::Corrupt, "no pkt-line has the length '{:04x}'", length);
  return static_cast<std::size_t>(length);
}

std::string_view PktReader::buffered() const { return as_text(std::span(&buffer_[begin_], end_ - begin_)); }

Error remote_error(std::string_view text) {
  // upload-pack ends its last words in band 3 with a NUL.
  while (text.ends_with('\n') || text.ends_with('\0')) text.remove_suffix(1);
  return Error(kind_of(to_lower(text)), "remote: {}", printable(text));
}

void PktBuffer::line(std::string_view payload) {
  CHECK(payload.size() <= kPktPayloadMax);
  fmt::format_to(std::back_inserter(text_), "{:04x}", kLengthDigits + payload.size());
  text_ += payload;
}

void PktBuffer::flush() { text_ += "0000"; }

void PktBuffer::delimiter() { text_ += "0001"; }

std::span<const std::byte> PktBuffer::bytes() const { return as_bytes(text_); }

}  // namespace packferry
