#include "remote/fetch.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/printable.h"
#include "remote/greeting.h"

namespace packferry {
namespace {

// Appends "want OID" and "have OID" lines, each object once, up to kRequestLinesMax.
class ObjectLines {
 public:
  explicit ObjectLines(PktBuffer& out) : out_(out) {}

  void add(std::string_view verb, const std::vector<Oid>& oids, std::string_view first_extra = {}) {
    std::unordered_set<Oid> seen;
    for (const Oid& oid : oids) {
      if (verb == "have" && lines_ >= kRequestLinesMax) return;
      if (!seen.insert(oid).second) continue;
      ++lines_;
      out_.line(fmt::format("{} {}{}\n", verb, oid.hex(), first_extra));
      first_extra = {};
    }
  }

 private:
  PktBuffer& out_;
  std::size_t lines_ = 0;
};

PktBuffer version_2_request(const Listing& server, const FetchRequest& request, Negotiation negotiation,
                            bool wants_progress) {
  PktBuffer out;
  out.line("command=fetch\n");
  if (server.capabilities.has("agent")) out.line(fmt::format("agent={}\n", agent()));
  if (server.capabilities.has("object-format")) out.line(fmt::format("object-format={}\n", to_string(server.format)));
  out.delimiter();
  if (request.thin) out.line("thin-pack\n");
  if (!wants_progress) out.line("no-progress\n");
  if (request.ofs_delta) out.line("ofs-delta\n");
  if (!request.filter.empty()) out.line(fmt::format("filter {}\n", request.filter));
  ObjectLines objects(out);
  objects.add("want", request.wants);
  objects.add("have", request.haves);
  if (negotiation == Negotiation::Done) out.line("done\n");
  out.flush();
  return out;
}

// What we ask for behind the first want: each word only where the server offers it.
std::string old_capabilities(const Listing& server, const FetchRequest& request, bool wants_progress) {
  const Capabilities& offered = server.capabilities;
  std::string asked;
  const auto ask = [&](std::string_view word) {
    const bool can = offered.has(word);
    if (can) asked += fmt::format(" {}", word);
    return can;
  };
  // Azure DevOps refuses a client that has no multi_ack.
  if (!ask("multi_ack_detailed")) ask("multi_ack");
  if (!ask("side-band-64k")) ask("side-band");
  if (request.thin) ask("thin-pack");
  if (!wants_progress) ask("no-progress");
  if (request.ofs_delta) ask("ofs-delta");
  if (!request.filter.empty()) ask("filter");
  if (offered.has("object-format")) asked += fmt::format(" object-format={}", to_string(server.format));
  if (offered.has("agent")) asked += fmt::format(" agent={}", agent());
  return asked;
}

PktBuffer old_request(const Listing& server, const FetchRequest& request, bool wants_progress) {
  PktBuffer out;
  ObjectLines objects(out);
  objects.add("want", request.wants, old_capabilities(server, request, wants_progress));
  if (!request.filter.empty()) out.line(fmt::format("filter {}\n", request.filter));
  out.flush();
  objects.add("have", request.haves);
  out.line("done\n");
  return out;
}

// The pack's bytes; keeps all that they come through. When they have ended the connection is free again; destroyed
// earlier, it hangs up.
class FetchReader final : public Reader {
 public:
  FetchReader(std::shared_ptr<Session> session, Sent sent)
      : session_(std::move(session)), sent_(std::move(sent)), packets_(*sent_.exchange) {}

  // Up to the first byte of the pack.
  Result<> open(bool side_band, RemoteMessages messages) {
    Result<> opened = session_->speaks_version_2()
                          ? skip_to_pack(packets_)
                          : read_old_acknowledgments(*sent_.exchange, session_->listing().format);
    if (!opened) return explain(*session_, std::move(opened).error(), sent_.broken);
    if (side_band) band_.emplace(packets_, std::move(messages));
    return {};
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (!sent_.exchange) return 0;
    Result<std::size_t> count = band_ ? band_->read(into) : sent_.exchange->read(into);
    if (!count) return explain(*session_, std::move(count).error());
    if (*count == 0) {
      sent_.exchange->end_response();
      sent_.exchange.reset();
    }
    return count;
  }

