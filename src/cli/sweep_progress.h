// What a person watches while a fleet is swept. On a terminal: failures and news as they come, and below them how far
// it is, what is at work and how long it may still take. Elsewhere a line for what changed or failed, and one every ten
// seconds. Of what is simply up to date nothing is said: there may be a hundred thousand.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/output.h"
#include "service/fleet_sweep.h"

namespace packferry {

class SweepProgress final : public SweepObserver {
 public:
  // What is passed in outlives it.
  SweepProgress(Output& output, Paint paint, ProgressForm form, const Clock& clock)
      : output_(output), paint_(paint), form_(form), clock_(clock) {}
  // Nothing of it stays half-drawn.
  ~SweepProgress() override;

  void on_listed(const ListingKey& key, std::size_t repositories) override;
  void on_planned(const FleetPlan& plan) override;
  void on_begin(const FleetItem& item, unsigned attempt) override;
  void on_event(const FleetItem& item, const CrossingEvent& event) override;
  void on_again(const FleetItem& item, const Error& error) override;
  void on_end(const FleetItem& item, const std::vector<LegOutcome>& legs) override;
  void note(std::string_view text);

 private:
  void say(const std::string& line);
  void draw(bool at_once);
  std::string overall() const;
  std::string erased();  // what takes our lines away

  std::mutex mutex_;
  Output& output_;
  const Paint paint_;
  const ProgressForm form_;
  const Clock& clock_;
  std::size_t total_ = 0;
  std::size_t settled_ = 0;
  std::size_t failed_ = 0;
  std::uint64_t bytes_ = 0;                            // of packs that have ended
  std::map<const FleetItem*, std::uint64_t> at_work_;  // bytes of the pack that moves
  std::optional<Clock::SteadyTime> began_;
  std::optional<Clock::SteadyTime> drawn_at_;
  std::size_t lines_ = 0;  // of ours, above the cursor
};

}  // namespace packferry
