// One event a line, key=value: what happened to which crossing, repository and destination. For operators and machines;
// what a person at a terminal watches is drawn by cli/.
#pragma once

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace packferry {

enum class LogLevel { Debug, Info, Warning, Error };

struct LogField {
  std::string_view key;
  std::string value;
};

class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) = 0;

  void debug(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::Debug, event, f); }
  void info(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::Info, event, f); }
  void warning(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::Warning, event, f); }
  void error(std::string_view event, std::initializer_list<LogField> f = {}) { write(LogLevel::Error, event, f); }
};

class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

// logfmt to a file descriptor it does not own: `2026-11-22T13:45:00Z info leg.confirmed destination="…" refs=12`.
// Values are made printable and quoted where needed, so that no value can forge a line. A line is one write(2).
class FdLog final : public Log {
 public:
  FdLog(int fd, LogLevel lowest, const Clock& clock) : fd_(fd), lowest_(lowest), clock_(clock) {}
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) override;
  // From now on; while others write.
  void begin_at(LogLevel lowest) { lowest_ = lowest; }

 private:
  const int fd_;
  std::atomic<LogLevel> lowest_;
  const Clock& clock_;
};

}  // namespace packferry
