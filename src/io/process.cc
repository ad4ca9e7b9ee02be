#include "io/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/printable.h"

extern "C" {  // which the header itself forgets in glibc 2.36
#include <sys/pidfd.h>
}

namespace packferry {
namespace {

constexpr std::size_t kStderrBytesKept = 16 * 1024;
// A pipe that holds several blocks lets both sides work at once. What an ordinary user is allowed to have; Linux gives
// 64 KiB by itself.
constexpr std::size_t kPipeBytes = 1024 * 1024;
// For the kernel to end what was killed.
constexpr Milliseconds kKilledMs{5'000};

struct Pipe {
  Fd read;
  Fd write;
};

// Above 2, even in a program that was started with some of 0, 1 and 2 closed: the child's own are put there later.
Result<Fd> above_stderr(Fd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  Fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved) return errno_error(errno, "dup");
  return moved;
}

Result<Pipe> open_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error(errno, "pipe");
  Fd read(fds[0]);
  Fd write(fds[1]);
  // Refused when the user already has much in pipes; then it stays as it is.
  ::fcntl(write.get(), F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
  Pipe pipe;
  pipe.read = TRY(above_stderr(std::move(read)));
  pipe.write = TRY(above_stderr(std::move(write)));
  return pipe;
}

bool is_program(const std::filesystem::path& path) {
  std::error_code none;
  return std::filesystem::is_regular_file(path, none) && ::access(path.c_str(), X_OK) == 0;
}

// A relative folder in the PATH would run what lies in the current directory, so there is none for us.
Result<std::string> find_program(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  for (const std::string& variable : environment) {
    if (!variable.starts_with("PATH=")) continue;
    std::string_view folders = std::string_view(variable).substr(5);
    while (!folders.empty()) {
      const std::string_view folder = folders.substr(0, folders.find(':'));
      folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
      const std::filesystem::path candidate = std::filesystem::path(folder) / name;
      if (folder.starts_with('/') && is_program(candidate)) return candidate.string();
    }
  }
  return Error(ErrorKind::NotFound, "program '{}' is not in the PATH", name);
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What posix_spawn(3) does on the way from us to the program.
class SpawnPlan {
 public:
  SpawnPlan() {
    CHECK(posix_spawn_file_actions_init(&actions_) == 0);
    CHECK(posix_spawnattr_init(&attributes_) == 0);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void connect(int ours, int childs) { CHECK(posix_spawn_file_actions_adddup2(&actions_, ours, childs) == 0); }
  void close_the_rest() { CHECK(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1) == 0); }
  void enter(const std::string& directory) {
    CHECK(posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str()) == 0);
  }

  // No signal is blocked in the child, and SIGPIPE ends it, whatever we do with that ourselves.
  void set_signals_and_group(bool own_group) {
    sigset_t none;
    sigset_t sigpipe;
    sigemptyset(&none);
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    CHECK(posix_spawnattr_setsigmask(&attributes_, &none) == 0);
    CHECK(posix_spawnattr_setsigdefault(&attributes_, &sigpipe) == 0);
    CHECK(posix_spawnattr_setpgroup(&attributes_, 0) == 0);
    const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (own_group ? POSIX_SPAWN_SETPGROUP : 0);
    CHECK(posix_spawnattr_setflags(&attributes_, static_cast<short>(flags)) == 0);
  }

  // An errno, or 0.
  int spawn(pid_t& pid, const std::string& program, std::vector<std::string> argv,
            std::vector<std::string> environment) {
    const std::vector<char*> words = pointers_to(argv);
    const std::vector<char*> variables = pointers_to(environment);
    return posix_spawn(&pid, program.c_str(), &actions_, &attributes_, words.data(), variables.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Reads standard error on a thread of its own, so that a child which says much there is never held up by us, and we
// never by it.
class LastWords {
 public:
  // `shows`: a person is to see them, too.
  LastWords(Fd fd, bool shows)
      : fd_(std::move(fd)), shows_(shows), thread_([this](std::stop_token stop) { listen(std::move(stop)); }) {}

  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

  // For after the child's end: what it said is in the pipe by then. The end of the pipe itself may be far away, when a
  // grandchild (a shared ssh connection, for one) has inherited it.
  void finish() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void listen(std::stop_token stop) {
    Waiter waiter(stop);
    bool open = true;
    while (open && !stop.stop_requested()) {
      if (!waiter.wait(fd_.get(), -1, Milliseconds::max())) break;
      open = take() > 0;
    }
    // No more than a pipe can hold: a grandchild could talk for ever.
    for (std::size_t total = 0, count = 1; open && count > 0 && total < kPipeBytes; total += count) count = take();
  }

  std::size_t take() {
    char block[4096];
    const ssize_t count = ::read(fd_.get(), block, sizeof block);
    if (count <= 0) return 0;
    if (shows_) show({block, static_cast<std::size_t>(count)});
    const std::lock_guard lock(mutex_);
    text_.append(block, static_cast<std::size_t>(count));
    if (text_.size() > kStderrBytesKept) text_.erase(0, text_.size() - kStderrBytesKept);
    return static_cast<std::size_t>(count);
  }

  // Nothing is held back for the rest of its line: it may be a question.
  static void show(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
      const std::size_t length = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, length);
      if (line.ends_with('\r')) line.remove_suffix(1);
      shown += printable(line, std::string::npos);
      if (length < text.size()) shown += '\n';
      text.remove_prefix(std::min(length + 1, text.size()));
    }
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, shown.data(), shown.size());
  }

  const Fd fd_;
  const bool shows_;
  std::mutex mutex_;
  std::string text_;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace

struct Process::State {
  std::string name;
  Patience patience;
  std::stop_token stop;
  bool own_group = true;
  pid_t pid = -1;
  Fd pid_fd;  // readable when the child has ended
  std::optional<Channel> channel;
  std::optional<LastWords> last_words;
  std::optional<Result<ProcessExit>> outcome;  // of wait()

  bool ends_within(Milliseconds time) const { return wait_ready(pid_fd.get(), -1, time, {}).has_value(); }
  void signal(int number) const { ::kill(own_group ? -pid : pid, number); }
  void end_by_force() const;
  Result<int> reap() const;
};

// Until it is reaped the child's id, and so its group's, cannot become another's.
void Process::State::end_by_force() const {
  signal(SIGTERM);
  [[maybe_unused]] const bool ended = ends_within(patience.goodbye_ms);
  signal(SIGKILL);  // for the rest of the group, even when the child itself has ended
}

// Its exit status as a shell has it.
Result<int> Process::State::reap() const {
  // Killed, yet held by the kernel (a dead network file system): whoever ends it, we do not wait with it.
  if (!ends_within(kKilledMs)) {
    std::thread([id = pid] { ::waitpid(id, nullptr, 0); }).detach();
    return Error(ErrorKind::Unavailable, "{}: does not end, even when killed", name);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    // ECHILD: SIGCHLD is ignored in this program, so the kernel has thrown the status away.
    if (errno != EINTR) return errno_error(errno, name + ": exit status");
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}

Process::~Process() {
  if (state_->outcome) return;
  state_->channel.reset();
  if (!state_->ends_within(state_->patience.goodbye_ms)) state_->end_by_force();
  [[maybe_unused]] const Result<int> code = state_->reap();
}

Result<std::unique_ptr<Process>> Process::start(ProcessOptions options, Patience patience, std::stop_token stop) {
  CHECK(!options.argv.empty());
  const std::string program = TRY(find_program(options.argv[0], options.environment));
  Pipe input = TRY(open_pipe());
  Pipe output = TRY(open_pipe());
  Pipe errors;

  SpawnPlan plan;
  plan.connect(input.read.get(), STDIN_FILENO);
  plan.connect(output.write.get(), STDOUT_FILENO);
  if (!options.inherit_stderr) {
    errors = TRY(open_pipe());
    plan.connect(errors.write.get(), STDERR_FILENO);
  }
  plan.close_the_rest();
  if (!options.directory.empty()) plan.enter(options.directory);
  plan.set_signals_and_group(!options.talks_to_person());

  auto state = std::make_unique<State>();
  state->name = options.argv[0];
  state->patience = patience;
  state->stop = stop;
  state->own_group = !options.talks_to_person();
  const int failed = plan.spawn(state->pid, program, std::move(options.argv), std::move(options.environment));
  if (failed != 0) {
    const std::string where = options.directory.empty() ? "" : fmt::format(" in '{}'", options.directory);
    return errno_error(failed, fmt::format("start '{}'{}", program, where));
  }

  // From here on there is a child, and whatever happens ends it.

  state->pid_fd = Fd(::pidfd_open(state->pid, 0));
  if (!state->pid_fd) {
    // ESRCH: SIGCHLD is ignored in this program and the child is gone already; its id may be another's by now.
    const int number = errno;
    if (number != ESRCH) {
      state->signal(SIGKILL);
      ::waitpid(state->pid, nullptr, 0);
    }
    return errno_error(number, state->name + ": pidfd_open");
  }
  state->channel.emplace(output.read.release(), input.write.release(), state->name, patience, stop);
  if (errors.read) {
    CHECK(::fcntl(errors.read.get(), F_SETFL, O_NONBLOCK) == 0);
    state->last_words.emplace(std::move(errors.read), options.show_stderr);
  }
  return std::make_unique<Process>(std::move(state));
}

Channel& Process::channel() { return *state_->channel; }

Result<ProcessExit> Process::wait(std::optional<Milliseconds> within) {
  if (state_->outcome) return *state_->outcome;
  state_->channel->close_write();
  const Milliseconds patience = within.value_or(state_->patience.stall_ms);
  const Result<Readiness> ended = wait_ready(state_->pid_fd.get(), -1, patience, state_->stop);
  if (!ended) state_->end_by_force();
  const Result<int> code = state_->reap();
  if (state_->last_words) state_->last_words->finish();

  if (!ended) {
    state_->outcome = Error(ended.error()).context("{}: wait for its end", state_->name);
  } else if (!code) {
    state_->outcome = Error(code.error());
  } else {
    state_->outcome = ProcessExit{*code, stderr_text()};
  }
  return *state_->outcome;
}

std::string Process::stderr_text() { return state_->last_words ? state_->last_words->text() : std::string(); }

Result<ProcessOutput> run_process(ProcessOptions options, std::string_view input, std::size_t output_bytes_max,
                                  Patience patience, std::stop_token stop) {
  const std::unique_ptr<Process> process = TRY(Process::start(std::move(options), patience, std::move(stop)));
  // A program may answer and end without having read all it was given; how it ended tells.
  const Result<> written = process->channel().write(as_bytes(input));
  if (!written && written.error().kind() != ErrorKind::Unavailable) return written.error();
  process->channel().close_write();
  const std::vector<std::byte> output = TRY(read_all(process->channel(), output_bytes_max));
  ProcessExit exit = TRY(process->wait());
  return ProcessOutput{std::move(exit), std::string(as_text(output))};
}

}  // namespace packferry
