// How bytes reach a Git service, whatever carries them: HTTP requests, a child's pipes, a socket. One Connection is one
// conversation with one service of one repository; an Exchange is one request and its response.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "io/stream.h"

namespace packferry {

enum class Service { UploadPack, ReceivePack };
std::string_view to_string(Service service);  // "git-upload-pack", "git-receive-pack"

// The request is written, then the response is read; a server may begin to answer early.
//
// An Exchange that is destroyed before end_request() ends its request where it stands, so that the other side sees a
// request that is too short, not a cut connection, and can tidy up (a cut left quarantine directories behind); it waits
// for the answer no longer than Patience::goodbye_ms. One destroyed before its response has ended hangs up.
class Exchange : public Reader {
 public:
  virtual Result<> write(std::span<const std::byte> bytes) = 0;
  virtual Result<> end_request() = 0;
  // The response has been read to its end, as its own pkt-lines tell: a carrier that is a stream cannot see that by
  // itself. Lets the connection be used for another request.
  virtual void end_response() {}
};

class Connection {
 public:
  virtual ~Connection() = default;
  // What the server says first: its advertisement, without the transport's own wrapping. Valid as long as this is.
  virtual Reader& greeting() = 0;
  // Starts a request. One at a time. A stateful carrier (a pipe) sees one request after the other on the same stream
  // and has none to give after a version 0 request or a push: CHECK. A response on it ends where its reader stops, not
  // at an end of stream.
  virtual Result<std::unique_ptr<Exchange>> exchange() = 0;
  // Can exchange() be called once more? HTTP: always. A pipe: as long as protocol 2 is spoken and nobody hung up.
  virtual bool is_reusable() const = 0;
  // Is every request answered by a look of its own, as over HTTP? A git on a pipe reads its refs once: asked again on
  // the same connection, it would not see what has changed since.
  virtual bool is_stateless() const { return false; }
  // What the carrier knows of an early end: a child's exit status and last words, an HTTP status. Replaces `early` by a
  // better Error, or gives it back.
  virtual Error explain(Error early) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // `protocol` is the version asked for (2, or 0 to speak the old one); the server may answer with an older one.
  virtual Result<std::unique_ptr<Connection>> connect(Service service, int protocol, std::stop_token stop) = 0;
  // To upload-pack, for requests in protocol 2 that are made without hearing what the server says first: its greeting()
  // is empty. Null where the carrier always hears it. A host that may only want to be greeted refuses with another kind
  // than Denied, Throttled, Unavailable and Cancelled.
  virtual std::unique_ptr<Connection> connect_ungreeted(std::stop_token) { return nullptr; }
  // The host, where one and the same server answers for all repositories that have it in common; else empty.
  virtual std::string origin() const { return {}; }
  // The repository, without secrets, as it stands in messages and reports.
  virtual std::string name() const = 0;
};

}  // namespace packferry
