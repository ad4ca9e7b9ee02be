#include "net/http_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/printable.h"
#include "io/fd.h"

namespace packferry {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 16 * 1024;
// How long, and for how many bytes, a client is listened to that we have hung up on: closed at once, the connection
// would be reset, and our last words lost.
constexpr Milliseconds kFarewell{2'000};
constexpr std::size_t kFarewellBytesMax = 4 * 1024 * 1024;
// When there are no descriptors left, accept() fails until somebody closes one.
constexpr Milliseconds kAcceptAgain{100};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// The threads that run the handler.
class Handlers {
 public:
  Handlers(unsigned threads, unsigned waiting_max) : jobs_max_(std::size_t{threads} + waiting_max) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Handlers() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
  }

  // False: too many are waiting.
  bool offer(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      if (running_ + waiting_.size() >= jobs_max_) return false;
      waiting_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::function<void()> job = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
      lock.unlock();
      job();
      lock.lock();
      --running_;
    }
  }

  const std::size_t jobs_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  std::size_t running_ = 0;
  bool closing_ = false;
  std::vector<std::jthread> threads_;  // the last member: joined before the others are gone
};

// A connection, plain or TLS. Every wait ends at the deadline of the stream below, which then closes the connection.
class Line {
 public:
  virtual ~Line() = default;
  virtual beast::tcp_stream& stream() = 0;
  virtual awaitable<bool> greet() = 0;                                 // false: there is no talking to it
  virtual awaitable<std::size_t> read_some(std::span<char> into) = 0;  // 0: the end
  virtual awaitable<bool> write(std::string_view bytes) = 0;
  virtual awaitable<void> say_goodbye() = 0;
};

template <typename Stream>
class LineOver : public Line {
 public:
  template <typename... Args>
  explicit LineOver(Args&&... args) : stream_(std::forward<Args>(args)...) {}

  beast::tcp_stream& stream() override { return beast::get_lowest_layer(stream_); }
  awaitable<bool> greet() override { co_return true; }
  awaitable<std::size_t> read_some(std::span<char> into) override {
    error_code code;
    const std::size_t size =
        co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), redirect_error(use_awaitable, code));
    co_return code ? 0 : size;
  }
  awaitable<bool> write(std::string_view bytes) override {
    error_code code;
    co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()), redirect_error(use_awaitable, code));
    co_return !code;
  }
  awaitable<void> say_goodbye() override { co_return; }

 protected:
  Stream stream_;
};

using PlainLine = LineOver<beast::tcp_stream>;

class TlsLine final : public LineOver<ssl::stream<beast::tcp_stream>> {
 public:
  using LineOver::LineOver;
  awaitable<bool> greet() override {
    error_code code;
    co_await stream_.async_handshake(ssl::stream_base::server, redirect_error(use_awaitable, code));
    co_return !code;
  }
  awaitable<void> say_goodbye() override {
    error_code code;
    co_await stream_.async_shutdown(redirect_error(use_awaitable, code));
  }
};

// Reads files, and so may take a moment; once, at the start.
Result<std::unique_ptr<ssl::context>> tls_from(const HttpServerOptions& options) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  error_code code;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, code);
  if (!code) context->use_certificate_chain_file(options.certificate_file, code);
  if (code)
    return Error(ErrorKind::Invalid, "no certificate in PEM in '{}': {}", printable(options.certificate_file),
                 printable(code.message()));
  // Else OpenSSL asks at the terminal.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); }, code);
  if (!code) context->use_private_key_file(options.key_file, ssl::context::pem, code);
  if (code)
    return Error(ErrorKind::Invalid, "no private key without a passphrase for '{}' in '{}': {}",
                 printable(options.certificate_file), printable(options.key_file), printable(code.message()));
  return context;
}

}  // namespace

struct HttpServer::State {
  State(HttpServerOptions with, const Clock& with_clock, Log& with_log)
      : options(std::move(with)), clock(with_clock), log(with_log) {}

  class Visit;

  Result<> listen();
  void serve(HttpHandler& handler, std::stop_token stop);
  awaitable<void> accept_all();
  awaitable<void> receive(tcp::socket socket);
  HttpReply run_handler(const ReceivedRequest& request) const;
  void begin_stop();
  void one_less();

  const HttpServerOptions options;
  const Clock& clock;
  Log& log;

  // All from here on is the business of the thread in serve(), but for what the handlers do with `handler`.
  std::unique_ptr<ssl::context> tls;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer room{io};     // cancelled when there is room for another connection
  asio::steady_timer drained{io};  // cancelled when nobody is left
  unsigned connections = 0;
  std::unordered_set<Visit*> visits;  // those connections that can be closed
  bool stopping = false;
  HttpHandler* handler = nullptr;
  Handlers* handlers = nullptr;
  std::stop_source stop_handlers;
};

