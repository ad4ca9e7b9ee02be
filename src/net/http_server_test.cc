#include "net/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "io/fd.h"
#include "net/http_question.h"
#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::must;
using ::testing::Not;
using ::testing::StartsWith;

// A client that sends what no decent client sends, or stops in the middle. What it waits for comes from the server.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  // False when the server has closed the connection.
  bool say(std::string_view bytes) const {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // Waits until `text` was heard, or the connection was closed; what was heard meanwhile.
  std::string hear(std::string_view text) {
    std::string heard;
    char c = 0;
    while (!heard.ends_with(text) && ::recv(socket_.get(), &c, 1, 0) == 1) heard += c;
    return heard;
  }
  // Waits until the server closes the connection, and then closes it as well.
  std::string hear_all() {
    std::string heard;
    std::vector<char> block(1 << 16);
    for (ssize_t size = 0; (size = ::recv(socket_.get(), block.data(), block.size(), 0)) > 0;)
      heard.append(block.data(), static_cast<std::size_t>(size));
    socket_.reset();
    return heard;
  }

 private:
  Fd socket_;
};

// Says what it was asked. "/wait" is answered when the test says so, or when it is told to stop.
class Echo final : public HttpHandler {
 public:
  HttpReply handle(const ReceivedRequest& request, std::stop_token stop) override {
    if (request.path == "/throw") throw std::runtime_error("planted");
    if (request.path == "/wait") {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      if (!changed_.wait(lock, stop, [this] { return released_; })) return plain_reply(503, "stopped");
    }
    return plain_reply(
        200, fmt::format("{} {} {} {} '{}'", request.peer, request.method, request.path, request.query, request.body));
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void wait_for_requests(unsigned count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool released_ = false;
  unsigned waiting_ = 0;
};

class HttpServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(::setenv("no_proxy", "*", 1), 0); }
  ~HttpServerTest() override { stop(); }

  void serve(HttpServerOptions options = {}) {
    server_ = must(HttpServer::open(std::move(options), clock_, log_));
    serving_ = std::jthread([this](std::stop_token stop) { server_->serve(echo_, stop); });
  }
  void serve(HttpServerLimits limits) { serve(HttpServerOptions{.limits = limits}); }
  void stop() {
    if (!serving_.joinable()) return;
    serving_.request_stop();
    serving_.join();
  }
  RawClient connect() const { return RawClient(server_->port()); }
  static std::string get(std::string_view path) { return fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path); }
  Result<HttpAnswer> ask(HttpRequest request, std::string_view body = {}) {
    return ask_http(client_, std::move(request), body, 10 << 20, {});
  }
  HttpRequest request(std::string method, std::string_view path) const {
    return {.method = std::move(method),
            .url = must(Url::parse(fmt::format("http://127.0.0.1:{}{}", server_->port(), path))),
            .headers = {}};
  }

  FakeClock clock_;
  NullLog log_;
  Echo echo_;
  HttpClient client_{{.user_agent = "packferry/test", .ca_file = {}, .patience = {}}};
  std::unique_ptr<HttpServer> server_;
  std::jthread serving_;
};

