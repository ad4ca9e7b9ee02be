#include "cli/rebuild_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/amounts.h"

namespace packferry {
namespace {

constexpr Milliseconds kRedrawEvery{100};
constexpr Milliseconds kLineEvery{10'000};
constexpr std::string_view kErased = "\r\x1b[K";

}  // namespace

RebuildProgress::RebuildProgress(Output& output, ProgressForm form, const Clock& clock, std::string label)
    : output_(output), form_(form), clock_(clock), label_(std::move(label)) {}

RebuildProgress::~RebuildProgress() {
  if (form_ == ProgressForm::Redrawn && said_at_) output_.write(kErased);
}

void RebuildProgress::tell(std::string_view phase, std::uint64_t bytes, std::uint64_t bytes_all) {
  if (form_ == ProgressForm::None) return;
  const Clock::SteadyTime now = clock_.steady();
  const Milliseconds every = form_ == ProgressForm::Redrawn ? kRedrawEvery : kLineEvery;
  if (phase == phase_ && said_at_ && now - *said_at_ < every) return;
  const bool is_new = std::exchange(phase_, std::string(phase)) != phase;
  said_at_ = now;

  std::string line = fmt::format("{}: {}", label_, phase);
  // What a phase begins with says nothing about it.
  if (!is_new || bytes > 0) line += fmt::format(", {} of {}", in_bytes(bytes), in_bytes(bytes_all));
  if (form_ == ProgressForm::Lines) return output_.write(line + "\n");
  const unsigned columns = output_.window().value_or(Window{}).columns;
  output_.write(std::string(kErased) + cut(line, std::max(columns, 2u) - 1));
}

}  // namespace packferry
