#include "catalogue/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/printable.h"

namespace packferry {
namespace {

constexpr Milliseconds kLogPause{5};

constexpr std::string_view kMakeAgain =
    "delete it, and the files '-wal' and '-shm' beside it, and run 'packferry catalogue rebuild'";

// What the system said, where SQLite only says that it could not.
ErrorKind kind_of_system_error(int number) {
  switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::Denied;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
      return ErrorKind::Invalid;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorKind::Exhausted;
    default:
      return ErrorKind::Unavailable;
  }
}

ErrorKind kind_of(int code, int system_error) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return ErrorKind::Unavailable;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorKind::Exhausted;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorKind::Denied;
    case SQLITE_CANTOPEN:
      // Not opened at all by SQLite, without a word from the system: it is no file.
      return system_error == 0 ? ErrorKind::Invalid : kind_of_system_error(system_error);
    case SQLITE_IOERR:
      return code == SQLITE_IOERR_CORRUPTFS ? ErrorKind::Corrupt : kind_of_system_error(system_error);
    default:
      // SQLITE_CORRUPT and SQLITE_NOTADB; and SQLITE_ERROR, since our SQL is right for the tables that we made.
      return ErrorKind::Corrupt;
  }
}

Result<> bind(Database& database, sqlite3_stmt* statement, std::initializer_list<SqlValue> values) {
  CHECK(static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) == values.size());
  int place = 0;
  for (const SqlValue& value : values) {
    ++place;
    int code = SQLITE_OK;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      code = sqlite3_bind_int64(statement, place, *number);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      // A null pointer would be NULL, and a view of nothing may be one. SQLITE_STATIC: run() ends before the caller's
      // text does.
      code = sqlite3_bind_text64(statement, place, text->empty() ? "" : text->data(), text->size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
    } else {
      code = sqlite3_bind_null(statement, place);
    }
    if (code != SQLITE_OK) return database.failure(code);
  }
  return {};
}

}  // namespace

SqlValue to_value(Clock::WallTime time) { return std::chrono::floor<Milliseconds>(time.time_since_epoch()).count(); }

SqlValue to_value(const std::optional<Clock::WallTime>& time) {
  return time ? to_value(*time) : SqlValue(std::nullopt);
}

bool SqlRow::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t SqlRow::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string SqlRow::text(int column) const {
  const void* const bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Clock::WallTime SqlRow::time(int column) const { return Clock::WallTime(Milliseconds(number(column))); }

std::optional<Clock::WallTime> SqlRow::maybe_time(int column) const {
  return is_null(column) ? std::nullopt : std::optional(time(column));
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Milliseconds patience) {
  // SQLite gives some names a meaning of their own, "" and ":memory:" among them; no absolute path is one of those.
  std::error_code ignored;
  const std::filesystem::path file = std::filesystem::absolute(path, ignored);
  const bool is_there = ::access(file.c_str(), F_OK) == 0;
  // Asked beforehand: what SQLite says of a file that it cannot make is what became of its second attempt, to read it.
  if (!is_there && ::access((file.parent_path() / ".").c_str(), W_OK | X_OK) != 0)
    return Error(kind_of_system_error(errno), "make a file in '{}': {}", printable(file.parent_path().native()),
                 std::strerror(errno));
  sqlite3* handle = nullptr;
  // Whoever calls guards; SQLite need not do it again.
  const int code =
      sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (handle == nullptr) return Error(ErrorKind::Exhausted, "open '{}': out of memory", printable(path));
  std::unique_ptr<Database> database(new Database(path, handle, patience));
  if (code != SQLITE_OK) return database->failure(code);
  // It names what may be private. The files beside it take their modes from it, and are not there yet.
  if (!is_there && ::chmod(file.c_str(), S_IRUSR | S_IWUSR) != 0)
    return Error(kind_of_system_error(errno), "change the mode of '{}': {}", printable(path), std::strerror(errno));
  if (sqlite3_db_readonly(handle, "main") == 1)
    return Error(ErrorKind::Denied, "'{}' may not be written; give this user the right to", printable(path));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(patience.count()));
  // Damaged pages are looked at more closely, and what the file itself says is never run as code.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  TRY(database->run("PRAGMA cell_size_check = ON"));
  return database;
}

Result<std::unique_ptr<Database>> Database::open_in_memory() {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (handle == nullptr) return Error(ErrorKind::Exhausted, "open a database: out of memory");
  std::unique_ptr<Database> database(new Database("(in memory)", handle, Milliseconds(0)));
  if (code != SQLITE_OK) return database->failure(code);
  sqlite3_extended_result_codes(handle, 1);
  return database;
}

