#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/printable.h"
#include "cli/amounts.h"
#include "cli/report.h"

namespace packferry {
namespace {

constexpr Milliseconds kRedrawEvery{100};
constexpr Milliseconds kPlainEvery{10'000};

std::string last_component(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.ends_with("/.git")) path.resize(path.size() - 5);
  return path.substr(path.rfind('/') + 1);
}

std::string short_label(const Url& url) {
  const std::string name = printable(last_component(url.path()));
  if (url.scheme() == Scheme::CodeCommit) return fmt::format("codecommit:{}", name);
  return url.is_local() ? name : fmt::format("{}:{}", url.host(), name);
}

// "Counting objects: 45% (9/20)": told again and again, with another number each time.
bool is_counter(std::string_view message) {
  const std::size_t colon = message.rfind(": ");
  if (colon == std::string_view::npos || message.ends_with("done.")) return false;
  const std::string_view rest = message.substr(colon + 2);
  const std::size_t digit = rest.find_first_not_of(' ');
  return digit != std::string_view::npos && rest[digit] >= '0' && rest[digit] <= '9';
}

class Transfer {
 public:
  void start(std::uint64_t objects, Clock::SteadyTime now) { *this = Transfer(objects, now); }
  void move(std::uint64_t bytes, Clock::SteadyTime now) {
    bytes_ = bytes;
    moved_ = now;
  }
  bool has_started() const { return started_.has_value(); }

  // The rate is that of the transfer: it stands still while the other side works on what it has got.
  std::string text() const {
    const std::string rate = bytes_a_second(bytes_, std::chrono::duration_cast<Milliseconds>(moved_ - *started_));
    std::string out = in_bytes(bytes_);
    if (objects_ != 0) out = fmt::format("{} of {}", out, counted(objects_, "object"));
    if (!rate.empty()) out += ", " + rate;
    return out;
  }

  Transfer() = default;

 private:
  Transfer(std::uint64_t objects, Clock::SteadyTime now) : objects_(objects), started_(now), moved_(now) {}
  std::uint64_t objects_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<Clock::SteadyTime> started_;
  Clock::SteadyTime moved_;
};

std::string step_text(const CrossingEvent& event) {
  return fmt::format("{}: {}", event.text, counted(event.count, "ref"));
}

class TerminalProgress final : public Progress {
 public:
  TerminalProgress(Output& terminal, Paint paint, const Clock& clock, Labels labels)
      : terminal_(terminal), paint_(paint), clock_(clock), labels_(std::move(labels)), legs_(labels_.legs.size()) {}

  void on_event(const CrossingEvent& event) override {
    const std::lock_guard lock(mutex_);
    const Clock::SteadyTime now = clock_.steady();
    take(event, now);
    const bool is_frequent =
        event.kind == CrossingEvent::Kind::PackMoved || event.kind == CrossingEvent::Kind::RemoteMessage;
    if (is_frequent && drawn_at_ && now - *drawn_at_ < kRedrawEvery) return;
    draw(now);
  }

  void note(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    // Ctrl-C has been echoed in the line below ours.
    terminal_.write(fmt::format("{}packferry: {}\n", erased(), text));
    draw(clock_.steady());
  }

  void end() override {
    const std::lock_guard lock(mutex_);
    terminal_.write(erased());
  }

 private:
  struct Leg {
    std::string phase = "listing";
    std::string message;
    Transfer transfer;
    bool finished = false;
    std::string last_line;  // to be left behind
  };

  void take(const CrossingEvent& event, Clock::SteadyTime now) {
    if (event.leg == CrossingEvent::kSource) {
      if (event.kind == CrossingEvent::Kind::RemoteMessage) source_message_ = event.text;
      return;
    }
    Leg& leg = legs_.at(event.leg);
    switch (event.kind) {
      case CrossingEvent::Kind::SourceListed:
        break;
      case CrossingEvent::Kind::LegListed:
        leg.phase = "planning";
        break;
      case CrossingEvent::Kind::LegPlanned:
        leg.phase = "planned";
        break;
      case CrossingEvent::Kind::StepStarted:
        leg.phase = step_text(event);
        leg.transfer = {};
        leg.message.clear();
        break;
      case CrossingEvent::Kind::PackStarted:
        leg.transfer.start(event.objects, now);
        break;
      case CrossingEvent::Kind::PackMoved:
        leg.transfer.move(event.bytes, now);
        break;
      case CrossingEvent::Kind::RemoteMessage:
        leg.message = event.text;
        break;
      case CrossingEvent::Kind::LegFinished:
        leg.finished = true;
        leg.last_line = fmt::format("{}  {}\n", labels_.legs[event.leg], paint_status(event.report->status));
        break;
    }
  }

