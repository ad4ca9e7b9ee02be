// A question and its answer, both small enough to be held whole: how APIs are asked. Streams go through HttpExchange.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "net/http.h"

namespace packferry {

struct HttpAnswer {
  HttpResponse response;
  std::string body;
};

// Sends `body` (Counted, where the method has one) and takes the whole answer, whatever its status. A longer one than
// `answer_bytes_max` is Exhausted. A host that refuses before it has read the body is heard all the same.
Result<HttpAnswer> ask_http(HttpClient& client, HttpRequest request, std::string_view body,
                            std::size_t answer_bytes_max, std::stop_token stop);

}  // namespace packferry
