#include "io/fan_out.h"

#include <algorithm>
#include <deque>
#include <thread>

namespace packferry {

struct FanOut::Lane {
  std::unique_ptr<Writer> writer;
  std::deque<Block> queue;
  std::condition_variable wake;  // a block came, or there is nothing more to wait for
  bool finishing = false;        // all is written; its Writer's finish() is under way or done
  bool settled = false;          // `outcome` stands; the lane gets nothing more
  Result<> outcome = Error(ErrorKind::Cancelled, "not finished");
  std::thread thread;
};

FanOut::FanOut(std::vector<std::unique_ptr<Writer>> lanes, Patience patience, std::stop_token stop)
    : patience_(patience), stop_(std::move(stop)) {
  CHECK(!lanes.empty());
  for (std::unique_ptr<Writer>& writer : lanes) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->writer = std::move(writer);
  }
  if (lanes_.size() == 1) return;
  for (const std::unique_ptr<Lane>& lane : lanes_) lane->thread = std::thread([this, &it = *lane] { serve(it); });
}

FanOut::~FanOut() {
  {
    const std::lock_guard lock(mutex_);
    abandon_all();
  }
  for (const std::unique_ptr<Lane>& lane : lanes_)
    if (lane->thread.joinable()) lane->thread.join();
}

Result<> FanOut::write(std::span<const std::byte> bytes) {
  CHECK(!finishing_);
  if (lanes_.size() == 1) return write_alone(bytes);
  // The queue's bound counts blocks, so a block has a bound too.
  while (!bytes.empty()) {
    const std::span<const std::byte> next = bytes.first(std::min(bytes.size(), kBlockBytes));
    TRY(push(std::make_shared<const std::vector<std::byte>>(next.begin(), next.end())));
    bytes = bytes.subspan(next.size());
  }
  return {};
}

Result<> FanOut::finish() {
  CHECK(!finishing_);
  if (lanes_.size() == 1) {
    finishing_ = true;
    Lane& lane = *lanes_[0];
    if (!lane.settled) settle(lane, lane.writer->finish());
    return lane.outcome;
  }

  std::unique_lock lock(mutex_);
  finishing_ = true;
  for (const std::unique_ptr<Lane>& lane : lanes_) lane->wake.notify_one();
  if (!lane_moved_.wait(lock, stop_, [this] { return all_settled(); })) abandon_all();
  lane_moved_.wait(lock, [this] { return all_settled(); });

  for (const std::unique_ptr<Lane>& lane : lanes_)
    if (lane->outcome) return {};
  return lanes_[0]->outcome;
}

const Result<>& FanOut::outcome(std::size_t lane) const {
  const std::lock_guard lock(mutex_);
  return lanes_.at(lane)->outcome;
}

Result<> FanOut::write_alone(std::span<const std::byte> bytes) {
  Lane& lane = *lanes_[0];
  if (lane.settled) return lane.outcome;
  Result<> written = lane.writer->write(bytes);
  if (!written) {
    settle(lane, written);
    lane.writer.reset();
  }
  return written;
}

// Waits until every lane that is left has room, then gives each the block.
Result<> FanOut::push(const Block& block) {
  std::unique_lock lock(mutex_);
  const bool in_time = lane_moved_.wait_for(lock, stop_, patience_.stall_ms, [this] { return all_have_room(); });
  if (stop_.stop_requested()) {
    abandon_all();
    return Error(ErrorKind::Cancelled, "asked to stop");
  }
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    if (lane->settled) continue;
    // Full now and full all the time that we waited: it has not taken a single block.
    if (!in_time && lane->queue.size() >= kQueueBlocks) {
      settle(*lane, Error(ErrorKind::Unavailable, "took nothing for {} ms", patience_.stall_ms.count()));
      continue;
    }
    lane->queue.push_back(block);
    lane->wake.notify_one();
  }
  if (all_settled()) return lanes_[0]->outcome;
  return {};
}

// A lane's thread, from the first block to the end of its Writer.
void FanOut::serve(Lane& lane) {
  std::unique_ptr<Writer> writer = std::move(lane.writer);
  Result<> outcome = carry(lane, *writer);
  writer.reset();
  const std::lock_guard lock(mutex_);
  settle(lane, std::move(outcome));
}

Result<> FanOut::carry(Lane& lane, Writer& writer) {
  while (true) {
    std::unique_lock lock(mutex_);
    lane.wake.wait(lock, [&] { return lane.settled || !lane.queue.empty() || finishing_; });
    if (lane.settled) return lane.outcome;
    if (lane.queue.empty()) {
      lane.finishing = true;
      break;
    }
    const Block block = std::move(lane.queue.front());
    lane.queue.pop_front();
    lane_moved_.notify_one();
    lock.unlock();
    TRY(writer.write(*block));
  }
  return writer.finish();
}

// The first outcome stands: a lane that was given up may still come back with another.
void FanOut::settle(Lane& lane, Result<> outcome) {
  if (lane.settled) return;
  lane.settled = true;
  lane.outcome = std::move(outcome);
  lane.queue.clear();
  lane.wake.notify_one();
  lane_moved_.notify_one();
}

void FanOut::abandon_all() {
  for (const std::unique_ptr<Lane>& lane : lanes_)
    if (!lane->finishing) settle(*lane, Error(ErrorKind::Cancelled, "not finished"));
}

bool FanOut::all_settled() const {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->settled; });
}

bool FanOut::all_have_room() const {
  return std::all_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane->settled || lane->queue.size() < kQueueBlocks; });
}

}  // namespace packferry
