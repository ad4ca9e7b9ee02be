#include "net/http_message.h"

#include <gmock/gmock.h>

namespace packferry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// What became of bytes that arrived `block` at a time.
struct Reading {
  int refusal = 0;
  std::optional<ReceivedRequest> request;
  bool keeps_alive = false;
  std::string left;  // what belongs to the next request
};

Reading read(std::string_view bytes, std::size_t block = std::string_view::npos, HttpMessageLimits limits = {}) {
  HttpRequestReader reader(limits);
  Reading reading;
  while (reader.refusal() == 0 && !reader.is_complete() && !bytes.empty()) {
    reading.left += bytes.substr(0, block);
    bytes.remove_prefix(std::min(block, bytes.size()));
    reading.left.erase(0, reader.take(reading.left));
  }
  reading.left += bytes;
  reading.refusal = reader.refusal();
  reading.keeps_alive = reader.keeps_alive();
  if (reader.is_complete()) reading.request = reader.finish();
  return reading;
}

TEST(HttpMessage, IsTheSameInBlocksOfAnySize) {
  const std::string bytes =
      "POST /v1/replicas?limit=10&after=a HTTP/1.1\r\nHost: ferry\r\nX-Two: 1\r\nx-two:  2 \r\nContent-Length: "
      "5\r\n\r\nhelloGET / HTTP/1.1\r\n";
  for (std::size_t block = 1; block <= bytes.size(); ++block) {
    const Reading reading = read(bytes, block);
    ASSERT_TRUE(reading.request) << block;
    EXPECT_EQ(reading.request->method, "POST");
    EXPECT_EQ(reading.request->path, "/v1/replicas");
    EXPECT_EQ(reading.request->query, "limit=10&after=a");
    EXPECT_EQ(reading.request->header("host"), "ferry");
    EXPECT_EQ(reading.request->header("x-two"), std::nullopt);  // which of them?
    EXPECT_EQ(reading.request->headers.size(), 4U);
    EXPECT_EQ(reading.request->body, "hello");
    EXPECT_EQ(reading.left, "GET / HTTP/1.1\r\n");
    EXPECT_TRUE(reading.keeps_alive);
  }
}

TEST(HttpMessage, PutsChunksTogetherAndDoesNotBelieveTrailers) {
  const std::string bytes =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3;why=not\r\nhel\r\n2\r\nlo\r\n0\r\nAuthorization: Bearer x\r\n\r\nnext";
  for (std::size_t block = 1; block <= bytes.size(); ++block) {
    const Reading reading = read(bytes, block);
    ASSERT_TRUE(reading.request) << block;
    EXPECT_EQ(reading.request->body, "hello");
    EXPECT_EQ(reading.request->header("authorization"), std::nullopt);
    EXPECT_EQ(reading.left, "next");
  }
}

TEST(HttpMessage, KnowsWhoWillAskAgain) {
  EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").keeps_alive);
  EXPECT_FALSE(read("GET / HTTP/1.0\r\n\r\n").keeps_alive);
  EXPECT_FALSE(read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keeps_alive);
}

