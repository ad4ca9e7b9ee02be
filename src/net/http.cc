#include "net/http.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <list>
#include <mutex>
#include <system_error>
#include <tuple>

#include "base/ascii.h"
#include "base/check.h"
#include "base/printable.h"

namespace packferry {
namespace {

constexpr std::size_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kShortBodyBytes = 16 * 1024;  // the least that curl takes for a buffer
constexpr std::chrono::seconds kRetryAfterMax = std::chrono::hours(24);
// A kept connection is a descriptor and some 50 KiB with TLS; more than the workers of a busy service need.
constexpr std::size_t kIdleConnectionsMax = 64;

template <auto function>
struct Call {
  template <typename T>
  void operator()(T* pointer) const {
    function(pointer);
  }
};

// Header lines may be credentials: their memory is overwritten before it is given back.
void wipe_and_free(curl_slist* list) {
  for (curl_slist* line = list; line != nullptr; line = line->next) explicit_bzero(line->data, std::strlen(line->data));
  curl_slist_free_all(list);
}

using Multi = std::unique_ptr<CURLM, Call<curl_multi_cleanup>>;
using Easy = std::unique_ptr<CURL, Call<curl_easy_cleanup>>;
using HeaderLines = std::unique_ptr<curl_slist, Call<wipe_and_free>>;
using TrustStore = std::unique_ptr<X509_STORE, Call<X509_STORE_free>>;

// In pieces: one large memcpy() is 15 times slower (2.7 instead of 39 GB/s on an EPYC) when the target lies a few bytes
// behind the source modulo 4096, and that is how curl puts a block behind the frame of its chunk.
void copy_bytes(std::span<const std::byte> from, std::byte* to) {
  constexpr std::size_t kPieceBytes = 1024;
  while (!from.empty()) {
    const std::size_t count = std::min(from.size(), kPieceBytes);
    std::memcpy(to, from.data(), count);
    from = from.subspan(count);
    to += count;
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

// RFC 9110, 5.6.2
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); });
}

template <typename T>
void set(const Easy& easy, CURLoption option, T value) {
  CHECK(curl_easy_setopt(easy.get(), option, value) == CURLE_OK);
}

template <typename T>
T info(const Easy& easy, CURLINFO which) {
  T value{};
  curl_easy_getinfo(easy.get(), which, &value);
  return value;
}

// A pause of poll(2), after which the loop only looks again.
constexpr Milliseconds kPollMax = std::chrono::minutes(1);

std::string seconds_text(Milliseconds duration) {
  return fmt::format("{:g} s", static_cast<double>(duration.count()) / 1000);
}

long milliseconds_for_curl(Milliseconds duration) {
  return static_cast<long>(std::max<Milliseconds::rep>(duration.count(), 1));
}

}  // namespace

// What exchanges of one client share: the trusted certificates, loaded once (curl would load its bundle for every
// handle, 33 ms and 0.85 MB a time), and connections that wait for the next exchange. libcurl keeps connections in a
// multi handle and a multi belongs to one thread, so a connection is kept together with the multi that it lives in.
struct HttpClient::Pool {
  explicit Pool(HttpOptions given) : options(std::move(given)) {}

  Multi take(const std::string& origin) {
    const std::lock_guard lock(mutex);
    const auto newest = std::find_if(idle.rbegin(), idle.rend(), [&](const Idle& i) { return i.origin == origin; });
    if (newest == idle.rend()) return nullptr;
    Multi multi = std::move(newest->multi);
    idle.erase(std::next(newest).base());
    return multi;
  }

  void keep(const std::string& origin, Multi multi) {
    Multi oldest;  // closes its connection after the lock is given back
    const std::lock_guard lock(mutex);
    idle.push_back({origin, std::move(multi)});
    if (idle.size() <= kIdleConnectionsMax) return;
    oldest = std::move(idle.front().multi);
    idle.pop_front();
  }

