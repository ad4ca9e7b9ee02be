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
// an end inside a pkt-line is Unavailable, an end between two is EndOfStream. Reads ahead from `from` at most one block.
class PktReader {
 public:
  explicit PktReader(Reader& from);
  Result<PktLine> next();
  // The next one again, without consuming it.
  Result<PktLine> peek();
  // next(), and an "ERR text" line becomes an Error (Rejected, or NotFound or Denied where the words are known ones).
  Result<PktLine> next_or_remote_error();

 private:
  Result<bool> fill(std::size_t bytes);  // false: the end, with fewer than `bytes` left

  Reader& from_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool peeked_ = false;
  PktLine peeked_line_;
};

// "ERR …" of gitprotocol-pack(5) as an Error; the text is made printable.
Error remote_error(std::string_view text);

// Appends pkt-lines to a request.
class PktBuffer {
 public:
  void line(std::string_view payload);  // as it is; callers add the '\n' where the protocol has one
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
