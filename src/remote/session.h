// One open conversation with one service of a repository, and what the server said when it opened. Shared by Remote and
// by what it hands out (packs, pushes), so that these may outlive it.
#pragma once

#include <memory>
#include <stop_token>
#include <string_view>

#include "git/pktline.h"
#include "remote/advertisement.h"
#include "remote/transport.h"

namespace packferry {

struct Session {
  std::unique_ptr<Connection> connection;
  Advertisement advertisement;
  std::stop_token stop;  // ends every wait on this connection

  const Listing& listing() const { return advertisement.listing; }
  const Capabilities& capabilities() const { return advertisement.listing.capabilities; }
  bool speaks_version_2() const { return advertisement.protocol == 2; }
};

Result<std::shared_ptr<Session>> open_session(Transport& transport, Service service, int protocol,
                                              std::stop_token stop);

// "packferry/0.1.0": who we say we are, to servers that say who they are.
std::string_view agent();

// Sends a whole request. A server that refuses early stops reading, and what it says then explains more than the broken
// pipe: so Unavailable is given back only by the reading that follows, unless that finds something better to say.
struct Sent {
  std::unique_ptr<Exchange> exchange;
  std::optional<Error> broken;  // the request was not taken completely
};
Result<Sent> send_request(Session& session, std::span<const std::byte> request);

// The better explanation of two: what was read after a request that was not taken, or why it was not.
Error explain(Session& session, Error read_error, const std::optional<Error>& broken = std::nullopt);

// What `line` should not have been.
Error unexpected(const PktLine& line, std::string_view expected);

}  // namespace packferry