  Result<X509_STORE*> trusted() {
    const std::lock_guard lock(mutex);
    if (trust_store != nullptr) return trust_store.get();
    TrustStore store(X509_STORE_new());
    CHECK(store != nullptr);
    const std::string& file = options.ca_file;
    const bool loaded = file.empty() ? X509_STORE_set_default_paths(store.get()) == 1
                                     : X509_STORE_load_file(store.get(), file.c_str()) == 1;
    if (!loaded) return Error(ErrorKind::Invalid, "CA file '{}' cannot be read as PEM certificates", printable(file));
    // As curl sets it: an intermediate or a server's own certificate in the file is trusted by itself.
    X509_STORE_set_flags(store.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    trust_store = std::move(store);
    return trust_store.get();
  }

  const HttpOptions options;

 private:
  struct Idle {
    std::string origin;
    Multi multi;
  };

  std::mutex mutex;
  TrustStore trust_store;
  std::list<Idle> idle;  // oldest first
};

namespace {

// One easy handle in one multi, driven by whoever calls. Bytes are copied once, between the caller's own buffer and
// curl's: a callback finds the buffer of the call that is waiting. What arrives while nobody reads is kept, one block
// of it, and then the transfer is paused.
class CurlExchange final : public HttpExchange {
 public:
  CurlExchange(std::shared_ptr<HttpClient::Pool> pool, HttpRequest request, std::stop_token stop);
  ~CurlExchange() override;
  Result<> open();

  Result<> write(std::span<const std::byte> bytes) override;
  Result<> end_request() override;
  Result<HttpResponse> response() override;
  bool has_response() override;
  void hurry(Milliseconds stall) override;
  Result<std::size_t> read(std::span<std::byte> into) override;

 private:
  using Steady = std::chrono::steady_clock;

  Result<> set_headers();
  void set_body();
  void set_connection();

  template <typename Enough>
  Result<> drive(Enough enough);
  Result<> wait(Steady::time_point moved_at);
  void step();
  curl_off_t bytes_moved() const;
  void resume(bool& paused);
  bool wants_no_more() const;
  Error ended_early() const;
  Error curl_error() const;
  Error certificate_error() const;

  std::size_t on_send(std::byte* to, std::size_t room);
  std::size_t on_body(std::span<const std::byte> bytes);
  std::size_t on_header_line(std::string_view line);
  void on_status_line(std::string_view line);
  int on_connected();

  const std::shared_ptr<HttpClient::Pool> pool_;
  const HttpRequest request_;
  const std::string origin_;
  const Patience patience_;
  std::optional<Steady::time_point> goodbye_;
  std::stop_token stop_;

  Multi multi_;
  Easy easy_;
  HeaderLines header_lines_;
  char curl_says_[CURL_ERROR_SIZE] = "";
  std::optional<std::stop_callback<std::function<void()>>> wake_;

  std::span<const std::byte> from_;  // of the write() that is waiting
  std::uint64_t sent_ = 0;
  bool request_ended_ = false;
  bool send_paused_ = false;

  std::span<std::byte> into_;  // of the read() that is waiting
  std::size_t taken_ = 0;
  std::vector<std::byte> kept_;
  std::size_t kept_taken_ = 0;
  bool receive_paused_ = false;
  bool discard_ = false;

  HttpResponse response_;
  bool response_complete_ = false;
  std::size_t header_bytes_ = 0;
  const char* malformed_ = nullptr;
  curl_off_t received_ = 0;

  bool connected_ = false;
  bool over_ = false;
  CURLcode outcome_ = CURLE_OK;
  std::optional<Error> failure_;  // stopped or stalled: no further
};

CurlExchange::CurlExchange(std::shared_ptr<HttpClient::Pool> pool, HttpRequest request, std::stop_token stop)
    : pool_(std::move(pool)),
      request_(std::move(request)),
      origin_(request_.url.origin()),
      patience_(pool_->options.patience),
      stop_(std::move(stop)) {}

CurlExchange::~CurlExchange() {
  wake_.reset();
  if (multi_ == nullptr || easy_ == nullptr) return;
  // The rest of a short answer nobody wants, such as the page of a 401, is often here already: one look saves a
  // connection.
  if (!over_ && !failure_ && request_ended_ && response_complete_) {
    discard_ = true;
    resume(receive_paused_);
    step();
  }
  curl_multi_remove_handle(multi_.get(), easy_.get());
  easy_.reset();
  if (over_ && outcome_ == CURLE_OK) pool_->keep(origin_, std::move(multi_));
}

Result<> CurlExchange::open() {
  if (stop_.stop_requested()) return Error(ErrorKind::Cancelled, "stopped");
  easy_.reset(curl_easy_init());
  CHECK(easy_ != nullptr);
  TRY(set_headers());
  set_body();
  set_connection();
  if (request_.url.scheme() == Scheme::Https) {
    const auto install = [](CURL*, void* context, void* store) {
      SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(context), static_cast<X509_STORE*>(store));
      return CURLE_OK;
    };
    set<curl_ssl_ctx_callback>(easy_, CURLOPT_SSL_CTX_FUNCTION, install);
    set(easy_, CURLOPT_SSL_CTX_DATA, TRY(pool_->trusted()));
  }

