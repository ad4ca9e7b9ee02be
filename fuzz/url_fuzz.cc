// The first line is a URL, the second a Location header against it. A URL reads as it is shown, curl sees the same
// place in it as we do, and nothing that a server says leads out of http(s) or brings a password.
#include <arpa/inet.h>
#include <curl/curl.h>

#include <memory>
#include <string>

#include "base/printable.h"
#include "fuzz.h"
#include "net/url.h"

namespace {

using namespace packferry;

std::string part(CURLU* handle, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, which, &text, flags) != CURLUE_OK) return "";
  const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
  return text;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// curl writes one zero group in an IPv6 address as "::", the C library as "0".
std::string canonical(const std::string& host) {
  if (!host.starts_with('[')) return host;
  in6_addr bytes{};
  CHECK(inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &bytes) == 1);
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, &bytes, text, sizeof text);
}

void check_with_curl(const std::string& text, const Url& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle(curl_url(), curl_url_cleanup);
  CHECK(curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS) == CURLUE_OK);
  CHECK(part(handle.get(), CURLUPART_SCHEME) == (url.scheme() == Scheme::Https ? "https" : "http"));
  CHECK(canonical(lower(part(handle.get(), CURLUPART_HOST))) == url.host());
  CHECK(part(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT) == std::to_string(url.port()));
  CHECK(part(handle.get(), CURLUPART_PATH) == url.path());
  CHECK(part(handle.get(), CURLUPART_QUERY) == url.query());
}

void check_url(const Url& url) {
  const std::string shown = url.text();
  CHECK(printable(shown, shown.size() + 1) == shown);
  CHECK(!url.host().starts_with('-') && !url.user().starts_with('-') && !url.path().starts_with('-'));
  CHECK((url.is_local() || url.scheme() == Scheme::CodeCommit) == url.host().empty());
  CHECK(url.region().empty() || has_shape_of_aws_region(url.region()));
  const Result<Url> again = Url::parse(shown);
  CHECK(again && again->text() == shown && again->same_origin(url));
  CHECK(again->path() == url.path() && again->query() == url.query());
  CHECK(url.is_http() || again->user() == url.user());
}

}  // namespace

FUZZ(input) {
  const std::string text(input.line());
  const std::string_view location = input.line();
  const Result<Url> url = Url::parse(text);
  if (!url) return;
  check_url(*url);
  if (!url->is_http()) return;
  check_with_curl(text, *url);
  check_with_curl(url->request_text(), *url);

  const Result<Url> resolved = url->resolve(location);
  if (!resolved) return;
  CHECK(resolved->is_http());
  CHECK(resolved->same_origin(*url) || (resolved->user().empty() && resolved->password().empty()));
  check_with_curl(resolved->request_text(), *resolved);
}
