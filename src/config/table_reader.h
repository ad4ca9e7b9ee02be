// One table of the file, key by key. What is wrong is noted, and reading goes on, so that all mistakes are told at
// once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/document.h"

namespace packferry {

class ConfigMistakes {
 public:
  void add(ConfigPlace place, std::string what, std::string remedy = {});
  // A message ends with its remedy: "no such thing; name another".
  void add(ConfigPlace place, std::string_view key, const Error& error);
  bool empty() const { return mistakes_.empty(); }
  // By line and column, none twice.
  std::vector<ConfigMistake> take() &&;

 private:
  std::vector<ConfigMistake> mistakes_;
};

// "did you mean 'token'?", where one of `known` is near enough; else nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

class TableReader {
 public:
  // Notes every key that is not in `keys`, and that `table` is none, if so: then nothing is in it. `table` and
  // `mistakes` outlive this.
  TableReader(const ConfigValue& table, std::span<const std::string_view> keys, ConfigMistakes& mistakes);

  ConfigPlace place() const { return table_.place; }
  const ConfigValue* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // Notes that it is missing, if so; `example` is what could be written.
  bool require(std::string_view key, std::string_view example);

  // Of that type and within bounds; nothing when it is missing or wrong.
  std::optional<std::string> text(std::string_view key);
  std::optional<bool> truth(std::string_view key);
  std::optional<unsigned> number(std::string_view key, unsigned least, unsigned most);
  // Text, or a number as people would write it.
  std::optional<std::string> text_or_number(std::string_view key);
  // Of a list of texts, those that are.
  std::vector<const ConfigValue*> texts(std::string_view key);
  // Of a list of tables, those that are.
  std::vector<const ConfigValue*> tables(std::string_view key);

  template <typename T>
  std::optional<T> parsed(std::string_view key, Result<T> (*parse)(std::string_view)) {
    const std::optional<std::string> given = text(key);
    return given ? parsed(*find(key), *given, parse) : std::nullopt;
  }
  template <typename T>
  std::optional<T> parsed(const ConfigValue& value, std::string_view given, Result<T> (*parse)(std::string_view)) {
    Result<T> result = parse(given);
    if (result) return std::move(result).value();
    mistakes_.add(value.place, value.key, result.error());
    return std::nullopt;
  }

 private:
  const ConfigValue* find(std::string_view key, ConfigValue::Kind kind);
  std::vector<const ConfigValue*> items(std::string_view key, ConfigValue::Kind kind);

  const ConfigValue& table_;
  ConfigMistakes& mistakes_;
};

}  // namespace packferry
