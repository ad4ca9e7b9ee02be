// Stands in for ssh (GIT_SSH_COMMAND): runs the remote command here and passes its bytes, until a chosen one.
//
//   FERRY_FAULT="client 1234"   cuts the conversation before byte 1234 towards the client (or "server")
//   FERRY_FAULT_COUNTS=FILE     appends "<bytes towards the server> <bytes towards the client>" when it ends
//
// Bytes are counted over one command. The command is killed when the conversation is cut, as a lost connection does.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Lane {
  int from;
  int to;
  std::uint64_t cut_at;
  std::uint64_t passed = 0;
  bool open = true;
};

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

// False when the conversation is cut here.
bool move(Lane& lane) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t got = ::read(lane.from, buffer.data(), buffer.size());
  if (got <= 0) {
    lane.open = false;
    ::close(lane.to);
    return true;
  }
  std::size_t size = static_cast<std::size_t>(got);
  const bool cut = lane.passed + size > lane.cut_at;
  if (cut) size = static_cast<std::size_t>(lane.cut_at - lane.passed);
  lane.passed += size;
  if (!write_all(lane.to, buffer.data(), size)) {
    lane.open = false;
    ::close(lane.to);
  }
  return !cut;
}

void note_counts(const Lane& up, const Lane& down) {
  const char* path = std::getenv("FERRY_FAULT_COUNTS");
  if (path == nullptr) return;
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string line = std::to_string(up.passed) + " " + std::to_string(down.passed) + "\n";
  if (fd < 0 || !write_all(fd, line.data(), line.size())) std::abort();
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  ::signal(SIGPIPE, SIG_IGN);
  int to_command[2];
  int from_command[2];
  if (::pipe2(to_command, O_CLOEXEC) != 0 || ::pipe2(from_command, O_CLOEXEC) != 0) return 2;
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(to_command[0], 0);
    ::dup2(from_command[1], 1);
    ::execl("/bin/sh", "sh", "-c", argv[argc - 1], nullptr);
    ::_exit(127);
  }
  ::close(to_command[0]);
  ::close(from_command[1]);

  constexpr std::uint64_t kNever = UINT64_MAX;
  Lane up{.from = 0, .to = to_command[1], .cut_at = kNever};
  Lane down{.from = from_command[0], .to = 1, .cut_at = kNever};
  if (const char* fault = std::getenv("FERRY_FAULT"); fault != nullptr && fault[0] != '\0') {
    const char* at = std::strchr(fault, ' ');
    if (at == nullptr) return 2;
    (fault[0] == 's' ? up : down).cut_at = std::strtoull(at, nullptr, 10);
  }

  bool whole = true;
  while (whole && down.open) {
    std::array<pollfd, 2> ends{pollfd{.fd = up.open ? up.from : -1, .events = POLLIN, .revents = 0},
                               pollfd{.fd = down.from, .events = POLLIN, .revents = 0}};
    if (::poll(ends.data(), ends.size(), -1) < 0) break;
    if (ends[0].revents != 0) whole = move(up);
    if (whole && ends[1].revents != 0) whole = move(down);
  }
  if (!whole) ::kill(-child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  note_counts(up, down);
  if (!whole) return 255;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
