#include "config/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/printable.h"

namespace packferry {
namespace {

// Letters too many, missing, wrong or swapped with their neighbour, from one word to the other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before_last(to.size() + 1), last(to.size() + 1), row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool is_same = from[i - 1] == to[j - 1];
      row[j] = std::min({last[j - 1] + (is_same ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

void ConfigMistakes::add(ConfigPlace place, std::string what, std::string remedy) {
  mistakes_.push_back(
      {.line = place.line, .column = place.column, .what = std::move(what), .remedy = std::move(remedy)});
}

void ConfigMistakes::add(ConfigPlace place, std::string_view key, const Error& error) {
  const std::string& message = error.message();
  const std::size_t end = std::min(message.find("; "), message.size());
  const std::string what = message.substr(0, end);
  add(place, key.empty() ? what : fmt::format("{}: {}", printable(key), what),
      end == message.size() ? "" : message.substr(end + 2));
}

std::vector<ConfigMistake> ConfigMistakes::take() && {
  const auto order = [](const ConfigMistake& each) { return std::tie(each.line, each.column, each.what, each.remedy); };
  std::ranges::sort(mistakes_, {}, order);
  mistakes_.erase(std::unique(mistakes_.begin(), mistakes_.end()), mistakes_.end());
  return std::move(mistakes_);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t kWordBytesMax = 100;
  if (word.size() > kWordBytesMax || known.empty()) return {};
  const auto from_word = [word](std::string_view each) { return distance(word, each); };
  const std::string_view nearest = *std::ranges::min_element(known, {}, from_word);
  return from_word(nearest) <= std::max<std::size_t>(1, nearest.size() / 3) ? fmt::format("did you mean '{}'?", nearest)
                                                                            : std::string();
}

TableReader::TableReader(const ConfigValue& table, std::span<const std::string_view> keys, ConfigMistakes& mistakes)
    : table_(table), mistakes_(mistakes) {
  if (table.kind != ConfigValue::Kind::Table) {
    mistakes.add(table.place, fmt::format("{} is a table, not {}", printable(table.key), words_for(table.kind)));
    return;
  }
  for (const ConfigValue& member : table.children) {
    if (std::ranges::count(keys, member.key) > 0) continue;
    std::string remedy = did_you_mean(member.key, keys);
    if (remedy.empty()) remedy = fmt::format("there are {}", fmt::join(keys, ", "));
    mistakes.add(member.key_place, fmt::format("unknown key '{}'", printable(member.key, 100)), std::move(remedy));
  }
}

const ConfigValue* TableReader::find(std::string_view key) const { return table_.find(key); }

const ConfigValue* TableReader::find(std::string_view key, ConfigValue::Kind kind) {
  const ConfigValue* const value = find(key);
  if (value == nullptr || value->kind == kind) return value;
  mistakes_.add(value->place, fmt::format("{} is {}, not {}", key, words_for(kind), words_for(value->kind)));
  return nullptr;
}

bool TableReader::require(std::string_view key, std::string_view example) {
  if (table_.kind != ConfigValue::Kind::Table || has(key)) return true;
  mistakes_.add(table_.place, fmt::format("{} is missing", key), fmt::format("write {} = {}", key, example));
  return false;
}

std::optional<std::string> TableReader::text(std::string_view key) {
  const ConfigValue* const value = find(key, ConfigValue::Kind::Text);
  if (value == nullptr) return std::nullopt;
  if (!value->text.empty()) return value->text;
  mistakes_.add(value->place, fmt::format("{} is empty", key), "leave the line out, or say something");
  return std::nullopt;
}

std::optional<bool> TableReader::truth(std::string_view key) {
  const ConfigValue* const value = find(key, ConfigValue::Kind::Truth);
  return value == nullptr ? std::nullopt : std::optional(value->truth);
}

std::optional<unsigned> TableReader::number(std::string_view key, unsigned least, unsigned most) {
  const ConfigValue* const value = find(key, ConfigValue::Kind::Number);
  if (value == nullptr) return std::nullopt;
  if (value->number >= least && value->number <= most) return static_cast<unsigned>(value->number);
  mistakes_.add(value->place, fmt::format("{} is {}", key, value->number), fmt::format("from {} to {}", least, most));
  return std::nullopt;
}

std::optional<std::string> TableReader::text_or_number(std::string_view key) {
  const ConfigValue* const value = find(key);
  if (value != nullptr && value->kind == ConfigValue::Kind::Number) return fmt::format("{}", value->number);
  return text(key);
}

std::vector<const ConfigValue*> TableReader::texts(std::string_view key) { return items(key, ConfigValue::Kind::Text); }

std::vector<const ConfigValue*> TableReader::tables(std::string_view key) {
  return items(key, ConfigValue::Kind::Table);
}

std::vector<const ConfigValue*> TableReader::items(std::string_view key, ConfigValue::Kind kind) {
  std::vector<const ConfigValue*> all;
  const ConfigValue* const list = find(key, ConfigValue::Kind::List);
  if (list == nullptr) return all;
  for (const ConfigValue& item : list->children) {
    if (item.kind != kind) {
      mistakes_.add(item.place,
                    fmt::format("{} holds {}, not {}", key, kind == ConfigValue::Kind::Text ? "texts" : "tables",
                                words_for(item.kind)));
    } else if (kind == ConfigValue::Kind::Text && item.text.empty()) {
      mistakes_.add(item.place, fmt::format("{} holds a text that is empty", key));
    } else {
      all.push_back(&item);
    }
  }
  return all;
}

}  // namespace packferry