  std::string paint_status(LegStatus status) const {
    std::string word = status_words(status);
    switch (status) {
      case LegStatus::UpToDate:
      case LegStatus::Done:
      case LegStatus::Planned:
        return paint_.good(word);
      case LegStatus::Held:
      case LegStatus::Partial:
        return paint_.careful(word);
      case LegStatus::Failed:
        return paint_.bad(word);
    }
    return word;
  }

  std::string line(std::size_t index, std::size_t columns) const {
    const Leg& leg = legs_[index];
    std::string text = fmt::format("{}  {}", labels_.legs[index], leg.phase);
    if (leg.transfer.has_started()) text += "  " + leg.transfer.text();
    // What the source says counts until its pack comes.
    const std::string& message = leg.message.empty() && !leg.transfer.has_started() ? source_message_ : leg.message;
    if (!message.empty()) text += "  remote: " + message;
    return cut(text, columns);
  }

  std::string erased() {
    std::string frame;
    if (lines_ > 0) frame = fmt::format("\r\x1b[{}A\x1b[J", lines_);
    lines_ = 0;
    return frame;
  }

  void draw(Clock::SteadyTime now) {
    const Window window = terminal_.window().value_or(Window{});
    std::string frame = "\x1b[?7l" + erased();
    for (Leg& leg : legs_) frame += std::exchange(leg.last_line, {});

    const std::size_t live = static_cast<std::size_t>(std::ranges::count(legs_, false, &Leg::finished));
    const std::size_t room = std::max(window.rows, 3u) - 2;
    for (std::size_t i = 0; i < legs_.size() && lines_ < room; ++i) {
      if (legs_[i].finished) continue;
      frame += line(i, window.columns) + "\n";
      ++lines_;
    }
    if (lines_ < live) {
      frame += fmt::format("and {} more\n", live - lines_);
      ++lines_;
    }
    terminal_.write(frame + "\x1b[?7h");
    drawn_at_ = now;
  }

  std::mutex mutex_;
  Output& terminal_;
  const Paint paint_;
  const Clock& clock_;
  const Labels labels_;
  std::vector<Leg> legs_;
  std::string source_message_;
  std::size_t lines_ = 0;  // of ours, above the cursor
  std::optional<Clock::SteadyTime> drawn_at_;
};

class PlainProgress final : public Progress {
 public:
  PlainProgress(Output& output, const Clock& clock, Labels labels)
      : output_(output), clock_(clock), labels_(std::move(labels)), legs_(labels_.legs.size()) {}

  void on_event(const CrossingEvent& event) override {
    const std::lock_guard lock(mutex_);
    const std::string said = sentence(event);
    if (said.empty()) return;
    const bool from_source = event.leg == CrossingEvent::kSource;
    output_.write(from_source ? fmt::format("{}: {}\n", labels_.source, said)
                              : fmt::format("{} -> {}: {}\n", labels_.source, labels_.legs.at(event.leg), said));
  }

  void note(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    output_.write(fmt::format("packferry: {}\n", text));
  }

  void end() override {}

 private:
  struct Leg {
    Transfer transfer;
    Clock::SteadyTime said_at;
  };

  std::string sentence(const CrossingEvent& event) {
    switch (event.kind) {
      case CrossingEvent::Kind::SourceListed:
        return counted(event.count, "ref") + " selected";
      case CrossingEvent::Kind::LegListed:
        return counted(event.count, "ref") + " over there";
      case CrossingEvent::Kind::LegPlanned:
        return plan_summary(*event.plan);
      case CrossingEvent::Kind::StepStarted:
        return step_text(event);
      case CrossingEvent::Kind::PackStarted:
      case CrossingEvent::Kind::PackMoved:
        return event.leg == CrossingEvent::kSource ? "" : moved(event);
      case CrossingEvent::Kind::RemoteMessage:
        return is_counter(event.text) || event.text.empty() ? "" : fmt::format("remote: {}", event.text);
      case CrossingEvent::Kind::LegFinished:
        return status_words(event.report->status);
    }
    return {};
  }

  std::string moved(const CrossingEvent& event) {
    Leg& leg = legs_.at(event.leg);
    const Clock::SteadyTime now = clock_.steady();
    if (event.kind == CrossingEvent::Kind::PackStarted) {
      leg.transfer.start(event.objects, now);
      leg.said_at = now;
      return {};
    }
    leg.transfer.move(event.bytes, now);
    if (!leg.transfer.has_started() || now - leg.said_at < kPlainEvery) return {};
    leg.said_at = now;
    return leg.transfer.text();
  }

