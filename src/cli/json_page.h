// What the JSON reports are written with. An inner room of report_json.cc and vault_json.cc: the JSON library stays
// here.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/report_json.h"

namespace packferry {

using Json = nlohmann::ordered_json;

// A document of members and lists, a line each: it can be read, grepped and compared line by line, and a list as long
// as a repository has refs is never held as JSON.
class JsonPage {
 public:
  explicit JsonPage(Output& output) : page_(output) {}

  void open(char bracket, std::string_view key = {}) {
    begin_item();
    if (!key.empty()) page_.add(Json(key).dump() + ": ");
    page_.add({&bracket, 1});
    ++depth_;
    is_first_ = true;
  }
  void close(char bracket) {
    --depth_;
    if (!is_first_) break_line();
    page_.add({&bracket, 1});
    is_first_ = false;
  }
  void members(const Json& object) {
    for (const auto& [key, value] : object.items()) {
      begin_item();
      page_.add(Json(key).dump() + ": " + text(value));
    }
  }
  void item(const Json& value) {
    begin_item();
    page_.add(text(value));
  }
  void end() { page_.add("\n"); }

 private:
  // Bytes that are no UTF-8 can only be in addresses; refs and messages have been made printable.
  static std::string text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

  void begin_item() {
    if (depth_ > 0) {
      if (!is_first_) page_.add(",");
      break_line();
    }
    is_first_ = false;
  }
  void break_line() { page_.add("\n" + std::string(2 * depth_, ' ')); }

  Page page_;
  std::size_t depth_ = 0;
  bool is_first_ = true;
};

Json json(const std::optional<Error>& error);
Json json(const std::optional<Oid>& oid);
Json json(const Head& head);
// A backslash cannot be part of a ref name, so what printable() escapes can be told from the rest.
std::string json_name(const RefName& name);

// What every report begins and ends with.
void begin(JsonPage& page, const RunFacts& facts, std::string_view command);
void end(JsonPage& page);
// The members of a crossing: error, policy, dry_run, source, destinations.
void add_crossing(JsonPage& page, const CrossingReport& report, FollowMode policy, bool dry_run);

}  // namespace packferry
