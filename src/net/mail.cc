#include "net/mail.h"

#include <curl/curl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/digest.h"
#include "base/printable.h"
#include "io/stream.h"

namespace packferry {
namespace {

// RFC 5322, 2.1.1 wants lines of 78; RFC 2047, 2 encoded words of 75.
constexpr std::size_t kBase64Line = 76;
constexpr std::size_t kEncodedWordBytes = 42;

bool is_atext(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}

Result<> check_address(std::string_view address) {
  const std::size_t at = address.find('@');
  const bool is_fit = at != std::string_view::npos && at > 0 && at + 1 < address.size() && address.size() <= 254 &&
                      address.find('@', at + 1) == std::string_view::npos &&
                      std::all_of(address.begin(), address.end(), [](char c) { return c == '@' || is_atext(c); });
  if (!is_fit) return Error(ErrorKind::Invalid, "'{}' is no mail address: NAME@DOMAIN", printable(address));
  return {};
}

// Whole characters only, as RFC 2047 wants each word to stand by itself.
std::size_t piece_of(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end > 0 ? end : bytes_max;
}

std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t count = piece_of(text, kEncodedWordBytes);
    out += fmt::format("{}=?UTF-8?B?{}?=", out.empty() ? "" : "\r\n ", to_base64(as_bytes(text.substr(0, count))));
    text.remove_prefix(count);
  }
  return out;
}

std::string base64_lines(std::string_view body) {
  const std::string encoded = to_base64(as_bytes(body));
  std::string out;
  for (std::size_t at = 0; at < encoded.size(); at += kBase64Line) out += encoded.substr(at, kBase64Line) + "\r\n";
  return out;
}

std::string message_id(const Mail& mail) {
  Digest digest(DigestAlgorithm::Sha256);
  for (const std::string_view part :
       {std::string_view(mail.from), std::string_view(mail.subject), std::string_view(mail.body)}) {
    digest.update(as_bytes(part));
    digest.update(as_bytes(std::string_view("\0", 1)));
  }
  digest.update(as_bytes(to_iso8601(mail.date)));
  return fmt::format("<{}@{}>", to_hex(digest.finish()).substr(0, 32), mail.from.substr(mail.from.find('@') + 1));
}

// What curl's callbacks look at while a mail is under way.
struct Sending {
  std::string_view left;
  std::stop_token stop;
};

std::size_t give(char* buffer, std::size_t size, std::size_t count, void* sending) {
  std::string_view& left = static_cast<Sending*>(sending)->left;
  const std::size_t bytes = std::min(size * count, left.size());
  std::memcpy(buffer, left.data(), bytes);
  left.remove_prefix(bytes);
  return bytes;
}

int look_for_stop(void* sending, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Sending*>(sending)->stop.stop_requested() ? 1 : 0;
}

struct EasyEnd {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListEnd {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

template <typename T>
void set(CURL* easy, CURLoption option, T value) {
  CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

Error error_of(CURLcode code, long status, const char* words, const MailServer& server) {
  const std::string what = fmt::format("mail server {}:{}: {}", server.host, server.port, printable(words));
  if (code == CURLE_ABORTED_BY_CALLBACK) return Error(ErrorKind::Cancelled, "{}", what);
  if (code == CURLE_LOGIN_DENIED) return Error(ErrorKind::Denied, "{}: name or password is refused", what);
  if (code == CURLE_PEER_FAILED_VERIFICATION) return Error(ErrorKind::Denied, "{}", what);
  if (code == CURLE_USE_SSL_FAILED) return Error(ErrorKind::Denied, "{}: it offers no TLS", what);
  if (status >= 500) return Error(ErrorKind::Rejected, "{}", what);
  return Error(ErrorKind::Unavailable, "{}", what);
}

bool is_this_machine(std::string_view host) { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }

}  // namespace

Result<std::string> mail_text(const Mail& mail) {
  if (mail.to.empty()) return Error(ErrorKind::Invalid, "a mail to nobody");
  TRY(check_address(mail.from));
  for (const std::string& address : mail.to) TRY(check_address(address));
  return fmt::format(
      "Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\n"
      "From: {}\r\n"
      "To: {}\r\n"
      "Message-ID: {}\r\n"
      "Subject: {}\r\n"
      "Auto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\n"
      "\r\n"
      "{}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(mail.date)), mail.from, fmt::join(mail.to, ",\r\n "),
      message_id(mail), encoded_words(printable(mail.subject)), base64_lines(mail.body));
}

Result<> send_mail(const MailServer& server, const Mail& mail, std::stop_token stop) {
  const std::string text = TRY(mail_text(mail));
  const bool is_plain = server.security == MailServer::Security::Plain;
  if (is_plain && !server.username.empty() && !is_this_machine(server.host))
    return Error(ErrorKind::Denied,
                 "mail server {}: a password does not go over a plain connection; use starttls or tls", server.host);

  const std::unique_ptr<CURL, EasyEnd> easy(curl_easy_init());
  CHECK(easy != nullptr);
  CURL* const curl = easy.get();
  curl_slist* list = nullptr;
  for (const std::string& address : mail.to) list = curl_slist_append(list, ("<" + address + ">").c_str());
  const std::unique_ptr<curl_slist, ListEnd> recipients(list);
  Sending sending{.left = text, .stop = std::move(stop)};
  std::array<char, CURL_ERROR_SIZE> words{};

  const bool is_tls = server.security == MailServer::Security::Tls;
  set(curl, CURLOPT_URL, fmt::format("{}://{}:{}", is_tls ? "smtps" : "smtp", server.host, server.port).c_str());
  set(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(curl, CURLOPT_USE_SSL, is_plain ? long{CURLUSESSL_NONE} : long{CURLUSESSL_ALL});
  set(curl, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (!server.ca_file.empty()) set(curl, CURLOPT_CAINFO, server.ca_file.c_str());
  if (!server.username.empty()) {
    set(curl, CURLOPT_USERNAME, server.username.c_str());
    set(curl, CURLOPT_PASSWORD, server.password.reveal().c_str());
  }
  set(curl, CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
  set(curl, CURLOPT_MAIL_RCPT, recipients.get());
  set(curl, CURLOPT_UPLOAD, 1L);
  set(curl, CURLOPT_READFUNCTION, &give);
  set(curl, CURLOPT_READDATA, &sending);
  set(curl, CURLOPT_NOPROGRESS, 0L);
  set(curl, CURLOPT_XFERINFOFUNCTION, &look_for_stop);
  set(curl, CURLOPT_XFERINFODATA, &sending);
  set(curl, CURLOPT_NOSIGNAL, 1L);
  set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(server.patience.connect_ms.count()));
  // A mail is small: all of it is one step.
  set(curl, CURLOPT_TIMEOUT_MS,
      static_cast<long>(server.patience.connect_ms.count() + server.patience.stall_ms.count()));
  set(curl, CURLOPT_ERRORBUFFER, words.data());

  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_OK) return {};
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return error_of(code, status, words[0] != '\0' ? words.data() : curl_easy_strerror(code), server);
}

}  // namespace packferry
