// HTTP/1.1 as a server sees it: requests out of bytes, replies into bytes. RFC 9110 and RFC 9112. No socket here; that
// is net/http_server. Boost.Beast, which reads the requests, stays inside.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/http.h"

namespace packferry {

struct ReceivedRequest {
  std::string method;               // "GET", as sent: methods are case-sensitive
  std::string path;                 // percent-encoded as sent; begins with '/'
  std::string query;                // without the '?'
  std::vector<HttpHeader> headers;  // names in lower case, in their order; never from a trailer
  std::string body;
  std::string peer;  // who asks: an address without its port; net/http_server fills it in

  // The one with this lower-case name; none when there are two, since nobody can tell which one was meant.
  std::optional<std::string_view> header(std::string_view name) const;
};

// Content-Length, Date and Connection are added when it is sent.
struct HttpReply {
  int status = 200;
  std::vector<HttpHeader> headers = {};
  std::string body = {};
};

// One line of text for a status that needs no more: "not found\n".
HttpReply plain_reply(int status, std::string_view text);

struct HttpMessageLimits {
  std::size_t head_bytes_max = 16 * 1024;  // request line and headers; also a chunk's own line, and a trailer
  std::size_t body_bytes_max = 1024 * 1024;
};

// One request out of the bytes of a connection, as they arrive.
//
// What two readers could understand differently is refused, since one of them may be a proxy before us: a length and
// chunks together, lengths that are said twice, other transfer encodings than chunks, no Host or two, anything but a
// path as the target.
class HttpRequestReader {
 public:
  explicit HttpRequestReader(const HttpMessageLimits& limits);
  ~HttpRequestReader();

  // Takes what belongs to this request from the front of `bytes`: those that it left last time, and more behind them.
  // Not called again once the request is refused or complete.
  std::size_t take(std::string_view bytes);

  // The status that says why this will not become a request, 400, 413, 417, 431, 501 or 505; 0 as long as it may. The
  // connection cannot be used any further: nobody knows where the next request would begin.
  int refusal() const;
  bool has_head() const;  // request line and headers are there, and fine
  bool is_complete() const;
  // The client waits for "HTTP/1.1 100 Continue" before it sends the body.
  bool wants_continue() const;
  // It may send another request on this connection.
  bool keeps_alive() const;
  // is_complete(), and once.
  ReceivedRequest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Status line, headers and body. To a HEAD goes everything but the body. A header that could not be sent as one line
// makes it a 500 without a word.
std::string to_bytes(const HttpReply& reply, bool to_head, bool keeps_alive, Clock::WallTime now);

}  // namespace packferry