  multi_ = pool_->take(origin_);
  if (multi_ == nullptr) multi_.reset(curl_multi_init());
  CHECK(multi_ != nullptr);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
  CHECK(curl_multi_add_handle(multi_.get(), easy_.get()) == CURLM_OK);
  wake_.emplace(stop_, [multi = multi_.get()] { curl_multi_wakeup(multi); });
  step();
  return {};
}

Result<> CurlExchange::set_headers() {
  CHECK(is_token(request_.method));
  std::vector<std::string> lines = {"Expect:"};
  bool accepts = false;
  for (const HttpHeader& header : request_.headers) {
    if (!is_token(header.name)) return Error(ErrorKind::Invalid, "'{}' is no header name", printable(header.name));
    if (!is_header_value(header.value))
      return Error(ErrorKind::Invalid, "header '{}' has a line end or control character in its value", header.name);
    accepts = accepts || to_lower(header.name) == "accept";
    lines.push_back(header.name + (header.value.empty() ? ";" : ": " + header.value));
  }
  if (!accepts) lines.push_back("Accept:");  // curl would say "*/*"
  for (std::string& line : lines) {
    curl_slist* longer = curl_slist_append(header_lines_.get(), line.c_str());
    CHECK(longer != nullptr);
    std::ignore = header_lines_.release();
    header_lines_.reset(longer);
    explicit_bzero(line.data(), line.size());
  }
  set(easy_, CURLOPT_HTTPHEADER, header_lines_.get());
  if (!is_header_value(pool_->options.user_agent))
    return Error(ErrorKind::Invalid, "the user agent has a control character");
  set(easy_, CURLOPT_USERAGENT, pool_->options.user_agent.c_str());
  return {};
}

void CurlExchange::set_body() {
  const bool may_have_body = request_.method != "GET" && request_.method != "HEAD" && request_.method != "DELETE";
  const bool counted = request_.body != HttpRequest::Body::Chunked;
  CHECK(may_have_body || request_.body == HttpRequest::Body::None);
  CHECK(request_.body == HttpRequest::Body::Counted || request_.body_bytes == 0);
  request_ended_ = request_.body == HttpRequest::Body::None;
  if (may_have_body) {
    set(easy_, CURLOPT_UPLOAD, 1L);
    set(easy_, CURLOPT_INFILESIZE_LARGE, counted ? static_cast<curl_off_t>(request_.body_bytes) : curl_off_t{-1});
    // Room for one block with the frame of a chunk around it.
    const bool is_short = counted && request_.body_bytes <= kShortBodyBytes;
    set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, static_cast<long>(is_short ? kShortBodyBytes : kBlockBytes + 1024));
  }
  if (request_.method == "HEAD") {
    set(easy_, CURLOPT_NOBODY, 1L);
  } else {
    set(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

void CurlExchange::set_connection() {
  set(easy_, CURLOPT_URL, request_.url.request_text().c_str());
  set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy_, CURLOPT_PATH_AS_IS, 1L);
  if (pool_->options.direct) set(easy_, CURLOPT_NOPROXY, "*");
  set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  set<const char*>(easy_, CURLOPT_CAINFO, nullptr);
  set<const char*>(easy_, CURLOPT_CAPATH, nullptr);
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  set(easy_, CURLOPT_QUICK_EXIT, 1L);  // a name look-up that hangs does not hold up the end
  set(easy_, CURLOPT_TCP_NODELAY, 1L);
  set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy_, CURLOPT_BUFFERSIZE, static_cast<long>(request_.block_bytes));
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, milliseconds_for_curl(patience_.connect_ms));
  set(easy_, CURLOPT_ERRORBUFFER, &curl_says_[0]);

