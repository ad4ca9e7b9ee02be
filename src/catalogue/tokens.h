// Who may ask over HTTP, and what was answered: in the file of the Catalogue, and with its promises to threads,
// programs and kill -9. docs/formats/catalogue.md. What a scope means is for api/access.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalogue/replica_records.h"

namespace packferry {

// What is kept of a token, which is not its text.
struct TokenRecord {
  std::string id;                          // names it in lists and logs, and is no secret
  std::string digest;                      // SHA-256 of its text, in hexadecimal digits
  std::string bearer;                      // who got it
  std::string scopes;                      // separated by spaces
  std::vector<std::string> replicas = {};  // patterns without line ends; none: all
  Clock::WallTime created_at{};
  std::optional<Clock::WallTime> expires_at = {};

  friend bool operator==(const TokenRecord&, const TokenRecord&) = default;
};

// A request that somebody may make again, since they said how it is called.
struct NamedRequest {
  std::string asker;   // a token's id: each has names of their own
  std::string key;     // as they call it
  std::string digest;  // of what is asked for
};

struct KeptAnswer {
  int status = 0;
  std::string type = {};      // Content-Type
  std::string location = {};  // empty: none
  std::string body = {};

  friend bool operator==(const KeptAnswer&, const KeptAnswer&) = default;
};

class Tokens {
 public:
  // As Catalogue::open(), and of the same file.
  static Result<std::unique_ptr<Tokens>> open(const std::string& path);
  // Nothing is kept: for tests.
  static Result<std::unique_ptr<Tokens>> open_in_memory();
  virtual ~Tokens() = default;

  // --- Tokens. `by` is who wants it, for the audit log; what is said here survives a power cut, too. ---

  static constexpr std::size_t kTokensMax = 10'000;
  // Conflict: there is one of this id. Exhausted: there are kTokensMax.
  virtual Result<> create(const TokenRecord& token, const std::string& by) = 0;
  virtual Result<std::optional<TokenRecord>> find(const std::string& id) = 0;
  // By id, those behind `after`; also those that have expired.
  virtual Result<std::vector<TokenRecord>> list(const std::string& after, std::size_t count_max) = 0;
  // At once: it is looked up with each request. NotFound: there is none.
  virtual Result<> revoke(const std::string& id, const std::string& by, Clock::WallTime now) = 0;

  // What was done that no verb of Replicas writes down. `entry.id` is not looked at.
  virtual Result<> note(const AuditEntry& entry) = 0;

  // --- Requests that are made again ---

  static constexpr std::size_t kAnswersPerAskerMax = 1'000;
  static constexpr Milliseconds kAnswersKept{24 * 3'600'000};
  // Whoever began and has said nothing for so long will not any more.
  static constexpr Milliseconds kInFlightMax{10 * 60'000};

  // Nothing: it is the caller's, who does what is asked for and then says answer() or drop(). An answer: it was done,
  // and that is what was said. Rejected: under this key something else was asked for. Conflict: somebody is at it.
  virtual Result<std::optional<KeptAnswer>> begin(const NamedRequest& request, Clock::WallTime now) = 0;
  virtual Result<> answer(const NamedRequest& request, const KeptAnswer& answer) = 0;
  // As if it had not been begun.
  virtual Result<> drop(const NamedRequest& request) = 0;
};

}  // namespace packferry
