#include "service/alarm_channel.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/printable.h"
#include "io/process.h"
#include "net/http_question.h"
#include "service/alarm_message.h"

namespace packferry {
namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024;

Result<> check_heard(const HttpAnswer& answer, const Url& address) {
  const int status = answer.response.status;
  if (status >= 200 && status < 300) return {};
  const bool may_pass = status == 429 || status >= 500;
  return Error(may_pass ? ErrorKind::Unavailable : ErrorKind::Rejected, "{}: answered {}: {}", address.origin(), status,
               printable(answer.body, 200));
}

}  // namespace

Result<> WebhookChannel::say(const Notice& notice, std::stop_token stop) {
  const std::string body = shape_ == WebhookShape::Slack ? alarm_slack(notice) : alarm_json(notice);
  HttpRequest request{.method = "POST", .url = address_, .headers = {{"Content-Type", "application/json"}}};
  request.body = HttpRequest::Body::Counted;
  request.body_bytes = body.size();
  if (!key_.empty())
    request.headers.push_back(
        {"X-Packferry-Signature", "sha256=" + to_hex(hmac_sha256(as_bytes(key_.reveal()), as_bytes(body)))});
  return check_heard(TRY(ask_http(http_, std::move(request), body, kAnswerBytesMax, std::move(stop))), address_);
}

Result<> CommandChannel::say(const Notice& notice, std::stop_token stop) {
  std::vector<std::string> environment = environment_;
  for (std::string& word : alarm_environment(notice)) environment.push_back(std::move(word));
  const ProcessOutput output = TRY(run_process({.argv = argv_, .environment = std::move(environment), .directory = "/"},
                                               alarm_text(notice), kAnswerBytesMax, patience_, std::move(stop)));
  if (output.exit.code == 0) return {};
  std::string_view why = output.exit.stderr_text;
  while (why.ends_with('\n')) why.remove_suffix(1);
  return Error(ErrorKind::Unavailable, "{}: exit status {}: {}", printable(argv_.front()), output.exit.code,
               printable(why, 200));
}

Result<> MailChannel::say(const Notice& notice, std::stop_token stop) {
  return send_mail(server_,
                   {.from = from_,
                    .to = to_,
                    .subject = "[packferry] " + alarm_headline(notice),
                    .body = alarm_text(notice),
                    .date = clock_.now()},
                   std::move(stop));
}

Result<> beat(HttpClient& http, const Url& address, std::stop_token stop) {
  return check_heard(
      TRY(ask_http(http, {.method = "GET", .url = address, .headers = {}}, "", kAnswerBytesMax, std::move(stop))),
      address);
}

}  // namespace packferry
