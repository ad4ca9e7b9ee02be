// One Writer made of many. Each lane has a thread and a short queue of shared blocks, so a lane is only as slow as itself
// until its queue is full; then the slowest holds the rest (back-pressure is how memory stays bounded). A lane that breaks
// is dropped and remembered, the rest go on; a lane that takes nothing for `stall_ms` while others wait is broken too.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "io/pace.h"
#include "io/stream.h"

namespace packferry {

class FanOut final : public Writer {
 public:
  // With one lane no thread is made: it is written directly.
  static constexpr std::size_t kQueueBlocks = 8;

  FanOut(std::vector<std::unique_ptr<Writer>> lanes, Patience patience, std::stop_token stop);
  // Abandons what is not finished: every lane's Writer is destroyed on its own thread, then the threads are joined.
  ~FanOut() override;

  // An error only when no lane is left (the first lane's error), or Cancelled.
  Result<> write(std::span<const std::byte> bytes) override;
  // Finishes every lane that is still whole, at the same time. An error only when none succeeded.
  Result<> finish() override;

  // Valid after finish() or a failed write(): lane i in the order given. A lane that was never finished is Cancelled.
  const Result<>& outcome(std::size_t lane) const;

 private:
  struct Lane;
  std::vector<std::unique_ptr<Lane>> lanes_;
  const Patience patience_;
  const std::stop_token stop_;
};

}  // namespace packferry
