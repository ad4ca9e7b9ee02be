#include "remote/http_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "base/backoff.h"
#include "base/printable.h"
#include "io/spool.h"
#include "remote/greeting.h"

namespace packferry {
namespace {

constexpr int kRedirectsMax = 3;
// Of a refusal in plain text: a host's own words.
constexpr std::size_t kRefusalBytesMax = 4096;
// What may follow the last flush of an answer: nothing that we know of.
constexpr std::size_t kSurplusBytesMax = 4096;
// A user name of this length is no name: CodeCommit's holds a session token, others are tokens themselves.
constexpr std::size_t kSecretUserBytesMin = 20;
// Most listings are one block of this size, or less.
constexpr std::size_t kListingBlockBytes = 16 * 1024;
constexpr std::string_view kInfoRefs = "/info/refs";

// ---- What a status means ------------------------------------------------------------------------------------------

void blot_out(std::string& text, std::string_view secret) {
  constexpr std::string_view kBlot = "***";
  if (secret.empty()) return;
  for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kBlot.size())
    text.replace(at, secret.size(), kBlot);
}

// The host's explanation when it is meant for people with terminals: git shows these too. One that repeats the request
// does not get what it was `told` into our messages.
std::string words_of(HttpExchange& exchange, const HttpResponse& response, const std::optional<Credentials>& told) {
  if (response.content_type() != "text/plain") return {};
  std::string words;
  std::array<std::byte, kRefusalBytesMax> block;
  while (words.size() < kRefusalBytesMax) {
    const Result<std::size_t> count = exchange.read(block);
    if (!count || *count == 0) break;
    words += as_text(std::span(block).first(*count));
  }
  while (words.ends_with('\n') || words.ends_with('\r')) words.pop_back();
  if (told) {
    const Secret header = told->authorization();
    const std::string_view scheme_and_value = header.reveal();
    blot_out(words, scheme_and_value.substr(scheme_and_value.find(' ') + 1));
    blot_out(words, told->password.reveal());
    if (told->username.size() >= kSecretUserBytesMin) blot_out(words, told->username);
  }
  return words.empty() ? "" : ": '" + printable(words, 500) + "'";
}

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return ErrorKind::Denied;
    case 404:
    case 410:
      return ErrorKind::NotFound;
    case 408:
    case 425:
      return ErrorKind::Unavailable;
    case 413:
      return ErrorKind::Rejected;
    case 429:
      return ErrorKind::Throttled;
    default:
      return status >= 500 ? ErrorKind::Unavailable : ErrorKind::Invalid;
  }
}

std::string_view remedy_for(int status) {
  switch (status) {
    case 401:
      return "; give credentials, or renew them";
    case 403:
      return "; these credentials have no right to do this";
    case 404:
    case 410:
      return "; check the address, and that you may read there: some hosts say this when credentials are missing";
    case 407:
      return "; the proxy wants credentials: see https_proxy";
    case 413:
      return "; the host limits how much one push may carry";
    default:
      return "";
  }
}

Error status_error(HttpExchange& exchange, const HttpResponse& response, const std::optional<Credentials>& told) {
  Error error(kind_of_status(response.status), "the host answered {}{}{}", response.status,
              words_of(exchange, response, told), remedy_for(response.status));
  if (const std::optional<Milliseconds> delay = response.retry_after(); delay && may_pass(error))
    return std::move(error).retry_after(*delay);
  return error;
}

// ---- A host and who we are to it ----------------------------------------------------------------------------------

// An answer whose status has arrived.
struct Answer {
  std::unique_ptr<HttpExchange> exchange;
  HttpResponse response;
};

// A request whose body is at hand and can be sent again.
using SendBody = std::function<Result<>(HttpExchange&)>;

// What the connections of one transport share.
class Host {
 public:
  Host(Url url, HttpClient& client, std::shared_ptr<CredentialSource> credentials)
      : base(std::move(url)),
        client_(client),
        credentials_(std::move(credentials)),
        held_(credentials_->up_front(base)) {}

