// side-band and side-band-64k: gitprotocol-pack(5). Band 1 is the data, band 2 is progress for a person, band 3 ends
// everything with an error.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "git/pktline.h"
#include "io/stream.h"

namespace packferry {

// Complete lines of remote progress, already made printable; both '\n' and '\r' end a line.
using RemoteMessages = std::function<void(std::string_view line)>;

// Band 1 as a Reader. Ends at the flush (or response-end); later reads give the end again and take nothing more from
// `packets`, which may have another response to come. An end of stream before it is Unavailable; band 3 or an ERR line
// an Error with the remote's words (see remote_error()); any other band, or none, Corrupt. Keepalives (packets of a
// band and nothing else) are passed over. A peer that only chats, 16 MiB of progress and keepalives without one byte of
// data between them, is Exhausted: bytes that come are no progress by themselves.
//
// What does not fit `into` stays in the buffer of `packets`: nobody else may call it before the end.
class SidebandReader final : public Reader {
 public:
  SidebandReader(PktReader& packets, RemoteMessages messages);
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  static constexpr std::size_t kLineBytesMax = 1000;
  // A line of progress each second fills it in three days.
  static constexpr std::size_t kChatterBytesMax = 16 * 1024 * 1024;

  // Takes one pkt-line: band 1 becomes rest_, the flush sets ended_.
  Result<> take_next();
  void take_progress(std::string_view text);
  void say_line();

  PktReader& packets_;
  RemoteMessages messages_;
  std::span<const std::byte> rest_;  // of band 1, not yet handed out
  std::string line_;                 // an unfinished line of progress; what is beyond kLineBytesMax is dropped
  std::size_t chatter_bytes_ = 0;    // since the last byte of band 1
  bool ended_ = false;
};

}  // namespace packferry
