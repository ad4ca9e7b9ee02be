// SQLite as this layer sees it: who closes what, and failures as Errors that say what to do. sqlite3.h stays inside.
//
// Nothing here guards itself: a Database, its Statements and its Transactions belong to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace packferry {

// What stands for a `?`: NULL, a number, or text of any bytes, which need live no longer than the call.
using SqlValue = std::variant<std::nullopt_t, std::int64_t, std::string_view>;
// Milliseconds since 1970; the part of one is cut off.
SqlValue to_value(Clock::WallTime time);
SqlValue to_value(const std::optional<Clock::WallTime>& time);

// The row that a query stands on.
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const;
  std::int64_t number(int column) const;  // of NULL: 0
  std::string text(int column) const;     // of NULL: ""
  Clock::WallTime time(int column) const;
  std::optional<Clock::WallTime> maybe_time(int column) const;

 private:
  sqlite3_stmt* const statement_;
};

class Database {
 public:
  // Made when it is not there, for its owner alone. Whoever finds the file locked waits as long as `patience`, then it
  // is Unavailable. Invalid: no such directory, or a directory. Denied: no right to write here. What is in the file is
  // not looked at yet.
  static Result<std::unique_ptr<Database>> open(const std::string& path, Milliseconds patience);
  // Nothing is kept: for simulations, and tests that open many.
  static Result<std::unique_ptr<Database>> open_in_memory();
  ~Database();

  // One or more statements without values.
  Result<> run(const std::string& sql);
  // Keeps what is written in a log beside the file, so that readers and one writer do not wait for each other. The file
  // remembers it.
  Result<> use_log();
  // The number in the first column of the first row.
  Result<std::int64_t> number(const std::string& sql);
  std::int64_t last_inserted_id() const;
  std::int64_t rows_changed() const;  // by the last INSERT, UPDATE or DELETE
  const std::string& path() const { return path_; }

  // Why `code` came back, with the remedy where there is one. Corrupt: delete the file, it can be made again.
  Error failure(int code) const;

 private:
  friend class Statement;
  Database(std::string path, sqlite3* handle, Milliseconds patience)
      : path_(std::move(path)), handle_(handle), patience_(patience) {}

  const std::string path_;
  sqlite3* const handle_;
  const Milliseconds patience_;
};

// Prepared once, run often. Goes before its Database.
class Statement {
 public:
  static Result<std::unique_ptr<Statement>> prepare(Database& database, std::string_view sql);
  ~Statement();

  // As many values as there are `?`. To the end; rows, if any, are passed over.
  Result<> run(std::initializer_list<SqlValue> values);
  // `see` is called for each row.
  Result<> query(std::initializer_list<SqlValue> values, const std::function<void(const SqlRow&)>& see);

 private:
  Statement(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}

  Database& database_;
  sqlite3_stmt* const statement_;
};

// Statements by their text, each prepared when it is first wanted. Goes before its Database.
class PreparedStatements {
 public:
  explicit PreparedStatements(Database& database) : database_(database) {}
  // As Statement's. `sql` is a constant of the program: it is known again by where it lies.
  Result<> run(std::string_view sql, std::initializer_list<SqlValue> values);
  Result<> query(std::string_view sql, std::initializer_list<SqlValue> values,
                 const std::function<void(const SqlRow&)>& see);

 private:
  Database& database_;
  std::map<const char*, std::unique_ptr<Statement>> statements_;
};

// Takes the right to write at once, and undoes everything unless commit() succeeds.
class Transaction {
 public:
  static Result<std::unique_ptr<Transaction>> begin(Database& database);
  ~Transaction();
  Result<> commit();

 private:
  explicit Transaction(Database& database) : database_(database) {}

  Database& database_;
  bool open_ = true;
};

// Always: it is on the disk when the call returns. Sometimes: it survives kill -9, and a power cut may forget it.
enum class Sync { Always, Sometimes };
// All of `work` or nothing.
Result<> in_transaction(Database& database, Sync sync, const std::function<Result<>()>& work);

}  // namespace packferry