  Url base;  // of the repository, after redirects
  bool refuses_chunked = false;

  const std::optional<Credentials>& credentials() const { return held_; }

  Result<std::unique_ptr<HttpExchange>> start(HttpRequest request, std::stop_token stop) {
    held_ = TRY(credentials_->for_request(base, std::move(held_), stop));
    if (held_) request.headers.push_back({"Authorization", held_->authorization().reveal(), true});
    return client_.start(std::move(request), stop);
  }

  // Up to the answer's status. When the host asks who we are, we ask once ourselves, and send it again; likewise when
  // what we said may have run out.
  Result<Answer> ask(const HttpRequest& request, const SendBody& send_body, std::stop_token stop) {
    for (bool asked = false, renewed = false;;) {
      std::unique_ptr<HttpExchange> exchange = TRY(start(request, stop));
      Result<> sent = send_body(*exchange);
      if (sent) sent = exchange->end_request();
      if (!sent && sent.error().kind() != ErrorKind::Unavailable) return std::move(sent).error();
      Result<HttpResponse> response = exchange->response();
      if (!response) return sent ? std::move(response).error() : std::move(sent).error();
      if (response->status == 401) {
        TRY(find_credentials(std::exchange(asked, true), stop));
        continue;
      }
      const bool may_have_run_out =
          response->status == 403 && held_ && !renewed && credentials_->may_have_run_out(base, *held_);
      if (may_have_run_out) {
        renewed = true;
        continue;
      }
      if (response->status < 300) confirm_credentials();
      return Answer{std::move(exchange), std::move(response).value()};
    }
  }

 private:
  // After a 401.
  Result<> find_credentials(bool asked, std::stop_token stop) {
    const std::optional<Credentials> refused = std::exchange(held_, std::nullopt);
    if (refused) credentials_->rejected(base, *refused);
    if (asked) return denied("the host refuses these credentials; renew them");
    Result<Credentials> found = credentials_->ask(base, stop);
    if (!found && found.error().kind() != ErrorKind::NotFound) return std::move(found).error();
    const bool is_new = found && !(refused && is_same(*found, *refused));
    if (!is_new && refused) return denied("the host refuses these credentials; renew them");
    if (!found) return denied("the host wants credentials; give some by a git credential helper or in PACKFERRY_TOKEN");
    held_ = std::move(found).value();
    unconfirmed_ = true;
    return {};
  }

  static bool is_same(const Credentials& a, const Credentials& b) {
    return a.username == b.username && a.password.reveal() == b.password.reveal() && a.bearer == b.bearer;
  }

  static Error denied(std::string_view words) { return Error(ErrorKind::Denied, "the host answered 401: {}", words); }

  void confirm_credentials() {
    if (held_ && std::exchange(unconfirmed_, false)) credentials_->approved(base, *held_);
  }

  HttpClient& client_;
  const std::shared_ptr<CredentialSource> credentials_;
  std::optional<Credentials> held_;
  bool unconfirmed_ = false;  // found by asking, not yet accepted
};

// ---- One request --------------------------------------------------------------------------------------------------

enum class Dialect {
  Old,
  Version2,
  Ungreeted  // protocol 2, on a guess: an old server may take it for nonsense
};

// A POST whose body grows from a buffer (to be counted and, after a 401, sent again) to a stream of chunks or, where
// these are refused, to a spool.
class HttpRpc final : public Exchange {
 public:
  HttpRpc(std::shared_ptr<Host> host, Service service, Dialect dialect, std::stop_token stop)
      : host_(std::move(host)), service_(service), dialect_(dialect), stop_(stop) {}

  // A chunked body that stands unfinished is ended properly, so that the host sees a pack that is too short.
  ~HttpRpc() override {
    if (body_ != Body::Chunked || request_ended_ || response_) return;
    http_->hurry(Patience{}.goodbye_ms);
    if (!http_->end_request() || !http_->response()) return;
    (void)read_all(*http_, kRefusalBytesMax).has_value();
  }

