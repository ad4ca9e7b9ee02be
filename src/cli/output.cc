#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace packferry {

void FdOutput::write(std::string_view text) {
  while (!text.empty() && error_ == 0) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
}

Result<> FdOutput::status() const {
  // Whoever closed the pipe, as `| head` does, has read what they wanted.
  if (error_ == 0 || error_ == EPIPE) return {};
  return Error(ErrorKind::Exhausted, "{}: {}", name_, std::strerror(error_));
}

std::optional<Window> FdOutput::window() const {
  if (::isatty(fd_) == 0) return std::nullopt;
  winsize size{};
  if (::ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return Window{};
  return Window{.columns = size.ws_col, .rows = size.ws_row};
}

void Page::add(std::string_view text) {
  pending_ += text;
  if (pending_.size() < kPieceBytes) return;
  output_.write(pending_);
  pending_.clear();
}

std::string Paint::in(std::string_view color, std::string_view text) const {
  return on_ ? fmt::format("\x1b[{}m{}\x1b[0m", color, text) : std::string(text);
}

std::string cut(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at) {
    const bool starts_code_point = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (starts_code_point && seen++ == columns) break;
  }
  return std::string(text.substr(0, at));
}

}  // namespace packferry
