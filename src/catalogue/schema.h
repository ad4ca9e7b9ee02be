// The tables of the catalogue, as a list of steps from an empty file to what this program wants. A step that was ever
// released is never changed; the next one goes behind it. docs/formats/catalogue.md.
#pragma once

#include <span>

#include "catalogue/sqlite.h"

namespace packferry {

struct Migration {
  const char* reason;
  const char* sql;
};

// The first makes version 1, and so on.
std::span<const Migration> catalogue_migrations();

// Makes all steps that the file has not seen, or none. Invalid: a file that another program made, or a newer version of
// this one.
Result<> migrate(Database& database, std::span<const Migration> migrations);

// The file of a catalogue, made or brought to today's tables, and ready for several programs at once.
Result<std::unique_ptr<Database>> open_catalogue_file(const std::string& path);
// One that is gone with its object.
Result<std::unique_ptr<Database>> open_catalogue_in_memory();

}  // namespace packferry
