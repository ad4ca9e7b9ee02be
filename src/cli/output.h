// Where text for a person or a program goes: standard output and standard error, or a string in a test.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace packferry {

struct Window {
  unsigned columns = 80;
  unsigned rows = 24;
};

class Output {
 public:
  virtual ~Output() = default;
  // All of `text`. What fails is remembered, and status() tells it once everything has been said.
  virtual void write(std::string_view text) = 0;
  virtual Result<> status() const = 0;
  // The window of the terminal that this is, asked anew each time since windows are resized; none when it is no
  // terminal.
  virtual std::optional<Window> window() const = 0;
};

class FdOutput final : public Output {
 public:
  // Does not own `fd`; `name` stands in errors: "standard output".
  FdOutput(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  void write(std::string_view text) override;
  Result<> status() const override;
  std::optional<Window> window() const override;

 private:
  const int fd_;
  const std::string name_;
  int error_ = 0;
};

// What was said, kept: for what goes somewhere else than to a person.
class TextOutput final : public Output {
 public:
  void write(std::string_view text) override { text_ += text; }
  Result<> status() const override { return {}; }
  std::optional<Window> window() const override { return std::nullopt; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Small pieces in, large ones out: a report of a million refs is neither held in memory nor written ref by ref.
class Page {
 public:
  explicit Page(Output& output) : output_(output) {}
  ~Page() { output_.write(pending_); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  void add(std::string_view text);
  void line(std::string_view text) {
    add(text);
    add("\n");
  }

 private:
  static constexpr std::size_t kPieceBytes = 32 * 1024;
  Output& output_;
  std::string pending_;
};

// Printable text cut to `columns`, counting a code point as one column; wide ones are cut by the terminal itself.
std::string cut(std::string_view text, std::size_t columns);

// How progress is shown: not at all, a line at a time, or redrawn in place.
enum class ProgressForm { None, Lines, Redrawn };

// Colour, or none of it. Whatever it is given to paint has been made printable already.
class Paint {
 public:
  explicit Paint(bool on) : on_(on) {}
  std::string bold(std::string_view text) const { return in("1", text); }
  std::string dim(std::string_view text) const { return in("2", text); }
  std::string good(std::string_view text) const { return in("32", text); }
  std::string bad(std::string_view text) const { return in("1;31", text); }
  std::string careful(std::string_view text) const { return in("33", text); }

 private:
  std::string in(std::string_view color, std::string_view text) const;
  const bool on_;
};

}  // namespace packferry
