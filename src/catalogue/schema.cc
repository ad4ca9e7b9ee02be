#include "catalogue/schema.h"

#include <array>

#include "base/printable.h"

namespace packferry {
namespace {

// "PkFy": by which file(1) and we know our own.
constexpr std::int64_t kApplicationId = 0x506b4679;

constexpr std::array<Migration, 1> kMigrations{{
    {.reason = "what was delivered where, how large listings were, and which sweeps there were",
     // Without a rowid the key is kept once, in the order in which it is read; with one it is kept twice. Sweeps are
     // numbered with AUTOINCREMENT, so that a number that was trimmed never means another sweep.
     .sql = R"sql(
       CREATE TABLE deliveries (
         order_name TEXT NOT NULL,
         source TEXT NOT NULL,
         destination TEXT NOT NULL,
         source_id TEXT NOT NULL,
         destination_id TEXT NOT NULL,
         confirmed_state TEXT NOT NULL,
         confirmed_at INTEGER,
         last_push TEXT NOT NULL,
         source_seen_at INTEGER,
         behind_since INTEGER,
         missing_since INTEGER,
         failures INTEGER NOT NULL,
         outcome TEXT NOT NULL,
         error TEXT NOT NULL,
         PRIMARY KEY (order_name, source, destination)
       ) STRICT, WITHOUT ROWID;

       CREATE TABLE listings (
         host TEXT NOT NULL,
         owner TEXT NOT NULL,
         repositories INTEGER NOT NULL,
         listed_at INTEGER NOT NULL,
         PRIMARY KEY (host, owner)
       ) STRICT, WITHOUT ROWID;

       CREATE TABLE sweeps (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         began_at INTEGER NOT NULL,
         ended_at INTEGER,
         configuration TEXT NOT NULL,
         report TEXT NOT NULL
       ) STRICT;
     )sql"},
}};

struct Origin {
  std::int64_t application = 0;
  std::int64_t version = 0;
  std::int64_t tables = 0;
};

Result<Origin> origin_of(Database& database) {
  Origin origin;
  origin.application = TRY(database.number("PRAGMA application_id"));
  origin.version = TRY(database.number("PRAGMA user_version"));
  origin.tables = TRY(database.number("SELECT count(*) FROM sqlite_schema"));
  return origin;
}

Result<> check_is_ours(const Origin& origin, std::int64_t newest, const std::string& path) {
  const bool is_new = origin.application == 0 && origin.version == 0 && origin.tables == 0;
  if (!is_new && origin.application != kApplicationId)
    return Error(ErrorKind::Invalid, "'{}' is no catalogue of Packferry: another program made it; name another file",
                 printable(path));
  if (origin.version > newest)
    return Error(
        ErrorKind::Invalid,
        "'{}' has version {}, made by a newer Packferry; this one knows {}: use the newer one, or name another "
        "file",
        printable(path), origin.version, newest);
  return {};
}

}  // namespace

std::span<const Migration> catalogue_migrations() { return kMigrations; }

Result<> migrate(Database& database, std::span<const Migration> migrations) {
  const std::int64_t newest = static_cast<std::int64_t>(migrations.size());
  const bool is_ours = TRY(database.number("PRAGMA application_id"))
  == kApplicationId;
  if (is_ours && TRY(database.number("PRAGMA user_version")) == newest) return {};

  // Another program may be making this very file: who has the right to write sees all of it or nothing.
  const std::unique_ptr<Transaction> transaction = TRY(Transaction::begin(database));
  const Origin origin = TRY(origin_of(database));
  TRY(check_is_ours(origin, newest, database.path()));
  for (const Migration& migration : migrations.subspan(static_cast<std::size_t>(origin.version)))
    TRY(database.run(migration.sql).context("{}", migration.reason));
  TRY(database.run(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, migrations.size())));
  return transaction->commit();
}

}  // namespace packferry
