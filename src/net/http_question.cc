#include "net/http_question.h"

namespace packferry {

Result<HttpAnswer> ask_http(HttpClient& client, HttpRequest request, std::string_view body,
                            std::size_t answer_bytes_max, std::stop_token stop) {
  if (!body.empty()) {
    request.body = HttpRequest::Body::Counted;
    request.body_bytes = body.size();
  }
  const std::unique_ptr<HttpExchange> exchange = TRY(client.start(std::move(request), std::move(stop)));
  // A host that refuses early stops reading; what it says then is the better reason.
  Result<> sent = body.empty() ? Result<>() : exchange->write(as_bytes(body));
  if (sent) sent = exchange->end_request();
  Result<HttpResponse> response = exchange->response();
  if (!response) return sent ? std::move(response).error() : std::move(sent).error();
  const std::vector<std::byte> bytes = TRY(read_all(*exchange, answer_bytes_max));
  return HttpAnswer{.response = std::move(response).value(), .body = std::string(as_text(bytes))};
}

}  // namespace packferry
