#include "config/document.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "base/printable.h"

namespace packferry {
namespace {

// Far more than anybody writes, and little enough to hold several times over.
constexpr std::size_t kTextBytesMax = 1024u * 1024;

// Each dot makes a table in a table, and tables are walked down by calls within calls.
constexpr std::size_t kDotsMax = 50;

// The line in which a key has more of them, if one does. Those in strings and comments are none.
unsigned line_of_deep_key(std::string_view text) {
  unsigned line = 1;
  std::size_t dots = 0;
  char quote = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') {
      ++line;
      dots = 0;
      quote = 0;
    } else if (quote != 0) {
      if (c == '\\' && quote == '"') ++at;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      at = std::min(text.find('\n', at), text.size()) - 1;
    } else if (c == '.' && ++dots > kDotsMax) {
      return line;
    }
  }
  return 0;
}

ConfigPlace place_of(const toml::source_region& region) {
  return {.line = region.begin.line, .column = region.begin.column};
}

ConfigValue value_of(const toml::node& node) {
  ConfigValue value{.place = place_of(node.source())};
  if (const auto* text = node.as_string()) {
    value.kind = ConfigValue::Kind::Text;
    value.text = text->get();
  } else if (const auto* number = node.as_integer()) {
    value.kind = ConfigValue::Kind::Number;
    value.number = number->get();
  } else if (const auto* truth = node.as_boolean()) {
    value.kind = ConfigValue::Kind::Truth;
    value.truth = truth->get();
  } else if (const auto* list = node.as_array()) {
    value.kind = ConfigValue::Kind::List;
    for (const toml::node& item : *list) value.children.push_back(value_of(item));
  } else if (const auto* table = node.as_table()) {
    value.kind = ConfigValue::Kind::Table;
    for (auto&& [key, member] : *table) {
      ConfigValue& child = value.children.emplace_back(value_of(member));
      child.key = key.str();
      child.key_place = place_of(key.source());
    }
    std::ranges::stable_sort(value.children, {}, &ConfigValue::key_place);
  } else {
    value.kind = ConfigValue::Kind::Other;
  }
  return value;
}

// "Error while parsing key-value pair: cannot redefine existing string 'url'"
ConfigMistake mistake_of(const toml::parse_error& error) {
  std::string_view what = error.description();
  if (const std::size_t end = what.find(": "); what.starts_with("Error while parsing") && end != std::string_view::npos)
    what.remove_prefix(end + 2);
  const ConfigPlace place = place_of(error.source());
  const bool is_twice = what.find("redefine") != std::string_view::npos;
  return {.line = place.line,
          .column = place.column,
          .what = printable(what, 300),
          .remedy = is_twice ? "say it once" : "the text is no TOML from here on; see https://toml.io"};
}

}  // namespace

const ConfigValue* ConfigValue::find(std::string_view member) const {
  const auto found = std::ranges::find(children, member, &ConfigValue::key);
  return kind != Kind::Table || found == children.end() ? nullptr : &*found;
}

std::string_view words_for(ConfigValue::Kind kind) {
  switch (kind) {
    case ConfigValue::Kind::Text:
      return "text";
    case ConfigValue::Kind::Number:
      return "a number";
    case ConfigValue::Kind::Truth:
      return "true or false";
    case ConfigValue::Kind::List:
      return "a list";
    case ConfigValue::Kind::Table:
      return "a table";
    case ConfigValue::Kind::Other:
      return "a date or a real number";
  }
  CHECK(!"a kind of value has words");
  return {};
}

std::variant<ConfigValue, ConfigMistake> read_document(std::string_view text) {
  if (text.size() > kTextBytesMax)
    return ConfigMistake{.what = fmt::format("{} bytes are more than a configuration has", text.size())};
  if (const unsigned line = line_of_deep_key(text); line != 0)
    return ConfigMistake{.line = line, .column = 1, .what = "tables within tables, deeper than any here"};
  try {
    return value_of(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return mistake_of(error);
  }
}

}  // namespace packferry
