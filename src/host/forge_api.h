// A forge's JSON API: one question at a time, asked again where that makes sense, its refusals as Errors; and lists
// that come in pages, all of them or an error.
//
// The token goes to the API's own origin and nowhere else: no redirect is followed, and a next page elsewhere is
// refused. It stands in no message, even if the host puts it into its own words.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "host/repository_list.h"
#include "net/credentials.h"
#include "net/http_question.h"

namespace packferry {

// Who we say we are to an API. Safe from several threads.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // What goes with the question that comes now; none: nothing does.
  virtual Result<std::optional<Credentials>> get(std::stop_token stop) = 0;
  // The host does not take these (any more). True: get() gives others from now on.
  virtual bool refused(const Credentials&) { return false; }
};

class FixedToken final : public TokenSource {
 public:
  explicit FixedToken(std::optional<Credentials> held) : held_(std::move(held)) {}
  Result<std::optional<Credentials>> get(std::stop_token) override { return held_; }

 private:
  const std::optional<Credentials> held_;
};

struct ForgeQuestion {
  std::string doing;  // "list the repositories of 'app'": begins the message of an Error
  std::string method = "GET";
  std::string path;  // below the API's address, percent-encoded: "/projects/app%2Fweb"
  std::string query = {};
  std::string body = {};  // JSON; empty: none
  std::string needs;      // the right that it takes: "the scope read_api"
};

struct ForgeApiOptions {
  std::string name;                      // "gitlab gitlab.example.com", as it stands in messages
  Url base;                              // "https://gitlab.example.com/api/v4"
  std::vector<HttpHeader> headers = {};  // with every question
  RetryLimits limits{.attempts_max = 4,
                     .backoff = {.first = Milliseconds(1'000), .longest = Milliseconds(30'000)},
                     .pause_max = Milliseconds(120'000)};
  std::size_t pages_max = 20'000;
};

// Safe from several threads. What is passed in outlives it.
class ForgeApi {
 public:
  ForgeApi(ForgeApiOptions options, TokenSource& tokens, HttpClient& http, Clock& clock)
      : options_(std::move(options)), tokens_(tokens), http_(http), clock_(clock), retries_(options_.limits, clock) {}

  const std::string& name() const { return options_.name; }

  // What a 2xx says. A token that is refused is renewed once, where its source can do that. What may pass is asked
  // again, but for a POST whose answer was lost: it may have been done.
  //   NotFound     404, and whatever has moved to another name
  //   Denied       401, 403; the message ends with what the token needs
  //   Conflict     409, and refusals that say "already exists" in one of the forges' ways
  //   Throttled    429, and 403 about a rate limit; with the time that the host wants
  //   Unavailable  connections, 5xx
  //   Invalid      400 and 422: the host does not take what was asked; redirects, which are not followed
  //   Rejected     any other refusal
  //   Exhausted    an answer of more than 32 MiB
  Result<HttpAnswer> ask(const ForgeQuestion& question, std::stop_token stop);

  // Repositories from all pages, `first` and those that `read` finds behind it, sorted by name. Corrupt: pages that
  // lead back, or elsewhere, or have no end; for what else: RepositoryList.
  using ReadPage = std::function<Result<ListedPage>(const HttpAnswer& page)>;
  Result<std::vector<HostedRepository>> list(const ForgeQuestion& first, const ReadPage& read, std::stop_token stop);

 private:
  Result<HttpAnswer> ask_at(const Url& url, const ForgeQuestion& question, std::stop_token stop);
  Result<HttpAnswer> ask_once(const Url& url, const ForgeQuestion& question,
                              const std::optional<Credentials>& credentials, std::stop_token stop);
  Error refusal(const ForgeQuestion& question, const HttpAnswer& answer,
                const std::optional<Credentials>& credentials) const;
  Error throttled(const HttpResponse& response, const std::string& message) const;
  Result<Url> next_page(const Url& here, const std::string& next) const;

  const ForgeApiOptions options_;
  TokenSource& tokens_;
  HttpClient& http_;
  Clock& clock_;
  Retries retries_;
};

// The target of rel="next" in a Link header (RFC 8288); empty: none.
std::string next_link(const HttpResponse& response);

// A number in a header; none when there is no such header, or no number in it.
std::optional<std::uint64_t> count_header(const HttpResponse& response, std::string_view name);

// What a refusal's JSON says to a person, in any of the forges' ways, made printable; empty when it is no JSON, or says
// nothing.
std::string refusal_words(std::string_view body);

}  // namespace packferry
