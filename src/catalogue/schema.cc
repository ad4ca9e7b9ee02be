#include "catalogue/schema.h"

#include <array>

#include "base/printable.h"

namespace packferry {
namespace {

// "PkFy": by which file(1) and we know our own.
constexpr std::int64_t kApplicationId = 0x506b4679;

// Another program's transaction takes milliseconds; a disk that is slow to sync takes longer.
constexpr Milliseconds kLockPatience{30'000};

constexpr std::array<Migration, 5> kMigrations{{
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
    {.reason = "replicas that a service keeps true, their queue, their history and who did what",
     // The key of the queue is the promise: one look waits and one is at work. Epochs are counted for all replicas
     // together, so that one that was removed and made again under its name never sees an old one. What is removed from
     // the audit log is removed by hand.
     .sql = R"sql(
       CREATE TABLE replicas (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         name TEXT NOT NULL UNIQUE,
         source_url TEXT NOT NULL,
         source_host TEXT NOT NULL,
         source_type TEXT NOT NULL,
         source_id TEXT NOT NULL,
         destination_url TEXT NOT NULL,
         destination_host TEXT NOT NULL,
         destination_type TEXT NOT NULL,
         destination_id TEXT NOT NULL,
         account_name TEXT NOT NULL,
         link TEXT NOT NULL,
         policy TEXT NOT NULL,
         schedule TEXT NOT NULL,
         role TEXT NOT NULL,
         regions TEXT NOT NULL,
         freshness INTEGER NOT NULL,
         created_at INTEGER NOT NULL,
         paused INTEGER NOT NULL DEFAULT 0,
         deleting INTEGER NOT NULL DEFAULT 0,
         epoch INTEGER NOT NULL DEFAULT 0,
         recorded_epoch INTEGER NOT NULL DEFAULT 0,
         recorded_at INTEGER,
         leases_lost INTEGER NOT NULL DEFAULT 0,
         source_state TEXT NOT NULL DEFAULT '',
         observed_at INTEGER,
         looked_at INTEGER,
         confirmed_state TEXT NOT NULL DEFAULT '',
         confirmed_at INTEGER,
         changed_at INTEGER,
         behind_since INTEGER,
         outcome TEXT NOT NULL DEFAULT '',
         error_kind TEXT NOT NULL DEFAULT '',
         error TEXT NOT NULL DEFAULT '',
         remedy TEXT NOT NULL DEFAULT '',
         failures INTEGER NOT NULL DEFAULT 0,
         held_digest TEXT NOT NULL DEFAULT '',
         held_plan TEXT NOT NULL DEFAULT '',
         held_until INTEGER,
         approved_digest TEXT NOT NULL DEFAULT '',
         approved_until INTEGER,
         next_look_at INTEGER
       ) STRICT;
       CREATE INDEX replicas_by_source ON replicas (source_url);
       CREATE INDEX replicas_by_next_look ON replicas (next_look_at) WHERE next_look_at IS NOT NULL;
       CREATE INDEX replicas_by_record ON replicas (recorded_at) WHERE next_look_at IS NOT NULL;

       CREATE TABLE queue (
         replica INTEGER NOT NULL,
         at_work INTEGER NOT NULL,
         lane TEXT NOT NULL,
         reason TEXT NOT NULL,
         triggered_at INTEGER NOT NULL,
         announced_at INTEGER,
         triggers INTEGER NOT NULL,
         due_at INTEGER NOT NULL,
         rank_at INTEGER NOT NULL,
         written_at INTEGER NOT NULL,
         owner TEXT NOT NULL DEFAULT '',
         epoch INTEGER NOT NULL DEFAULT 0,
         began_at INTEGER,
         lease_length INTEGER NOT NULL DEFAULT 0,
         PRIMARY KEY (replica, at_work)
       ) STRICT, WITHOUT ROWID;
       CREATE INDEX queue_by_turn ON queue (at_work, lane, rank_at);
       CREATE INDEX queue_by_time ON queue (at_work, due_at);
       CREATE INDEX queue_by_writing ON queue (written_at);

       CREATE TABLE epochs (last INTEGER NOT NULL) STRICT;
       INSERT INTO epochs VALUES (0);

       CREATE TABLE looks (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         replica INTEGER NOT NULL,
         epoch INTEGER NOT NULL,
         looks INTEGER NOT NULL,
         reason TEXT NOT NULL,
         triggered_at INTEGER NOT NULL,
         began_at INTEGER NOT NULL,
         ended_at INTEGER NOT NULL,
         outcome TEXT NOT NULL,
         refs_changed INTEGER NOT NULL,
         pack_bytes INTEGER NOT NULL,
         plan_digest TEXT NOT NULL,
         error_kind TEXT NOT NULL,
         error TEXT NOT NULL,
         remedy TEXT NOT NULL
       ) STRICT;
       CREATE INDEX looks_by_replica ON looks (replica, id);

       CREATE TABLE audit (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         at INTEGER NOT NULL,
         who TEXT NOT NULL,
         what TEXT NOT NULL,
         replica TEXT NOT NULL,
         ref TEXT NOT NULL,
         old_oid TEXT NOT NULL,
         new_oid TEXT NOT NULL,
         plan_digest TEXT NOT NULL
       ) STRICT;
       CREATE INDEX audit_by_replica ON audit (replica, id);
     )sql"},
    {.reason = "which alarms are open, and what is still to be said of them",
     // A notice is a copy: what is said is what was so when it was found.
     .sql = R"sql(
       CREATE TABLE alarms (
         subject TEXT NOT NULL,
         kind TEXT NOT NULL,
         severity TEXT NOT NULL,
         summary TEXT NOT NULL,
         remedy TEXT NOT NULL,
         since INTEGER NOT NULL,
         raised_at INTEGER,
         said_at INTEGER,
         well_since INTEGER,
         PRIMARY KEY (subject, kind)
       ) STRICT, WITHOUT ROWID;

       CREATE TABLE alarm_notices (
         channel TEXT NOT NULL,
         number INTEGER NOT NULL,
         state TEXT NOT NULL,
         subject TEXT NOT NULL,
         kind TEXT NOT NULL,
         severity TEXT NOT NULL,
         summary TEXT NOT NULL,
         remedy TEXT NOT NULL,
         since INTEGER NOT NULL,
         raised_at INTEGER,
         PRIMARY KEY (channel, number)
       ) STRICT, WITHOUT ROWID;
     )sql"},
    {.reason = "who may ask over HTTP, and what was answered to requests that may be made again",
     // A token's own text is nowhere. Answers are numbered, so that the oldest of a token are found when there are too
     // many.
     .sql = R"sql(
       CREATE TABLE tokens (
         id TEXT PRIMARY KEY,
         digest TEXT NOT NULL,
         bearer TEXT NOT NULL,
         scopes TEXT NOT NULL,
         replicas TEXT NOT NULL,
         created_at INTEGER NOT NULL,
         expires_at INTEGER
       ) STRICT, WITHOUT ROWID;

       CREATE TABLE answers (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         asker TEXT NOT NULL,
         key TEXT NOT NULL,
         request TEXT NOT NULL,
         began_at INTEGER NOT NULL,
         status INTEGER NOT NULL,
         type TEXT NOT NULL,
         location TEXT NOT NULL,
         body TEXT NOT NULL,
         UNIQUE (asker, key)
       ) STRICT;
       CREATE INDEX answers_by_asker ON answers (asker, id);
       CREATE INDEX answers_by_time ON answers (began_at);
     )sql"},
    {.reason = "who writes where, so that a new replica is held against the few that it could form a circle with",
     .sql = "CREATE INDEX replicas_by_destination ON replicas (destination_url)"},
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

Result<std::unique_ptr<Database>> open_catalogue_file(const std::string& path) {
  std::unique_ptr<Database> database = TRY(Database::open(path, kLockPatience));
  TRY(migrate(*database, catalogue_migrations()));
  TRY(database->use_log());
  // The log is synced at checkpoints, not at each commit: kill -9 loses nothing, a power cut at most the last commits,
  // whole ones. What is then forgotten is looked at again, as after a loss of the file.
  TRY(database->run("PRAGMA synchronous = NORMAL"));
  return database;
}

Result<std::unique_ptr<Database>> open_catalogue_in_memory() {
  std::unique_ptr<Database> database = TRY(Database::open_in_memory());
  TRY(migrate(*database, catalogue_migrations()));
  return database;
}

}  // namespace packferry
