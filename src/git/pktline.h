// pkt-lines: gitprotocol-common(5). Four hex digits of length, themselves included, then the payload; 0000 is a flush,
// 0001 a delimiter, 0002 the end of a response.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/stream.h"

namespace packferry {

inline constexpr std::size_t kPktPayloadMax = 65516;

struct PktLine {
  enum class Kind { Data, Flush, Delimiter, ResponseEnd, EndOfStream };
  Kind kind = Kind::EndOfStream;
  // Valid until the next call. Only with Data.
  std::span<const std::byte> payload;

  bool is_data() const { return kind == Kind::Data; }
  bool is_flush() const { return kind == Kind::Flush; }
  // The payload as text, without the one line feed that may end it.
  std::string_view text() const;
};

// Reads pkt-lines. Lengths 0003 and above 65520, or anything but hex digits, are Corrupt (the message shows the bytes);
// an end inside a pkt-line is Unavailable, an end between two is EndOfStream.
//
// Asks `from` for more only when the next pkt-line is not complete yet, and takes what one read() gives, at most a
// buffer full. So it never waits for bytes that nobody promised, but may hold some that come after the pkt-line it
// returned: on a carrier that serves several requests the same PktReader is kept from one to the next.
class PktReader {
 public:
  explicit PktReader(Reader& from);
  Result<PktLine> next();
  // The next one again, without consuming it.
  Result<PktLine> peek();
  // next(), and an "ERR text" line becomes remote_error(text).
  Result<PktLine> next_or_remote_error();

 private:
  static constexpr std::size_t kBufferBytes = 64 * 1024;

  // Sees to it that `bytes` bytes are in the buffer at begin_; false: the stream ended with fewer.
  Result<bool> fill(std::size_t bytes);
  Result<std::size_t> length_of_next() const;
  std::string_view buffered() const;

  Reader& from_;
  const std::unique_ptr<std::byte[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool peeked_ = false;
  PktLine peeked_line_;
};

// What stands behind "ERR " (gitprotocol-pack(5)), or in band 3, as an Error; the text is made printable. There are no
// codes, only words: Conflict when an object asked for is gone ("not our ref"), Denied when they speak of permission,
// NotFound when only of a repository that is not there, else Rejected. A host that will not say which of the two it is
// counts as Denied: a repository must not look deleted because a credential expired.
Error remote_error(std::string_view text);

// Appends pkt-lines to a request.
class PktBuffer {
 public:
  // As it is, at most kPktPayloadMax bytes; callers add the '\n' where the protocol has one.
  void line(std::string_view payload);
  void flush();
  void delimiter();
  std::span<const std::byte> bytes() const;
  std::size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  void clear() { text_.clear(); }

 private:
  std::string text_;
};

}  // namespace packferry
