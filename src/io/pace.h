// How long we wait for the other side. Lack of progress is the only time-out: a transfer that moves may take for ever.
#pragma once

#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/result.h"
#include "io/fd.h"

namespace packferry {

struct Patience {
  Milliseconds connect_ms{30'000};  // name look-up, TCP, TLS, the start of a child
  Milliseconds stall_ms{300'000};   // no byte in either direction; a server may think this long before it speaks
  Milliseconds goodbye_ms{5'000};   // for the answer to a request that we cut short ourselves
};

// One wait on up to two descriptors: reading on `in`, writing on `out` (either may be -1). Level-triggered poll(2).
struct Readiness {
  bool in = false;
  bool out = false;
};

// Many waits under one stop token. What wakes them is a descriptor of its own, made at the first wait and kept, so that
// a wait for each block costs one poll(2). For one thread.
class Waiter {
 public:
  explicit Waiter(std::stop_token stop) : stop_(std::move(stop)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Waits until one of them is ready. Cancelled when `stop` was asked for (it wakes the wait at once), Unavailable
  // after `stall` without either. A hang-up counts as ready: the following read or write tells.
  Result<Readiness> wait(int in, int out, Milliseconds stall);

 private:
  struct Wake {
    int fd;
    void operator()() const;
  };
  Result<> listen_for_stop();

  std::stop_token stop_;
  Fd wake_fd_;
  std::optional<std::stop_callback<Wake>> on_stop_;  // after wake_fd_: gone before what it writes to
};

// The same for a single wait.
Result<Readiness> wait_ready(int in, int out, Milliseconds stall, std::stop_token stop);

}  // namespace packferry
