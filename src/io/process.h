// A child program as a conversation. No shell unless the caller names one; the environment is what the caller says and
// nothing else; no descriptor of ours but 0, 1 and 2 reaches the child. Built on posix_spawn(3).
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "io/channel.h"

namespace packferry {

struct ProcessOptions {
  // argv[0] is looked up in the PATH of `environment`, in its absolute folders only; with a '/' it is taken as it is.
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"
  std::string directory;                 // empty: ours
  // What the child says on standard error: kept (the last 16 KiB, for messages), or passed to ours so that it can talk
  // to the person, as ssh does when it asks for a passphrase. A child that talks stays in our process group: one in
  // the background is stopped when it reads from the terminal.
  bool inherit_stderr = false;
  // For a child that talks to the person, too, but not only in its own words: ssh prints whatever the host says. Passed
  // to our standard error line by line and made printable, and kept as well.
  bool show_stderr = false;

  bool talks_to_person() const { return inherit_stderr || show_stderr; }
};

struct ProcessExit {
  int code = 0;             // 128 + signal when a signal ended it
  std::string stderr_text;  // as it came: printable() before a person sees it
};

class Process {
 public:
  // NotFound: no such program or directory. Denied, Invalid: it cannot be run. Exhausted: no room for another process.
  static Result<std::unique_ptr<Process>> start(ProcessOptions options, Patience patience, std::stop_token stop);
  // Ends a child that is still running: closes its pipes, waits `goodbye_ms`, then SIGTERM, and after as long again
  // SIGKILL, both to its process group. Never leaves a zombie.
  ~Process();

  Channel& channel();
  // Closes the child's input, drains nothing, waits for its end: no longer than `within`, or stall_ms, then it is
  // Unavailable, and killed. Asked again, it gives the same answer.
  Result<ProcessExit> wait(std::optional<Milliseconds> within = std::nullopt);
  // What it has said on standard error so far.
  std::string stderr_text();

  struct State;
  explicit Process(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

// Runs to the end: `input` in, standard output (at most `output_bytes_max`) out. For small questions to other programs.
struct ProcessOutput {
  ProcessExit exit;
  std::string output;
};
Result<ProcessOutput> run_process(ProcessOptions options, std::string_view input, std::size_t output_bytes_max,
                                  Patience patience, std::stop_token stop);

}  // namespace packferry
