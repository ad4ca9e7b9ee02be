// A server on loopback that does what it is told, byte by byte: for answers that no decent server gives. It speaks TCP,
// or TLS when it is given a certificate; what it says is up to the script.
//
//   ScriptedServer server({{request(), say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), hang_up()}});
//   … client talks to server.url("/x") …
//   EXPECT_THAT(server.received(0), HasSubstr("GET /x HTTP/1.1\r\n"));
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace packferry::testing {

// The server's end of one connection, as the acts of a script see it.
class Line {
 public:
  virtual ~Line() = default;
  // What the client has sent on this connection and no act has taken yet.
  virtual std::string& heard() = 0;
  virtual bool hear_more() = 0;                  // waits for at least one byte; false when the client has gone
  virtual bool say(std::string_view bytes) = 0;  // false when the client has gone
  virtual void reset() = 0;                      // the end of the connection will be a RST
  virtual void hold() = 0;                       // neither reads nor writes until the server is destroyed
};

// False ends the script.
using Act = std::function<bool(Line&)>;
using Script = std::vector<Act>;

Act request();                      // takes one HTTP request: headers, and the body that they announce
Act hear_until(std::string text);   // takes everything up to and including `text`
Act hear_bytes(std::size_t count);  // takes that many bytes
Act say(std::string bytes);
Act say_forever(std::string bytes);  // again and again, until the client has gone
Act hang_up();                       // ends the connection politely; what every script does at its end
Act reset();                         // ends it with a RST
Act hold();

// "HTTP/1.1 200 OK" with a Content-Length and this body.
std::string ok(std::string_view body);
// The same, and the connection will not be used again: for scripts of one request each.
std::string ok_and_goodbye(std::string_view body);

struct TlsIdentity {
  std::string certificate_file;
  std::string key_file;
};

class ScriptedServer {
 public:
  // Connection i is served by script i, each on its own thread; one too many is hung up on at once.
  explicit ScriptedServer(std::vector<Script> scripts, TlsIdentity identity = {});
  ~ScriptedServer();

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view path) const;        // "http://127.0.0.1:PORT/path", https with a certificate
  std::size_t connections() const;                     // accepted so far
  std::string received(std::size_t connection) const;  // all that this one has sent so far

 private:
  class SocketLine;
  void accept_all();
  void serve(std::size_t connection, int socket);

  const std::vector<Script> scripts_;
  std::shared_ptr<void> tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable closing_wakes_;
  bool closing_ = false;
  std::vector<int> sockets_;  // -1: closed
  std::vector<std::string> received_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace packferry::testing
