#include "io/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;
using testing::TempDir;

const std::vector<std::string> kEnvironment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"};
constexpr std::size_t kPlenty = 64 * 1024 * 1024;

ProcessOptions shell(std::string script) {
  return {.argv = {"sh", "-c", std::move(script)}, .environment = kEnvironment, .directory = {}};
}

Result<ProcessOutput> run(ProcessOptions options, std::string_view input = "", std::size_t output_bytes_max = kPlenty) {
  return run_process(std::move(options), input, output_bytes_max, Patience{}, {});
}

// Reads one line, and so knows that the child has come so far.
std::string line_of(Process& process) {
  std::string line;
  std::byte next{};
  while (true) {
    must(read_exactly(process.channel(), {&next, 1}));
    if (next == std::byte{'\n'}) return line;
    line += static_cast<char>(next);
  }
}

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }

TEST(Process, AnswersOnStandardOutput) {
  const ProcessOutput output = must(run(shell("cat; echo done >&2; exit 3"), "in and out"));
  EXPECT_EQ(output.output, "in and out");
  EXPECT_EQ(output.exit.code, 3);
  EXPECT_EQ(output.exit.stderr_text, "done\n");
}

TEST(Process, HasTheGivenEnvironmentAndNothingElse) {
  ::setenv("PACKFERRY_TEST_SECRET", "x", 1);
  const ProcessOutput output = must(run({.argv = {"/usr/bin/env"}, .environment = {"ONLY=this"}, .directory = {}}));
  ::unsetenv("PACKFERRY_TEST_SECRET");
  EXPECT_EQ(output.output, "ONLY=this\n");
}

TEST(Process, RunsInTheGivenDirectory) {
  const TempDir directory;
  ProcessOptions options = shell("pwd -P");
  options.directory = directory.path();
  EXPECT_EQ(must(run(options)).output, std::filesystem::canonical(directory.path()).string() + "\n");
}

TEST(Process, LooksItsProgramUpInTheGivenPath) {
  const TempDir directory;
  std::filesystem::create_symlink("/bin/echo", directory / "speak");
  std::filesystem::create_directory(directory / "folder");
  const std::string path = "PATH=/nonexistent:" + directory.path().string();
  EXPECT_EQ(must(run({.argv = {"speak", "up"}, .environment = {path}, .directory = {}})).output, "up\n");
  for (const std::string name : {"sh", "folder", "missing"})
    EXPECT_FAILS(run({.argv = {name}, .environment = {path}, .directory = {}}), ErrorKind::NotFound, "'" + name + "'");
  EXPECT_FAILS(run({.argv = {"sh"}, .environment = {}, .directory = {}}), ErrorKind::NotFound, "not in the PATH");
}

TEST(Process, DoesNotLookInTheCurrentDirectory) {
  const TempDir directory;
  std::filesystem::create_symlink("/bin/echo", directory / "speak");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  for (const std::string path : {"PATH=", "PATH=.", "PATH=:/nonexistent", "PATH=/nonexistent:"})
    EXPECT_FAILS(run({.argv = {"speak"}, .environment = {path}, .directory = {}}), ErrorKind::NotFound, "speak");
  std::filesystem::current_path(before);
}

TEST(Process, SaysWhyItDoesNotStart) {
  const TempDir directory;
  must(run(shell("echo text > '" + (directory / "plain").string() + "'")));
  EXPECT_FAILS(run({.argv = {directory / "plain"}, .environment = {}, .directory = {}}), ErrorKind::Denied, "plain");
  EXPECT_FAILS(run({.argv = {directory / "none"}, .environment = {}, .directory = {}}), ErrorKind::NotFound, "none");
  std::filesystem::permissions(directory / "plain", std::filesystem::perms::owner_all);
  EXPECT_FAILS(run({.argv = {directory / "plain"}, .environment = {}, .directory = {}}), ErrorKind::Invalid, "plain");
  ProcessOptions nowhere = shell("true");
  nowhere.directory = directory / "nowhere";
  EXPECT_FAILS(run(nowhere), ErrorKind::NotFound, "nowhere': No such file");
}

TEST(Process, GetsNoDescriptorOfOurs) {
  const Fd leaky(::open("/dev/null", O_RDONLY));
  ASSERT_TRUE(leaky);
  // The one that ls reads the folder with comes on top.
  EXPECT_EQ(must(run({.argv = {"ls", "/proc/self/fd"}, .environment = kEnvironment, .directory = {}})).output,
            "0\n1\n2\n3\n");
}

TEST(Process, StartsWithTheUsualSignals) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
  const auto ignored_before = ::signal(SIGPIPE, SIG_IGN);
  const ProcessOutput output = must(run(shell("kill -PIPE $$; echo survived")));
  ::signal(SIGPIPE, ignored_before);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  EXPECT_EQ(output.exit.code, 128 + SIGPIPE);
  EXPECT_EQ(output.output, "");
}

TEST(Process, IsAGroupOfItsOwnUnlessItTalksToThePerson) {
  const std::string ours = std::to_string(::getpgrp());
  ProcessOptions options = shell("cut -d' ' -f5 /proc/$$/stat");
  EXPECT_NE(must(run(options)).output, ours + "\n");
  options.inherit_stderr = true;
  EXPECT_EQ(must(run(options)).output, ours + "\n");
  options.inherit_stderr = false;
  options.show_stderr = true;
  EXPECT_EQ(must(run(options)).output, ours + "\n");
}

