// A mail, handed to an SMTP server (RFC 5321) in the form of RFC 5322. libcurl stays inside.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/pace.h"
#include "net/url.h"

namespace packferry {

struct MailServer {
  // StartTls: a server that does not offer it is refused. Plain: for a server on this machine only.
  enum class Security { StartTls, Tls, Plain } security = Security::StartTls;
  std::string host;
  std::uint16_t port = 587;
  std::string username = {};  // empty: no login
  Secret password = {};
  std::string ca_file = {};  // trusted instead of the system's CAs
  Patience patience = {};
};

struct Mail {
  std::string from;             // "packferry@example.com"
  std::vector<std::string> to;  // not empty
  std::string subject;
  std::string body;  // UTF-8, lines end in "\n"
  Clock::WallTime date{};
};

// As it goes over the wire. Pure: the same mail has the same Message-ID, so that one sent twice is seen as one.
// Invalid: an address that is none (local@domain in ASCII, nothing quoted), no recipient.
Result<std::string> mail_text(const Mail& mail);

// Denied: a login or a certificate that is refused, a name or a password on a plain connection. Rejected: the server
// will never take this mail (5xx). Unavailable: it may later (4xx, connection). Cancelled.
Result<> send_mail(const MailServer& server, const Mail& mail, std::stop_token stop);

}  // namespace packferry
