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

// Band 1 as a Reader. Ends at the flush (or response-end). An end of stream before it is Unavailable; band 3 an Error
// (Rejected) with the remote's words; any other band Corrupt. Keepalives (empty band-1 packets) are passed over.
class SidebandReader final : public Reader {
 public:
  SidebandReader(PktReader& packets, RemoteMessages messages);
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  void say(std::string_view text);

  PktReader& packets_;
  RemoteMessages messages_;
  std::span<const std::byte> rest_;
  std::string line_;  // an unfinished line of progress, at most 1,000 bytes
  bool ended_ = false;
};

}  // namespace packferry
