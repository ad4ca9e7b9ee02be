// The first words of a server, as every carrier needs to see them pass: is it protocol 2 that is spoken? Over HTTP a
// "# service=…" line may come before them (gitprotocol-http(5), Smart Server Response; optional with protocol 2).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "io/stream.h"
#include "remote/transport.h"

namespace packferry {

// One pkt-line as it stands, length digits included, and not a byte more of the stream: for places where something else
// may follow. Shorter when the stream ends inside it; only four bytes when these are no length. Empty at the end.
Result<std::vector<std::byte>> read_raw_packet(Reader& from);
// What such a packet carries, without the line feed that may end it.
std::string_view raw_packet_text(const std::vector<std::byte>& packet);

// Passes everything on as it comes, but for the prelude, and judges nothing else.
class Greeting final : public Reader {
 public:
  // `prelude` names the service that a "# service=" line has to name; none: there is no such line with this carrier.
  explicit Greeting(Reader& from, std::optional<Service> prelude = std::nullopt) : from_(from), prelude_(prelude) {}

  Result<std::size_t> read(std::span<std::byte> into) override;
  // Known once something has been read.
  bool speaks_version_2() const { return version_2_; }

 private:
  Result<> open();

  Reader& from_;
  const std::optional<Service> prelude_;
  std::vector<std::byte> first_;
  std::size_t first_at_ = 0;
  bool opened_ = false;
  bool version_2_ = false;
};

}  // namespace packferry
