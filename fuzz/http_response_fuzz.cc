// The headers of an answer that we act on: how long a host may make us wait, and what it says that it sends.
#include <algorithm>
#include <string>

#include "fuzz.h"
#include "net/http.h"

using namespace packferry;

FUZZ(input) {
  HttpResponse response;
  while (!input.empty() && response.headers.size() < 100) {
    constexpr const char* kNames[] = {"retry-after", "date", "content-type", "x-other"};
    response.headers.push_back({kNames[input.byte() % 4], std::string(input.line()), false});
  }
  if (const std::optional<Milliseconds> delay = response.retry_after())
    CHECK(*delay >= Milliseconds(0) && *delay <= std::chrono::hours(24));
  const std::string type = response.content_type();
  CHECK(type.find(';') == std::string::npos && !type.starts_with(' ') && !type.ends_with(' '));
  CHECK(std::none_of(type.begin(), type.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
}