  set<void*>(easy_, CURLOPT_READDATA, this);
  set<curl_read_callback>(easy_, CURLOPT_READFUNCTION, [](char* to, std::size_t size, std::size_t count, void* self) {
    return static_cast<CurlExchange*>(self)->on_send(reinterpret_cast<std::byte*>(to), size * count);
  });
  set<void*>(easy_, CURLOPT_WRITEDATA, this);
  set<curl_write_callback>(easy_, CURLOPT_WRITEFUNCTION,
                           [](char* from, std::size_t size, std::size_t count, void* self) {
                             return static_cast<CurlExchange*>(self)->on_body(as_bytes({from, size * count}));
                           });
  set<void*>(easy_, CURLOPT_HEADERDATA, this);
  set<curl_write_callback>(easy_, CURLOPT_HEADERFUNCTION,
                           [](char* from, std::size_t size, std::size_t count, void* self) {
                             return static_cast<CurlExchange*>(self)->on_header_line({from, size * count});
                           });
  set<void*>(easy_, CURLOPT_PREREQDATA, this);
  set<curl_prereq_callback>(easy_, CURLOPT_PREREQFUNCTION, [](void* self, char*, char*, int, int) {
    return static_cast<CurlExchange*>(self)->on_connected();
  });
}

// Before the request goes out on a connection, new or kept. curl tries a kept connection that turns out to be dead
// again with a new one; a body that has begun cannot be sent again.
int CurlExchange::on_connected() {
  connected_ = true;
  return sent_ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

std::size_t CurlExchange::on_send(std::byte* to, std::size_t room) {
  if (from_.empty()) {
    if (request_ended_) return 0;
    send_paused_ = true;
    return CURL_READFUNC_PAUSE;
  }
  const std::size_t count = std::min(room, from_.size());
  copy_bytes(from_.first(count), to);
  from_ = from_.subspan(count);
  sent_ += count;
  return count;
}

std::size_t CurlExchange::on_body(std::span<const std::byte> bytes) {
  const std::size_t total = bytes.size();
  received_ += static_cast<curl_off_t>(total);
  if (discard_) return total;
  if (into_.empty() && kept_.size() >= kBlockBytes) {
    received_ -= static_cast<curl_off_t>(total);  // will come again
    receive_paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  const std::size_t count = std::min(total, into_.size());
  copy_bytes(bytes.first(count), into_.data());
  into_ = into_.subspan(count);
  taken_ += count;
  kept_.insert(kept_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(count), bytes.end());
  return total;
}

std::size_t CurlExchange::on_header_line(std::string_view line) {
  const std::size_t refuse = line.size() + 1;
  received_ += static_cast<curl_off_t>(line.size());
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) return malformed_ = "more than 64 KiB of headers", refuse;
  if (response_complete_) return line.size();  // a trailer
  if (line.starts_with("HTTP/")) {
    on_status_line(line);
  } else if (trimmed(line).empty()) {
    const bool interim = response_.status >= 100 && response_.status < 200 && response_.status != 101;
    response_complete_ = !interim;
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    response_.headers.push_back({to_lower(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1))), false});
    // curl would unpack "gzip, chunked" unasked.
    const HttpHeader& header = response_.headers.back();
    if (header.name == "transfer-encoding" && to_lower(header.value) != "chunked")
      return malformed_ = "a transfer encoding that was not asked for", refuse;
    // RFC 9112, 6.3: no telling where such an answer ends.
    if (header.name == "content-length" && response_.header("content-length") != header.value)
      return malformed_ = "two lengths of its body", refuse;
  }
  return line.size();
}

void CurlExchange::on_status_line(std::string_view line) {
  response_ = {};
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return;
  const std::string_view digits = line.substr(space + 1, 3);
  std::from_chars(digits.data(), digits.data() + digits.size(), response_.status);
}

// Bytes that have passed the socket, in both directions; when it stands still the exchange does.
curl_off_t CurlExchange::bytes_moved() const {
  return received_ + info<curl_off_t>(easy_, CURLINFO_SIZE_UPLOAD_T) + info<long>(easy_, CURLINFO_REQUEST_SIZE);
}

void CurlExchange::step() {
  int running = 0;
  CHECK(curl_multi_perform(multi_.get(), &running) == CURLM_OK);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    over_ = true;
    outcome_ = message->data.result;
  }
}

// Moves bytes until `enough()` or until the exchange is over, whichever comes first.
template <typename Enough>
Result<> CurlExchange::drive(Enough enough) {
  Steady::time_point moved_at = Steady::now();
  curl_off_t moved = bytes_moved();
  while (!enough() && !over_) {
    if (stop_.stop_requested()) return *(failure_ = Error(ErrorKind::Cancelled, "{}: stopped", origin_));
    step();
    if (enough() || over_) break;
    if (bytes_moved() == moved) {
      TRY(wait(moved_at));
    } else {
      moved = bytes_moved();
      moved_at = Steady::now();
    }
  }
  return {};
}