  Result<> write(std::span<const std::byte> bytes) override {
    if (body_ == Body::Buffered && buffer_.size() + bytes.size() > kCountedRequestBytesMax) TRY(outgrow_buffer());
    switch (body_) {
      case Body::Buffered:
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        return {};
      case Body::Spooled:
        return spool_->write(bytes);
      case Body::Chunked:
        return write_chunk(bytes);
    }
    return {};
  }

  Result<> end_request() override {
    request_ended_ = true;
    if (body_ == Body::Chunked) return http_->end_request();
    HttpRequest request = post(HttpRequest::Body::Counted);
    request.body_bytes = spool_ ? spool_->bytes() : buffer_.size();
    Result<Answer> answer = host_->ask(
        request, [this](HttpExchange& http) { return send_counted(http); }, stop_);
    // There is nothing to read then; who tries all the same hears why.
    if (!answer) return failure_.emplace(std::move(answer).error());
    http_ = std::move(answer->exchange);
    response_ = std::move(answer->response);
    return judge_response();
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    TRY(judge());
    return http_->read(into);
  }

  // Up to the end that HTTP itself knows of: the connection under it can then be kept.
  void end_response() override { (void)read_all(*http_, kSurplusBytesMax).has_value(); }

 private:
  enum class Body { Buffered, Spooled, Chunked };

  HttpRequest post(HttpRequest::Body body) const {
    const std::string_view name = to_string(service_);
    HttpRequest request{.method = "POST", .url = host_->base.with_path_suffix(fmt::format("/{}", name)), .headers = {}};
    request.body = body;
    // Refs come then, not a pack.
    if (dialect_ == Dialect::Ungreeted) request.block_bytes = kListingBlockBytes;
    request.headers = {{"Content-Type", fmt::format("application/x-{}-request", name)},
                       {"Accept", fmt::format("application/x-{}-result", name)}};
    if (dialect_ != Dialect::Old) request.headers.push_back({"Git-Protocol", "version=2"});
    return request;
  }

  Result<> send_counted(HttpExchange& http) {
    if (body_ == Body::Buffered) return buffer_.empty() ? Result<>() : http.write(buffer_);
    TRY(spool_->rewind());
    std::vector<std::byte> block(kBlockBytes);
    while (const std::size_t count = TRY(spool_->read(block))) TRY(http.write(std::span(block).first(count)));
    return {};
  }

  Result<> outgrow_buffer() {
    const std::vector<std::byte> begun = std::exchange(buffer_, {});
    if (host_->refuses_chunked) {
      spool_ = TRY(Spool::open());
      body_ = Body::Spooled;
    } else {
      // A stream cannot be sent again after a 401. A host that does not know yet who we are gets an opportunity to ask.
      if (!host_->credentials()) TRY(probe());
      http_ = TRY(host_->start(post(HttpRequest::Body::Chunked), stop_));
      body_ = Body::Chunked;
    }
    return begun.empty() ? Result<>() : write(begun);
  }

  // An empty request, as git sends it (remote-curl.c, probe_rpc).
  Result<> probe() {
    constexpr std::string_view kFlush = "0000";
    HttpRequest request = post(HttpRequest::Body::Counted);
    request.body_bytes = kFlush.size();
    const SendBody send_flush = [](HttpExchange& http) { return http.write(as_bytes("0000")); };
    const Answer answer = TRY(host_->ask(request, send_flush, stop_));
    if (answer.response.status != 200) return status_error(*answer.exchange, answer.response, host_->credentials());
    (void)read_all(*answer.exchange, kSurplusBytesMax).has_value();
    return {};
  }

  // A host may answer before it has everything: a refusal ends the matter, anything else waits to be read.
  Result<> write_chunk(std::span<const std::byte> bytes) {
    if (http_->has_response()) TRY(judge());
    Result<> written = http_->write(bytes);
    if (written || written.error().kind() != ErrorKind::Unavailable) return written;
    http_->hurry(Patience{}.goodbye_ms);
    const Result<> judged = judge();
    return judged || judged.error().kind() == ErrorKind::Unavailable ? written : judged;
  }

