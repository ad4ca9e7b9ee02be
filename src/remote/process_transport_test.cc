#include "remote/process_transport.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "io/process.h"
#include "remote/remote.h"
#include "testing/git_sandbox.h"
#include "testing/must.h"

namespace packferry {
namespace {

using testing::GitSandbox;
using ::testing::HasSubstr;
using testing::must;

constexpr Patience kPatience{
    .connect_ms = Milliseconds(30'000), .stall_ms = Milliseconds(30'000), .goodbye_ms = Milliseconds(5'000)};

Oid oid(std::string_view hex) { return must(Oid::parse(hex)); }
RefName name(std::string_view text) { return must(RefName::parse(text)); }

void write_script(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path) << "#!/bin/sh\n" << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// An ssh that writes down what it was called with and runs the command here, as a shell at the other end would.
class SshTest : public ::testing::Test {
 protected:
  GitSandbox git;

  SshTest() {
    write_script(git.path("ssh"), "printf '%s\\n' \"$@\" > " + git.path("arguments").string() +
                                      "\nprintf %s \"$GIT_PROTOCOL\" > " + git.path("protocol").string() +
                                      "\nfor command; do :; done\nexec sh -c \"$command\"\n");
  }

  std::unique_ptr<Remote> remote(const std::string& url, SshOptions options, int protocol = 2) {
    return std::make_unique<Remote>(
        make_ssh_transport(must(Url::parse(url)), std::move(options), git.environment(), kPatience), protocol);
  }
  SshOptions shim() const { return {.command = {}, .program = git.path("ssh").string(), .may_prompt = false}; }

  // An ssh that only complains.
  Result<Listing> list_with(const std::string& script) {
    write_script(git.path("broken-ssh"), script);
    const Patience patience{.stall_ms = kPatience.stall_ms, .goodbye_ms = Milliseconds(200)};
    const SshOptions options{.command = {}, .program = git.path("broken-ssh").string()};
    return Remote(make_ssh_transport(must(Url::parse("ssh://example.org/r")), options, git.environment(), patience))
        .list({}, {});
  }

  std::string arguments() const { return content(git.path("arguments")); }
};

TEST_F(SshTest, RunsTheServiceAtTheOtherEnd) {
  git.commit("r", "main", "one");
  const std::string path = git.path("r").string();
  const Listing listing = must(remote("ssh://ada@example.org:2222" + path, shim())->list({}, {}));
  EXPECT_EQ(listing.protocol, 2);
  EXPECT_EQ(listing.refs.size(), 1u);
  EXPECT_EQ(
      arguments(),
      "-o\nBatchMode=yes\n-o\nSendEnv=GIT_PROTOCOL\n-p\n2222\n--\nada@example.org\ngit-upload-pack '" + path + "'\n");
  EXPECT_EQ(content(git.path("protocol")), "version=2");
}

TEST_F(SshTest, AsksForTheOldProtocolByAskingForNone) {
  git.commit("r", "main", "one");
  const std::string url = "ssh://example.org" + git.path("r").string();
  EXPECT_EQ(must(remote(url, shim(), 0)->list({}, {})).protocol, 0);
  EXPECT_EQ(content(git.path("protocol")), "");
  must(remote(url, shim())->list_for_push({}));
  EXPECT_EQ(content(git.path("protocol")), "");
}

TEST_F(SshTest, MayPromptWhenThereIsSomeoneToAsk) {
  git.commit("r", "main", "one");
  SshOptions options = shim();
  options.may_prompt = true;
  must(remote("ssh://example.org" + git.path("r").string(), options)->list({}, {}));
  EXPECT_THAT(arguments(), Not(HasSubstr("BatchMode")));
}

TEST_F(SshTest, ACommandIsAShellSnippet) {
  git.commit("r", "main", "one");
  const SshOptions options{.command = "'" + git.path("ssh").string() + "' -i \"$HOME/a key\""};
  must(remote("ada@example.org:" + git.path("r").string(), options)->list({}, {}));
  EXPECT_THAT(arguments(), HasSubstr("-i\n" + git.path("a key").string() + "\n-o\nBatchMode=yes\n"));
}

TEST_F(SshTest, APathIsQuotedForTheShellAtTheOtherEnd) {
  const std::string nasty = "it's; $(touch " + git.path("gotcha").string() + ") `x` !!\"\\ *";
  const std::string path = git.path(nasty).string();
  git.commit("r", "main", "one");
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::filesystem::rename(git.path("r"), path);
  EXPECT_EQ(must(remote("ada@example.org:" + path, shim())->list({}, {})).refs.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(git.path("gotcha")));
}

TEST_F(SshTest, AHomeDirectoryIsNamedAsInGit) {
  (void)remote("ssh://example.org/~ada/x", shim())->list({}, {}).has_value();
  EXPECT_THAT(arguments(), HasSubstr("git-upload-pack '~ada/x'\n"));
  (void)remote("example.org:app/web.git", shim())->list({}, {}).has_value();
  EXPECT_THAT(arguments(), HasSubstr("git-upload-pack 'app/web.git'\n"));
}

TEST_F(SshTest, CarriesARepository) {
  const Oid tip = oid(git.commit("from", "main", "one"));
  git.init("to");
  auto pack = must(remote("ssh://h" + git.path("from").string(), shim())->fetch({.wants = {tip}}, nullptr, {}));
  const auto to = remote("ssh://h" + git.path("to").string(), shim());
  auto push = must(to->push({.updates = {{name("refs/heads/main"), Oid(), tip}}}, nullptr, {}));
  must(pump(*pack, *push));
  must(push->finish());
  EXPECT_TRUE(push->report().refs.at(0).ok);
  EXPECT_EQ(git.git("from", {"for-each-ref"}), git.git("to", {"for-each-ref"}));
}

TEST_F(SshTest, FailuresComeWithTheirWordsAndARemedy) {
  const struct {
    const char* script;
    ErrorKind kind;
    const char* words;
  } cases[] = {
      {"echo 'Host key verification failed.' >&2; exit 255", ErrorKind::Denied, "known_hosts"},
      {"echo '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @' >&2; exit 255", ErrorKind::Denied, "right host"},
      {"echo 'ada@h: Permission denied (publickey).' >&2; exit 255", ErrorKind::Denied, "ssh-agent"},
      {"echo 'ssh: connect to host h port 22: Connection refused' >&2; exit 255", ErrorKind::Unavailable,
       "Connection refused"},
      {"echo 'ERROR: Repository not found.' >&2; exit 1", ErrorKind::NotFound, "check the path"},
      {"echo 'sh: git-upload-pack: command not found' >&2; exit 127", ErrorKind::Invalid, "installed"},
      {"printf 'oh\\033[2Jno' >&2; exit 3", ErrorKind::Unavailable, "oh\\x1b[2Jno' (exit status 3)"},
      {"printf '@@@@\\r\\n\\r\\nlast\\r\\n' >&2; exit 3", ErrorKind::Unavailable, "'@@@@; last'"},
      {"echo 'read-only key' >&2; exit 77", ErrorKind::Denied, "one that may write"},
      {"exit 4", ErrorKind::Unavailable, "exit status 4"},
      {"echo 'one moment' >&2; exec >&-; exec sleep 1000", ErrorKind::Unavailable, "one moment"},
      {"kill -9 $$", ErrorKind::Unavailable, "exit status 137"},
      {"exit 0", ErrorKind::Unavailable, "hung up"},
      {"echo 'Welcome to h!'", ErrorKind::Corrupt, "Welc"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.script);
    EXPECT_FAILS(list_with(c.script), c.kind, c.words);
  }
  EXPECT_FAILS(remote("ssh://h/r", {.command = {}, .program = "no-such-ssh"})->list({}, {}), ErrorKind::NotFound,
               "no-such-ssh");
}

TEST_F(SshTest, AServiceThatIsNotUsedLeavesInPeace) {
  git.commit("r", "main", "one");
  write_script(git.path("ssh"),
               "for command; do :; done\nsh -c \"$command\"\necho $? >> " + git.path("statuses").string() + "\n");
  const std::string url = "ssh://h" + git.path("r").string();
  must(remote(url, shim())->list({}, {}));
  must(remote(url, shim(), 0)->list({}, {}));
  must(remote(url, shim())->list_for_push({}));
  EXPECT_EQ(content(git.path("statuses")), "0\n0\n0\n");
}

TEST(LocalTransport, ARelativePathIsNoOption) {
  GitSandbox git;
  Remote remote(make_local_transport(must(Url::parse("./--upload-pack=x")), git.environment(), kPatience));
  EXPECT_FAILS(remote.list({}, {}), ErrorKind::NotFound, "/--upload-pack=x");
}

TEST(LocalTransport, ADamagedRepositoryGivesNoPack) {
  GitSandbox git;
  git.commit("r", "main", "one");
  const Oid tip = oid(git.commit("r", "main", "two"));
  // Without the tree of the first commit there is no pack.
  const std::string tree = git.git("r", {"rev-parse", "main~1^{tree}"});
  std::filesystem::remove(git.path("r") / "objects" / tree.substr(0, 2) / tree.substr(2));
  Remote remote(make_local_transport(must(Url::parse(git.path("r").string())), git.environment(), kPatience));
  auto pack = remote.fetch({.wants = {tip}}, nullptr, {});
  Result<std::vector<std::byte>> bytes =
      pack ? read_all(**pack, 1 << 20) : Result<std::vector<std::byte>>(pack.error());
  ASSERT_FALSE(bytes);
  EXPECT_THAT(bytes.error().message(), HasSubstr("repository corruption"));
}

// A real `git daemon` on a port that was free a moment ago.
class DaemonTest : public ::testing::Test {
 protected:
  GitSandbox git;
  std::uint16_t port = 0;
  std::unique_ptr<Process> daemon;

  void SetUp() override {
    for (int attempt = 0; attempt < 10 && !daemon; ++attempt) start();
    ASSERT_TRUE(daemon) << "git daemon does not start";
  }

  static int loopback_socket(std::uint16_t wanted, sockaddr_in& address) {
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(wanted);
    return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  }

  static std::uint16_t free_port() {
    sockaddr_in address;
    socklen_t size = sizeof address;
    const int socket = loopback_socket(0, address);
    CHECK(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(socket);
    return ntohs(address.sin_port);
  }

  bool answers() const {
    sockaddr_in address;
    const int socket = loopback_socket(port, address);
    const bool connected = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    return connected;
  }

  void start() {
    port = free_port();
    ProcessOptions options{.argv = {"git", "daemon", "--reuseaddr", "--listen=127.0.0.1", "--export-all",
                                    "--port=" + std::to_string(port), "--base-path=" + git.path("").string()},
                           .environment = git.environment(),
                           .directory = {}};
    daemon = must(Process::start(std::move(options), {.goodbye_ms = Milliseconds(100)}, {}));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      if (answers()) return;
      std::this_thread::yield();
    }
    daemon.reset();
  }

  std::unique_ptr<Remote> remote(std::string_view repository, int protocol = 2) {
    const std::string url = "git://127.0.0.1:" + std::to_string(port) + "/" + std::string(repository);
    return std::make_unique<Remote>(make_tcp_transport(must(Url::parse(url)), kPatience), protocol);
  }
};

TEST_F(DaemonTest, ListsAndFetchesInBothProtocols) {
  const Oid old = oid(git.commit("r", "main", "one"));
  const Oid tip = oid(git.commit("r", "main", "two"));
  for (const int protocol : {2, 0}) {
    const auto r = remote("r", protocol);
    const Listing listing = must(r->list({}, {}));
    EXPECT_EQ(listing.protocol, protocol);
    EXPECT_EQ(listing.head.oid, tip);
    EXPECT_EQ(must(r->fetch({.wants = {tip}, .haves = {old}}, nullptr, {}))->object_count(), 3u);
  }
}

TEST_F(DaemonTest, WhatIsNotThereIsSaidInTheDaemonsWords) {
  EXPECT_FAILS(remote("nowhere")->list({}, {}), ErrorKind::Denied, "access denied or repository not exported");
}

TEST_F(DaemonTest, IsForReading) {
  git.commit("r", "main", "one");
  EXPECT_FAILS(remote("r")->list_for_push({}), ErrorKind::Unsupported, "git:// is for reading");
}

TEST_F(DaemonTest, AHostThatIsAwayIsUnavailable) {
  daemon.reset();
  EXPECT_FAILS(remote("r")->list({}, {}), ErrorKind::Unavailable, "127.0.0.1");
}

}  // namespace
}  // namespace packferry