// Until something can be done about the transfer, or for too long.
Result<> CurlExchange::wait(Steady::time_point moved_at) {
  const Steady::time_point now = Steady::now();
  Steady::time_point until = Steady::time_point::max();  // before it is connected, curl itself watches over connect_ms
  if (connected_) until = moved_at + patience_.stall_ms;
  if (goodbye_) until = *goodbye_;
  if (now >= until) {
    failure_ = goodbye_ ? Error(ErrorKind::Unavailable, "{}: no answer in time", origin_)
                        : Error(ErrorKind::Unavailable, "{}: no byte in either direction for {}", origin_,
                                seconds_text(patience_.stall_ms));
    return *failure_;
  }
  const auto pause = std::min(std::chrono::ceil<Milliseconds>(until - now), kPollMax);
  CHECK(curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(pause.count()), nullptr) == CURLM_OK);
  return {};
}

void CurlExchange::resume(bool& paused) {
  if (!paused) return;
  paused = false;
  // Its outcome is seen by the next step().
  curl_easy_pause(easy_.get(), (send_paused_ ? CURLPAUSE_SEND : 0) | (receive_paused_ ? CURLPAUSE_RECV : 0));
}

// curl stops sending as soon as the answer is no success.
bool CurlExchange::wants_no_more() const { return over_ || (response_complete_ && response_.status >= 300); }

Result<> CurlExchange::write(std::span<const std::byte> bytes) {
  CHECK(!request_ended_);
  CHECK(request_.body == HttpRequest::Body::Chunked || bytes.size() <= request_.body_bytes - sent_);
  if (failure_) return *failure_;
  from_ = bytes;
  if (!over_) resume(send_paused_);
  const Result<> driven = drive([&] { return from_.empty() || wants_no_more(); });
  const bool all_taken = std::exchange(from_, {}).empty();
  TRY(driven);
  if (all_taken) return {};
  return ended_early();
}

Result<> CurlExchange::end_request() {
  if (failure_) return *failure_;
  if (request_ended_) return {};
  CHECK(request_.body == HttpRequest::Body::Chunked || sent_ == request_.body_bytes || wants_no_more());
  request_ended_ = true;
  if (over_) return {};  // response() says how
  resume(send_paused_);
  step();
  return {};
}

Result<HttpResponse> CurlExchange::response() {
  if (failure_) return *failure_;
  TRY(drive([&] { return response_complete_; }));
  if (response_complete_) return response_;
  if (outcome_ != CURLE_OK) return curl_error();
  return Error(ErrorKind::Unavailable, "{}: closed the connection among the headers of its answer", origin_);
}

bool CurlExchange::has_response() {
  if (!over_ && !failure_ && !response_complete_) step();
  return response_complete_;
}

void CurlExchange::hurry(Milliseconds stall) {
  goodbye_ = Steady::now() + stall;
  wake_.reset();
  stop_ = {};
}

Result<std::size_t> CurlExchange::read(std::span<std::byte> into) {
  CHECK(!into.empty());
  if (failure_) return *failure_;
  if (kept_taken_ < kept_.size()) {
    const std::size_t count = std::min(into.size(), kept_.size() - kept_taken_);
    copy_bytes(std::span(kept_).subspan(kept_taken_, count), into.data());
    kept_taken_ += count;
    return count;
  }
  kept_.clear();
  kept_taken_ = 0;

  into_ = into;
  taken_ = 0;
  if (!over_) resume(receive_paused_);
  const Result<> driven = drive([&] { return taken_ > 0; });
  into_ = {};
  if (taken_ > 0) return taken_;
  TRY(driven);
  if (outcome_ == CURLE_OK) return 0;
  return curl_error();
}

Error CurlExchange::ended_early() const {
  if (response_complete_)
    return Error(ErrorKind::Unavailable, "{}: HTTP {} before the request was sent", origin_, response_.status);
  if (outcome_ != CURLE_OK) return curl_error();
  return Error(ErrorKind::Unavailable, "{}: closed the connection before the request was sent", origin_);
}

