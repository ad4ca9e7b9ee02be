// HTTP as straight-line code: bodies are written and read by the caller, at the caller's pace. libcurl stays inside.
//
// HTTP/1.1 with kept connections. TLS is verified, 1.2 at least; there is no switch that turns this off. Redirects are
// not followed here: a response with a 3xx status is handed to the caller, who decides (remote/http_transport). Bodies
// are not decompressed behind the caller's back, "Expect: 100-continue" is never sent. Proxies as the environment says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "io/pace.h"
#include "io/stream.h"
#include "net/url.h"

namespace packferry {

struct HttpHeader {
  std::string name;
  std::string value;
  bool secret = false;
};

struct HttpRequest {
  std::string method = "GET";
  Url url;
  std::vector<HttpHeader> headers;
  // GET, HEAD and DELETE have none; a POST or PUT says how its body comes (None: an empty one).
  enum class Body { None, Counted, Chunked } body = Body::None;
  std::uint64_t body_bytes = 0;  // with Counted
  // What the answer is read in at most. Less, for one that is known to be short, spares memory that is never touched.
  std::size_t block_bytes = kBlockBytes;
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;  // names in lower case; at most 64 KiB in all (else Corrupt)

  // The first with this lower-case name.
  std::optional<std::string_view> header(std::string_view name) const;
  // "application/x-git-upload-pack-result": lower case, without parameters
  std::string content_type() const;
  // Retry-After, as seconds or as a date against the response's own Date; a day at most, whatever the host says.
  std::optional<Milliseconds> retry_after() const;
  // Date: the host's clock.
  std::optional<Clock::WallTime> date() const;
  // Last-Modified, by the host's clock.
  std::optional<Clock::WallTime> last_modified() const;
};

// One request and its response. Not for several threads at once.
//   write()… end_request() → response() → read()… until 0
//
// An end before the announced length or the last chunk is Unavailable. A body with neither ends where the connection
// does, and only its own format can tell whether that was a cut.
class HttpExchange : public Reader {
 public:
  // Unavailable when the host has gone away or wants no more; it may have answered first: response() tells.
  virtual Result<> write(std::span<const std::byte> bytes) = 0;
  // A Counted body must be complete by then.
  virtual Result<> end_request() = 0;
  // Waits for the status and the headers. May be called before end_request(): is there already an answer?
  virtual Result<HttpResponse> response() = 0;
  // read(): an end before the announced length or the last chunk is Unavailable. What a body without either is worth,
  // its own format must tell: there an end and a cut look the same.

  // True when an answer's headers have arrived; never waits.
  virtual bool has_response() = 0;
  // From now on all waiting together is no longer than this and the stop token no longer counts: for goodbyes.
  virtual void hurry(Milliseconds stall) = 0;
  // Destroying it at any time gives the connection up, or keeps it for the next exchange when both sides are done.
};

struct HttpOptions {
  std::string user_agent;
  std::string ca_file;  // trusted instead of the system's CAs; empty: the system's
  Patience patience;
  bool direct = false;  // past the proxies that the environment names
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Begins to connect and does not wait for it. Safe from several threads. Errors, here and in the exchange, name the
  // origin: Unavailable (name look-up, connection, TLS hand-shake cut, stall), Denied (certificate not trusted; the
  // message says which check), Cancelled, Corrupt (no HTTP), Invalid (a header with a line end in it, an unreadable CA
  // file).
  Result<std::unique_ptr<HttpExchange>> start(HttpRequest request, std::stop_token stop);

  struct Pool;

 private:
  std::shared_ptr<Pool> pool_;
};

}  // namespace packferry
