#include "catalogue/tokens.h"

#include <fmt/format.h>

#include <functional>
#include <mutex>

#include "base/printable.h"
#include "catalogue/replica_rows.h"
#include "catalogue/schema.h"

namespace packferry {
namespace {

#define PACKFERRY_SELECT_TOKEN "SELECT id, digest, bearer, scopes, replicas, created_at, expires_at FROM tokens "

constexpr std::string_view kTokenById = PACKFERRY_SELECT_TOKEN "WHERE id = ?";
constexpr std::string_view kTokens = PACKFERRY_SELECT_TOKEN "WHERE id > ? ORDER BY id LIMIT ?";
constexpr std::string_view kCountTokens = "SELECT count(*) FROM tokens";
constexpr std::string_view kInsertToken =
    "INSERT INTO tokens (id, digest, bearer, scopes, replicas, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kDeleteToken = "DELETE FROM tokens WHERE id = ?";

constexpr std::string_view kForgetOld =
    "DELETE FROM answers WHERE began_at <= ? OR (status = 0 AND asker = ? AND key = ? AND began_at <= ?)";
constexpr std::string_view kForgetMany =
    "DELETE FROM answers WHERE asker = ?1 AND id <="
    " (SELECT id FROM answers WHERE asker = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
constexpr std::string_view kFindAnswer =
    "SELECT request, status, type, location, body FROM answers WHERE asker = ? AND key = ?";
constexpr std::string_view kBegin =
    "INSERT INTO answers (asker, key, request, began_at, status, type, location, body)"
    " VALUES (?, ?, ?, ?, 0, '', '', '')";
constexpr std::string_view kAnswer =
    "UPDATE answers SET status = ?, type = ?, location = ?, body = ? WHERE asker = ? AND key = ? AND request = ?";
constexpr std::string_view kDrop = "DELETE FROM answers WHERE asker = ? AND key = ? AND request = ? AND status = 0";

// Patterns have no line ends.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines.emplace_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return lines;
}

TokenRecord token_of(const SqlRow& row) {
  return {.id = row.text(0),
          .digest = row.text(1),
          .bearer = row.text(2),
          .scopes = row.text(3),
          .replicas = lines_of(row.text(4)),
          .created_at = row.time(5),
          .expires_at = row.maybe_time(6)};
}

struct AnswerRow {
  std::string request;
  KeptAnswer answer;
};

class SqliteTokens final : public Tokens {
 public:
  explicit SqliteTokens(std::unique_ptr<Database> database) : database_(std::move(database)), statements_(*database_) {}

  Result<> create(const TokenRecord& token, const std::string& by) override {
    return write(Sync::Always, [&]() -> Result<> {
      if (TRY(find_row(token.id))) return Error(ErrorKind::Conflict, "there is a token '{}' already", token.id);
      if (TRY(count()) >= kTokensMax)
        return Error(ErrorKind::Exhausted, "there are {} tokens, and no more than that are kept; revoke some",
                     kTokensMax);
      TRY(statements_.run(kInsertToken, {token.id, token.digest, token.bearer, token.scopes,
                                         fmt::format("{}", fmt::join(token.replicas, "\n")), to_value(token.created_at),
                                         to_value(token.expires_at)}));
      return audit({.at = token.created_at,
                    .who = by,
                    .what = fmt::format("create-token {} ({}) for {}", token.id, token.scopes, token.bearer),
                    .replica = {}});
    });
  }

  Result<std::optional<TokenRecord>> find(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return find_row(id);
  }

  Result<std::vector<TokenRecord>> list(const std::string& after, std::size_t count_max) override {
    const std::lock_guard lock(mutex_);
    std::vector<TokenRecord> all;
    TRY(statements_.query(kTokens, {after, static_cast<std::int64_t>(count_max)},
                          [&all](const SqlRow& row) { all.push_back(token_of(row)); }));
    return all;
  }

