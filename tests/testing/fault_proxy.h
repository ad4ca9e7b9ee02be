// A TCP proxy on loopback that misbehaves at an exact byte: the network between us and a host.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace packferry::testing {

enum class Towards { Server, Client };

struct Fault {
  enum class Kind {
    Close,  // both sides see an orderly end
    Reset,  // both sides see ECONNRESET
    Flip,   // one bit is wrong, everything goes on
    Call,   // everything goes on, and `then` is called: to kill somebody
  };
  Towards towards = Towards::Client;
  // Counted over all connections since arm(): the fault happens before this byte is passed on.
  std::uint64_t at_byte = 0;
  Kind kind = Kind::Close;
  std::function<void()> then = {};
  // After Close and Reset: the host is gone, later connections are refused too, until arm() is called again.
  bool stays_down = false;
};

class FaultProxy {
 public:
  // Forwards to 127.0.0.1:upstream_port.
  explicit FaultProxy(std::uint16_t upstream_port);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  std::uint16_t port() const;
  // Ends all connections. From here on: counters at zero, at most one fault.
  void arm(std::optional<Fault> fault);
  std::uint64_t bytes(Towards towards) const;
  bool happened() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace packferry::testing
