#include "catalogue/sqlite.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;

class SqliteTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open(Milliseconds patience = Milliseconds(0)) {
    return must(Database::open(path, patience));
  }
  std::vector<std::string> names(Database& database) {
    std::vector<std::string> all;
    must(must(Statement::prepare(database, "SELECT name FROM things ORDER BY name"))->query({}, [&](const SqlRow& row) {
      all.push_back(row.text(0));
    }));
    return all;
  }
  std::unique_ptr<Database> open_with_things() {
    std::unique_ptr<Database> database = open();
    must(database->run("CREATE TABLE things (name TEXT, size INTEGER) STRICT"));
    return database;
  }

  const testing::TempDir dir;
  const std::string path = dir / "some.db";
};

TEST_F(SqliteTest, KeepsTextOfAnyBytesAndNumbersAndNothing) {
  const auto database = open_with_things();
  const std::string odd("a\0b\xff'\n", 6);
  const auto insert = must(Statement::prepare(*database, "INSERT INTO things VALUES (?, ?)"));
  must(insert->run({odd, std::int64_t{-1}}));
  must(insert->run({std::string_view(), std::nullopt}));
  std::vector<std::pair<std::string, bool>> seen;
  must(must(Statement::prepare(*database, "SELECT name, size FROM things ORDER BY size DESC"))
           ->query({}, [&](const SqlRow& row) {
             EXPECT_FALSE(row.is_null(0)) << "text that is empty is text";
             EXPECT_EQ(row.number(1), row.is_null(1) ? 0 : -1);
             seen.emplace_back(row.text(0), row.is_null(1));
           }));
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, bool>>{{odd, false}, {"", true}}));
}

TEST_F(SqliteTest, AStatementRunsAgainAfterItFailed) {
  const auto database = open();
  must(database->run("CREATE TABLE things (name TEXT NOT NULL) STRICT"));
  const auto insert = must(Statement::prepare(*database, "INSERT INTO things VALUES (?)"));
  EXPECT_FALSE(insert->run({std::nullopt}).has_value());
  must(insert->run({"fine"}));
  EXPECT_EQ(names(*database), (std::vector<std::string>{"fine"}));
}

TEST_F(SqliteTest, ATransactionThatIsNotCommittedDidNotHappen) {
  const auto database = open_with_things();
  {
    const auto transaction = must(Transaction::begin(*database));
    must(database->run("INSERT INTO things VALUES ('lost', 1)"));
  }
  EXPECT_TRUE(names(*database).empty());
  {
    const auto transaction = must(Transaction::begin(*database));
    must(database->run("INSERT INTO things VALUES ('kept', 1)"));
    must(transaction->commit());
  }
  EXPECT_EQ(names(*database), (std::vector<std::string>{"kept"}));
}

TEST_F(SqliteTest, ALockThatOutlastsPatienceIsUnavailable) {
  const auto first = open_with_things();
  const auto transaction = must(Transaction::begin(*first));
  const auto second = open();
  EXPECT_FAILS(Transaction::begin(*second), ErrorKind::Unavailable, "locked by another program");
}

TEST_F(SqliteTest, AFullDiskIsExhaustedAndUndoesTheTransaction) {
  const auto database = open_with_things();
  must(database->run("PRAGMA max_page_count = 8"));
  {
    const auto transaction = must(Transaction::begin(*database));
    must(database->run("INSERT INTO things VALUES ('small', 1)"));
    const auto insert = must(Statement::prepare(*database, "INSERT INTO things VALUES (?, 0)"));
    EXPECT_FAILS(insert->run({std::string(1'000'000, 'x')}), ErrorKind::Exhausted, "full");
  }
  EXPECT_TRUE(names(*database).empty());
}

TEST_F(SqliteTest, WhatIsNoFileIsInvalid) {
  EXPECT_FAILS(Database::open(dir / "no" / "such.db", Milliseconds(0)), ErrorKind::Invalid, "No such file");
  EXPECT_FAILS(Database::open(dir.path(), Milliseconds(0)), ErrorKind::Invalid, dir.path().string());
  std::ofstream(dir / "file") << "x";
  EXPECT_FAILS(Database::open(dir / "file" / "below.db", Milliseconds(0)), ErrorKind::Invalid, "Not a directory");
}

TEST_F(SqliteTest, WhereNothingMayBeWrittenIsDenied) {
  open_with_things();
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  // Root may write everywhere: somebody else tries.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0) CHECK(::setuid(65534) == 0);
    EXPECT_FAILS(Database::open(path, Milliseconds(0)), ErrorKind::Denied, "give this user the right");
    EXPECT_FAILS(Database::open(dir / "new.db", Milliseconds(0)), ErrorKind::Denied, "Permission denied");
    ::_exit(HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsCorruptAndNotThrownAwayLightly) {
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_FAILS(open()->number("PRAGMA user_version"), ErrorKind::Corrupt, "if it was Packferry's catalogue, delete it");
}

TEST_F(SqliteTest, DamageSaysHowToMakeTheFileAgain) {
  {
    const auto database = open_with_things();
    const auto transaction = must(Transaction::begin(*database));
    for (int i = 0; i < 1000; ++i) must(database->run("INSERT INTO things VALUES ('a thing with a name', 7)"));
    must(transaction->commit());
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(4096, '\x5a');
  file.close();
  const auto database = open();
  const auto select = must(Statement::prepare(*database, "SELECT name FROM things"));
  EXPECT_FAILS(select->query({}, [](const SqlRow&) {}), ErrorKind::Corrupt,
               "delete it, and the files '-wal' and '-shm' beside it, and run 'packferry catalogue rebuild'");
}

TEST_F(SqliteTest, ANewFileIsItsOwnersAlone) {
  open_with_things();
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(SqliteTest, AFileThatIsThereKeepsItsMode) {
  std::ofstream(path).close();
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  open_with_things();
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0640u);
}

}  // namespace
}  // namespace packferry