  // Is this an answer to our request? Asked again, the same words again.
  Result<> judge() {
    if (failure_) return *failure_;
    if (response_) return {};
    response_ = TRY(http_->response());
    return judge_response();
  }

  Result<> judge_response() {
    const std::string expected = fmt::format("application/x-{}-result", to_string(service_));
    if (response_->status == 200 && response_->content_type() == expected) return {};
    return failure_.emplace(refusal(expected));
  }

  Error refusal(std::string_view expected) {
    const int status = response_->status;
    if (status == 200)
      return Error(ErrorKind::Corrupt, "the host answered with content type '{}' instead of '{}'",
                   printable(response_->content_type(), 100), expected);
    if (status >= 300 && status < 400)
      return Error(ErrorKind::Invalid, "the host redirects a POST, which is not followed (status {})", status);
    if (body_ == Body::Chunked && (status == 411 || status == 501)) {
      host_->refuses_chunked = true;
      return Error(ErrorKind::Conflict, "the host wants to know the length of a request beforehand (status {})",
                   status);
    }
    if (dialect_ == Dialect::Ungreeted && status >= 500 && status != 503)
      return Error(ErrorKind::Unsupported, "the host answered {} to a request without a greeting", status);
    return status_error(*http_, *response_, host_->credentials());
  }

  const std::shared_ptr<Host> host_;
  const Service service_;
  const Dialect dialect_;
  const std::stop_token stop_;
  Body body_ = Body::Buffered;
  bool request_ended_ = false;
  std::vector<std::byte> buffer_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<HttpExchange> http_;  // once it is chunked, or ended
  std::optional<HttpResponse> response_;
  std::optional<Error> failure_;  // of the counted request, or what the answer's status says
};

// ---- The conversation ---------------------------------------------------------------------------------------------

class HttpConnection final : public Connection {
 public:
  HttpConnection(std::shared_ptr<Host> host, Service service, std::unique_ptr<HttpExchange> first, std::stop_token stop)
      : host_(std::move(host)), service_(service), stop_(stop), first_(std::move(first)), greeting_(*first_, service) {}

  Reader& greeting() override { return greeting_; }

  Result<std::unique_ptr<Exchange>> exchange() override {
    // The greeting has been read to its flush; now its end, so that the connection under it is free.
    if (first_) (void)read_all(*first_, kSurplusBytesMax).has_value();
    first_.reset();
    const Dialect dialect = greeting_.speaks_version_2() ? Dialect::Version2 : Dialect::Old;
    return std::make_unique<HttpRpc>(host_, service_, dialect, stop_);
  }

  bool is_reusable() const override { return true; }
  bool is_stateless() const override { return true; }
  Error explain(Error early) override { return early; }

 private:
  const std::shared_ptr<Host> host_;
  const Service service_;
  const std::stop_token stop_;
  std::unique_ptr<HttpExchange> first_;
  Greeting greeting_;
};

class UngreetedConnection final : public Connection {
 public:
  UngreetedConnection(std::shared_ptr<Host> host, std::stop_token stop) : host_(std::move(host)), stop_(stop) {}

  Reader& greeting() override { return nothing_; }
  Result<std::unique_ptr<Exchange>> exchange() override {
    return std::make_unique<HttpRpc>(host_, Service::UploadPack, Dialect::Ungreeted, stop_);
  }
  bool is_reusable() const override { return true; }
  bool is_stateless() const override { return true; }
  Error explain(Error early) override { return early; }

 private:
  const std::shared_ptr<Host> host_;
  const std::stop_token stop_;
  MemoryReader nothing_{std::string_view()};
};

class HttpTransport final : public Transport {
 public:
  HttpTransport(Url url, std::string name, HttpClient& client, std::shared_ptr<CredentialSource> credentials)
      : name_(std::move(name)), host_(std::make_shared<Host>(std::move(url), client, std::move(credentials))) {}

