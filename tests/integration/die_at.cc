// Loaded before the C library (LD_PRELOAD), it kills the program at one of the changes that the program itself makes to
// the world outside: DIE_AT=N, from 1, and DIE_HOW=before, after or torn (of what is written, the first half). Without
// DIE_AT it counts them into the file DIE_COUNT. The programs that it starts live on, as they do after a kill -9.
//
// A change is whatever is created, written, renamed, removed, synchronised or started. Words on standard output and
// standard error are none.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string_view>

namespace {

enum class How { Before, After, Torn };

std::atomic<long> changes = 0;

// Only the program: what it starts inherits the environment.
bool is_meant() { return std::string_view(program_invocation_short_name) == "packferry"; }

const long die_at = [] {
  const char* number = ::getenv("DIE_AT");
  return is_meant() && number != nullptr ? ::atol(number) : 0;
}();

const How how = [] {
  const char* word = ::getenv("DIE_HOW");
  if (word == nullptr || std::string_view(word) == "before") return How::Before;
  return std::string_view(word) == "after" ? How::After : How::Torn;
}();

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

template <typename Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

template <typename Act>
auto change(const Act& act) {
  const bool last = ++changes == die_at;
  if (last && how == How::Before) die();
  const auto result = act();
  if (last) die();
  return result;
}

struct CountAtExit {
  ~CountAtExit() {
    const char* file = ::getenv("DIE_COUNT");
    if (file == nullptr || !is_meant()) return;
    const long count = changes;
    FILE* into = ::fopen(file, "w");
    if (into == nullptr) return;
    ::fprintf(into, "%ld\n", count);
    ::fclose(into);
  }
} count_at_exit;

bool creates(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

}  // namespace

#define ORIGINAL(name) static auto* const real = original<decltype(name)>(#name)

extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  ORIGINAL(write);
  if (fd <= STDERR_FILENO) return real(fd, bytes, count);
  const bool torn = changes + 1 == die_at && how == How::Torn;
  return change([&] { return real(fd, bytes, torn ? count / 2 : count); });
}

ssize_t send(int fd, const void* bytes, size_t count, int flags) {
  ORIGINAL(send);
  const bool torn = changes + 1 == die_at && how == How::Torn;
  return change([&] { return real(fd, bytes, torn ? count / 2 : count, flags); });
}

int rename(const char* from, const char* to) noexcept {
  ORIGINAL(rename);
  return change([&] { return real(from, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  ORIGINAL(renameat2);
  if (is_meant() && ::getenv("DIE_WITHOUT_EXCHANGE") != nullptr) {
    errno = EINVAL;  // a file system that cannot
    return -1;
  }
  return change([&] { return real(from_folder, from, to_folder, to, flags); });
}

int link(const char* from, const char* to) noexcept {
  ORIGINAL(link);
  return change([&] { return real(from, to); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  ORIGINAL(mkdir);
  return change([&] { return real(path, mode); });
}

char* mkdtemp(char* pattern) noexcept {
  ORIGINAL(mkdtemp);
  return change([&] { return real(pattern); });
}

int unlink(const char* path) noexcept {
  ORIGINAL(unlink);
  return change([&] { return real(path); });
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  ORIGINAL(unlinkat);
  return change([&] { return real(folder, path, flags); });
}

int rmdir(const char* path) noexcept {
  ORIGINAL(rmdir);
  return change([&] { return real(path); });
}

int fsync(int fd) {
  ORIGINAL(fsync);
  return change([&] { return real(fd); });
}

int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions, const posix_spawnattr_t* how,
                 char* const words[], char* const environment[]) {
  ORIGINAL(posix_spawnp);
  return change([&] { return real(pid, file, actions, how, words, environment); });
}

int posix_spawn(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions, const posix_spawnattr_t* how,
                char* const words[], char* const environment[]) {
  ORIGINAL(posix_spawn);
  return change([&] { return real(pid, file, actions, how, words, environment); });
}

int open(const char* path, int flags, ...) {
  ORIGINAL(open);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = creates(flags) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (!creates(flags)) return real(path, flags);
  return change([&] { return real(path, flags, mode); });
}

}  // extern "C"
