#include "testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/check.h"

namespace packferry::testing {

// Plain or TLS; reads and writes block, and shutdown(2) by the server's destructor ends them.
class ScriptedServer::SocketLine final : public Line {
 public:
  SocketLine(ScriptedServer& server, std::size_t connection, int socket)
      : server_(server), connection_(connection), socket_(socket) {}

  ~SocketLine() override {
    if (ssl_ != nullptr && !reset_) SSL_shutdown(ssl_.get());
  }

  bool accept_tls() {
    if (server_.tls_ == nullptr) return true;
    ssl_.reset(SSL_new(static_cast<SSL_CTX*>(server_.tls_.get())), SSL_free);
    SSL_set_fd(ssl_.get(), socket_);
    return SSL_accept(ssl_.get()) == 1;
  }

  std::string& heard() override { return heard_; }

  bool hear_more() override {
    std::array<char, 65536> block;
    const ssize_t count = ssl_ != nullptr ? SSL_read(ssl_.get(), block.data(), block.size())
                                          : ::recv(socket_, block.data(), block.size(), 0);
    if (count <= 0) return false;
    heard_.append(block.data(), static_cast<std::size_t>(count));
    const std::lock_guard lock(server_.mutex_);
    server_.received_[connection_].append(block.data(), static_cast<std::size_t>(count));
    return true;
  }

  bool say(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ssl_ != nullptr ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                                            : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  void reset() override {
    reset_ = true;
    const linger now{.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
  }

  void hold() override {
    std::unique_lock lock(server_.mutex_);
    server_.closing_wakes_.wait(lock, [&] { return server_.closing_; });
  }

 private:
  ScriptedServer& server_;
  const std::size_t connection_;
  const int socket_;
  std::shared_ptr<SSL> ssl_;
  std::string heard_;
  bool reset_ = false;
};

ScriptedServer::ScriptedServer(std::vector<Script> scripts, TlsIdentity identity) : scripts_(std::move(scripts)) {
  if (!identity.certificate_file.empty()) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    tls_ = std::shared_ptr<void>(context, [](void* c) { SSL_CTX_free(static_cast<SSL_CTX*>(c)); });
    CHECK(SSL_CTX_use_certificate_chain_file(context, identity.certificate_file.c_str()) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(context, identity.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(listener_ >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(listener_, 128) == 0);
  socklen_t size = sizeof address;
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const int socket : sockets_) {
      if (socket >= 0) ::shutdown(socket, SHUT_RDWR);
    }
  }
  closing_wakes_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string ScriptedServer::url(std::string_view path) const {
  return std::string(tls_ != nullptr ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::size_t ScriptedServer::connections() const {
  const std::lock_guard lock(mutex_);
  return sockets_.size();
}

std::string ScriptedServer::received(std::size_t connection) const {
  const std::lock_guard lock(mutex_);
  return connection < received_.size() ? received_[connection] : "";
}

void ScriptedServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    const std::size_t connection = sockets_.size();
    sockets_.push_back(socket);
    received_.emplace_back();
    if (closing_) ::shutdown(socket, SHUT_RDWR);
    threads_.emplace_back([this, connection, socket] { serve(connection, socket); });
  }
}

void ScriptedServer::serve(std::size_t connection, int socket) {
  // SSL_write() to a client that has gone raises it. In this thread only: the client under test looks after itself.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  CHECK(pthread_sigmask(SIG_BLOCK, &pipe, nullptr) == 0);
  {
    SocketLine line(*this, connection, socket);
    if (connection < scripts_.size() && line.accept_tls()) {
      for (const Act& act : scripts_[connection]) {
        if (!act(line)) break;
      }
    }
  }
  const std::lock_guard lock(mutex_);
  sockets_[connection] = -1;
  ::close(socket);
}

namespace {

bool hear_to_end_of(Line& line, const std::string& text) {
  std::size_t at = 0;
  while ((at = line.heard().find(text)) == std::string::npos) {
    if (!line.hear_more()) return false;
  }
  line.heard().erase(0, at + text.size());
  return true;
}

bool hear(Line& line, std::size_t count) {
  while (line.heard().size() < count) {
    if (!line.hear_more()) return false;
  }
  line.heard().erase(0, count);
  return true;
}

bool hear_request(Line& line) {
  std::size_t end = 0;
  while ((end = line.heard().find("\r\n\r\n")) == std::string::npos) {
    if (!line.hear_more()) return false;
  }
  const std::string head = line.heard().substr(0, end + 2);
  line.heard().erase(0, end + 2);  // what follows is "\r\n" and the body
  if (head.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos)
    return hear_to_end_of(line, "\r\n0\r\n\r\n");
  const std::string_view length = "\r\nContent-Length: ";
  const std::size_t at = head.find(length);
  return hear(line, 2 + (at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + length.size(), nullptr, 10)));
}

}  // namespace

Act request() { return hear_request; }

Act hear_until(std::string text) {
  return [text](Line& line) { return hear_to_end_of(line, text); };
}

Act hear_bytes(std::size_t count) {
  return [count](Line& line) { return hear(line, count); };
}

Act say(std::string bytes) {
  return [bytes](Line& line) { return line.say(bytes); };
}

Act say_forever(std::string bytes) {
  return [bytes](Line& line) {
    while (line.say(bytes)) {
    }
    return false;
  };
}

Act hang_up() {
  return [](Line&) { return false; };
}

Act reset() {
  return [](Line& line) {
    line.reset();
    return false;
  };
}

Act hold() {
  return [](Line& line) {
    line.hold();
    return false;
  };
}

std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string ok_and_goodbye(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace packferry::testing
