// What a client sends, in one piece and in blocks of any size: the same requests come out of it, and nothing in them
// could stand in another place of a reply, or lead a reader elsewhere. Why a bad one is refused may differ, and when: a
// quoted string that never ends is only waited for until a piece shows that it cannot.
#include <vector>

#include "fuzz.h"
#include "net/http_message.h"

using namespace packferry;

namespace {

constexpr HttpMessageLimits kLimits{.head_bytes_max = 512, .body_bytes_max = 256};

struct Outcome {
  std::vector<ReceivedRequest> requests;
  int refusal = 0;
};

void check(const ReceivedRequest& request) {
  CHECK(request.path.starts_with('/') && request.path.find('?') == std::string::npos);
  CHECK((request.path + request.query).find_first_of(" \r\n#") == std::string::npos);
  CHECK(request.body.size() <= kLimits.body_bytes_max);
  std::size_t bytes = 0;
  for (const HttpHeader& header : request.headers) {
    bytes += header.name.size() + header.value.size();
    CHECK((header.name + header.value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  CHECK(bytes <= kLimits.head_bytes_max);
}

Outcome read(std::string_view bytes, std::size_t block_bytes) {
  Outcome outcome;
  std::string unread;
  auto reader = std::make_unique<HttpRequestReader>(kLimits);
  while (!bytes.empty() && outcome.refusal == 0) {
    unread += bytes.substr(0, block_bytes);
    bytes.remove_prefix(std::min(block_bytes, bytes.size()));
    while (!unread.empty()) {
      const std::size_t taken = reader->take(unread);
      CHECK(taken <= unread.size());
      unread.erase(0, taken);
      outcome.refusal = reader->refusal();
      if (!reader->is_complete()) break;
      outcome.requests.push_back(reader->finish());
      check(outcome.requests.back());
      reader = std::make_unique<HttpRequestReader>(kLimits);
    }
    CHECK(outcome.refusal != 0 || unread.size() < kLimits.head_bytes_max);
  }
  return outcome;
}

}  // namespace

FUZZ(input) {
  const std::size_t block_bytes = input.block_bytes();
  const std::string_view bytes = input.rest();
  const Outcome whole = read(bytes, bytes.size() + 1);
  const Outcome pieces = read(bytes, block_bytes);
  CHECK(whole.requests.size() == pieces.requests.size());
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    CHECK(whole.requests[i].path == pieces.requests[i].path);
    CHECK(whole.requests[i].headers.size() == pieces.requests[i].headers.size());
    CHECK(whole.requests[i].body == pieces.requests[i].body);
  }
}