TEST_F(HttpServerTest, AnswersWhatCurlAsks) {
  serve();
  EXPECT_EQ(must(ask(request("GET", "/a%20b?c=d"))).body, "127.0.0.1 GET /a%20b c=d ''\n");
  EXPECT_EQ(must(ask(request("DELETE", "/a"))).body, "127.0.0.1 DELETE /a  ''\n");
  EXPECT_EQ(must(ask(request("POST", "/"), "body")).body, "127.0.0.1 POST /  'body'\n");
  const HttpAnswer head = must(ask(request("HEAD", "/")));
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.response.header("content-length"), "21");
  EXPECT_EQ(head.response.date(), clock_.now());

  HttpRequest chunked = request("POST", "/");
  chunked.body = HttpRequest::Body::Chunked;
  const auto exchange = must(client_.start(std::move(chunked), {}));
  must(exchange->write(as_bytes("in ")));
  must(exchange->write(as_bytes("pieces")));
  must(exchange->end_request());
  must(exchange->response());
  EXPECT_EQ(as_text(must(read_all(*exchange, 1000))), "127.0.0.1 POST /  'in pieces'\n");
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrderOnOneConnection) {
  serve({.requests_per_connection_max = 3});
  RawClient client = connect();
  ASSERT_TRUE(
      client.say(get("/1") + "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ntwo" + get("/3") + get("/4")));
  EXPECT_THAT(client.hear("GET /1  ''\n"), Not(HasSubstr("close")));
  EXPECT_THAT(client.hear("POST /2  'two'\n"), Not(HasSubstr("close")));
  const std::string last = client.hear_all();
  EXPECT_THAT(last, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(last, EndsWith("GET /3  ''\n"));
}

TEST_F(HttpServerTest, SendsContinueToThoseWhoWaitForIt) {
  serve();
  RawClient client = connect();
  ASSERT_TRUE(client.say("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.hear("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.say("ok"));
  EXPECT_THAT(client.hear("'ok'\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  // Not, where the answer is no already.
  ASSERT_TRUE(client.say("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n"));
  EXPECT_THAT(client.hear_all(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, RefusesAndHangsUpAndIsHeardByAClientThatWasStillSending) {
  serve();
  const struct {
    std::string bytes;
    std::string_view status;
  } cases[] = {
      {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
      {get("/?" + std::string(100'000, 'x')), "HTTP/1.1 431 "},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n" + std::string(1 << 20, 'x'), "HTTP/1.1 413 "},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + std::string(2 << 20, 'x'),
       "HTTP/1.1 413 "},
  };
  for (const auto& [bytes, status] : cases) {
    RawClient client = connect();
    EXPECT_TRUE(client.say(bytes));
    EXPECT_THAT(client.hear_all(), StartsWith(status));
  }
  EXPECT_EQ(must(ask(request("POST", "/"), std::string(1 << 20, 'x'))).response.status, 200);
}

TEST_F(HttpServerTest, HangsUpOnWhoIsSlow) {
  const Milliseconds soon(50);
  serve({.idle = soon, .head = soon, .body = soon});
  const std::string_view starts[] = {"",                       // connects and says nothing
                                     "GET / HTTP/1.1\r\nHos",  // slow headers
                                     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234"};  // a slow body
  for (const std::string_view start : starts) {
    RawClient client = connect();
    ASSERT_TRUE(client.say(start));
    EXPECT_EQ(client.hear_all(), "");
  }
  // Every byte is progress, and does not help: the headers have a deadline.
  RawClient dripping = connect();
  ASSERT_TRUE(dripping.say("GET / HTTP/1.1\r\nHost: h\r\nX: "));
  while (dripping.say("x")) std::this_thread::yield();
  // Nor does an answered request, when no other follows.
  RawClient silent = connect();
  ASSERT_TRUE(silent.say(get("/")));
  EXPECT_THAT(silent.hear_all(), EndsWith("''\n"));
}

TEST_F(HttpServerTest, HangsUpOnWhoDoesNotListen) {
  constexpr std::size_t kMoreThanTheKernelTakes = 32 << 20;
  serve({.message = {.body_bytes_max = kMoreThanTheKernelTakes}, .reply = Milliseconds(50)});
  RawClient deaf = connect();
  ASSERT_TRUE(
      deaf.say(fmt::format("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", kMoreThanTheKernelTakes)));
  ASSERT_TRUE(deaf.say(std::string(kMoreThanTheKernelTakes, 'x')));
  stop();
  EXPECT_LT(deaf.hear_all().size(), kMoreThanTheKernelTakes);
}

TEST_F(HttpServerTest, SaysSoWhenTooManyWait) {
  serve({.handlers = 1, .waiting_max = 0});
  RawClient first = connect();
  RawClient second = connect();
  ASSERT_TRUE(first.say(get("/wait")));
  echo_.wait_for_requests(1);
  ASSERT_TRUE(second.say(get("/2")));
  const std::string overloaded = second.hear("waiting\n");
  EXPECT_THAT(overloaded, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(overloaded, HasSubstr("Retry-After: 1\r\n"));
  echo_.release();
  EXPECT_THAT(first.hear("''\n"), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, AThrowingHandlerIsAnInternalErrorAndNothingElse) {
  serve();
  const HttpAnswer answer = must(ask(request("GET", "/throw")));
  EXPECT_EQ(answer.response.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("planted")));
  EXPECT_EQ(must(ask(request("GET", "/"))).response.status, 200);
}

TEST_F(HttpServerTest, LetsMoreClientsWaitUntilOneLeaves) {
  serve({.connections_max = 2});
  auto first = std::make_unique<RawClient>(connect());
  RawClient second = connect();
  ASSERT_TRUE(first->say(get("/")));
  ASSERT_TRUE(second.say(get("/")));
  first->hear("''\n");
  second.hear("''\n");
  RawClient third = connect();
  ASSERT_TRUE(third.say(get("/third")));
  ASSERT_TRUE(second.say(get("/second")));
  EXPECT_THAT(second.hear("''\n"), HasSubstr("/second"));
  first.reset();
  EXPECT_THAT(third.hear("''\n"), HasSubstr("/third"));
}

TEST_F(HttpServerTest, ServesManyClientsAtOnce) {
  serve({.waiting_max = 8 * 16});
  std::vector<std::jthread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, &answered] {
      std::vector<std::unique_ptr<RawClient>> clients;
      for (int j = 0; j < 16; ++j) clients.push_back(std::make_unique<RawClient>(connect()));
      for (int round = 0; round < 5; ++round) {
        for (const auto& client : clients) EXPECT_TRUE(client->say(get("/")));
        for (const auto& client : clients) answered += client->hear("''\n").starts_with("HTTP/1.1 200 ") ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(answered, 8 * 16 * 5);
}

TEST_F(HttpServerTest, FinishesWhatHasBegunBeforeItStops) {
  serve();
  RawClient busy = connect();
  RawClient idle = connect();
  ASSERT_TRUE(idle.say(get("/")));
  idle.hear("''\n");
  ASSERT_TRUE(busy.say(get("/wait")));
  echo_.wait_for_requests(1);
  serving_.request_stop();
  EXPECT_EQ(idle.hear_all(), "");  // closed at once
  echo_.release();
  const std::string answer = busy.hear_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("GET /wait  ''\n"));
  stop();
}

TEST_F(HttpServerTest, DoesNotWaitForEver) {
  serve({.drain = Milliseconds(50)});
  RawClient busy = connect();
  RawClient half = connect();
  ASSERT_TRUE(half.say("GET / HTTP/1.1\r\n"));
  ASSERT_TRUE(busy.say(get("/wait")));
  echo_.wait_for_requests(1);
  stop();
  EXPECT_EQ(busy.hear_all(), "");
  EXPECT_EQ(half.hear_all(), "");
}

TEST_F(HttpServerTest, StopsBeforeItHasBegun) {
  server_ = must(HttpServer::open({}, clock_, log_));
  RawClient early = connect();
  ASSERT_TRUE(early.say(get("/")));
  std::stop_source stopped;
  stopped.request_stop();
  server_->serve(echo_, stopped.get_token());
  server_.reset();
  EXPECT_EQ(early.hear_all(), "");
}

TEST_F(HttpServerTest, ListensWhereItIsTold) {
  serve();
  EXPECT_FAILS(HttpServer::open({.port = server_->port()}, clock_, log_), ErrorKind::Conflict, "in use");
  EXPECT_FAILS(HttpServer::open({.address = "localhost"}, clock_, log_), ErrorKind::Invalid, "no IP address");
  EXPECT_FAILS(HttpServer::open({.address = "192.0.2.1"}, clock_, log_), ErrorKind::Invalid, "no such address");
}

class HttpServerTlsTest : public HttpServerTest {
 protected:
  void SetUp() override {
    const std::string command = fmt::format(
        "cd '{}' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out "
        "cert.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null && openssl "
        "ecparam -name prime256v1 -genkey -noout -out other.pem 2>/dev/null",
        directory_.path().string());
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  std::string file(const char* name) const { return (directory_ / name).string(); }
  HttpServerOptions tls() const {
    return {.certificate_file = file("cert.pem"), .key_file = file("key.pem"), .limits = {}};
  }

  testing::TempDir directory_;
};

TEST_F(HttpServerTlsTest, IsTheSameWithACertificate) {
  serve(tls());
  HttpClient client({.user_agent = "packferry/test", .ca_file = file("cert.pem"), .patience = {}});
  const std::string url = fmt::format("https://127.0.0.1:{}/secret", server_->port());
  for (const std::size_t size : {0UL, 1UL << 20}) {
    const std::string body(size, 'x');
    const HttpAnswer answer =
        must(ask_http(client, {.method = "POST", .url = must(Url::parse(url)), .headers = {}}, body, 10 << 20, {}));
    EXPECT_EQ(answer.body, "127.0.0.1 POST /secret  '" + body + "'\n");
  }
  HttpClient suspicious({.user_agent = "packferry/test", .ca_file = file("key.pem"), .patience = {}});
  EXPECT_FALSE(ask_http(suspicious, {.url = must(Url::parse(url)), .headers = {}}, {}, 1000, {}));
}

TEST_F(HttpServerTlsTest, HangsUpOnWhoDoesNotSpeakIt) {
  HttpServerOptions options = tls();
  options.limits.head = Milliseconds(50);
  serve(options);
  RawClient plain = connect();
  ASSERT_TRUE(plain.say(get("/")));
  EXPECT_THAT(plain.hear_all(), Not(HasSubstr("HTTP")));
  RawClient silent = connect();
  EXPECT_EQ(silent.hear_all(), "");
}

TEST_F(HttpServerTlsTest, WantsACertificateAndItsKey) {
  const auto open = [this](const std::string& certificate, const std::string& key) {
    return HttpServer::open({.certificate_file = certificate, .key_file = key, .limits = {}}, clock_, log_);
  };
  EXPECT_FAILS(open(file("cert.pem"), ""), ErrorKind::Invalid, "give both");
  EXPECT_FAILS(open("", file("key.pem")), ErrorKind::Invalid, "give both");
  EXPECT_FAILS(open(file("nothing.pem"), file("key.pem")), ErrorKind::Invalid, "nothing.pem");
  EXPECT_FAILS(open(file("key.pem"), file("key.pem")), ErrorKind::Invalid, "no certificate");
  EXPECT_FAILS(open(file("cert.pem"), file("other.pem")), ErrorKind::Invalid, "no private key");
}

}  // namespace
}  // namespace packferry
