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
  std::vector<std::string> argv;         // argv[0] is looked up in the PATH of `environment`
  std::vector<std::string> environment;  // "NAME=value"
  std::string directory;                 // empty: ours
  // What the child says on standard error: kept (the last 16 KiB, for messages), or passed to ours so that it can talk
  // to the person, as ssh does when it asks for a passphrase.
  bool inherit_stderr = false;
};

struct ProcessExit {
  int code = 0;    // 128 + signal when a signal ended it
  std::string stderr_text;
};

class Process {
 public:
  static Result<std::unique_ptr<Process>> start(ProcessOptions options, Patience patience, std::stop_token stop);
  // Ends a child that is still running: closes its input, waits `goodbye_ms`, then SIGTERM, then SIGKILL to its process
  // group. Never leaves a zombie.
  ~Process();

  Channel& channel();
  // Closes the child's input, drains nothing, waits for its end (stall_ms without one is Unavailable, and it is killed).
  Result<ProcessExit> wait();
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
