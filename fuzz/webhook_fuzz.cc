// The first byte chooses a kind of host, a line is what it says that happened, the rest is a body, with a proof that
// fits and with one that does not: nothing comes of the second, and what comes of the first can be shown, leads
// nowhere, and is the same the next time.
#include "base/digest.h"
#include "base/printable.h"
#include "fuzz.h"
#include "io/stream.h"
#include "service/webhook.h"

using namespace packferry;

namespace {

constexpr Clock::WallTime kNow{std::chrono::seconds(1'767'323'045)};
const std::string kSecret = "a secret of the fuzzer's";

bool is_shown_as_it_is(const std::string& text) { return printable(text, text.size() + 1) == text; }

std::string hmac(std::string_view body) { return to_hex(hmac_sha256(as_bytes(kSecret), as_bytes(body))); }

// What stands in the headers of all hosts; each reads its own.
ReceivedRequest request_with(std::string_view event, std::string_view body) {
  ReceivedRequest request;
  request.method = "POST";
  request.body = body;
  for (const char* name : {"x-github-event", "x-gitea-event", "x-event-key"})
    request.headers.push_back({name, std::string(event)});
  request.headers.push_back({"x-gitlab-token", kSecret});
  request.headers.push_back({"authorization", "Bearer " + kSecret});
  request.headers.push_back({"x-gitea-signature", hmac(body)});
  request.headers.push_back({"x-hub-signature", "sha256=" + hmac(body)});
  request.headers.push_back({"x-hub-signature-256", "sha256=" + hmac(body)});
  if (event.starts_with('f')) request.headers.push_back({"content-type", "application/x-www-form-urlencoded"});
  return request;
}

void check(const Webhook& webhook) {
  CHECK(!webhook.event.empty() && is_shown_as_it_is(webhook.event) && is_shown_as_it_is(webhook.message_id));
  CHECK(webhook.fingerprint.size() == 64);
  CHECK(webhook.wants_a_look == !webhook.places.empty());
  for (const std::string& place : webhook.places) {
    CHECK(!place.empty() && is_shown_as_it_is(place));
    CHECK(!place.starts_with('/') && !place.ends_with('/'));
  }
}

}  // namespace

FUZZ(input) {
  const auto kind = static_cast<WebhookKind>(input.byte() % 6);
  const std::string_view event = input.line();
  const std::string_view body = input.rest();
  ReceivedRequest request = request_with(event, body);

  const Result<Webhook> webhook = read_webhook(kind, request, {Secret(kSecret)}, kNow);
  if (webhook) {
    check(*webhook);
    CHECK(read_webhook(kind, request, {Secret(kSecret)}, kNow)->fingerprint == webhook->fingerprint);
  } else {
    CHECK(is_shown_as_it_is(webhook.error().message()));
  }
  const Result<Webhook> denied = read_webhook(kind, request, {Secret("another secret")}, kNow);
  CHECK(!denied && denied.error().kind() == ErrorKind::Denied);

  // A signing token: the line is the header with the signatures.
  request.headers = {
      {"webhook-id", "1"}, {"webhook-timestamp", "1767323045"}, {"webhook-signature", std::string(event)}};
  CHECK(!read_webhook(WebhookKind::GitLab, request, {Secret("whsec_MDEyMzQ1Njc4OWFiY2RlZg==")}, kNow));
}
