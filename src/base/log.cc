#include "base/log.h"

#include <unistd.h>

#include "base/printable.h"

namespace packferry {
namespace {

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warning:
      return "warning";
    case LogLevel::Error:
      return "error";
  }
  return "?";
}

std::string quoted(const std::string& value) {
  std::string safe = printable(value, 4000);
  if (!safe.empty() && safe.find_first_of(" \"=\\") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

void FdLog::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < lowest_) return;
  std::string line = to_iso8601(clock_.now());
  line += ' ';
  line += name(level);
  line += ' ';
  line += event;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    line += quoted(field.value);
  }
  line += '\n';
  // A log that cannot be written must not stop the work; there is nowhere left to say so.
  [[maybe_unused]] const ssize_t written = ::write(fd_, line.data(), line.size());
}

}  // namespace packferry
