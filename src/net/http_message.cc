#include "net/http_message.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/ascii.h"
#include "base/check.h"

namespace packferry {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::string_view kEndOfHead = "\r\n\r\n";
// How every chunked body ends, at least. Given fewer bytes where it looks for this, the parser asserts; so it is given
// one element of a body at a time, and never less than this.
constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

int refusal_for(const beast::error_code& code) {
  if (code == http::error::body_limit) return 413;
  if (code == http::error::header_limit || code == http::error::buffer_overflow) return 431;
  if (code == http::error::bad_version) return 505;
  return 400;
}

// Printable ASCII without a fragment: what RFC 9112 calls origin-form. Proxies get other forms; we are none.
bool is_path_and_query(std::string_view target) {
  return target.starts_with('/') &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c <= '~' && c != '#'; });
}

std::ptrdiff_t count(const ReceivedRequest& request, std::string_view name) {
  return std::count_if(request.headers.begin(), request.headers.end(),
                       [name](const HttpHeader& header) { return header.name == name; });
}

// The status that refuses a head; 0: none does.
int refusal_of_head(const ReceivedRequest& request, bool is_1_1) {
  if (count(request, "host") > 1 || (is_1_1 && count(request, "host") == 0)) return 400;
  if (count(request, "transfer-encoding") > 0) {
    if (!is_1_1) return 400;
    if (to_lower(request.header("transfer-encoding").value_or("")) != "chunked") return 501;
  }
  if (count(request, "content-length") > 1) return 400;
  if (request.header("content-length").value_or("").find(',') != std::string_view::npos) return 400;
  if (count(request, "expect") > 0 && to_lower(request.header("expect").value_or("")) != "100-continue") return 417;
  return 0;
}

// Anything else would end the line, or begin another.
bool is_one_line(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

}  // namespace

std::optional<std::string_view> ReceivedRequest::header(std::string_view name) const {
  if (count(*this, name) != 1) return std::nullopt;
  return std::find_if(headers.begin(), headers.end(), [name](const HttpHeader& header) { return header.name == name; })
      ->value;
}

HttpReply plain_reply(int status, std::string_view text) {
  return {
      .status = status, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = std::string(text) + "\n"};
}

struct HttpRequestReader::State {
  explicit State(const HttpMessageLimits& with) : limits(with) {
    parser.header_limit(static_cast<std::uint32_t>(with.head_bytes_max));
    parser.body_limit(with.body_bytes_max);
  }

  std::size_t size_of_head(std::string_view bytes);
  void read_head();
  std::size_t bytes_worth_a_look() const { return parser.chunked() ? kLastChunk.size() : 1; }
  // A chunk's line or a trailer that is longer is refused, whether it comes in one piece or in many.
  std::size_t bytes_looked_at() const { return parser.chunked() ? limits.head_bytes_max : std::string_view::npos; }

  const HttpMessageLimits limits;
  http::request_parser<http::string_body> parser;
  std::size_t looked_at = 0;  // no end of the head among the bytes before
  int refusal = 0;
  bool has_head = false;
  ReceivedRequest request;
};

// 0: its end is not there yet. The parser sees a head only when all of it is there: given line by line, it would go on
// counting from zero.
std::size_t HttpRequestReader::State::size_of_head(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, limits.head_bytes_max).find(kEndOfHead, looked_at);
  if (end != std::string_view::npos) return end + kEndOfHead.size();
  if (bytes.size() >= limits.head_bytes_max) refusal = 431;
  looked_at = bytes.size() - std::min(bytes.size(), kEndOfHead.size() - 1);
  return 0;
}

// Now, and not at the end: the parser puts the fields of a trailer among the headers.
void HttpRequestReader::State::read_head() {
  has_head = true;
  const auto& head = parser.get();
  const std::string_view target = view(head.target());
  if (!is_path_and_query(target)) {
    refusal = 400;
    return;
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  request.method = view(head.method_string());
  request.path = target.substr(0, question);
  if (question < target.size()) request.query = target.substr(question + 1);
  for (const auto& field : head)
    request.headers.push_back({to_lower(view(field.name_string())), std::string(view(field.value()))});
  refusal = refusal_of_head(request, head.version() == 11);
}

HttpRequestReader::HttpRequestReader(const HttpMessageLimits& limits) : state_(std::make_unique<State>(limits)) {}
HttpRequestReader::~HttpRequestReader() = default;

std::size_t HttpRequestReader::take(std::string_view bytes) {
  CHECK(refusal() == 0 && !is_complete());
  State& state = *state_;
  std::size_t taken = 0;
  if (!state.has_head) {
    const std::size_t size = state.size_of_head(bytes);
    if (size == 0) return 0;
    beast::error_code code;
    taken = state.parser.put(boost::asio::buffer(bytes.data(), size), code);
    if (code) return state.refusal = refusal_for(code), taken;
    CHECK(state.parser.is_header_done());
    state.read_head();
  }
  while (state.refusal == 0 && !state.parser.is_done() && bytes.size() - taken >= state.bytes_worth_a_look()) {
    beast::error_code code;
    const std::string_view rest = bytes.substr(taken, state.bytes_looked_at());
    const std::size_t more = state.parser.put(boost::asio::buffer(rest.data(), rest.size()), code);
    taken += more;
    if (code && code != http::error::need_more) state.refusal = refusal_for(code);
    if (more == 0) break;
  }
  // What waits for its end now is a chunk's line, or a trailer.
  if (state.refusal == 0 && !state.parser.is_done() && bytes.size() - taken >= state.limits.head_bytes_max)
    state.refusal = 431;
  return taken;
}

int HttpRequestReader::refusal() const { return state_->refusal; }
bool HttpRequestReader::has_head() const { return state_->has_head && state_->refusal == 0; }
bool HttpRequestReader::is_complete() const { return has_head() && state_->parser.is_done(); }

bool HttpRequestReader::wants_continue() const {
  return has_head() && !is_complete() && state_->parser.get().version() == 11 && count(state_->request, "expect") > 0;
}

// An HTTP/1.0 client would want to be told in so many words.
bool HttpRequestReader::keeps_alive() const {
  return has_head() && state_->parser.get().version() == 11 && state_->parser.keep_alive();
}

ReceivedRequest HttpRequestReader::finish() {
  CHECK(is_complete());
  state_->request.body = std::move(state_->parser.get().body());
  return std::move(state_->request);
}

std::string to_bytes(const HttpReply& reply, bool to_head, bool keeps_alive, Clock::WallTime now) {
  const bool can_be_sent = std::all_of(reply.headers.begin(), reply.headers.end(), [](const HttpHeader& header) {
    return !header.name.empty() && is_one_line(header.name) && is_one_line(header.value);
  });
  if (!can_be_sent) return to_bytes({.status = 500}, to_head, false, now);

  // RFC 9110, sections 8.6 and 15.4.5: these two never have a body, and say nothing of its length.
  const bool has_body = reply.status != 204 && reply.status != 304;
  std::string bytes = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", reply.status,
                                  view(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(reply.status)))),
                                  fmt::gmtime(Clock::WallTime::clock::to_time_t(now)));
  for (const HttpHeader& header : reply.headers) bytes += fmt::format("{}: {}\r\n", header.name, header.value);
  if (has_body) bytes += fmt::format("Content-Length: {}\r\n", reply.body.size());
  bytes += keeps_alive ? "\r\n" : "Connection: close\r\n\r\n";
  if (has_body && !to_head) bytes += reply.body;
  return bytes;
}

}  // namespace packferry
