// The first line and the last.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "app/environment.h"
#include "app/fleet_ends.h"
#include "app/interrupts.h"
#include "app/service_ends.h"
#include "app/wiring.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/run.h"
#include "io/fd.h"

namespace {

using namespace packferry;

// Started with a closed descriptor, the first pipe we open would become it, and what we say would go there.
void fill_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

// Secrets are in our memory: no core dump, and nobody else of the same user looks in.
void keep_memory_to_ourselves() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

// Blocks come and go on a few threads: with an arena for each, and a threshold that grows with what was freed, the
// process would keep several times what it uses.
void keep_memory_small() {
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

std::vector<std::string> variables() {
  std::vector<std::string> all;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) all.emplace_back(*variable);
  return all;
}

// What git tells a credential helper is a few lines.
Result<std::string> read_input() {
  std::string text(64 * 1024, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t count =
        TRY(read_some(STDIN_FILENO, std::as_writable_bytes(std::span(text).subspan(size)), "read standard input"));
    if (count == 0) break;
    size += count;
  }
  text.resize(size);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  keep_memory_to_ourselves();
  keep_memory_small();
  ::signal(SIGPIPE, SIG_IGN);
  Interrupts interrupts;
  const Environment environment(variables());

  SystemClock clock;
  FdLog log(STDERR_FILENO, LogLevel::Info, clock);
  FdOutput out(STDOUT_FILENO, "standard output");
  FdOutput err(STDERR_FILENO, "standard error");
  const Surroundings surroundings{
      .out = out,
      .err = err,
      .log = log,
      .clock = clock,
      .make_ends = make_real_ends(environment, PACKFERRY_VERSION, clock),
      .make_fleet_ends = make_real_fleet_ends(environment, PACKFERRY_VERSION, clock),
      .version = PACKFERRY_VERSION,
      .no_color = environment.no_color,
      .plain_terminal = environment.terminal == "dumb",
      .can_prompt = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0,
      .job = {.repository = environment.repository_name,
              .region = environment.repository_region,
              .reference = environment.reference_name},
      .who = environment.person,
      .catalogue = environment.catalogue,
      .server = environment.server,
      .server_token = environment.server_token,
      .read_input = read_input,
      .on_hangup = [&interrupts](std::function<void()> action) { interrupts.on_hangup(std::move(action)); },
      .log_from = [&log](LogLevel lowest) { log.begin_at(lowest); },
      .make_service_ends = make_real_service_ends(environment, PACKFERRY_VERSION, clock),
  };
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return static_cast<int>(run_packferry(words, surroundings, interrupts.token()));
}
