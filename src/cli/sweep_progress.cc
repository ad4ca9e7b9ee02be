#include "cli/sweep_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/sweep_report.h"

namespace packferry {
namespace {

constexpr Milliseconds kRedrawEvery{100};
constexpr Milliseconds kLineEvery{10'000};
constexpr std::size_t kBarColumns = 24;
constexpr std::size_t kAtWorkShown = 8;

}  // namespace

SweepProgress::~SweepProgress() {
  if (lines_ > 0) output_.write(erased());
}

std::string SweepProgress::erased() {
  const std::size_t lines = std::exchange(lines_, 0);
  return lines > 0 ? fmt::format("\r\x1b[{}A\x1b[J", lines) : std::string();
}

void SweepProgress::on_listed(const ListingKey& key, std::size_t repositories) {
  const std::lock_guard lock(mutex_);
  say(fmt::format("{}: {}", key.name(), counted(repositories, "repository")));
}

void SweepProgress::on_planned(const FleetPlan& plan) {
  const std::lock_guard lock(mutex_);
  total_ = plan.items.size();
  began_ = clock_.steady();
  draw(true);
}

void SweepProgress::on_begin(const FleetItem& item, unsigned) {
  const std::lock_guard lock(mutex_);
  at_work_[&item] = 0;
  draw(false);
}

void SweepProgress::on_event(const FleetItem& item, const CrossingEvent& event) {
  if (event.kind != CrossingEvent::Kind::PackMoved) return;
  const std::lock_guard lock(mutex_);
  at_work_[&item] = event.bytes;
  draw(false);
}

void SweepProgress::on_again(const FleetItem& item, const Error& error) {
  const std::lock_guard lock(mutex_);
  at_work_.erase(&item);
  say(fmt::format("{}: {}; it will be tried again", printable(item.name()), error.message()));
}

void SweepProgress::on_end(const FleetItem& item, const std::vector<LegOutcome>& legs) {
  const std::lock_guard lock(mutex_);
  at_work_.erase(&item);
  ++settled_;
  for (const LegOutcome& leg : legs) {
    bytes_ += leg.pack_bytes;
    if (leg.state == LegState::Failed || leg.state == LegState::Partial) ++failed_;
    if (leg.state != LegState::UpToDate && leg.state != LegState::Absent) say(leg_line(leg, paint_));
  }
  draw(false);
}

void SweepProgress::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  say(fmt::format("packferry: {}", text));
}

std::string SweepProgress::overall() const {
  const std::size_t filled = total_ == 0 ? kBarColumns : settled_ * kBarColumns / total_;
  std::string line = fmt::format("[{:#<{}}{:.<{}}] {} of {}", "", filled, "", kBarColumns - filled, grouped(settled_),
                                 counted(total_, "repository"));
  if (failed_ > 0) line += fmt::format(", {} failed", failed_);
  const auto took = std::chrono::duration_cast<Milliseconds>(clock_.steady() - began_.value_or(clock_.steady()));
  if (const std::string rate = bytes_a_second(bytes_, took); !rate.empty()) line += ", " + rate;
  if (settled_ > 0 && settled_ < total_ && took > Milliseconds(2'000))
    line += fmt::format(", about {} left", in_seconds(took * (total_ - settled_) / settled_));
  return line;
}

void SweepProgress::say(const std::string& line) {
  if (form_ == ProgressForm::None) return;
  output_.write(erased() + line + "\n");
  if (form_ == ProgressForm::Redrawn) draw(true);
}

void SweepProgress::draw(bool at_once) {
  if (form_ == ProgressForm::None || !began_) return;
  const Clock::SteadyTime now = clock_.steady();
  const Milliseconds every = form_ == ProgressForm::Redrawn ? kRedrawEvery : kLineEvery;
  if (form_ == ProgressForm::Lines) {
    if (drawn_at_.value_or(*began_) + every > now) return;
    drawn_at_ = now;
    return output_.write(overall() + "\n");
  }
  if (!at_once && drawn_at_ && *drawn_at_ + every > now) return;
  drawn_at_ = now;
  const Window window = output_.window().value_or(Window{});
  const std::size_t columns = std::max(window.columns, 2u) - 1;
  std::string frame = erased();
  frame += cut(overall(), columns) + "\n";
  lines_ = 1;
  const std::size_t room = std::min<std::size_t>(kAtWorkShown, std::max(window.rows, 4u) - 3);
  for (const auto& [item, bytes] : at_work_) {
    if (lines_ > room) break;
    const std::string moved = bytes > 0 ? "  " + in_bytes(bytes) : std::string();
    frame += cut(fmt::format("  {}{}", printable(item->name()), moved), columns) + "\n";
    ++lines_;
  }
  output_.write(frame);
}

}  // namespace packferry