TEST(HttpMessage, RefusesWhatIsNoRequestOrCouldBeReadInTwoWays) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  const struct {
    std::string bytes;
    int status;
  } cases[] = {
      {"\x16\x03\x01\x02\r\n\r\n", 400},  // TLS, spoken to us
      {"GET\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET / HTTP/0.9\r\n\r\n", 505},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET http://elsewhere/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"CONNECT elsewhere:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /\xC3\xA4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX : 1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400},
      {start + "X: a" + std::string(1, '\0') + "b\r\n\r\n", 400},
      {start + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {start + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
      {start + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {start + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
      {start + "Content-Length: 1, 1\r\n\r\na", 400},
      {start + "Content-Length: -1\r\n\r\n", 400},
      {start + "Content-Length: 18446744073709551617\r\n\r\n", 400},
      {start + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {start + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {start + "Transfer-Encoding: chunked, gzip\r\n\r\n", 501},
      {start + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {start + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {start + "Transfer-Encoding: chunked\r\n\r\n1\r\nabcdef\r\n", 400},
      {start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", 400},
      {start + "Expect: a-miracle\r\n\r\n", 417},
  };
  for (const auto& [bytes, status] : cases) {
    EXPECT_EQ(read(bytes).refusal, status) << bytes;
    EXPECT_EQ(read(bytes, 1).refusal, status) << bytes;
  }
}

TEST(HttpMessage, TakesAsMuchAsTheLimitsAllowAndNoMore) {
  const HttpMessageLimits limits{.head_bytes_max = 100, .body_bytes_max = 10};
  const auto head_of = [](std::size_t bytes) {
    std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    head.append(bytes - head.size() - 4, 'x');
    return head + "\r\n\r\n";
  };
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::size_t block : {std::size_t{1}, std::size_t{7}, std::string_view::npos}) {
    EXPECT_TRUE(read(head_of(100), block, limits).request);
    EXPECT_EQ(read(head_of(101), block, limits).refusal, 431);
    EXPECT_EQ(read(std::string(1000, 'x'), block, limits).refusal, 431);
    EXPECT_EQ(read("GET / HTTP/1.1\r\n" + std::string(1000, '\n'), block, limits).refusal, 431);

    EXPECT_EQ(read(start + "Content-Length: 10\r\n\r\n0123456789", block, limits).request->body, "0123456789");
    EXPECT_EQ(read(start + "Content-Length: 11\r\n\r\n", block, limits).refusal, 413);
    EXPECT_EQ(read(start + "Content-Length: 18446744073709551615\r\n\r\n", block, limits).refusal, 413);
    EXPECT_TRUE(read(chunked + "a\r\n0123456789\r\n0\r\n\r\n", block, limits).request);
    EXPECT_EQ(read(chunked + "a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", block, limits).refusal, 413);
    EXPECT_EQ(read(chunked + "fffffff\r\n0123456789abc", block, limits).refusal, 413);
    EXPECT_EQ(read(chunked + "1;" + std::string(200, 'e'), block, limits).refusal, 431);
    EXPECT_EQ(read(chunked + "0\r\nX: " + std::string(200, 't'), block, limits).refusal, 431);
  }
}

TEST(HttpMessage, IsWaitedForOnlyByThoseWhoSaySo) {
  HttpRequestReader reader({});
  const std::string_view head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
  EXPECT_FALSE(reader.wants_continue());
  EXPECT_EQ(reader.take(head), head.size());
  EXPECT_TRUE(reader.wants_continue());
  EXPECT_EQ(reader.take("x"), 1U);
  EXPECT_FALSE(reader.wants_continue());
  EXPECT_TRUE(reader.is_complete());
}

constexpr Clock::WallTime kNow{std::chrono::seconds(784'111'777)};

TEST(HttpMessage, IsSentAsRfc9110HasIt) {
  HttpReply reply = plain_reply(200, "hello");
  EXPECT_EQ(to_bytes(reply, false, true, kNow),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 6\r\n\r\nhello\n");
  EXPECT_EQ(to_bytes(reply, true, false, kNow),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 6\r\nConnection: close\r\n\r\n");
  for (const int status : {204, 304})
    EXPECT_THAT(to_bytes({.status = status}, false, true, kNow), Not(HasSubstr("Length")));
}

TEST(HttpMessage, NeverSendsAHeaderThatIsTwo) {
  for (const char* value : {"a\r\nSet-Cookie: b", "a\nb", "a\x7F", "\x01"}) {
    const std::string bytes = to_bytes({.headers = {{"Location", value}}, .body = "x"}, false, true, kNow);
    EXPECT_THAT(bytes, ::testing::StartsWith("HTTP/1.1 500 "));
    EXPECT_THAT(bytes, Not(HasSubstr("Location")));
  }
}

}  // namespace
}  // namespace packferry
