// The listening side of HTTP: an address, limits, and a handler that answers requests which are held whole. Boost.Asio
// stays inside.
//
// One thread moves bytes, for all connections. A few others run the handler, which may block. What a client can use up
// is bounded, and each bound has a name in HttpServerLimits: a client that is slow, silent, endless or numerous costs
// its own connection. For who may ask what, see api/access; here everybody may who can connect, so the address matters.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "net/http_message.h"

namespace packferry {

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Called on several threads at once. Returns soon after `stop` was told, with whatever it has by then. What it throws
  // becomes a 500.
  virtual HttpReply handle(const ReceivedRequest& request, std::stop_token stop) = 0;
};

struct HttpServerLimits {
  HttpMessageLimits message = {};

  // More clients than that wait in the kernel's queue until one leaves. Their requests are held whole, so this many
  // bodies are what memory must have room for.
  unsigned connections_max = 256;
  unsigned requests_per_connection_max = 1000;
  unsigned handlers = 4;  // threads that run the handler
  // Requests that wait for one of them. More are answered 503 with Retry-After.
  unsigned waiting_max = 64;

  // Each from its beginning to its end, however many bytes arrive meanwhile; then the connection is closed.
  Milliseconds idle{60'000};  // from one request to the first byte of the next
  Milliseconds head{10'000};  // from that byte to the last of the headers; also a TLS hand-shake
  Milliseconds body{30'000};
  Milliseconds reply{30'000};

  // After a stop: requests that have begun are given this long. Then handlers are told to stop, and connections are
  // closed.
  Milliseconds drain{10'000};
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // IPv4 or IPv6, as numbers
  std::uint16_t port = 0;             // 0: the kernel chooses
  // PEM, with the chain; both or none. TLS 1.2 at least.
  std::string certificate_file = {};
  std::string key_file = {};
  HttpServerLimits limits = {};
};

class HttpServer {
 public:
  // Binds and listens; clients wait until serve() is called. Invalid: no address of this machine, or files that are no
  // certificate and its key. Conflict: the port is in use. Denied: we may not bind it.
  static Result<std::unique_ptr<HttpServer>> open(HttpServerOptions options, const Clock& clock, Log& log);
  ~HttpServer();

  std::uint16_t port() const;

  // Serves until `stop`, then drains, as long as the limits say. Called once. Logs what was refused or failed at the
  // level Debug, since anybody can make it happen, and handlers that threw as errors.
  void serve(HttpHandler& handler, std::stop_token stop);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace packferry
