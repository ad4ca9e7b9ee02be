#include "catalogue/schema.h"

#include <gtest/gtest.h>

#include <array>

#include "testing/must.h"
#include "testing/temp_dir.h"

namespace packferry {
namespace {

using testing::must;

constexpr std::array<Migration, 3> kSteps{{
    {.reason = "things have names", .sql = "CREATE TABLE things (name TEXT) STRICT"},
    {.reason = "things have colours", .sql = "ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'"},
    {.reason = "this one is wrong", .sql = "CREATE TABLE more (name TEXT) STRICT; CREATE TABLE things (name TEXT)"},
}};
constexpr std::span<const Migration> kFirst(kSteps.data(), 1), kBoth(kSteps.data(), 2), kWrong(kSteps);

class SchemaTest : public ::testing::Test {
 protected:
  const testing::TempDir dir;
  const std::unique_ptr<Database> database = must(Database::open(dir / "some.db", Milliseconds(0)));
};

TEST_F(SchemaTest, StepsAreMadeOnceAndInOrder) {
  must(migrate(*database, kFirst));
  must(database->run("INSERT INTO things VALUES ('old')"));
  must(migrate(*database, kBoth));
  must(migrate(*database, kBoth));
  EXPECT_EQ(must(database->number("PRAGMA user_version")), 2);
  EXPECT_EQ(must(database->number("SELECT count(*) FROM things WHERE colour = 'grey'")), 1);
}

TEST_F(SchemaTest, AStepThatFailsLeavesTheFileAsItWas) {
  must(migrate(*database, kFirst));
  EXPECT_FAILS(migrate(*database, kWrong), ErrorKind::Corrupt, "this one is wrong");
  EXPECT_EQ(must(database->number("PRAGMA user_version")), 1);
  EXPECT_EQ(must(database->number("SELECT count(*) FROM sqlite_schema")), 1);
}

TEST_F(SchemaTest, ANewerFileIsRefused) {
  must(migrate(*database, kBoth));
  EXPECT_FAILS(migrate(*database, kFirst), ErrorKind::Invalid,
               "version 2, made by a newer Packferry; this one knows 1");
}

TEST_F(SchemaTest, AnotherProgramsFileIsRefused) {
  must(database->run("CREATE TABLE bookmarks (url TEXT)"));
  EXPECT_FAILS(migrate(*database, kFirst), ErrorKind::Invalid, "another program made it");
}

TEST_F(SchemaTest, AnotherProgramsEmptyFileIsRefused) {
  must(database->run("PRAGMA application_id = 7"));
  EXPECT_FAILS(migrate(*database, kFirst), ErrorKind::Invalid, "another program made it");
}

TEST_F(SchemaTest, EveryStepHasAReason) {
  for (const Migration& migration : catalogue_migrations()) EXPECT_STRNE(migration.reason, "");
}

}  // namespace
}  // namespace packferry
