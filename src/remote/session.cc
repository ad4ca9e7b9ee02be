#include "remote/session.h"

#include "base/printable.h"

namespace packferry {

Result<std::shared_ptr<Session>> open_session(Transport& transport, Service service, int protocol,
                                              std::stop_token stop) {
  auto session = std::make_shared<Session>();
  session->stop = stop;
  session->connection = TRY(transport.connect(service, protocol, stop));
  Result<Advertisement> said = read_advertisement(session->connection->greeting(), service);
  if (!said) return session->connection->explain(std::move(said).error());
  session->advertisement = std::move(said).value();
  return session;
}

std::string_view agent() { return "packferry/" PACKFERRY_VERSION; }

Result<Sent> send_request(Session& session, std::span<const std::byte> request) {
  Sent sent {
    TRY(session.connection->exchange())
    , std::nullopt
  };
  Result<> written = sent.exchange->write(request);
  if (written) written = sent.exchange->end_request();
  if (written) return sent;
  if (written.error().kind() != ErrorKind::Unavailable) return std::move(written).error();
  sent.broken = std::move(written).error();
  return sent;
}

Error explain(Session& session, Error read_error, const std::optional<Error>& broken) {
  const bool read_says_more = !broken || read_error.kind() != ErrorKind::Unavailable;
  return session.connection->explain(read_says_more ? std::move(read_error) : *broken);
}

Error unexpected(const PktLine& line, std::string_view expected) {
  switch (line.kind) {
    case PktLine::Kind::EndOfStream:
      return Error(ErrorKind::Unavailable, "the other side hung up where {} was expected", expected);
    case PktLine::Kind::Data:
      return Error(ErrorKind::Corrupt, "'{}' where {} was expected", printable(line.text(), 200), expected);
    default:
      return Error(ErrorKind::Corrupt, "an end of section where {} was expected", expected);
  }
}

}  // namespace packferry