Error CurlExchange::curl_error() const {
  const std::string said = printable(curl_says_[0] != '\0' ? curl_says_ : curl_easy_strerror(outcome_));
  if (malformed_ != nullptr) return Error(ErrorKind::Corrupt, "{}: answers with {}", origin_, malformed_);
  switch (outcome_) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return certificate_error();
    case CURLE_COULDNT_CONNECT: {
      const long code = info<long>(easy_, CURLINFO_OS_ERRNO);
      return Error(ErrorKind::Unavailable, "{}: no connection: {}", origin_,
                   code != 0 ? std::generic_category().message(static_cast<int>(code)) : said);
    }
    case CURLE_OPERATION_TIMEDOUT:
      return Error(ErrorKind::Unavailable, "{}: no connection within {}", origin_, seconds_text(patience_.connect_ms));
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_ABORTED_BY_CALLBACK:
      return Error(ErrorKind::Unavailable, "{}: a kept connection was closed while the request was sent", origin_);
    case CURLE_PARTIAL_FILE:
      return Error(ErrorKind::Unavailable, "{}: the answer was cut: {}", origin_, said);
    case CURLE_GOT_NOTHING:
      return Error(ErrorKind::Unavailable, "{}: closed the connection without an answer", origin_);
    // An HTTP/1.0 host cannot be told where a body of unknown length ends.
    case CURLE_UPLOAD_FAILED:
      return Error(ErrorKind::Unsupported, "{}: takes no chunked request", origin_);
    case CURLE_OUT_OF_MEMORY:  // what curl says of one endless header line
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Error(ErrorKind::Corrupt, "{}: does not answer in HTTP/1.1: {}", origin_, said);
    default:
      return Error(ErrorKind::Unavailable, "{}: {}", origin_, said);
  }
}

Error CurlExchange::certificate_error() const {
  const long check = info<long>(easy_, CURLINFO_SSL_VERIFYRESULT);
  if (check == X509_V_OK || check == X509_V_ERR_UNSPECIFIED)  // the chain is good, or was not looked at any more
    return Error(ErrorKind::Denied, "{}: the certificate is for another host; use the name that it is for", origin_);
  const std::string& file = pool_->options.ca_file;
  return Error(ErrorKind::Denied, "{}: the certificate is not trusted: {}; if it should be, add its CA to {}", origin_,
               X509_verify_cert_error_string(check),
               file.empty() ? "the system's, or give a CA file" : "the CA file '" + printable(file) + "'");
}

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (header.name == name) return header.value;
  }
  return std::nullopt;
}

std::string HttpResponse::content_type() const {
  const std::string_view value = header("content-type").value_or("");
  return to_lower(trimmed(value.substr(0, value.find(';'))));
}

std::optional<Milliseconds> HttpResponse::retry_after() const {
  const std::optional<std::string_view> value = header("retry-after");
  if (!value || value->empty()) return std::nullopt;
  if (value->find_first_not_of("0123456789") == std::string_view::npos) {
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
    if (error != std::errc()) return kRetryAfterMax;
    return std::min<Milliseconds>(std::chrono::seconds(seconds), kRetryAfterMax);
  }
  const std::time_t then = curl_getdate(std::string(*value).c_str(), nullptr);
  const std::time_t now = curl_getdate(std::string(header("date").value_or("")).c_str(), nullptr);
  if (then < 0 || now < 0) return std::nullopt;
  // In seconds: some dates are further apart than milliseconds can tell.
  return std::clamp(std::chrono::seconds(then - now), std::chrono::seconds(0), kRetryAfterMax);
}

namespace {

// curl_getdate() takes dates that no clock of ours can hold.
std::optional<Clock::WallTime> time_of(std::optional<std::string_view> text) {
  constexpr std::time_t kLatest = 9'223'372'036;
  const std::time_t seconds = curl_getdate(std::string(text.value_or("")).c_str(), nullptr);
  if (seconds < 0 || seconds > kLatest) return std::nullopt;
  return Clock::WallTime(std::chrono::seconds(seconds));
}

}  // namespace

std::optional<Clock::WallTime> HttpResponse::date() const { return time_of(header("date")); }
std::optional<Clock::WallTime> HttpResponse::last_modified() const { return time_of(header("last-modified")); }

HttpClient::HttpClient(HttpOptions options) : pool_(std::make_shared<Pool>(std::move(options))) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(started == CURLE_OK);
}

HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpExchange>> HttpClient::start(HttpRequest request, std::stop_token stop) {
  CHECK(request.url.is_http());
  const std::string origin = request.url.origin();
  auto exchange = std::make_unique<CurlExchange>(pool_, std::move(request), std::move(stop));
  TRY(exchange->open().context("{}", origin));
  return exchange;
}

}  // namespace packferry
