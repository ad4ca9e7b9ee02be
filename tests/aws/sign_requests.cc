// Signs what it reads, for a test that compares it with what AWS's own library signs. A request is lines, in this
// order: method, URL, service, region, time, key id, secret, token, hash of the body, number of headers, and as many
// "Name: value". What is printed for each is the value of its Authorization header.
//
// With --fault one thing in a hundred is done wrong, for a test of the test.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/check.h"

namespace {

using namespace packferry;

// The next line of standard input; nothing at its end.
std::optional<std::string> next_line() {
  std::string line;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c == '\n') return line;
    line += static_cast<char>(c);
  }
  return std::nullopt;
}

std::string line() {
  std::optional<std::string> next = next_line();
  CHECK(next);
  return *std::move(next);
}

std::string authorization_of(const HttpRequest& request) {
  for (const HttpHeader& header : request.headers)
    if (header.name == "Authorization") return header.value;
  return "";
}

}  // namespace

int main(int argc, char**) {
  const bool has_fault = argc > 1;
  unsigned long number = 0;
  while (std::optional<std::string> method = next_line()) {
    Result<Url> url = Url::parse(line());
    CHECK(url);
    HttpRequest request{.method = *std::move(method), .url = *url, .headers = {}};
    const std::string service = line();
    const SigningScope scope{.region = line(), .service = service};
    const Clock::WallTime time = from_iso8601(line()).value();
    AwsCredentials credentials{.access_key_id = line(),
                               .secret_access_key = Secret(line()),
                               .session_token = Secret(line()),
                               .expires_at = {}};
    const std::string hash = line();
    unsigned headers = 0;
    const std::string count = line();
    std::from_chars(count.data(), count.data() + count.size(), headers);
    for (unsigned i = 0; i < headers; ++i) {
      const std::string header = line();
      const std::size_t colon = header.find(": ");
      request.headers.push_back({header.substr(0, colon), header.substr(colon + 2)});
    }
    if (has_fault && ++number % 100 == 50) credentials.session_token = Secret("another");
    sign(request, credentials, scope, hash, time);
    fmt::print("{}\n", authorization_of(request));
  }
}