 private:
  std::shared_ptr<Session> session_;
  Sent sent_;
  PktReader packets_;
  std::optional<SidebandReader> band_;
};

}  // namespace

Result<PktBuffer> fetch_request(const Listing& server, const FetchRequest& request, Negotiation negotiation,
                                bool wants_progress) {
  CHECK(!request.wants.empty());
  const bool version_2 = server.protocol == 2;
  if (version_2 && !server.capabilities.has("fetch"))
    return Error(ErrorKind::Unsupported, "the server speaks protocol 2 but offers no fetch");
  const bool filters = version_2 ? server.capabilities.value_has("fetch", "filter") : server.capabilities.has("filter");
  if (!request.filter.empty() && !filters)
    return Error(ErrorKind::Unsupported, "the server has no partial fetch (its uploadpack.allowFilter is off)");
  for (const Oid& want : request.wants) {
    if (want.format() != server.format)
      return Error(ErrorKind::Unsupported, "a repository in {} has no object {}", to_string(server.format), want.hex());
  }
  if (version_2) return version_2_request(server, request, negotiation, wants_progress);
  CHECK(negotiation == Negotiation::Done);
  return old_request(server, request, wants_progress);
}

Result<> skip_to_pack(PktReader& packets) {
  const PktLine line = TRY(packets.next_or_remote_error());
  if (line.is_data() && line.text() == "packfile") return {};
  if (line.is_data() && line.text() == "shallow-info")
    return Error(ErrorKind::Corrupt, "the source is a shallow repository and cannot give its full history");
  return unexpected(line, "the pack");
}

Result<> read_old_acknowledgments(Reader& from, ObjectFormat format) {
  constexpr std::string_view kError = "ERR ";
  // One for each have, and a few more.
  for (std::size_t lines = 0; lines < 2 * kRequestLinesMax; ++lines) {
    const std::vector<std::byte> packet = TRY(read_raw_packet(from));
    const std::string_view line = raw_packet_text(packet);
    if (packet.size() < 4)
      return Error(ErrorKind::Unavailable, "the other side hung up where an acknowledgment was expected");
    if (line == "NAK") return {};
    if (line.starts_with(kError)) return remote_error(line.substr(kError.size()));
    if (line.starts_with("shallow ") || line.starts_with("unshallow "))
      return Error(ErrorKind::Corrupt, "the source is a shallow repository and cannot give its full history");
    const std::size_t words_at = 4 + oid_hex_digits(format);
    if (!line.starts_with("ACK ") || line.size() < words_at || !Oid::parse(line.substr(4, oid_hex_digits(format))))
      return Error(ErrorKind::Corrupt, "'{}' where an acknowledgment was expected",
                   printable(line.empty() ? as_text(packet) : line, 200));
    // "ACK OID common" and the like come before the last one, which stands alone.
    if (line.size() == words_at) return {};
  }
  return Error(ErrorKind::Corrupt, "the other side acknowledges without end");
}

Result<Acknowledgments> read_acknowledgments(PktReader& packets, ObjectFormat format) {
  const PktLine head = TRY(packets.next_or_remote_error());
  if (head.text() != "acknowledgments") return unexpected(head, "acknowledgments");
  Acknowledgments said;
  for (std::size_t lines = 0; lines < 2 * kRequestLinesMax; ++lines) {
    const PktLine line = TRY(packets.next_or_remote_error());
    if (line.is_flush() || line.kind == PktLine::Kind::Delimiter) {
      said.end_of_answer = line.is_flush();
      return said;
    }
    if (!line.is_data()) return unexpected(line, "an acknowledgment");
    if (line.text() == "NAK" || line.text() == "ready") continue;
    if (!line.text().starts_with("ACK ")) return unexpected(line, "an acknowledgment");
    const Result<Oid> oid = Oid::parse(line.text().substr(4));
    if (!oid || oid->format() != format) return unexpected(line, "an acknowledgment");
    said.common.push_back(*oid);
  }
  return Error(ErrorKind::Corrupt, "the other side acknowledges without end");
}

Result<std::unique_ptr<Reader>> start_fetch(std::shared_ptr<Session> session, const FetchRequest& request,
                                            RemoteMessages messages) {
  const Listing& server = session->listing();
  const PktBuffer words = TRY(fetch_request(server, request, Negotiation::Done, messages != nullptr));
  const bool side_band =
      session->speaks_version_2() || server.capabilities.has("side-band-64k") || server.capabilities.has("side-band");
  Sent sent = TRY(send_request(*session, words.bytes()));
  auto reader = std::make_unique<FetchReader>(std::move(session), std::move(sent));
  TRY(reader->open(side_band, std::move(messages)));
  return reader;
}

Result<std::vector<Oid>> ask_acknowledgments(std::shared_ptr<Session> session, const FetchRequest& request) {
  const ObjectFormat format = session->listing().format;
  const PktBuffer words = TRY(fetch_request(session->listing(), request, Negotiation::Acknowledge, false));
  Sent sent = TRY(send_request(*session, words.bytes()));
  PktReader packets(*sent.exchange);
  Result<Acknowledgments> said = read_acknowledgments(packets, format);
  if (!said) return explain(*session, std::move(said).error(), sent.broken);
  if (said->end_of_answer) sent.exchange->end_response();
  return std::move(said->common);
}

}  // namespace packferry