  Result<std::unique_ptr<Connection>> connect(Service service, int protocol, std::stop_token stop) override {
    Answer answer = TRY(get_info_refs(service, protocol, stop));
    const std::string expected = fmt::format("application/x-{}-advertisement", to_string(service));
    const std::string given = answer.response.content_type();
    if (given != expected)
      return Error(ErrorKind::Invalid, "no Git repository answers there: content type '{}' instead of '{}'{}",
                   printable(given, 100), expected,
                   given == "text/html" ? "; this is a page for people, perhaps a login" : "");
    return std::make_unique<HttpConnection>(host_, service, std::move(answer.exchange), stop);
  }

  std::unique_ptr<Connection> connect_ungreeted(std::stop_token stop) override {
    return std::make_unique<UngreetedConnection>(host_, std::move(stop));
  }

  std::string name() const override { return name_; }
  std::string origin() const override { return host_->base.origin(); }

 private:
  static std::string query_of(const Url& base, Service service) {
    return fmt::format("{}{}service={}", base.query(), base.query().empty() ? "" : "&", to_string(service));
  }

  // Follows redirects; from then on the repository is where they led.
  Result<Answer> get_info_refs(Service service, int protocol, std::stop_token stop) {
    for (int redirects = 0;; ++redirects) {
      const std::string query = query_of(host_->base, service);
      HttpRequest request{.method = "GET",
                          .url = host_->base.with_path_suffix(kInfoRefs).with_query(query),
                          .headers = {{"Accept", "*/*"}, {"Pragma", "no-cache"}}};
      if (service == Service::UploadPack && protocol == 2) request.headers.push_back({"Git-Protocol", "version=2"});
      Answer answer = TRY(host_->ask(
          request, [](HttpExchange&) { return Result<>(); }, stop));
      if (answer.response.status == 200) return answer;
      if (answer.response.status < 300 || answer.response.status >= 400)
        return status_error(*answer.exchange, answer.response, host_->credentials());
      if (redirects == kRedirectsMax)
        return Error(ErrorKind::Invalid, "the host redirects more than {} times", kRedirectsMax);
      host_->base = TRY(redirected(request.url, answer.response, query));
    }
  }

  // Credentials and checks were made for this origin: no redirect leaves it.
  Result<Url> redirected(const Url& from, const HttpResponse& response, const std::string& query) const {
    const std::optional<std::string_view> location = response.header("location");
    if (!location) return Error(ErrorKind::Corrupt, "the host answered {} without a Location", response.status);
    const Url to = TRY(from.resolve(*location).context("the host's redirect"));
    if (!to.same_origin(from))
      return Error(ErrorKind::Invalid,
                   "the host redirects to '{}', which is elsewhere: use that address if you trust it", to.text());
    // "//x" would be another host, were it taken for a path.
    const bool is_repository = to.path().ends_with(kInfoRefs) && to.path().size() > kInfoRefs.size() &&
                               !to.path().starts_with("//") && to.query() == query;
    if (!is_repository)
      return Error(ErrorKind::Denied,
                   "the host redirects to '{}', which is no repository: perhaps a login; check the address and the "
                   "credentials",
                   to.text());
    const std::string path = to.path().substr(0, to.path().size() - kInfoRefs.size());
    return from.resolve(host_->base.query().empty() ? path : path + "?" + host_->base.query());
  }

  const std::string name_;
  const std::shared_ptr<Host> host_;
};

}  // namespace

std::unique_ptr<Transport> make_http_transport(Url url, HttpClient& client,
                                               std::shared_ptr<CredentialSource> credentials, std::string name) {
  CHECK(url.is_http());
  if (name.empty()) name = url.text();
  return std::make_unique<HttpTransport>(std::move(url), std::move(name), client, std::move(credentials));
}

std::unique_ptr<Transport> make_http_transport(Url url, HttpClient& client, CredentialSource& credentials,
                                               std::string name) {
  const auto owned_elsewhere = std::shared_ptr<CredentialSource>(std::shared_ptr<void>(), &credentials);
  return make_http_transport(std::move(url), client, owned_elsewhere, std::move(name));
}

}  // namespace packferry
