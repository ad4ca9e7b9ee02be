// One Writer made of many. Each lane has a thread and a short queue of shared blocks, so a lane is only as slow as
// itself until its queue is full; then the slowest holds the rest (back-pressure is how memory stays bounded). A lane
// that breaks is dropped and remembered, the rest go on; a lane that takes nothing for `stall_ms` while we wait for it
// is broken too.
//
// FanOut decides about lanes, it cannot wake them: what a lane's Writer waits for has a time-out and a stop token of
// its own, and a dropped lane's thread is joined only when that Writer has come back.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
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

  // An error only when no lane is left (the first lane's error), or Cancelled: then every lane is abandoned.
  Result<> write(std::span<const std::byte> bytes) override;
  // Finishes every lane that is still whole, at the same time, and waits for each. An error only when none succeeded. A
  // stop abandons the lanes that still have blocks to write; one that is finishing already comes to its own end, since
  // what became of it has to be known.
  Result<> finish() override;

  // Valid after finish() or a failed write(): lane i in the order given. A lane that was never finished is Cancelled.
  const Result<>& outcome(std::size_t lane) const;

 private:
  using Block = std::shared_ptr<const std::vector<std::byte>>;
  struct Lane;

  Result<> write_alone(std::span<const std::byte> bytes);
  Result<> push(const Block& block);
  void serve(Lane& lane);
  Result<> carry(Lane& lane, Writer& writer);
  void settle(Lane& lane, Result<> outcome);
  void abandon_all();
  bool all_settled() const;
  bool all_have_room() const;

  const Patience patience_;
  const std::stop_token stop_;

  mutable std::mutex mutex_;
  // Of all that is in a Lane but its Writer, which belongs to the lane's thread.
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::condition_variable_any lane_moved_;  // one took a block, or is settled
  bool finishing_ = false;                  // no block comes any more
};

}  // namespace packferry
