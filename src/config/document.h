// TOML as values that know where they stand in the text. toml++ stays inside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config_file.h"

namespace packferry {

struct ConfigPlace {
  unsigned line = 0;  // from 1
  unsigned column = 0;

  friend auto operator<=>(const ConfigPlace&, const ConfigPlace&) = default;
};

struct ConfigValue {
  // Other: a real number, a date, a time: nothing here is one.
  enum class Kind { Text, Number, Truth, List, Table, Other } kind = Kind::Table;
  ConfigPlace place = {};
  std::string key = {};        // of a member of a table
  ConfigPlace key_place = {};  // likewise

  std::string text = {};
  std::int64_t number = 0;
  bool truth = false;
  std::vector<ConfigValue> children = {};  // of a list or a table, in the order of the text

  const ConfigValue* find(std::string_view member) const;
};

// "text", "a number", "true or false", "a list", "a table", "a date or a real number"
std::string_view words_for(ConfigValue::Kind kind);

// The table that the whole text is; or the first thing in it that is not TOML, a key given twice included.
std::variant<ConfigValue, ConfigMistake> read_document(std::string_view text);

}  // namespace packferry