Database::~Database() { CHECK(sqlite3_close(handle_) == SQLITE_OK); }

Result<> Database::run(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

// Who changes to a log does not wait for others who do: SQLite tells one of them that the file is busy, at once, lest
// they wait for each other. So the waiting is done here.
Result<> Database::use_log() {
  sqlite3_busy_timeout(handle_, 0);
  Result<> result = run("PRAGMA journal_mode = WAL");
  for (Milliseconds waited{0}; waited < patience_; waited += kLogPause) {
    if (result || result.error().kind() != ErrorKind::Unavailable) break;
    sqlite3_sleep(static_cast<int>(kLogPause.count()));
    result = run("PRAGMA journal_mode = WAL");
  }
  sqlite3_busy_timeout(handle_, static_cast<int>(patience_.count()));
  return result;
}

Result<std::int64_t> Database::number(const std::string& sql) {
  std::optional<std::int64_t> first;
  const std::unique_ptr<Statement> statement = TRY(Statement::prepare(*this, sql));
  TRY(statement->query({}, [&first](const SqlRow& row) {
    if (!first) first = row.number(0);
  }));
  CHECK(first.has_value());
  return *first;
}

std::int64_t Database::last_inserted_id() const { return sqlite3_last_insert_rowid(handle_); }
std::int64_t Database::rows_changed() const { return sqlite3_changes64(handle_); }

Error Database::failure(int code) const {
  CHECK(code != SQLITE_MISUSE && code != SQLITE_RANGE);
  const int system_error = sqlite3_system_errno(handle_);
  const ErrorKind kind = kind_of(code, system_error);
  const std::string name = printable(path_);
  if ((code & 0xff) == SQLITE_NOTADB)
    return Error(kind, "'{}' is no SQLite file, or its beginning is damaged; if it was Packferry's catalogue, {}", name,
                 kMakeAgain);
  if (kind == ErrorKind::Corrupt)
    return Error(kind, "'{}' is damaged: {}; {}", name, printable(sqlite3_errmsg(handle_)), kMakeAgain);
  if ((code & 0xff) == SQLITE_BUSY) return Error(kind, "'{}' is locked by another program for too long", name);
  const bool system_knows = system_error != 0 && ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR);
  return Error(kind, "'{}': {}", name, printable(system_knows ? std::strerror(system_error) : sqlite3_errmsg(handle_)));
}

Result<std::unique_ptr<Statement>> Statement::prepare(Database& database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database.handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return database.failure(code);
  return std::unique_ptr<Statement>(new Statement(database, statement));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Result<> Statement::run(std::initializer_list<SqlValue> values) {
  return query(values, [](const SqlRow&) {});
}

Result<> Statement::query(std::initializer_list<SqlValue> values, const std::function<void(const SqlRow&)>& see) {
  const Result<> bound = bind(database_, statement_, values);
  int code = SQLITE_DONE;
  if (bound)
    while ((code = sqlite3_step(statement_)) == SQLITE_ROW) see(SqlRow(statement_));
  // Said before reset() and clear_bindings(): they say something of their own.
  Result<> result = !bound ? bound : code == SQLITE_DONE ? Result<>() : Result<>(database_.failure(code));
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  return result;
}

Result<> PreparedStatements::run(std::string_view sql, std::initializer_list<SqlValue> values) {
  return query(sql, values, [](const SqlRow&) {});
}

Result<> PreparedStatements::query(std::string_view sql, std::initializer_list<SqlValue> values,
                                   const std::function<void(const SqlRow&)>& see) {
  std::unique_ptr<Statement>& statement = statements_[sql.data()];
  if (statement == nullptr) statement = TRY(Statement::prepare(database_, sql));
  return statement->query(values, see);
}

Result<std::unique_ptr<Transaction>> Transaction::begin(Database& database) {
  // IMMEDIATE: a transaction that only reads at first and then wants to write may find that it waits for one that
  // waits for it.
  TRY(database.run("BEGIN IMMEDIATE"));
  return std::unique_ptr<Transaction>(new Transaction(database));
}

Transaction::~Transaction() {
  // Some failures have undone it already, and then there is nothing to undo.
  if (open_) static_cast<void>(database_.run("ROLLBACK"));
}

Result<> Transaction::commit() {
  TRY(database_.run("COMMIT"));
  open_ = false;
  return {};
}

Result<> in_transaction(Database& database, Sync sync, const std::function<Result<>()>& work) {
  TRY(database.run(sync == Sync::Always ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  const std::unique_ptr<Transaction> transaction = TRY(Transaction::begin(database));
  TRY(work());
  return transaction->commit();
}

}  // namespace packferry
