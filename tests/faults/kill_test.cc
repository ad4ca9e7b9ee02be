// The program itself, killed: kill -9 at random bytes and at random instants, and asked to stop by SIGTERM and SIGINT.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "base/check.h"
#include "cli/exit_status.h"
#include "faults/campaign.h"
#include "faults/scene.h"

namespace packferry::testing {
namespace {

constexpr std::size_t kContentBytes = 4 * 1024 * 1024;

using SteadyClock = std::chrono::steady_clock;

// A program that may be killed.
class Program {
 public:
  Program(const std::vector<std::string>& argv, const std::vector<std::string>& environment, const std::string& log) {
    std::vector<char*> words = pointers(argv);
    std::vector<char*> variables = pointers(environment);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    CHECK(::posix_spawn(&pid_, words.front(), &files, nullptr, words.data(), variables.data()) == 0);
    posix_spawn_file_actions_destroy(&files);
    pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    CHECK(pid_fd_ >= 0);
  }
  ~Program() {
    ::kill(pid_, SIGKILL);
    wait();
    ::close(pid_fd_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Does nothing once it has ended: then it is a zombie of ours, and its number nobody else's.
  void kill(int signal) const { ::kill(pid_, signal); }
  bool ends_within(std::chrono::microseconds time) const {
    pollfd end{.fd = pid_fd_, .events = POLLIN, .revents = 0};
    const timespec limit{.tv_sec = time.count() / 1'000'000, .tv_nsec = time.count() % 1'000'000 * 1000};
    return ::ppoll(&end, 1, &limit, nullptr) == 1;
  }
  // As waitpid(2) has it.
  int wait() {
    if (!status_) {
      int status = 0;
      ::waitpid(pid_, &status, 0);
      status_ = status;
    }
    return *status_;
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> all;
    for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
    all.push_back(nullptr);
    return all;
  }

  pid_t pid_ = -1;
  int pid_fd_ = -1;
  std::optional<int> status_;
};

struct Case {
  const char* name;
  Trip trip;
};

class Killed : public ::testing::TestWithParam<Case> {
 protected:
  Killed() { std::filesystem::create_directory(scene.path("tmp")); }

  std::unique_ptr<Program> start() {
    const Trip& trip = GetParam().trip;
    std::vector<std::string> environment = scene.environment();
    environment.push_back("TMPDIR=" + scene.path("tmp"));
    return std::make_unique<Program>(std::vector<std::string>{PACKFERRY, "replicate", scene.url(trip.source, "source"),
                                                              scene.url(trip.destination, "destination")},
                                     environment, scene.path("log"));
  }

  // How long and how many bytes an undisturbed run takes.
  void measure() {
    scene.reset();
    scene.disarm();
    const auto begin = SteadyClock::now();
    const int status = start()->wait();
    duration = std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - begin);
    up = scene.passed(Towards::Server);
    down = scene.passed(Towards::Client);
    ASSERT_EQ(status, 0) << said();
    ASSERT_EQ(left_in_tmp(), "");
  }

  std::string said() {
    std::ifstream log(scene.path("log"));
    return {std::istreambuf_iterator<char>(log), {}};
  }

  std::string left_in_tmp() {
    std::string left;
    for (const auto& entry : std::filesystem::directory_iterator(scene.path("tmp")))
      left += entry.path().string() + " ";
    return left;
  }

  // What an exit status claims; what it should not be is a violation.
  Claim claim_of_status(int status, int signal, std::vector<std::string>& found) {
    const bool ended = WIFEXITED(status);
    const int code = ended ? WEXITSTATUS(status) : -1;
    // Before main() has taken the signals over, they do what they always do.
    const bool by_signal = !ended && WTERMSIG(status) == signal && (signal == SIGKILL || said().empty());
    const bool interrupted = signal != SIGKILL && code == static_cast<int>(ExitStatus::Interrupted);
    const bool done = code == static_cast<int>(ExitStatus::Done);
    if (!by_signal && !interrupted && !done) found.push_back(fmt::format("status {:#x}, it said: {}", status, said()));
    return {.success = done, .equal = done, .confirmed = {}, .errors = {}, .has_reason = true};
  }

  void judge(Runs& runs, const std::string& words, bool happened, Program& program, int signal) {
    std::vector<std::string> found;
    // It may wait for the other side to tidy up, but not for ever.
    if (!program.ends_within(std::chrono::seconds(15))) found.push_back(fmt::format("it goes on, it said: {}", said()));
    if (!found.empty()) program.kill(SIGKILL);
    const Claim claim = claim_of_status(program.wait(), signal, found);
    if (const std::string left = left_in_tmp(); !left.empty()) found.push_back("left in TMPDIR: " + left);
    for (std::string& violation : scene.judge(GetParam().trip, claim, {})) found.push_back(std::move(violation));
    runs.note(words, happened, found);
  }

  void at_random_instants(const std::string& name, const std::vector<int>& signals, double share) {
    measure();
    std::mt19937_64 random = random_for_this_test();
    Runs runs(name, 250, share);
    while (runs.go_on()) {
      const int signal = signals[draw(random, signals.size())];
      const Place place = draw_place(random);
      const std::string words = fmt::format("signal {} after {} millionths of a run", signal, place.millionths);
      if (!runs.is_wanted(words)) continue;
      const std::chrono::microseconds after(place.of(static_cast<std::uint64_t>(duration.count())));
      scene.reset();
      scene.disarm();
      const auto program = start();
      // How long a run takes is not always the same: some are over by then.
      static_cast<void>(program->ends_within(after));
      program->kill(signal);
      judge(runs, words, true, *program, signal);
    }
  }

  Scene scene{State::Changes, kContentBytes};
  std::chrono::microseconds duration{0};
  std::uint64_t up = 0;
  std::uint64_t down = 0;
};

TEST_P(Killed, AtARandomInstantHarmsNothing) {
  at_random_instants(fmt::format("{} kill -9", GetParam().name), {SIGKILL}, 0.02);
}

TEST_P(Killed, AskedToStopItDoesSoAndTidiesUp) {
  at_random_instants(fmt::format("{} asked to stop", GetParam().name), {SIGTERM, SIGINT}, 0.03);
}

INSTANTIATE_TEST_SUITE_P(Of, Killed,
                         ::testing::Values(Case{"HttpToLocal", {Route::Http, Route::Local}},
                                           Case{"LocalToHttp", {Route::Local, Route::Http}},
                                           Case{"PipeToLocal", {Route::Pipe, Route::Local}},
                                           Case{"MemoryToPipe", {Route::Memory, Route::Pipe}}),
                         [](const ::testing::TestParamInfo<Case>& it) { return std::string(it.param.name); });

using KilledAtAByte = Killed;

TEST_P(KilledAtAByte, HarmsNothing) {
  measure();
  std::mt19937_64 random = random_for_this_test();
  Runs runs(fmt::format("{} signals at a byte", GetParam().name), 500, 0.05);
  const std::vector<int> signals = {SIGKILL, SIGKILL, SIGTERM};
  while (runs.go_on()) {
    const int signal = signals[draw(random, signals.size())];
    const Place place = draw_place(random);
    const std::string words = fmt::format("signal {} at {} millionths", signal, place.millionths);
    if (!runs.is_wanted(words)) continue;
    const std::uint64_t number = place.of(up + down);
    const bool to_server = number < up;
    const std::uint64_t at = to_server ? number : number - up;
    scene.reset();
    // The program is there before its first byte; who looks for it waits until we know its number.
    std::promise<Program*> started;
    std::shared_future<Program*> victim = started.get_future();
    scene.arm({.towards = to_server ? Towards::Server : Towards::Client,
               .at_byte = at,
               .kind = Fault::Kind::Call,
               .then = [victim, signal] { victim.get()->kill(signal); }});
    const auto program = start();
    started.set_value(program.get());
    program->ends_within(std::chrono::seconds(60));
    const bool happened = scene.happened();
    judge(runs, words, happened, *program, signal);
    scene.disarm();  // before the program goes: its number may be another's then
  }
}

INSTANTIATE_TEST_SUITE_P(Of, KilledAtAByte,
                         ::testing::Values(Case{"HttpToLocal", {Route::Http, Route::Local}},
                                           Case{"LocalToHttp", {Route::Local, Route::Http}}),
                         [](const ::testing::TestParamInfo<Case>& it) { return std::string(it.param.name); });

}  // namespace
}  // namespace packferry::testing
