#include "io/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

constexpr Patience kPatient{.stall_ms = Milliseconds(60'000)};
constexpr Patience kHasty{.stall_ms = Milliseconds(1)};

struct Ends {
  Fd a;
  Fd b;
};

Ends socket_pair() {
  std::array<int, 2> fds{};
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

Ends pipe_ends() {
  std::array<int, 2> fds{};
  CHECK(::pipe2(fds.data(), O_CLOEXEC) == 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

// One side of a conversation over a socket; the other side is in the hands of the test.
struct SocketChannel {
  explicit SocketChannel(Patience patience = kPatient, std::stop_token stop = {}) {
    Ends ends = socket_pair();
    theirs = std::move(ends.b);
    const int ours = ends.a.release();
    channel.emplace(ours, ours, "peer", patience, std::move(stop));
  }
  void they_say(std::string_view text) { must(write_fully(theirs.get(), as_bytes(text), "test")); }

  Fd theirs;
  std::optional<Channel> channel;
};

std::string all_of(int fd) {
  std::string text;
  std::vector<std::byte> block(kBlockBytes);
  while (const std::size_t count = must(read_some(fd, block, "test"))) text += as_text(std::span(block).first(count));
  return text;
}

TEST(Channel, CarriesBytesBothWays) {
  SocketChannel it;
  must(it.channel->write(as_bytes("question")));
  it.channel->close_write();
  EXPECT_EQ(all_of(it.theirs.get()), "question");
  it.they_say("answer");
  it.theirs.reset();
  EXPECT_EQ(as_text(must(read_all(*it.channel, 100))), "answer");
}

TEST(Channel, EndsForGood) {
  SocketChannel it;
  it.theirs.reset();
  std::array<std::byte, 4> into{};
  EXPECT_EQ(must(it.channel->read(into)), 0u);
  EXPECT_EQ(must(it.channel->read(into)), 0u);
}

TEST(Channel, ClosesItsWritingPipeOnceOnly) {
  Ends there = pipe_ends();
  Ends back = pipe_ends();
  Channel channel(back.a.release(), there.b.release(), "child", kPatient, {});
  must(channel.write(as_bytes("x")));
  channel.close_write();
  channel.close_write();
  EXPECT_EQ(all_of(there.a.get()), "x");
  back.b.reset();
  EXPECT_EQ(must(read_all(channel, 1)).size(), 0u);
}

TEST(Channel, KeepsWhatArrivesWhileItWrites) {
  // The other side says all it has before it listens, more than a socket holds, as we do: without the buffer both
  // would wait for ever.
  SocketChannel it;
  const std::string question(4 * 1024 * 1024, 'q');
  const std::string answer(3 * 1024 * 1024, 'a');
  std::string heard;
  std::jthread other([&] {
    it.they_say(answer);
    heard = all_of(it.theirs.get());
    it.theirs.reset();
  });
  must(it.channel->write(as_bytes(question)));
  std::vector<std::byte> some(5);
  must(read_exactly(*it.channel, some));
  must(it.channel->write(as_bytes(question)));
  it.channel->close_write();
  EXPECT_EQ(must(read_all(*it.channel, answer.size())).size(), answer.size() - some.size());
  other.join();
  EXPECT_EQ(heard.size(), 2 * question.size());
}

TEST(Channel, RefusesAPeerThatOnlyTalks) {
  SocketChannel it;
  const std::jthread other([&] {
    const std::string much(1024 * 1024, 'x');
    while (::send(it.theirs.get(), much.data(), much.size(), MSG_NOSIGNAL) > 0) continue;
  });
  const std::string question(64 * 1024 * 1024, 'q');
  EXPECT_FAILS(it.channel->write(as_bytes(question)), ErrorKind::Corrupt, "peer: said more than");
  it.channel.reset();
}

TEST(Channel, StillReadsWhatAPeerSaidBeforeItClosed) {
  Ends there = pipe_ends();
  Ends back = pipe_ends();
  Channel channel(back.a.release(), there.b.release(), "child", kPatient, {});
  must(write_fully(back.b.get(), as_bytes("no such repository"), "test"));
  there.a.reset();
  back.b.reset();
  EXPECT_FAILS(channel.write(as_bytes("want")), ErrorKind::Unavailable, "child: write: Broken pipe");
  EXPECT_EQ(as_text(must(read_all(channel, 100))), "no such repository");
}

TEST(Channel, LeavesSigpipeAsItWas) {
  // Its default action would end this test.
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &before), 0);
  ::signal(SIGPIPE, SIG_DFL);
  Ends there = pipe_ends();
  Ends back = pipe_ends();
  Channel channel(back.a.release(), there.b.release(), "child", kPatient, {});
  there.a.reset();
  EXPECT_FAILS(channel.write(as_bytes("x")), ErrorKind::Unavailable, "Broken pipe");

  sigset_t mask;
  sigset_t pending;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &mask), 0);
  ASSERT_EQ(sigpending(&pending), 0);
  EXPECT_EQ(sigismember(&mask, SIGPIPE), 0);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST(Channel, IsUnavailableWhenThePeerSaysNothing) {
  SocketChannel it(kHasty);
  std::array<std::byte, 4> into{};
  EXPECT_FAILS(it.channel->read(into), ErrorKind::Unavailable, "peer: no progress for 1 ms");
}

TEST(Channel, IsUnavailableWhenThePeerDoesNotListen) {
  SocketChannel it(kHasty);
  const std::string question(16 * 1024 * 1024, 'q');
  EXPECT_FAILS(it.channel->write(as_bytes(question)), ErrorKind::Unavailable, "peer: no progress for 1 ms");
}

TEST(Channel, IsCancelledWhileItWaits) {
  std::stop_source source;
  SocketChannel it(kPatient, source.get_token());
  const std::jthread stopper([&] { source.request_stop(); });
  std::array<std::byte, 4> into{};
  EXPECT_FAILS(it.channel->read(into), ErrorKind::Cancelled, "peer: asked to stop");
}

TEST(Channel, IsCancelledByAStopEvenWhenItNeedNotWait) {
  std::stop_source source;
  SocketChannel it(kPatient, source.get_token());
  it.they_say("x");
  source.request_stop();
  std::array<std::byte, 4> into{};
  EXPECT_FAILS(it.channel->read(into), ErrorKind::Cancelled, "peer: asked to stop");
  EXPECT_FAILS(it.channel->write(as_bytes("x")), ErrorKind::Cancelled, "peer: asked to stop");
}

TEST(Channel, SaysGoodbyeAfterAStop) {
  std::stop_source source;
  SocketChannel it(kPatient, source.get_token());
  source.request_stop();
  it.channel->hurry(Milliseconds(1));
  it.they_say("unpack error");
  must(it.channel->write(as_bytes("0000")));
  std::array<std::byte, 100> into{};
  EXPECT_EQ(must(it.channel->read(into)), 12u);
  EXPECT_FAILS(it.channel->read(into), ErrorKind::Unavailable, "no progress for 1 ms");
}

TEST(Channel, IsUnavailableWhenTheConnectionIsReset) {
  // A socket that is closed with unread bytes resets the connection.
  SocketChannel it;
  must(it.channel->write(as_bytes("unread")));
  it.theirs.reset();
  std::array<std::byte, 4> into{};
  EXPECT_FAILS(it.channel->read(into), ErrorKind::Unavailable, "peer: read: Connection reset");
}

}  // namespace
}  // namespace packferry