  Result<> revoke(const std::string& id, const std::string& by, Clock::WallTime now) override {
    return write(Sync::Always, [&]() -> Result<> {
      const std::optional<TokenRecord> token = TRY(find_row(id));
      if (!token) return Error(ErrorKind::NotFound, "there is no token '{}'", printable(id));
      TRY(statements_.run(kDeleteToken, {id}));
      return audit(
          {.at = now, .who = by, .what = fmt::format("revoke-token {} of {}", id, token->bearer), .replica = {}});
    });
  }

  Result<> note(const AuditEntry& entry) override {
    return write(Sync::Sometimes, [&] { return audit(entry); });
  }

  Result<std::optional<KeptAnswer>> begin(const NamedRequest& request, Clock::WallTime now) override {
    std::optional<KeptAnswer> kept;
    const Result<> written = write(Sync::Sometimes, [&]() -> Result<> {
      TRY(statements_.run(kForgetOld,
                          {to_value(now - kAnswersKept), request.asker, request.key, to_value(now - kInFlightMax)}));
      std::optional<AnswerRow> found;
      TRY(statements_.query(kFindAnswer, {request.asker, request.key}, [&found](const SqlRow& row) {
        found = AnswerRow{.request = row.text(0),
                          .answer = {.status = static_cast<int>(row.number(1)),
                                     .type = row.text(2),
                                     .location = row.text(3),
                                     .body = row.text(4)}};
      }));
      if (!found) return insert(request, now);
      if (found->request != request.digest)
        return Error(ErrorKind::Rejected, "under this Idempotency-Key something else was asked for; take another one");
      if (found->answer.status == 0)
        return Error(ErrorKind::Conflict, "the request with this Idempotency-Key is still being worked on");
      kept = std::move(found->answer);
      return {};
    });
    if (!written) return written.error();
    return kept;
  }

  Result<> answer(const NamedRequest& request, const KeptAnswer& answer) override {
    return write(Sync::Sometimes, [&] {
      return statements_.run(kAnswer, {std::int64_t{answer.status}, answer.type, answer.location, answer.body,
                                       request.asker, request.key, request.digest});
    });
  }

  Result<> drop(const NamedRequest& request) override {
    return write(Sync::Sometimes, [&] { return statements_.run(kDrop, {request.asker, request.key, request.digest}); });
  }

 private:
  Result<> write(Sync sync, const std::function<Result<>()>& work) {
    const std::lock_guard lock(mutex_);
    return in_transaction(*database_, sync, work);
  }

  // All below: within a transaction, or under the lock.

  Result<std::optional<TokenRecord>> find_row(const std::string& id) {
    std::optional<TokenRecord> found;
    TRY(statements_.query(kTokenById, {id}, [&found](const SqlRow& row) { found = token_of(row); }));
    return found;
  }

  Result<std::size_t> count() {
    std::size_t count = 0;
    TRY(statements_.query(kCountTokens, {},
                          [&count](const SqlRow& row) { count = static_cast<std::size_t>(row.number(0)); }));
    return count;
  }

  Result<> insert(const NamedRequest& request, Clock::WallTime now) {
    TRY(statements_.run(kBegin, {request.asker, request.key, request.digest, to_value(now)}));
    return statements_.run(kForgetMany, {request.asker, static_cast<std::int64_t>(kAnswersPerAskerMax)});
  }

  Result<> audit(const AuditEntry& entry) { return write_audit(statements_, entry); }

  std::mutex mutex_;  // of both below: one connection, one caller at a time
  const std::unique_ptr<Database> database_;
  PreparedStatements statements_;
};

}  // namespace

Result<std::unique_ptr<Tokens>> Tokens::open(const std::string& path) {
  std::unique_ptr<Database> database = TRY(open_catalogue_file(path));
  return std::make_unique<SqliteTokens>(std::move(database));
}

Result<std::unique_ptr<Tokens>> Tokens::open_in_memory() {
  std::unique_ptr<Database> database = TRY(open_catalogue_in_memory());
  return std::make_unique<SqliteTokens>(std::move(database));
}

}  // namespace packferry
