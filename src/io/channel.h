// A conversation over file descriptors: a socket, or the two pipes of a child process. Both directions may be busy at
// once, as when a server acknowledges while we still send; what arrives during a write() is kept for the next read(),
// so neither side can block the other for ever.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "io/pace.h"
#include "io/stream.h"

namespace packferry {

// For one thread. A peer that is gone is an Error of write(), never a SIGPIPE, whatever the program does with that
// signal.
class Channel final : public Reader {
 public:
  // Owns both descriptors (they may be the same one, a socket); makes them non-blocking. `peer` names the other side in
  // errors.
  Channel(int in, int out, std::string peer, Patience patience, std::stop_token stop);
  ~Channel() override;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Result<std::size_t> read(std::span<std::byte> into) override;
  // Unavailable when the other side has closed its end; what it said before that can still be read().
  Result<> write(std::span<const std::byte> bytes);
  // The other side sees the end of our bytes; reading goes on.
  void close_write();
  // From now on waits are no longer than this, and are no longer ended by the stop token: for goodbyes.
  void hurry(Milliseconds stall);

 private:
  // More than this many bytes said while we were still asking is no conversation any more (Corrupt).
  static constexpr std::size_t kEarlyBytesMax = 16 * 1024 * 1024;

  Result<Readiness> wait(int in, int out);
  Result<> check_stop() const;
  Result<std::size_t> read_early(std::span<std::byte> into);
  Result<> take_early();
  Error failed(int number, std::string_view doing) const;

  const int in_;
  const int out_;
  const std::string peer_;
  Milliseconds stall_;
  std::stop_token stop_;
  std::optional<Waiter> waiter_;  // always there; hurry() makes it anew

  std::vector<std::byte> early_;  // said during a write(); read as far as early_at_
  std::size_t early_at_ = 0;
  bool in_ended_ = false;
  bool write_closed_ = false;
};

}  // namespace packferry