// One client, from its connection to its end.
class HttpServer::State::Visit {
 public:
  Visit(State& server, Line& line, std::string peer) : server_(server), line_(line), peer_(std::move(peer)) {
    server_.visits.insert(this);
  }
  ~Visit() { server_.visits.erase(this); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  awaitable<void> run();
  void close() { line_.stream().close(); }
  // Nothing has been asked that is not answered.
  bool is_idle() const { return idle_; }

 private:
  awaitable<std::optional<ReceivedRequest>> request();
  awaitable<bool> read_more();
  awaitable<HttpReply> answer(const ReceivedRequest& request);
  awaitable<bool> send(const HttpReply& reply, bool to_head, bool keeps_alive);
  awaitable<void> part();

  State& server_;
  const HttpServerLimits& limits_ = server_.options.limits;
  Line& line_;
  const std::string peer_;
  std::string unread_;
  bool keeps_alive_ = true;  // the client would like to go on
  bool idle_ = false;
};

awaitable<void> HttpServer::State::Visit::run() {
  line_.stream().expires_after(limits_.head);
  if (!co_await line_.greet()) co_return;
  for (unsigned served = 1;; ++served) {
    std::optional<ReceivedRequest> asked = co_await request();
    if (!asked) co_return;
    const HttpReply reply = co_await answer(*asked);
    const bool goes_on = keeps_alive_ && served < limits_.requests_per_connection_max && !server_.stopping;
    if (!co_await send(reply, asked->method == "HEAD", goes_on)) co_return;
    if (!goes_on) break;
  }
  co_await part();
}

// The next request; none when the client has left, was too slow, or sent what is none and has been told so.
awaitable<std::optional<ReceivedRequest>> HttpServer::State::Visit::request() {
  HttpRequestReader reader(limits_.message);
  if (unread_.empty()) {
    idle_ = !server_.stopping;
    line_.stream().expires_after(server_.stopping ? Milliseconds(0) : limits_.idle);
    const bool came = co_await read_more();
    idle_ = false;
    if (!came) co_return std::nullopt;
  }
  line_.stream().expires_after(limits_.head);
  bool had_head = false;
  while (true) {
    unread_.erase(0, reader.take(unread_));
    if (reader.refusal() != 0) {
      server_.log.debug("http.refused", {{"peer", peer_}, {"status", std::to_string(reader.refusal())}});
      const HttpReply reply{.status = reader.refusal()};
      if (co_await send(reply, false, false)) co_await part();
      co_return std::nullopt;
    }
    if (reader.is_complete()) break;
    if (reader.has_head() && !had_head) {
      had_head = true;
      line_.stream().expires_after(limits_.body);
      if (reader.wants_continue() && unread_.empty() && !co_await line_.write(kContinue)) co_return std::nullopt;
    }
    if (!co_await read_more()) co_return std::nullopt;
  }
  keeps_alive_ = reader.keeps_alive();
  ReceivedRequest complete = reader.finish();
  complete.peer = peer_;
  co_return complete;
}

awaitable<bool> HttpServer::State::Visit::read_more() {
  const std::size_t held = unread_.size();
  unread_.resize(held + kReadBytes);
  const std::size_t size = co_await line_.read_some(std::span(unread_).subspan(held));
  unread_.resize(held + size);
  co_return size > 0;
}

awaitable<HttpReply> HttpServer::State::Visit::answer(const ReceivedRequest& request) {
  std::optional<HttpReply> reply;
  asio::steady_timer answered(server_.io, asio::steady_timer::time_point::max());
  // Our frame stays until the reply is there, and the thread that runs `io` until we are gone.
  const bool taken = server_.handlers->offer([&] {
    HttpReply made = server_.run_handler(request);
    asio::post(server_.io, [&reply, &answered, made = std::move(made)]() mutable {
      reply = std::move(made);
      answered.cancel();
    });
  });
  if (!taken) {
    server_.log.debug("http.overloaded", {{"peer", peer_}});
    HttpReply overloaded = plain_reply(503, "too many requests are waiting");
    overloaded.headers.push_back({"Retry-After", "1"});
    co_return overloaded;
  }
  error_code cancelled;
  while (!reply) co_await answered.async_wait(redirect_error(use_awaitable, cancelled));
  co_return std::move(*reply);
}

awaitable<bool> HttpServer::State::Visit::send(const HttpReply& reply, bool to_head, bool keeps_alive) {
  line_.stream().expires_after(limits_.reply);
  const std::string bytes = to_bytes(reply, to_head, keeps_alive, server_.clock.now());
  co_return co_await line_.write(bytes);
}

awaitable<void> HttpServer::State::Visit::part() {
  idle_ = true;
  line_.stream().expires_after(kFarewell);
  co_await line_.say_goodbye();
  error_code code;
  line_.stream().socket().shutdown(tcp::socket::shutdown_send, code);
  std::vector<char> ignored(kReadBytes);
  for (std::size_t heard = 0; !code && heard < kFarewellBytesMax;)
    heard += co_await line_.stream().async_read_some(asio::buffer(ignored), redirect_error(use_awaitable, code));
}

Result<> HttpServer::State::listen() {
  error_code code;
  const asio::ip::address address = asio::ip::make_address(options.address, code);
  if (code) return Error(ErrorKind::Invalid, "'{}' is no IP address; write it as numbers", printable(options.address));
  if (options.certificate_file.empty() != options.key_file.empty())
    return Error(ErrorKind::Invalid, "a certificate without its key, or a key without its certificate; give both");
  if (!options.certificate_file.empty()) tls = TRY(tls_from(options));
  const tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), code);
  if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) acceptor.bind(endpoint, code);
  if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
  if (code) {
    const std::string doing = fmt::format("listen on {} port {}", options.address, options.port);
    if (code == asio::error::address_in_use) return Error(ErrorKind::Conflict, "{}: the port is in use", doing);
    if (code.value() == EADDRNOTAVAIL) return Error(ErrorKind::Invalid, "{}: this machine has no such address", doing);
    return errno_error(code.value(), doing);
  }
  return {};
}

