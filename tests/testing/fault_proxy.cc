#include "testing/fault_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"

namespace packferry::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return;  // the other side is gone; its own end tells it
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void reset(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

struct FaultProxy::State {
  std::uint16_t upstream_port = 0;
  std::uint16_t port = 0;
  int listener = -1;

  std::mutex mutex;
  std::optional<Fault> fault;
  std::array<std::uint64_t, 2> passed{};
  bool happened = false;
  bool refusing = false;
  std::list<std::pair<int, int>> open;  // client, server

  std::jthread acceptor;
  std::vector<std::jthread> pumps;

  void accept_all(std::stop_token stop);
  void serve(int client, int server);
  // What of `size` may pass, and what happens then. Changes data for Flip.
  enum class Verdict { Go, Cut };
  Verdict judge(Towards towards, char* data, std::size_t& size);
  void cut(int client, int server);
  void hang_up_all();  // with the mutex held; those who serve the connections see it at once
};

void FaultProxy::State::accept_all(std::stop_token stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 50) <= 0) continue;
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    {
      const std::lock_guard lock(mutex);
      if (refusing) {
        reset(client);
        ::close(client);
        continue;
      }
    }
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(upstream_port);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
      ::close(server);
      continue;
    }
    const int on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex);
    open.emplace_back(client, server);
    pumps.emplace_back([this, client, server] { serve(client, server); });
  }
}

FaultProxy::State::Verdict FaultProxy::State::judge(Towards towards, char* data, std::size_t& size) {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex);
    if (refusing) return Verdict::Cut;
    std::uint64_t& count = passed[static_cast<std::size_t>(towards)];
    const bool here = fault && !happened && fault->towards == towards && count + size > fault->at_byte;
    if (!here) {
      count += size;
      return Verdict::Go;
    }
    happened = true;
    const std::size_t before = static_cast<std::size_t>(fault->at_byte - count);
    switch (fault->kind) {
      case Fault::Kind::Close:
      case Fault::Kind::Reset:
        size = before;
        count += size;
        refusing = fault->stays_down;
        return Verdict::Cut;
      case Fault::Kind::Flip:
        data[before] = static_cast<char>(data[before] ^ 0x10);
        break;
      case Fault::Kind::Call:
        call = fault->then;
        break;
    }
    count += size;
  }
  if (call) call();
  return Verdict::Go;
}

void FaultProxy::State::cut(int client, int server) {
  const std::lock_guard lock(mutex);
  if (fault && fault->kind == Fault::Kind::Reset) {
    reset(client);
    reset(server);
  }
}

void FaultProxy::State::hang_up_all() {
  for (const auto& [client, server] : open) {
    ::shutdown(client, SHUT_RDWR);
    ::shutdown(server, SHUT_RDWR);
  }
}

void FaultProxy::State::serve(int client, int server) {
  std::vector<char> buffer(64 * 1024);
  std::array<pollfd, 2> ends{pollfd{.fd = client, .events = POLLIN, .revents = 0},
                             pollfd{.fd = server, .events = POLLIN, .revents = 0}};
  bool whole = true;
  while (whole && (ends[0].fd >= 0 || ends[1].fd >= 0)) {
    if (::poll(ends.data(), ends.size(), -1) < 0) break;
    for (std::size_t i = 0; i < ends.size() && whole; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      const int to = i == 0 ? server : client;
      const ssize_t got = ::recv(ends[i].fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) {  // this direction is over, the other may go on
        ends[i].fd = -1;
        ::shutdown(to, SHUT_WR);
        continue;
      }
      std::size_t size = static_cast<std::size_t>(got);
      whole = judge(i == 0 ? Towards::Server : Towards::Client, buffer.data(), size) == Verdict::Go;
      send_all(to, buffer.data(), size);
    }
    const std::lock_guard lock(mutex);
    whole = whole && !refusing;
  }
  if (!whole) cut(client, server);
  const std::lock_guard lock(mutex);
  open.remove({client, server});
  if (refusing) hang_up_all();
  ::close(client);
  ::close(server);
}

FaultProxy::FaultProxy(std::uint16_t upstream_port) : state_(std::make_shared<State>()) {
  state_->upstream_port = upstream_port;
  state_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  CHECK(::bind(state_->listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(state_->listener, 64) == 0);
  socklen_t size = sizeof address;
  CHECK(::getsockname(state_->listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  state_->port = ntohs(address.sin_port);
  state_->acceptor = std::jthread([state = state_.get()](std::stop_token stop) { state->accept_all(stop); });
}

FaultProxy::~FaultProxy() {
  state_->acceptor.request_stop();
  state_->acceptor.join();
  {
    const std::lock_guard lock(state_->mutex);
    state_->hang_up_all();
  }
  state_->pumps.clear();
  ::close(state_->listener);
}

std::uint16_t FaultProxy::port() const { return state_->port; }

void FaultProxy::arm(std::optional<Fault> fault) {
  std::vector<std::jthread> over;
  {
    const std::lock_guard lock(state_->mutex);
    state_->hang_up_all();
    over.swap(state_->pumps);
  }
  over.clear();  // joins
  const std::lock_guard lock(state_->mutex);
  state_->fault = std::move(fault);
  state_->passed = {};
  state_->happened = false;
  state_->refusing = false;
}

std::uint64_t FaultProxy::bytes(Towards towards) const {
  const std::lock_guard lock(state_->mutex);
  return state_->passed[static_cast<std::size_t>(towards)];
}

bool FaultProxy::happened() const {
  const std::lock_guard lock(state_->mutex);
  return state_->happened;
}

}  // namespace packferry::testing
