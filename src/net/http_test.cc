#include "net/http.h"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "testing/must.h"
#include "testing/scripted_server.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using ::testing::AllOf;
using testing::hang_up;
using ::testing::HasSubstr;
using testing::hear_bytes;
using testing::hear_until;
using testing::hold;
using testing::must;
using ::testing::Not;
using testing::ok;
using testing::request;
using testing::reset;
using testing::say;
using testing::say_forever;
using testing::ScriptedServer;
using ::testing::StartsWith;
using testing::TempDir;

class HttpTest : public ::testing::Test {
 protected:
  // A proxy of the machine that runs the tests is none of their business.
  static void SetUpTestSuite() { ASSERT_EQ(::setenv("no_proxy", "*", 1), 0); }

  static HttpOptions options() {
    return {.user_agent = "packferry/test",
            .ca_file = {},
            .patience = {.connect_ms = Milliseconds(5'000), .stall_ms = Milliseconds(20'000)}};
  }

  static HttpRequest get(const std::string& url) {
    return {.method = "GET", .url = must(Url::parse(url)), .headers = {}};
  }

  static HttpRequest post(const std::string& url, std::optional<std::size_t> body_bytes = std::nullopt) {
    return {.method = "POST",
            .url = must(Url::parse(url)),
            .headers = {},
            .body = body_bytes ? HttpRequest::Body::Counted : HttpRequest::Body::Chunked,
            .body_bytes = body_bytes.value_or(0)};
  }

  static Result<std::string> body_of(HttpExchange& exchange) {
    const std::vector<std::byte> all = TRY(read_all(exchange, 1 << 30));
    return std::string(as_text(all));
  }

  std::unique_ptr<HttpExchange> start(HttpRequest request, std::stop_token stop = {}) {
    return must(client_.start(std::move(request), std::move(stop)));
  }

  // A GET to its end: the body, or the first error.
  Result<std::string> fetch(const std::string& url) { return fetch(client_, url); }
  static Result<std::string> fetch(HttpClient& client, const std::string& url) {
    const auto exchange = TRY(client.start(get(url), {}));
    TRY(exchange->response());
    return body_of(*exchange);
  }

  HttpClient client_{options()};
};

