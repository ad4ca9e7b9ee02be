// Stands in for ssh (GIT_SSH_COMMAND): runs the remote command here and passes its bytes on, until the fault that the
// test has asked for (wire.h). Without FERRY_WIRE it is an ssh that works.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "faults/wire.h"

namespace {

using packferry::testing::kWireVariable;
using packferry::testing::Wire;

constexpr int kConnectionLost = 255;  // as ssh(1) says it

Wire* open_wire() {
  const char* path = std::getenv(kWireVariable);
  if (path == nullptr) return nullptr;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  void* memory = fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(Wire), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) std::abort();
  ::close(fd);
  return static_cast<Wire*>(memory);
}

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The members of a process group whose command line has this word.
void kill_in_group(pid_t group, const std::string& word) {
  DIR* all = ::opendir("/proc");
  if (all == nullptr) std::abort();
  while (const dirent* entry = ::readdir(all)) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 0 || ::getpgid(pid) != group) continue;
    const std::string line = content("/proc/" + std::to_string(pid) + "/cmdline");
    if (line.find(word) != std::string::npos) ::kill(pid, SIGKILL);
  }
  ::closedir(all);
}

class Conversation {
 public:
  Conversation(Wire* wire, pid_t command) : wire_(wire), command_(command) {}

  // False when the connection is lost.
  bool run(int to_command, int from_command) {
    Lane up{.from = 0, .to = to_command, .index = 0};
    Lane down{.from = from_command, .to = 1, .index = 1};
    while (down.open) {
      std::array<pollfd, 2> ends{pollfd{.fd = up.open ? up.from : -1, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = down.from, .events = POLLIN, .revents = 0}};
      if (::poll(ends.data(), ends.size(), -1) < 0) continue;
      if (ends[0].revents != 0 && !move(up)) return false;
      if (ends[1].revents != 0 && !move(down)) return false;
    }
    return true;
  }

 private:
  struct Lane {
    int from;
    int to;
    std::size_t index;
    bool open = true;
  };

  bool move(Lane& lane) {
    std::array<char, 64 * 1024> buffer;
    const ssize_t got = ::read(lane.from, buffer.data(), buffer.size());
    if (got <= 0) {
      lane.open = false;
      ::close(lane.to);
      return true;
    }
    std::size_t size = static_cast<std::size_t>(got);
    bool lost = false;
    if (const std::size_t before = before_fault(lane, size); before < size) {
      lost = strike();
      if (lost) size = before;
    }
    if (wire_ != nullptr) wire_->passed[lane.index] += size;
    // Nobody listens any more: who speaks is to hear of it, as with ssh.
    if (!write_all(lane.to, buffer.data(), size)) {
      lane.open = false;
      ::close(lane.to);
      ::close(lane.from);
    }
    return !lost;
  }

  // How many of these bytes come before the fault.
  std::size_t before_fault(const Lane& lane, std::size_t size) const {
    if (wire_ == nullptr || wire_->fault == Wire::Fault::None || wire_->happened) return size;
    const std::uint64_t passed = wire_->passed[lane.index];
    if (wire_->towards != lane.index || passed + size <= wire_->at_byte) return size;
    return static_cast<std::size_t>(wire_->at_byte - passed);
  }

  // True when the connection is lost.
  bool strike() {
    wire_->happened = true;
    switch (wire_->fault) {
      case Wire::Fault::KillCommand:
        ::kill(command_, SIGKILL);
        return false;
      case Wire::Fault::KillPackObjects:
        kill_in_group(command_, "pack-objects");
        return false;
      default:
        return true;
    }
  }

  Wire* const wire_;
  const pid_t command_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  Wire* wire = open_wire();
  if (wire != nullptr && wire->happened && wire->stays_down) return kConnectionLost;

  ::signal(SIGPIPE, SIG_IGN);
  int to_command[2];
  int from_command[2];
  if (::pipe2(to_command, O_CLOEXEC) != 0 || ::pipe2(from_command, O_CLOEXEC) != 0) return 2;
  const std::string command = "exec " + std::string(argv[argc - 1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(to_command[0], 0);
    ::dup2(from_command[1], 1);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  ::setpgid(child, child);  // whoever of the two comes first
  ::close(to_command[0]);
  ::close(from_command[1]);

  const bool whole = Conversation(wire, child).run(to_command[1], from_command[0]);
  if (!whole) ::kill(-child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!whole) return kConnectionLost;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