TEST(Process, ShowsWhatAChildSaysAndMakesItHarmless) {
  ProcessOptions options = shell("printf '\\033]0;title\\007\\r\\nPassword: ' >&2");
  options.show_stderr = true;
  ::testing::internal::CaptureStderr();
  const ProcessOutput output = must(run(options));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "\\x1b]0;title\\x07\nPassword: ");
  EXPECT_EQ(output.exit.stderr_text, "\x1b]0;title\x07\r\nPassword: ");
}

TEST(Process, MayFloodStandardErrorWhileWeReadStandardOutput) {
  const ProcessOutput output = must(run(shell("head -c 8000000 /dev/zero | tr '\\0' e >&2; echo last >&2; echo out")));
  EXPECT_EQ(output.output, "out\n");
  EXPECT_EQ(output.exit.stderr_text.size(), 16u * 1024);
  EXPECT_TRUE(output.exit.stderr_text.ends_with("eeelast\n"));
}

TEST(Process, MayBothTalkAndListenMuch) {
  const std::string much(8 * 1024 * 1024, 'x');
  EXPECT_EQ(must(run({.argv = {"cat"}, .environment = kEnvironment, .directory = {}}, much)).output.size(),
            much.size());
}

TEST(Process, NeedNotReadItsInput) {
  const std::string much(8 * 1024 * 1024, 'x');
  const ProcessOutput output = must(run(shell("echo no; exit 7"), much));
  EXPECT_EQ(output.exit.code, 7);
  EXPECT_EQ(output.output, "no\n");
}

TEST(Process, IsStoppedWhenItSaysTooMuch) {
  EXPECT_FAILS(run(shell("exec cat /dev/zero"), "", 1000), ErrorKind::Exhausted, "1000 bytes");
  EXPECT_FALSE(has_children());
}

TEST(Process, ReportsTheSignalThatEndedIt) { EXPECT_EQ(must(run(shell("kill -KILL $$"))).exit.code, 128 + SIGKILL); }

TEST(Process, IsWaitedForOnceAndRemembersTheAnswer) {
  const auto process = must(Process::start(shell("echo words >&2; exit 5"), Patience{}, {}));
  EXPECT_EQ(must(process->wait()).code, 5);
  EXPECT_EQ(must(process->wait()).code, 5);
  EXPECT_EQ(process->stderr_text(), "words\n");
  EXPECT_FALSE(has_children());
}

TEST(Process, IsNotHeldUpByAGrandchildThatKeepsStandardError) {
  // As a shared ssh connection does. The grandchild is in the group, so that this test leaves nothing behind.
  const auto process = must(Process::start(shell("sleep 1000 & echo $!; echo words >&2"), Patience{}, {}));
  const pid_t grandchild = std::stoi(line_of(*process));
  EXPECT_EQ(must(process->wait()).stderr_text, "words\n");
  EXPECT_EQ(::kill(grandchild, SIGKILL), 0);
}

TEST(Process, ThatDoesNotEndIsUnavailableAndKilled) {
  const Patience hasty{.stall_ms = Milliseconds(1), .goodbye_ms = Milliseconds(1)};
  const auto process = must(Process::start(shell("exec sleep 1000"), hasty, {}));
  EXPECT_FAILS(process->wait(), ErrorKind::Unavailable, "sh: wait for its end: no progress");
  EXPECT_FALSE(has_children());
  EXPECT_FAILS(process->wait(), ErrorKind::Unavailable, "sh: wait for its end: no progress");
}

TEST(Process, IsCancelledAndKilledByAStop) {
  std::stop_source source;
  const auto process = must(Process::start(shell("exec sleep 1000"), Patience{}, source.get_token()));
  const std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FAILS(process->wait(), ErrorKind::Cancelled, "asked to stop");
  EXPECT_FALSE(has_children());
}

TEST(Process, EndsByItselfWhenItsPipesAreClosed) {
  // A `cat` ends at the end of its input. It is given so much patience that force would make this test time out.
  const Patience patient{.goodbye_ms = Milliseconds(600'000)};
  must(Process::start({.argv = {"cat"}, .environment = kEnvironment, .directory = {}}, patient, {})).reset();
  must(Process::start(shell("exec cat /dev/zero"), patient, {})).reset();
  EXPECT_FALSE(has_children());
}

TEST(Process, IsAskedAndThenKilledWithItsWholeGroup) {
  // Every member of the group holds the fifo open, so that reading it ends when none is left.
  const TempDir directory;
  const std::filesystem::path fifo = directory / "alive";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const Fd alive(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const Patience hasty{.goodbye_ms = Milliseconds(1)};
  auto process = must(Process::start(
      shell("exec 3> '" + fifo.string() + "'; trap '' TERM PIPE; sleep 1000 & echo ready; wait"), hasty, {}));
  EXPECT_EQ(line_of(*process), "ready");

  process.reset();
  EXPECT_FALSE(has_children());
  ASSERT_EQ(::fcntl(alive.get(), F_SETFL, 0), 0);
  std::array<std::byte, 1> into{};
  EXPECT_EQ(must(read_some(alive.get(), into, "fifo")), 0u);
}

TEST(Process, IsReportedLostWhenThisProgramIgnoresItsChildren) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  const auto result = run({.argv = {"cat"}, .environment = kEnvironment, .directory = {}});  // ends when we let it
  ::signal(SIGCHLD, before);
  EXPECT_FAILS(result, ErrorKind::Unavailable, "exit status: No child processes");
}

}  // namespace
}  // namespace packferry