  std::mutex mutex_;
  Output& output_;
  const Clock& clock_;
  const Labels labels_;
  std::vector<Leg> legs_;
};

class LogProgress final : public Progress {
 public:
  LogProgress(Log& log, const Clock& clock, Labels labels)
      : log_(log), clock_(clock), labels_(std::move(labels)), moved_at_(labels_.legs.size()) {}

  void on_event(const CrossingEvent& event) override {
    const bool from_source = event.leg == CrossingEvent::kSource;
    const std::string& who = from_source ? labels_.source : labels_.legs.at(event.leg);
    const std::string_view end = from_source ? "source" : "destination";
    switch (event.kind) {
      case CrossingEvent::Kind::SourceListed:
        return log_.info("source.listed", {{"source", labels_.source}, {"refs", std::to_string(event.count)}});
      case CrossingEvent::Kind::LegListed:
        return log_.info("leg.listed", {{end, who}, {"refs", std::to_string(event.count)}});
      case CrossingEvent::Kind::LegPlanned:
        return log_.info("leg.planned", {{end, who}, {"plan", plan_summary(*event.plan)}});
      case CrossingEvent::Kind::StepStarted:
        return log_.info("leg.step",
                         {{end, who}, {"step", std::string(event.text)}, {"refs", std::to_string(event.count)}});
      case CrossingEvent::Kind::PackStarted:
        return log_.info("pack.started", {{end, who}, {"objects", std::to_string(event.objects)}});
      case CrossingEvent::Kind::PackMoved:
        if (from_source || !is_due(event.leg)) return;
        return log_.info("pack.moved", {{end, who}, {"bytes", std::to_string(event.bytes)}});
      case CrossingEvent::Kind::RemoteMessage:
        if (is_counter(event.text)) return;
        return log_.info("remote.message", {{end, who}, {"text", std::string(event.text)}});
      case CrossingEvent::Kind::LegFinished:
        return finished(who, *event.report);
    }
  }

  void note(std::string_view text) override { log_.warning("note", {{"text", std::string(text)}}); }

  void end() override {}

 private:
  void finished(const std::string& who, const LegReport& report) {
    log_.write(report.status == LegStatus::Failed ? LogLevel::Error : LogLevel::Info, "leg.finished",
               {{"destination", who},
                {"status", std::string(to_string(report.status))},
                {"bytes", std::to_string(report.pack_bytes)},
                {"ms", std::to_string(report.duration.count())}});
  }

  bool is_due(std::size_t leg) {
    const std::lock_guard lock(mutex_);
    const Clock::SteadyTime now = clock_.steady();
    std::optional<Clock::SteadyTime>& last = moved_at_.at(leg);
    if (last && now - *last < kPlainEvery) return false;
    last = now;
    return true;
  }

  Log& log_;
  const Clock& clock_;
  const Labels labels_;
  std::mutex mutex_;
  std::vector<std::optional<Clock::SteadyTime>> moved_at_;
};

class NoProgress final : public Progress {
 public:
  void on_event(const CrossingEvent&) override {}
  void note(std::string_view) override {}
  void end() override {}
};

}  // namespace

Labels labels_of(const Url& source, const std::vector<Url>& destinations) {
  Labels labels{.source = short_label(source), .legs = {}};
  for (const Url& url : destinations) labels.legs.push_back(short_label(url));
  // Two that would be called the same are called by their addresses.
  const std::vector<std::string> names = labels.legs;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (std::ranges::count(names, names[i]) > 1) labels.legs[i] = printable(destinations[i].text());
  return labels;
}

std::unique_ptr<Progress> make_terminal_progress(Output& terminal, Paint paint, const Clock& clock, Labels labels) {
  return std::make_unique<TerminalProgress>(terminal, paint, clock, std::move(labels));
}

std::unique_ptr<Progress> make_plain_progress(Output& output, const Clock& clock, Labels labels) {
  return std::make_unique<PlainProgress>(output, clock, std::move(labels));
}

std::unique_ptr<Progress> make_log_progress(Log& log, const Clock& clock, Labels labels) {
  return std::make_unique<LogProgress>(log, clock, std::move(labels));
}

std::unique_ptr<Progress> make_no_progress() { return std::make_unique<NoProgress>(); }

}  // namespace packferry