TEST_F(HttpTest, GoesPastProxiesWhenItIsDirect) {
  ScriptedServer server({{request(), say(ok("here"))}});
  ASSERT_EQ(::unsetenv("no_proxy"), 0);
  ASSERT_EQ(::setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
  HttpOptions direct = options();
  direct.direct = true;
  HttpClient client(direct);
  const auto exchange = must(client.start(get(server.url("/")), {}));
  EXPECT_EQ(must(body_of(*exchange)), "here");
  ASSERT_EQ(::unsetenv("http_proxy"), 0);
  SetUpTestSuite();
}

TEST_F(HttpTest, KnowsWhenSomethingWasModified) {
  HttpResponse response;
  EXPECT_EQ(response.last_modified(), std::nullopt);
  response.headers.push_back({"last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"});
  EXPECT_EQ(response.last_modified(), Clock::WallTime(std::chrono::seconds(1'700'000'000)));
  response.headers[0].value = "yesterday-ish";
  EXPECT_EQ(response.last_modified(), std::nullopt);
}

TEST_F(HttpTest, KnowsTheClockOfAHost) {
  EXPECT_EQ((HttpResponse{200, {{"date", "Tue, 14 Nov 2023 22:13:20 GMT"}}}).date(),
            Clock::WallTime(std::chrono::seconds(1'700'000'000)));
  for (const char* date : {"", "now", "1 Jan 700000400"})
    EXPECT_EQ((HttpResponse{200, {{"date", date}}}).date(), std::nullopt) << date;
}

TEST_F(HttpTest, GetsAnAnswer) {
  ScriptedServer server(
      {{request(), say("HTTP/1.1 200 Fine\r\nContent-Type: Text/Plain; charset=x\r\nX-A:  1 \r\nX-a: 2\r\n"
                       "Content-Length: 5\r\n\r\nhello")}});
  const auto exchange = start(get(server.url("/a//b/%41?q=1")));
  const HttpResponse response = must(exchange->response());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type(), "text/plain");
  EXPECT_EQ(response.header("x-a"), "1");
  EXPECT_EQ(response.header("x-b"), std::nullopt);
  EXPECT_EQ(must(body_of(*exchange)), "hello");
}

TEST_F(HttpTest, SaysWhatTheCallerSaysAndNoMore) {
  ScriptedServer server({{request(), say(ok(""))}});
  HttpRequest request = get(server.url("/x"));
  request.headers = {{"Git-Protocol", "version=2"}, {"X-Empty", ""}, {"Authorization", "Bearer hunter2", true}};
  must(start(request)->response());
  EXPECT_EQ(server.received(0), "GET /x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                    "\r\nUser-Agent: packferry/test\r\nGit-Protocol: version=2\r\nX-Empty:\r\n"
                                    "Authorization: Bearer hunter2\r\n\r\n");
}

TEST_F(HttpTest, SendsACountedBody) {
  ScriptedServer server({{request(), say(ok("thanks"))}});
  const auto exchange = start(post(server.url("/x"), 10));
  must(exchange->write(as_bytes("01234")));
  must(exchange->write(as_bytes("")));
  must(exchange->write(as_bytes("56789")));
  must(exchange->end_request());
  EXPECT_EQ(must(exchange->response()).status, 200);
  EXPECT_EQ(must(body_of(*exchange)), "thanks");
  EXPECT_THAT(server.received(0), AllOf(StartsWith("POST /x HTTP/1.1\r\n"), HasSubstr("\r\nContent-Length: 10\r\n"),
                                        ::testing::EndsWith("\r\n\r\n0123456789"), Not(HasSubstr("Expect")),
                                        Not(HasSubstr("Content-Type"))));
}

TEST_F(HttpTest, SendsAChunkedBody) {
  ScriptedServer server({{request(), say(ok(""))}, {request(), say(ok(""))}});
  const auto exchange = start(post(server.url("/x")));
  must(exchange->write(as_bytes("01234")));
  must(exchange->write(as_bytes("56789")));
  must(exchange->end_request());
  EXPECT_EQ(must(exchange->response()).status, 200);
  EXPECT_THAT(server.received(0), ::testing::EndsWith("\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"));
}

TEST_F(HttpTest, SendsAnEmptyBodyEitherWay) {
  ScriptedServer server({{request(), say(ok("")), request(), say(ok("")), request(), say(ok(""))}});
  for (HttpRequest request : {post(server.url("/x"), 0), post(server.url("/x"))}) {
    const auto exchange = start(request);
    must(exchange->end_request());
    EXPECT_EQ(must(exchange->response()).status, 200);
  }
  HttpRequest request = post(server.url("/x"));
  request.body = HttpRequest::Body::None;
  EXPECT_EQ(must(start(request)->response()).status, 200);
  EXPECT_THAT(server.received(0), AllOf(HasSubstr("Content-Length: 0\r\n"), HasSubstr("\r\n\r\n0\r\n\r\n")));
}

TEST_F(HttpTest, MovesBlocksOfAnySizeUnchanged) {
  std::string content(3'000'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761u >> 13);
  ScriptedServer server({{request(), say(ok(content)), request(), say(ok(content))}});
  for (const std::size_t block : {std::size_t{1021}, std::size_t{1'000'000}}) {
    const auto exchange = start(post(server.url("/x"), content.size()));
    for (std::size_t at = 0; at < content.size(); at += block)
      must(exchange->write(as_bytes(std::string_view(content).substr(at, block))));
    must(exchange->end_request());
    must(exchange->response());
    std::string body;
    std::vector<std::byte> into(block);
    while (const std::size_t count = must(exchange->read(into))) body += as_text({into.data(), count});
    EXPECT_TRUE(body == content);
  }
  EXPECT_EQ(server.connections(), 1u);
  const std::string received = server.received(0);
  EXPECT_TRUE(received.ends_with(content));
}

TEST_F(HttpTest, KeepsConnectionsForTheNextExchange) {
  ScriptedServer server({{request(), say(ok("one")), request(), say("HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\npage"),
                          request(), say(ok("three"))}});
  EXPECT_EQ(must(fetch(server.url("/1"))), "one");
  {
    const auto exchange = start(get(server.url("/2")));
    EXPECT_EQ(must(exchange->response()).status, 401);  // and nobody reads the page
  }
  EXPECT_EQ(must(fetch(server.url("/3"))), "three");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(HttpTest, DropsAConnectionInTheMiddleOfAnAnswer) {
  ScriptedServer server(
      {{request(), say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), hold()}, {request(), say(ok("two"))}});
  {
    const auto exchange = start(get(server.url("/1")));
    must(exchange->response());
  }
  EXPECT_EQ(must(fetch(server.url("/2"))), "two");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(HttpTest, ConnectsAgainWhenAKeptConnectionHasGone) {
  ScriptedServer server({{request(), say(ok("one"))}, {request(), say(ok("two"))}});
  EXPECT_EQ(must(fetch(server.url("/1"))), "one");
  EXPECT_EQ(must(fetch(server.url("/2"))), "two");
}

TEST_F(HttpTest, NeverSendsABodyWithoutItsBeginning) {
  // The kept connection is reset once it has some of the second body; the rest must not begin a new request.
  ScriptedServer server({{request(), say(ok("one")), hear_until("first"), reset()}, {request(), say(ok("two"))}});
  EXPECT_EQ(must(fetch(server.url("/1"))), "one");
  const auto exchange = start(post(server.url("/2")));
  Result<> written = exchange->write(as_bytes("first"));
  const std::string block(kBlockBytes, 'x');
  while (written) written = exchange->write(as_bytes(block));
  EXPECT_EQ(written.error().kind(), ErrorKind::Unavailable);
  EXPECT_FAILS(exchange->response(), ErrorKind::Unavailable, "http://127.0.0.1");
  EXPECT_THAT(server.received(1), Not(HasSubstr("xxx")));
}

TEST_F(HttpTest, ServesSeveralThreads) {
  constexpr std::size_t kThreads = 4, kRounds = 25;
  testing::Script answers;
  for (std::size_t i = 0; i < kRounds; ++i) answers.insert(answers.end(), {request(), say(ok("x"))});
  ScriptedServer server(std::vector<testing::Script>(kThreads * kRounds, answers));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (std::size_t round = 0; round < kRounds; ++round) EXPECT_EQ(must(fetch(server.url("/x"))), "x");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(server.connections(), kThreads * 2);
}

TEST_F(HttpTest, HearsAnEarlyRefusal) {
  for (const std::string status : {"401 Unauthorized", "411 Length Required", "413 Content Too Large", "302 Found"}) {
    SCOPED_TRACE(status);
    ScriptedServer server(
        {{hear_bytes(1000), say("HTTP/1.1 " + status + "\r\nContent-Length: 4\r\n\r\npage"), hear_until("never")}});
    const auto exchange = start(post(server.url("/x")));
    const std::string block(kBlockBytes, 'x');
    Result<> written;
    while (written) written = exchange->write(as_bytes(block));
    EXPECT_EQ(written.error().kind(), ErrorKind::Unavailable);
    EXPECT_THAT(written.error().message(), HasSubstr("HTTP " + status.substr(0, 3)));
    EXPECT_TRUE(exchange->has_response());
    EXPECT_EQ(std::to_string(must(exchange->response()).status), status.substr(0, 3));
    EXPECT_EQ(must(body_of(*exchange)), "page");
  }
}

TEST_F(HttpTest, HearsAnEarlyRefusalOfACountedBodyToo) {
  ScriptedServer server(
      {{hear_bytes(1000), say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), hear_until("never")}});
  const auto exchange = start(post(server.url("/x"), 1 << 30));
  const std::string block(kBlockBytes, 'x');
  Result<> written;
  while (written) written = exchange->write(as_bytes(block));
  must(exchange->end_request());
  EXPECT_EQ(must(exchange->response()).status, 413);
}

TEST_F(HttpTest, AnswersMayComeBeforeTheRequestHasEnded) {
  ScriptedServer server({{hear_until("begin"), say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"),
                          hear_until("end"), say("3\r\ntwo\r\n0\r\n\r\n")}});
  const auto exchange = start(post(server.url("/x")));
  must(exchange->write(as_bytes("begin")));
  EXPECT_EQ(must(exchange->response()).status, 200);
  std::array<std::byte, 3> three;
  must(read_exactly(*exchange, three));
  EXPECT_EQ(as_text(three), "one");
  must(exchange->write(as_bytes("end")));
  must(exchange->end_request());
  EXPECT_EQ(must(body_of(*exchange)), "two");
}

TEST_F(HttpTest, KeepsWhatIsSaidWhileItSends) {
  const std::string flood(8 * kBlockBytes, 'f');
  ScriptedServer server({{hear_until("begin"), say(ok(flood).substr(0, 8 * kBlockBytes)), hear_until("0\r\n\r\n"),
                          say(ok(flood).substr(8 * kBlockBytes))}});
  const auto exchange = start(post(server.url("/x")));
  must(exchange->write(as_bytes("begin")));
  must(exchange->response());
  const std::string block(kBlockBytes, 'x');
  for (int i = 0; i < 16; ++i) must(exchange->write(as_bytes(block)));
  must(exchange->end_request());
  EXPECT_TRUE(must(body_of(*exchange)) == flood);
}

TEST_F(HttpTest, AnEndBeforeTheEndIsNoEnd) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  for (const std::string& answer : {
           head + "Content-Length: 10\r\n\r\n",
           head + "Content-Length: 10\r\n\r\n012345678",
           head + "Transfer-Encoding: chunked\r\n\r\n",
           head + "Transfer-Encoding: chunked\r\n\r\n5\r\n0123",
           head + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n",
           head + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n",
           head + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\nX-Trailer: 1\r\n",
           head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\n01234",
           head + "Content-Le",
           head,
           std::string("HTTP/1.1 100 Continue\r\n\r\n"),
           std::string(),
       }) {
    SCOPED_TRACE(answer);
    for (const bool cut_hard : {false, true}) {
      ScriptedServer server({{request(), say(answer), cut_hard ? reset() : hang_up()}});
      const Result<std::string> fetched = fetch(server.url("/x"));
      EXPECT_FAILS(fetched, ErrorKind::Unavailable, "http://127.0.0.1:");
    }
  }
}

TEST_F(HttpTest, ABodyWithoutLengthEndsWithItsConnection) {
  ScriptedServer server({{request(), say("HTTP/1.0 200 OK\r\n\r\nall of it")}});
  EXPECT_EQ(must(fetch(server.url("/x"))), "all of it");
}

TEST_F(HttpTest, InterimAnswersAndTrailersAreSteppedOver) {
  ScriptedServer server(
      {{request(), say("HTTP/1.1 102 Processing\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Trailer: 1\r\n\r\n")}});
  const auto exchange = start(get(server.url("/x")));
  const HttpResponse response = must(exchange->response());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(must(body_of(*exchange)), "hi");
  EXPECT_EQ(must(exchange->response()).headers.size(), 1u);
}

TEST_F(HttpTest, AnswersWithoutABodyEnd) {
  ScriptedServer server(
      {{request(), say("HTTP/1.1 204 None\r\n\r\n"), request(), say("HTTP/1.1 304 Same\r\n\r\n"), request(),
        say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), request(), say(ok("still here"))}});
  EXPECT_EQ(must(fetch(server.url("/1"))), "");
  EXPECT_EQ(must(fetch(server.url("/2"))), "");
  HttpRequest head = get(server.url("/3"));
  head.method = "HEAD";
  {
    const auto exchange = start(head);
    EXPECT_EQ(must(exchange->response()).header("content-length"), "1000");
    EXPECT_EQ(must(body_of(*exchange)), "");
  }
  EXPECT_EQ(must(fetch(server.url("/4"))), "still here");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(HttpTest, GivesRedirectsAndPackedBodiesToTheCaller) {
  ScriptedServer server({{request(), say("HTTP/1.1 301 Moved\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"), request(),
                          say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b"
                              "zz")}});
  EXPECT_EQ(must(start(get(server.url("/x")))->response()).header("location"), "/y");
  EXPECT_EQ(must(fetch(server.url("/z"))), "\x1f\x8bzz");
}

TEST_F(HttpTest, RefusesWhatIsNoHttp) {
  for (const std::string& answer : {
           std::string("SSH-2.0-OpenSSH_9.2p1\r\n"),
           std::string("hello\n"),
           std::string("HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n", 29),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nabcd"),
           "HTTP/1.1 200 OK\r\nX-Giant: " + std::string(70'000, 'x') + "\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX-Endless: " + std::string(2'000'000, 'x'),
       }) {
    SCOPED_TRACE(answer.substr(0, 60));
    ScriptedServer server({{request(), say(answer)}});
    EXPECT_FAILS(fetch(server.url("/x")), ErrorKind::Corrupt, "http://127.0.0.1:");
  }
}

TEST_F(HttpTest, BoundsHeadersAndInterimAnswersAndTrailers) {
  const std::string line = "X-More: " + std::string(100, 'x') + "\r\n";
  const struct {
    std::string first, again;
  } cases[] = {{"HTTP/1.1 200 OK\r\n", line},
               {"", "HTTP/1.1 102 Processing\r\n\r\n"},
               {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", line}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.again);
    ScriptedServer server({{request(), say(c.first), say_forever(c.again)}});
    EXPECT_FAILS(fetch(server.url("/x")), ErrorKind::Corrupt, "64 KiB");
  }
}

TEST_F(HttpTest, RefusesLineEndsInHeaders) {
  ScriptedServer server({{request(), say(ok(""))}});
  const HttpHeader bad[] = {{"X-A", "1\r\nX-B: 2", true},
                            {"X-A", "1\n", true},
                            {"X-A", std::string("1\0", 2), true},
                            {"X-A", "\x7f", true},
                            {"X A", "1", true},
                            {"X-A:", "1", true},
                            {"", "1", true},
                            {"X\r\nX-B", "1", true}};
  for (const HttpHeader& header : bad) {
    HttpRequest request = get(server.url("/x"));
    request.headers = {header};
    EXPECT_FAILS(client_.start(request, {}), ErrorKind::Invalid, "header");
  }
  EXPECT_EQ(server.connections(), 0u);
}

TEST_F(HttpTest, SaysNoSecretsInErrors) {
  HttpRequest request = get("http://127.0.0.1:1/x");
  request.url = must(Url::parse("http://ada:hunter2@127.0.0.1:1/x"));
  request.headers = {{"Authorization", "hunter2\n", true}};
  EXPECT_THAT(client_.start(request, {}).error().message(), Not(HasSubstr("hunter2")));
  request.headers = {{"Authorization", "hunter2", true}};
  const auto exchange = start(request);
  EXPECT_THAT(exchange->response().error().message(),
              AllOf(HasSubstr("http://127.0.0.1:1: "), Not(HasSubstr("hunter2"))));
}

TEST_F(HttpTest, SaysWhyThereIsNoConnection) {
  std::uint16_t port = 0;
  { port = ScriptedServer({}).port(); }
  EXPECT_FAILS(fetch("http://127.0.0.1:" + std::to_string(port) + "/x"), ErrorKind::Unavailable, "Connection refused");
  EXPECT_FAILS(fetch("http://no-such-host.invalid/x"), ErrorKind::Unavailable, "no-such-host.invalid");
}

TEST_F(HttpTest, GivesUpWhenNothingMoves) {
  HttpOptions impatient = options();
  impatient.patience.stall_ms = Milliseconds(50);
  HttpClient client(impatient);
  ScriptedServer server(
      {{request(), hold()}, {request(), say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), hold()}, {hold()}});
  EXPECT_FAILS(fetch(client, server.url("/silent")), ErrorKind::Unavailable, "no byte in either direction for 0.05 s");
  EXPECT_FAILS(fetch(client, server.url("/stops")), ErrorKind::Unavailable, "no byte in either direction");

  const auto exchange = must(client.start(post(server.url("/does-not-read")), {}));
  const std::string block(kBlockBytes, 'x');
  Result<> written;
  while (written) written = exchange->write(as_bytes(block));
  EXPECT_FAILS(std::move(written), ErrorKind::Unavailable, "no byte in either direction");
  EXPECT_FAILS(exchange->response(), ErrorKind::Unavailable, "no byte in either direction");
}

TEST_F(HttpTest, GivesUpOnAHandshakeThatDoesNotComeOff) {
  HttpOptions impatient = options();
  impatient.patience.connect_ms = Milliseconds(50);
  HttpClient client(impatient);
  ScriptedServer server({{hold()}});
  EXPECT_FAILS(fetch(client, "https://127.0.0.1:" + std::to_string(server.port()) + "/x"), ErrorKind::Unavailable,
               "no connection within 0.05 s");
}

TEST_F(HttpTest, StopsWhenAsked) {
  ScriptedServer server({{request(), hold()}, {hold()}});
  std::stop_source source;
  const auto waiting = start(get(server.url("/x")), source.get_token());
  std::thread stopper([&] { source.request_stop(); });
  EXPECT_FAILS(waiting->response(), ErrorKind::Cancelled, "stopped");
  stopper.join();
  std::array<std::byte, 1> one;
  EXPECT_FAILS(waiting->read(one), ErrorKind::Cancelled, "stopped");
  EXPECT_FAILS(client_.start(get(server.url("/x")), source.get_token()), ErrorKind::Cancelled, "stopped");

  std::stop_source later;
  const auto sending = start(post(server.url("/y")), later.get_token());
  must(sending->write(as_bytes("half")));
  later.request_stop();
  EXPECT_FAILS(sending->write(as_bytes("more")), ErrorKind::Cancelled, "stopped");
}

TEST_F(HttpTest, AGoodbyeIsShortAndOutlivesTheStop) {
  ScriptedServer server({{hear_until("0\r\n\r\n"), say(ok("bye"))}, {hold()}});
  std::stop_source source;
  const auto answered = start(post(server.url("/x")), source.get_token());
  must(answered->write(as_bytes("half")));
  source.request_stop();
  answered->hurry(Milliseconds(5'000));
  must(answered->end_request());
  EXPECT_EQ(must(answered->response()).status, 200);

  const auto silent = start(post(server.url("/x")));
  silent->hurry(Milliseconds(20));
  must(silent->end_request());
  EXPECT_FAILS(silent->response(), ErrorKind::Unavailable, "no answer in time");
}

TEST(HttpResponse, ReadsRetryAfter) {
  const auto retry_after = [](std::vector<HttpHeader> headers) {
    return HttpResponse{503, std::move(headers)}.retry_after();
  };
  const HttpHeader date{"date", "Sun, 22 Nov 2026 13:45:00 GMT"};
  EXPECT_EQ(retry_after({}), std::nullopt);
  EXPECT_EQ(retry_after({{"retry-after", "120"}}), Milliseconds(120'000));
  EXPECT_EQ(retry_after({{"retry-after", "0"}}), Milliseconds(0));
  EXPECT_EQ(retry_after({{"retry-after", "99999999999999999999"}}), std::chrono::hours(24));
  EXPECT_EQ(retry_after({{"retry-after", "-5"}}), std::nullopt);
  EXPECT_EQ(retry_after({{"retry-after", ""}}), std::nullopt);
  EXPECT_EQ(retry_after({{"retry-after", "soon"}, date}), std::nullopt);
  EXPECT_EQ(retry_after({{"retry-after", "Sun, 22 Nov 2026 13:46:30 GMT"}, date}), Milliseconds(90'000));
  EXPECT_EQ(retry_after({{"retry-after", "Sun, 22 Nov 2026 13:44:00 GMT"}, date}), Milliseconds(0));
  EXPECT_EQ(retry_after({{"retry-after", "Sun, 22 Nov 2026 13:46:30 GMT"}}), std::nullopt);
  EXPECT_EQ(retry_after({{"retry-after", "1 Jan 700000400"}, date}), std::chrono::hours(24));
  EXPECT_EQ(retry_after({{"retry-after", "1 Jan 2000"}, {"date", "1 Jan 700000400"}}), Milliseconds(0));
}

// Certificates as in real life, made by openssl(1).
class TlsTest : public HttpTest {
 protected:
  static void run(const std::string& command) {
    ASSERT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << command;
  }

  testing::TlsIdentity self_signed(const std::string& name, const std::string& subject, int days = 2) {
    const std::string base = (directory_ / name).string();
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -addext subjectAltName=" +
        subject + " -keyout " + base + ".key -out " + base + ".csr");
    run("openssl x509 -req -in " + base + ".csr -signkey " + base + ".key -copy_extensions copy -days " +
        std::to_string(days) + " -out " + base + ".pem");
    return {base + ".pem", base + ".key"};
  }

  static HttpOptions trusting(const std::string& ca_file) {
    HttpOptions with_file = options();
    with_file.ca_file = ca_file;
    return with_file;
  }

  TempDir directory_;
};

TEST_F(TlsTest, RefusesACertificateThatNobodyVouchesFor) {
  const testing::TlsIdentity identity = self_signed("server", "IP:127.0.0.1");
  ScriptedServer server({{request(), say(ok("x"))}}, identity);
  EXPECT_FAILS(fetch(server.url("/x")), ErrorKind::Denied, "not trusted: self-signed certificate");
  EXPECT_EQ(server.received(0), "");
}

TEST_F(TlsTest, TakesACertificateOfACaItWasGiven) {
  const testing::TlsIdentity identity = self_signed("server", "IP:127.0.0.1");
  const std::string content(5'000'000, 'x');
  ScriptedServer server({{request(), say(ok(content)), request(), say(ok("two"))}}, identity);
  HttpClient client(trusting(identity.certificate_file));
  {
    const auto exchange = must(client.start(post(server.url("/x"), content.size()), {}));
    must(exchange->write(as_bytes(content)));
    must(exchange->end_request());
    EXPECT_TRUE(must(body_of(*exchange)) == content);
  }
  EXPECT_EQ(must(fetch(client, server.url("/y"))), "two");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(TlsTest, SaysWhichCheckACertificateFailed) {
  const testing::TlsIdentity other_host = self_signed("other", "DNS:other.example");
  ScriptedServer other({{request()}}, other_host);
  HttpClient trusts_other(trusting(other_host.certificate_file));
  EXPECT_FAILS(fetch(trusts_other, other.url("/x")), ErrorKind::Denied, "for another host");

  const testing::TlsIdentity expired = self_signed("expired", "IP:127.0.0.1", -1);
  ScriptedServer old({{request()}}, expired);
  HttpClient trusts_expired(trusting(expired.certificate_file));
  EXPECT_FAILS(fetch(trusts_expired, old.url("/x")), ErrorKind::Denied, "expired");
}

TEST_F(TlsTest, RefusesACaFileThatIsNone) {
  const std::string path = (directory_ / "ca.pem").string();
  std::ofstream(path) << "not a certificate";
  HttpClient garbage(trusting(path));
  EXPECT_FAILS(garbage.start(get("https://127.0.0.1:1/x"), {}), ErrorKind::Invalid, path);
  HttpClient missing(trusting(path + ".missing"));
  EXPECT_FAILS(missing.start(get("https://127.0.0.1:1/x"), {}), ErrorKind::Invalid, "CA file");
}

TEST_F(TlsTest, ACutTlsStreamIsNoEnd) {
  const testing::TlsIdentity identity = self_signed("server", "IP:127.0.0.1");
  // Without a length only TLS tells an end from a cut: an end is said (close_notify).
  ScriptedServer server({{request(), say("HTTP/1.1 200 OK\r\n\r\nhalf"), reset()}, {request(), reset()}}, identity);
  HttpClient client(trusting(identity.certificate_file));
  EXPECT_FAILS(fetch(client, server.url("/x")), ErrorKind::Unavailable, "https://127.0.0.1");
  EXPECT_FAILS(fetch(client, server.url("/x")), ErrorKind::Unavailable, "https://127.0.0.1");
}

TEST_F(TlsTest, SurvivesAHostThatHangsUpWhileItSends) {
  const testing::TlsIdentity identity = self_signed("server", "IP:127.0.0.1");
  ScriptedServer server({{hear_bytes(1000), reset()}}, identity);
  HttpClient client(trusting(identity.certificate_file));
  const auto exchange = must(client.start(post(server.url("/x")), {}));
  const std::string block(kBlockBytes, 'x');
  Result<> written;
  while (written) written = exchange->write(as_bytes(block));
  EXPECT_EQ(written.error().kind(), ErrorKind::Unavailable);
}

TEST_F(TlsTest, APlainAnswerToAHandshakeIsUnavailable) {
  ScriptedServer server({{hear_bytes(10), say("HTTP/1.1 400 Bad Request\r\n\r\n")}});
  EXPECT_FAILS(fetch("https://127.0.0.1:" + std::to_string(server.port()) + "/x"), ErrorKind::Unavailable,
               "https://127.0.0.1");
}

}  // namespace
}  // namespace packferry