void HttpServer::State::serve(HttpHandler& with, std::stop_token stop) {
  handler = &with;
  Handlers threads(options.limits.handlers, options.limits.waiting_max);
  handlers = &threads;
  asio::co_spawn(io, accept_all(), [](std::exception_ptr failed) { CHECK(!failed); });
  const std::stop_callback on_stop(std::move(stop), [this] { asio::post(io, [this] { begin_stop(); }); });
  io.run();
}

awaitable<void> HttpServer::State::accept_all() {
  while (!stopping) {
    if (connections >= options.limits.connections_max) {
      error_code cancelled;
      room.expires_at(asio::steady_timer::time_point::max());
      co_await room.async_wait(redirect_error(use_awaitable, cancelled));
      continue;
    }
    error_code code;
    tcp::socket socket = co_await acceptor.async_accept(redirect_error(use_awaitable, code));
    if (code && !stopping) {
      log.warning("http.accept", {{"error", code.message()}});
      room.expires_after(kAcceptAgain);
      co_await room.async_wait(redirect_error(use_awaitable, code));
    } else if (!code) {
      ++connections;
      asio::co_spawn(io, receive(std::move(socket)), [this](std::exception_ptr failed) {
        if (failed) log.error("http.failed", {{"error", "out of memory"}});
        one_less();
      });
    }
  }
}

awaitable<void> HttpServer::State::receive(tcp::socket socket) {
  error_code code;
  const tcp::endpoint from = socket.remote_endpoint(code);
  if (code || stopping) co_return;
  // Replies are written whole; waiting for more to send with them only makes the next one in a pipeline late.
  socket.set_option(tcp::no_delay(true), code);
  const std::string peer = from.address().to_string();
  std::unique_ptr<Line> line;
  if (tls) {
    line = std::make_unique<TlsLine>(std::move(socket), *tls);
  } else {
    line = std::make_unique<PlainLine>(std::move(socket));
  }
  Visit visit(*this, *line, peer);
  co_await visit.run();
}

HttpReply HttpServer::State::run_handler(const ReceivedRequest& request) const {
  try {
    return handler->handle(request, stop_handlers.get_token());
  } catch (const std::exception& thrown) {
    log.error("http.handler", {{"path", request.path}, {"error", thrown.what()}});
  } catch (...) {
    log.error("http.handler", {{"path", request.path}, {"error", "not an exception"}});
  }
  return plain_reply(500, "internal error");
}

void HttpServer::State::begin_stop() {
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  room.cancel();
  for (Visit* visit : visits)
    if (visit->is_idle()) visit->close();
  if (connections == 0) return;
  drained.expires_after(options.limits.drain);
  drained.async_wait([this](error_code cancelled) {
    if (cancelled) return;
    stop_handlers.request_stop();
    for (Visit* visit : visits) visit->close();
  });
}

void HttpServer::State::one_less() {
  --connections;
  room.cancel();
  if (stopping && connections == 0) drained.cancel();
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::open(HttpServerOptions options, const Clock& clock, Log& log) {
  auto state = std::make_unique<State>(std::move(options), clock, log);
  TRY(state->listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

std::uint16_t HttpServer::port() const {
  error_code code;
  return state_->acceptor.local_endpoint(code).port();
}

void HttpServer::serve(HttpHandler& handler, std::stop_token stop) { state_->serve(handler, std::move(stop)); }

}  // namespace packferry
