// What a person watches while a snapshot is rebuilt, for a restore or a drill: how far it is, on standard error. One
// line that is redrawn on a terminal; elsewhere a line a phase, and one every ten seconds in between.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cli/output.h"

namespace packferry {

class RebuildProgress {
 public:
  // `label` begins each line. What is passed in outlives it. For one thread.
  RebuildProgress(Output& output, ProgressForm form, const Clock& clock, std::string label);
  // Nothing of it stays half-drawn.
  ~RebuildProgress();
  RebuildProgress(const RebuildProgress&) = delete;
  RebuildProgress& operator=(const RebuildProgress&) = delete;

  // As RestoreOptions::progress.
  void tell(std::string_view phase, std::uint64_t bytes, std::uint64_t bytes_all);

 private:
  Output& output_;
  const ProgressForm form_;
  const Clock& clock_;
  const std::string label_;
  std::string phase_;
  std::optional<Clock::SteadyTime> said_at_;
};

}  // namespace packferry
